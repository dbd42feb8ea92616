#include "config/component_options.h"

#include <gtest/gtest.h>

namespace tallyd {
namespace {

TEST(ComponentOptionsTest, TheSmallestQueueKeepsPlacesForVotes) {
  Settings settings;
  settings.queue_slots = 1'024;
  const EngineOptions engine = MakeEngineOptions(settings);
  EXPECT_LT(engine.queue_slots_reserved, engine.queue_slots / 2);
}

// The settings repeat the components' defaults, so that they can be printed; they must not drift.
TEST(ComponentOptionsTest, DefaultSettingsAreTheComponentsDefaults) {
  const EngineOptions engine = MakeEngineOptions(Settings{});
  const EngineOptions plain_engine;
  EXPECT_EQ(engine.queue_slots, plain_engine.queue_slots);
  EXPECT_EQ(engine.batch_commands_max, plain_engine.batch_commands_max);
  EXPECT_EQ(engine.commit_overlap, plain_engine.commit_overlap);
  EXPECT_EQ(engine.free_bytes_min, plain_engine.free_bytes_min);
  EXPECT_EQ(engine.dedup_memory_bytes_max, plain_engine.dedup_memory_bytes_max);
  EXPECT_EQ(engine.tail_bytes_max, plain_engine.tail_bytes_max);
  EXPECT_EQ(engine.storage_memory_bytes_max, plain_engine.storage_memory_bytes_max);
  EXPECT_EQ(engine.publish_interval_us_min, plain_engine.publish_interval_us_min);
  EXPECT_EQ(engine.publish_interval_us, plain_engine.publish_interval_us);
  EXPECT_EQ(engine.watermark_interval_us, plain_engine.watermark_interval_us);
  EXPECT_EQ(engine.checkpoint_interval_us, plain_engine.checkpoint_interval_us);

  const AuthOptions auth = MakeServiceOptions(Settings{}).auth;
  EXPECT_EQ(auth.limits.leeway_s, TokenLimits{}.leeway_s);
  EXPECT_EQ(auth.limits.cache_tokens, TokenLimits{}.cache_tokens);

  const ServerOptions http = MakeServiceOptions(Settings{}).http;
  const ServerOptions plain_http;
  EXPECT_EQ(http.io_threads, plain_http.io_threads);
  EXPECT_EQ(http.public_listener.connections_max, plain_http.public_listener.connections_max);
  EXPECT_EQ(http.limits.pipelined_requests_max, plain_http.limits.pipelined_requests_max);
  EXPECT_EQ(http.limits.idle_ms_max, plain_http.limits.idle_ms_max);
  EXPECT_EQ(http.limits.header_ms_max, plain_http.limits.header_ms_max);
  EXPECT_EQ(http.limits.body_ms_max, plain_http.limits.body_ms_max);
  EXPECT_EQ(http.limits.write_ms_max, plain_http.limits.write_ms_max);
  EXPECT_EQ(http.public_listener.network_connections_max,
            plain_http.public_listener.network_connections_max);
  EXPECT_EQ(http.proxies.header, plain_http.proxies.header);
  EXPECT_EQ(http.public_listener.address, "127.0.0.1");
  EXPECT_EQ(http.public_listener.port, 8080);
  EXPECT_EQ(http.private_listener.port, 8081);
  EXPECT_EQ(http.public_listener.unix_mode, plain_http.public_listener.unix_mode);
  EXPECT_EQ(http.private_listener.unix_mode, plain_http.private_listener.unix_mode);
  EXPECT_FALSE(http.public_listener.tls.given());
  EXPECT_FALSE(http.private_listener.tls.given());
}

TEST(ComponentOptionsTest, TransportsReachTheirListener) {
  Settings settings;
  settings.listen = "unix:/run/public.sock";
  settings.listen_mode = "0666";
  settings.admin_listen_mode = "0600";
  settings.tls_certificate_file = "/cert";
  settings.tls_key_file = "/key";
  settings.admin_tls_certificate_file = "/admin-cert";
  settings.admin_tls_key_file = "/admin-key";
  settings.trusted_proxies = {"unix"};
  const ServerOptions http = MakeServiceOptions(settings).http;
  EXPECT_EQ(http.public_listener.unix_path, "/run/public.sock");
  EXPECT_EQ(http.public_listener.unix_mode, 0666U);
  EXPECT_EQ(http.private_listener.unix_path, "");
  EXPECT_EQ(http.private_listener.unix_mode, 0600U);
  EXPECT_EQ(http.public_listener.tls.certificate_file, "/cert");
  EXPECT_EQ(http.public_listener.tls.key_file, "/key");
  EXPECT_EQ(http.private_listener.tls.certificate_file, "/admin-cert");
  EXPECT_EQ(http.private_listener.tls.key_file, "/admin-key");
  EXPECT_TRUE(http.proxies.Believes(ClientAddress::Unix()));
  EXPECT_FALSE(MakeServiceOptions(Settings{}).http.proxies.Believes(ClientAddress::Unix()));
}

TEST(ComponentOptionsTest, DefaultBudgetsAreTheComponentsDefaults) {
  const ClientBudgetOptions budgets = MakeServiceOptions(Settings{}).budgets;
  const ClientBudgetOptions plain;
  EXPECT_EQ(budgets.address, plain.address);
  EXPECT_EQ(budgets.token, plain.token);
  EXPECT_EQ(budgets.frontend, plain.frontend);
  EXPECT_EQ(budgets.refused_token, plain.refused_token);
  EXPECT_EQ(budgets.handshake, plain.handshake);
  EXPECT_EQ(budgets.clients_max, plain.clients_max);
}

TEST(ComponentOptionsTest, SettingsReachTheirComponent) {
  Settings settings;
  settings.data_dir = "/data";
  settings.key_file = "/key";
  settings.watermark_file = "/mark";
  settings.listen = "[::1]:1";
  settings.admin_listen = "off";
  settings.insecure_no_auth = true;
  settings.cors_origins = {"https://a.example"};
  settings.trusted_proxies = {"192.0.2.0/24"};
  settings.proxy_header = "forwarded";
  settings.network_connections_max = 7;
  settings.address_requests_per_s = 3;
  settings.tls_handshakes_per_s = 4;
  settings.tls_handshakes_burst = 6;
  settings.live_readers_max = 11;
  settings.network_live_readers_max = 5;
  settings.write_ms_max = 1'234;
  settings.frame_ancestors = {"https://b.example"};
  settings.log_level = "error";
  const EngineOptions engine = MakeEngineOptions(settings);
  EXPECT_EQ(engine.data.directory, "/data");
  EXPECT_EQ(engine.data.key_file, "/key");
  EXPECT_EQ(engine.data.watermark_file, "/mark");
  const ServiceOptions service = MakeServiceOptions(settings);
  EXPECT_EQ(service.http.public_listener.address, "::1");
  EXPECT_FALSE(service.http.private_listener_enabled);
  EXPECT_TRUE(service.auth.insecure_no_auth);
  EXPECT_EQ(service.cors.allowed_origins, settings.cors_origins);
  EXPECT_TRUE(service.http.proxies.Believes(ClientAddress::V4({192, 0, 2, 9})));
  EXPECT_FALSE(service.http.proxies.Believes(ClientAddress::V4({127, 0, 0, 1})));
  EXPECT_EQ(service.http.proxies.header, ProxyOptions::Header::kForwarded);
  EXPECT_EQ(service.http.public_listener.network_connections_max, 7);
  EXPECT_EQ(service.budgets.address.requests_per_s, 3);
  EXPECT_EQ(service.budgets.handshake, (Budget{4, 6}));
  EXPECT_EQ(service.live.readers_max, 11U);
  EXPECT_EQ(service.live.network_readers_max, 5U);
  EXPECT_EQ(service.live.write_ms_max, 1'234);
  EXPECT_EQ(service.pages.frame_ancestors, settings.frame_ancestors);
  EXPECT_EQ(MakeLogOptions(settings).level, LogLevel::kError);
}

}  // namespace
}  // namespace tallyd
