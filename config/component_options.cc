#include "config/component_options.h"

#include <algorithm>
#include <optional>

#include "storage/check.h"

namespace tallyd {
namespace {

ListenerOptions MakeListener(const Settings& settings, const std::string& text,
                             const std::string& mode) {
  const std::optional<Endpoint> endpoint = ParseEndpoint(text);
  TALLYD_CHECK(endpoint.has_value());
  ListenerOptions listener;
  listener.address = endpoint->address;
  listener.port = endpoint->port;
  listener.unix_path = endpoint->unix_path;
  listener.unix_mode = ParseFileMode(mode).value_or(0);
  listener.connections_max = static_cast<int>(settings.connections_max);
  listener.network_connections_max = static_cast<int>(settings.network_connections_max);
  return listener;
}

ServerOptions MakeServerOptions(const Settings& settings) {
  ServerOptions options;
  options.public_listener = MakeListener(settings, settings.listen, settings.listen_mode);
  options.public_listener.tls = {settings.tls_certificate_file, settings.tls_key_file};
  options.private_listener_enabled = settings.admin_listen != "off";
  if (options.private_listener_enabled) {
    options.private_listener =
        MakeListener(settings, settings.admin_listen, settings.admin_listen_mode);
    options.private_listener.tls = {settings.admin_tls_certificate_file,
                                    settings.admin_tls_key_file};
  }
  options.io_threads = static_cast<int>(settings.io_threads);
  options.limits.pipelined_requests_max = static_cast<int>(settings.pipelined_requests_max);
  options.limits.idle_ms_max = static_cast<int>(settings.idle_ms_max);
  options.limits.header_ms_max = static_cast<int>(settings.header_ms_max);
  options.limits.body_ms_max = static_cast<int>(settings.body_ms_max);
  options.limits.write_ms_max = static_cast<int>(settings.write_ms_max);
  options.proxies.believed.clear();
  for (const std::string& text : settings.trusted_proxies) {
    const std::optional<AddressRange> range = AddressRange::Parse(text);
    TALLYD_CHECK(range.has_value());
    options.proxies.believed.push_back(*range);
  }
  if (settings.proxy_header == "forwarded") {
    options.proxies.header = ProxyOptions::Header::kForwarded;
  }
  return options;
}

ClientBudgetOptions MakeBudgetOptions(const Settings& settings) {
  ClientBudgetOptions options;
  options.address = {settings.address_requests_per_s, settings.address_requests_burst};
  options.token = {settings.token_requests_per_s, settings.token_requests_burst};
  options.frontend = {settings.frontend_requests_per_s, settings.frontend_requests_burst};
  options.refused_token = {settings.refused_tokens_per_s, settings.refused_tokens_burst};
  options.handshake = {settings.tls_handshakes_per_s, settings.tls_handshakes_burst};
  options.clients_max = static_cast<std::size_t>(settings.clients_max);
  return options;
}

}  // namespace

EngineOptions MakeEngineOptions(const Settings& settings) {
  EngineOptions options;
  options.data.directory = settings.data_dir;
  options.data.key_file = settings.key_file;
  options.data.watermark_file = settings.watermark_file;
  options.backup_directory = settings.backup_dir;
  options.queue_slots = static_cast<std::size_t>(settings.queue_slots);
  // A small queue keeps most of its places for votes.
  options.queue_slots_reserved = std::min(options.queue_slots_reserved, options.queue_slots / 4);
  options.batch_commands_max = static_cast<std::size_t>(settings.batch_commands_max);
  options.commit_overlap = settings.commit_overlap;
  options.free_bytes_min = static_cast<std::uint64_t>(settings.free_bytes_min);
  options.dedup_memory_bytes_max = static_cast<std::size_t>(settings.dedup_memory_bytes_max);
  options.tail_bytes_max = static_cast<std::size_t>(settings.tail_bytes_max);
  options.storage_memory_bytes_max = static_cast<std::size_t>(settings.storage_memory_bytes_max);
  options.publish_interval_us_min = settings.publish_interval_us_min;
  options.publish_interval_us = settings.publish_interval_us;
  options.watermark_interval_us = settings.watermark_interval_us;
  options.checkpoint_interval_us = settings.checkpoint_interval_us;
  return options;
}

ServiceOptions MakeServiceOptions(const Settings& settings) {
  ServiceOptions options;
  options.http = MakeServerOptions(settings);
  options.auth.insecure_no_auth = settings.insecure_no_auth;
  options.auth.files.issuers_file = settings.token_issuers_file;
  options.auth.files.api_keys_file = settings.api_keys_file;
  options.auth.limits.leeway_s = settings.token_leeway_s;
  options.auth.limits.cache_tokens = static_cast<std::size_t>(settings.token_cache_tokens);
  options.cors.allowed_origins = settings.cors_origins;
  options.budgets = MakeBudgetOptions(settings);
  options.live.readers_max = static_cast<std::size_t>(settings.live_readers_max);
  options.live.network_readers_max = static_cast<std::size_t>(settings.network_live_readers_max);
  options.live.write_ms_max = static_cast<int>(settings.write_ms_max);
  options.pages.frame_ancestors = settings.frame_ancestors;
  return options;
}

LogOptions MakeLogOptions(const Settings& settings) {
  LogOptions options;
  if (settings.log_level == "error") options.level = LogLevel::kError;
  if (settings.log_level == "warning") options.level = LogLevel::kWarning;
  if (settings.log_level == "debug") options.level = LogLevel::kDebug;
  return options;
}

}  // namespace tallyd
