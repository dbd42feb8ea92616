#include "config/settings.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <type_traits>

#include "net/client_address.h"

namespace tallyd {
namespace {

using Rule = SettingRule;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kUnixPathBytesMax = 107;  // of the kernel's sockaddr_un

const std::array kSettings = {
    SettingSpec{"listen", &Settings::listen, Rule::kEndpoint, 0, 0, "",
                "Where citizens vote and read rankings. Port 0 takes any free one."},
    SettingSpec{"admin_listen", &Settings::admin_listen, Rule::kEndpointOrOff, 0, 0, "",
                "Where operators, tallyctl and metrics come in; never put it on the open net."},
    SettingSpec{"listen_mode", &Settings::listen_mode, Rule::kFileMode, 0, 0, "",
                "Who may connect to a Unix socket named in listen; looked at for nothing else."},
    SettingSpec{"admin_listen_mode", &Settings::admin_listen_mode, Rule::kFileMode, 0, 0, "",
                "The same for admin_listen."},
    SettingSpec{"tls_certificate_file", &Settings::tls_certificate_file, Rule::kAnyText, 0, 0, "",
                "Certificate of the public listener, PEM, followed by those between it and the "
                "root; empty means plain HTTP, for a proxy that does TLS. Read again on SIGHUP."},
    SettingSpec{"tls_key_file", &Settings::tls_key_file, Rule::kAnyText, 0, 0, "",
                "Its private key, PEM without a passphrase, mode 0600. Read again on SIGHUP."},
    SettingSpec{"admin_tls_certificate_file", &Settings::admin_tls_certificate_file, Rule::kAnyText,
                0, 0, "", "The same for the private listener; may be the same file."},
    SettingSpec{"admin_tls_key_file", &Settings::admin_tls_key_file, Rule::kAnyText, 0, 0, "",
                "Its private key, PEM without a passphrase, mode 0600."},
    SettingSpec{"data_dir", &Settings::data_dir, Rule::kNotEmpty, 0, 0, "",
                "Journal and everything derived from it; made if missing, used by one process."},
    SettingSpec{
        "key_file", &Settings::key_file, Rule::kAnyText, 0, 0, "",
        "The voter key, mode 0600; empty means data_dir plus \".key\". Back it up apart "
        "from the data: without it nobody can vote, with another one everybody could again."},
    SettingSpec{"watermark_file", &Settings::watermark_file, Rule::kAnyText, 0, 0, "",
                "How far the journal had come, best on another disk; empty means "
                "data_dir/watermark."},
    SettingSpec{
        "backup_dir", &Settings::backup_dir, Rule::kAnyText, 0, 0, "",
        "Where backups are made; empty means data_dir plus \".backups\". On the same disk they "
        "take no time and hardly any space: carry them away from there."},
    SettingSpec{"insecure_no_auth", &Settings::insecure_no_auth, Rule::kBoolean, 0, 0, "",
                "No tokens: whoever reaches a listener may vote for anybody and administer. Only "
                "with loopback listeners."},
    SettingSpec{"token_issuers_file", &Settings::token_issuers_file, Rule::kAnyText, 0, 0, "",
                "JSON file that names who issues tokens, with which keys and for what; empty means "
                "no tokens. Read again on SIGHUP."},
    SettingSpec{"api_keys_file", &Settings::api_keys_file, Rule::kAnyText, 0, 0, "",
                "API keys of programs, made with tallyctl keys, mode 0600; empty means none. Read "
                "again on SIGHUP."},
    SettingSpec{"token_leeway_s", &Settings::token_leeway_s, Rule::kRange, 0, 300, "seconds",
                "How far our clock and a token issuer's may be apart."},
    SettingSpec{
        "token_cache_tokens", &Settings::token_cache_tokens, Rule::kRange, 0, 1'000'000, "tokens",
        "Verified tokens remembered by each io thread, about 400 bytes each; 0 means none."},
    SettingSpec{"log_level", &Settings::log_level, Rule::kLogLevel, 0, 0, "",
                "What is written to stderr; never voters or ballots."},
    SettingSpec{"cors_origins", &Settings::cors_origins, Rule::kOrigins, 0, 0, "",
                "Web origins whose pages may call the public listener from a browser."},
    SettingSpec{"frame_ancestors", &Settings::frame_ancestors, Rule::kOrigins, 0, 0, "",
                "Web origins whose pages may show the citizens' page in a frame."},
    SettingSpec{"io_threads", &Settings::io_threads, Rule::kRange, 1, 64, "threads",
                "Threads that read, parse and answer HTTP."},
    SettingSpec{"connections_max", &Settings::connections_max, Rule::kRange, 1, 1'000'000,
                "connections", "Open connections per listener; one more is answered 503."},
    SettingSpec{"pipelined_requests_max", &Settings::pipelined_requests_max, Rule::kRange, 1,
                10'000, "requests",
                "Unanswered requests of one connection, then reading from it pauses."},
    SettingSpec{"idle_ms_max", &Settings::idle_ms_max, Rule::kRange, 1, kHourMs, "milliseconds",
                "A connection without a request is closed after this; longer than the proxy's."},
    SettingSpec{"header_ms_max", &Settings::header_ms_max, Rule::kRange, 1, kHourMs, "milliseconds",
                "From the first byte of a request to the end of its header."},
    SettingSpec{"body_ms_max", &Settings::body_ms_max, Rule::kRange, 1, kHourMs, "milliseconds",
                "For the body of a single vote or an administrator's request."},
    SettingSpec{"write_ms_max", &Settings::write_ms_max, Rule::kRange, 1, kHourMs, "milliseconds",
                "A client that takes nothing of its answer for this long is dropped."},
    SettingSpec{
        "network_connections_max", &Settings::network_connections_max, Rule::kRange, 1, 1'000'000,
        "connections",
        "Open connections of one IPv4 address or IPv6 /64; one more is answered 429. A school or a "
        "town hall may be one address. Trusted proxies have no such bound."},
    SettingSpec{"trusted_proxies", &Settings::trusted_proxies, Rule::kAddressRanges, 0, 0, "",
                "Addresses and networks of the proxies in front; only they are believed about whom "
                "a request comes from. What they send without naming a client is in no budget."},
    SettingSpec{"proxy_header", &Settings::proxy_header, Rule::kProxyHeader, 0, 0, "",
                "The header in which those proxies name the client; the other one is not read."},
    SettingSpec{"address_requests_per_s", &Settings::address_requests_per_s, Rule::kRange, 0,
                1'000'000, "requests per second",
                "What clients without a good token may ask for, by IPv4 address or IPv6 /64; "
                "beyond it 429. 0: no limit."},
    SettingSpec{"address_requests_burst", &Settings::address_requests_burst, Rule::kRange, 1,
                1'000'000, "requests", "The same at once, after a pause."},
    SettingSpec{"token_requests_per_s", &Settings::token_requests_per_s, Rule::kRange, 0, 1'000'000,
                "requests per second",
                "What the holder of a good token may ask for, from wherever. 0: no limit."},
    SettingSpec{"token_requests_burst", &Settings::token_requests_burst, Rule::kRange, 1, 1'000'000,
                "requests", "The same at once, after a pause."},
    SettingSpec{"frontend_requests_per_s", &Settings::frontend_requests_per_s, Rule::kRange, 0,
                1'000'000, "requests per second",
                "What one API key or token with vote:on-behalf may ask for. 0: no limit."},
    SettingSpec{"frontend_requests_burst", &Settings::frontend_requests_burst, Rule::kRange, 1,
                1'000'000, "requests", "The same at once, after a pause."},
    SettingSpec{"refused_tokens_per_s", &Settings::refused_tokens_per_s, Rule::kRange, 0, 1'000'000,
                "tokens per second",
                "Tokens that are not believed, by address. Beyond it RSA, EC and Ed25519 "
                "signatures of new tokens are not checked for this address: 429. 0: no limit."},
    SettingSpec{"refused_tokens_burst", &Settings::refused_tokens_burst, Rule::kRange, 1, 1'000'000,
                "tokens", "The same at once, after a pause."},
    SettingSpec{"tls_handshakes_per_s", &Settings::tls_handshakes_per_s, Rule::kRange, 0, 1'000'000,
                "handshakes per second",
                "TLS connections that one IPv4 address or IPv6 /64 may begin on the public "
                "listener, trusted proxies aside; one more is closed before its handshake. 0: no "
                "limit."},
    SettingSpec{"tls_handshakes_burst", &Settings::tls_handshakes_burst, Rule::kRange, 1, 1'000'000,
                "handshakes", "The same at once, after a pause."},
    SettingSpec{"clients_max", &Settings::clients_max, Rule::kRange, 512, 1 << 24, "clients",
                "Clients whose budgets are kept, 16 bytes each; if all are in debt, those who owe "
                "least are forgotten."},
    SettingSpec{"live_readers_max", &Settings::live_readers_max, Rule::kRange, 1, 1'000'000,
                "readers",
                "Who follow rankings by streams (events, WebSockets), besides the connections; one "
                "more is answered 503."},
    SettingSpec{
        "network_live_readers_max", &Settings::network_live_readers_max, Rule::kRange, 1, 1'000'000,
        "readers",
        "The same of one IPv4 address or IPv6 /64, also behind a trusted proxy; one more is "
        "answered 429."},
    SettingSpec{"drain_ms_max", &Settings::drain_ms_max, Rule::kRange, 1, kHourMs, "milliseconds",
                "After SIGTERM: how long answers in flight may take."},
    SettingSpec{"queue_slots", &Settings::queue_slots, Rule::kPowerOfTwo, 1'024, 1 << 24, "votes",
                "Votes that wait for a decision; one more is answered 503, nothing happened."},
    SettingSpec{"batch_commands_max", &Settings::batch_commands_max, Rule::kRange, 1, 65'536,
                "votes", "Votes decided and synced together, at most."},
    SettingSpec{
        "commit_overlap", &Settings::commit_overlap, Rule::kBoolean, 0, 0, "",
        "Decide the next votes while the last ones are synced (one more thread); for four cores "
        "or more."},
    SettingSpec{
        "free_bytes_min", &Settings::free_bytes_min, Rule::kRange, 0, std::int64_t{1} << 46,
        "bytes",
        "With less free where data_dir lies, votes are answered 503 storage_full until there "
        "is room again; reading goes on. 0: never."},
    SettingSpec{"dedup_memory_bytes_max", &Settings::dedup_memory_bytes_max, Rule::kRange,
                kMebibyte, std::int64_t{1} << 46, "bytes",
                "Memory for who has voted; beyond it voters are looked up on disk."},
    SettingSpec{"tail_bytes_max", &Settings::tail_bytes_max, Rule::kRange, kMebibyte,
                std::int64_t{1} << 40, "bytes",
                "Decided ballots not yet in the ballot store; beyond it votes wait for the disk."},
    SettingSpec{"storage_memory_bytes_max", &Settings::storage_memory_bytes_max, Rule::kRange,
                16 * kMebibyte, std::int64_t{1} << 40, "bytes",
                "Buffers and caches of the journal and the ballot store."},
    SettingSpec{"publish_interval_us_min", &Settings::publish_interval_us_min, Rule::kRange, 1,
                10'000'000, "microseconds", "A ranking is renewed at most this often."},
    SettingSpec{"publish_interval_us", &Settings::publish_interval_us, Rule::kRange, 1, 60'000'000,
                "microseconds", "While votes come, a ranking is renewed at least this often."},
    SettingSpec{"watermark_interval_us", &Settings::watermark_interval_us, Rule::kRange, 1'000,
                250'000, "microseconds", "How far the watermark may lag behind what is durable."},
    SettingSpec{"checkpoint_interval_us", &Settings::checkpoint_interval_us, Rule::kRange, 100'000,
                86'400'000'000, "microseconds",
                "How often tallies are saved; only shortens a restart."},
};

constexpr std::array<std::string_view, 4> kLogLevels = {"error", "warning", "info", "debug"};

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

bool IsOrigin(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return false;
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' ||
           c == '[' || c == ']';
  };
  return !rest.empty() && std::all_of(rest.begin(), rest.end(), allowed);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (code < 0x20 || code == 0x7f) {
      constexpr char kHex[] = "0123456789abcdef";
      quoted += "\\u00";
      quoted += kHex[code >> 4];
      quoted += kHex[code & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

absl::Span<const SettingSpec> AllSettings() {
  return kSettings;
}

const SettingSpec* FindSetting(std::string_view key) {
  for (const SettingSpec& spec : kSettings) {
    if (spec.key == key) return &spec;
  }
  return nullptr;
}

std::string_view NearestSetting(std::string_view key) {
  std::string_view nearest;
  std::size_t distance_best = std::numeric_limits<std::size_t>::max();
  for (const SettingSpec& spec : kSettings) {
    const std::size_t distance = EditDistance(key, spec.key);
    if (distance < distance_best) {
      distance_best = distance;
      nearest = spec.key;
    }
  }
  // A third of the letters wrong is no slip of the pen any more.
  return distance_best <= std::max<std::size_t>(1, nearest.size() / 3) ? nearest
                                                                       : std::string_view();
}

std::string RuleText(const SettingSpec& spec) {
  switch (spec.rule) {
    case Rule::kAnyText:
      return "text";
    case Rule::kNotEmpty:
      return "text that is not empty";
    case Rule::kEndpoint:
      return "address:port, such as \"127.0.0.1:8080\" or \"[::1]:8080\", or "
             "\"unix:/run/tallyd/public.sock\"";
    case Rule::kEndpointOrOff:
      return "address:port, such as \"127.0.0.1:8081\" or \"[::1]:8081\", or "
             "\"unix:/run/tallyd/admin.sock\", or \"off\"";
    case Rule::kFileMode:
      return "four octal digits, such as \"0660\"";
    case Rule::kLogLevel:
      return "one of \"error\", \"warning\", \"info\", \"debug\"";
    case Rule::kOrigins:
      return "a list of origins, such as [\"https://example.org\"]";
    case Rule::kAddressRanges:
      return "a list of addresses and networks, such as [\"127.0.0.1\", \"10.0.0.0/8\", "
             "\"fd00::/8\"], and \"unix\" for Unix sockets";
    case Rule::kProxyHeader:
      return "\"x-forwarded-for\" or \"forwarded\"";
    case Rule::kBoolean:
      return "true or false";
    case Rule::kRange:
      return "a whole number from " + std::to_string(spec.min) + " to " + std::to_string(spec.max);
    case Rule::kPowerOfTwo:
      return "a power of two from " + std::to_string(spec.min) + " to " + std::to_string(spec.max);
  }
  return "";
}

bool KeepsRule(const SettingSpec& spec, const Settings& settings) {
  const auto text = [&] { return settings.*std::get<std::string Settings::*>(spec.member); };
  const auto number = [&] { return settings.*std::get<std::int64_t Settings::*>(spec.member); };
  switch (spec.rule) {
    case Rule::kAnyText:
    case Rule::kBoolean:
      return true;
    case Rule::kNotEmpty:
      return !text().empty();
    case Rule::kEndpoint:
      return ParseEndpoint(text()).has_value();
    case Rule::kEndpointOrOff:
      return text() == "off" || ParseEndpoint(text()).has_value();
    case Rule::kFileMode:
      return ParseFileMode(text()).has_value();
    case Rule::kLogLevel:
      return std::find(kLogLevels.begin(), kLogLevels.end(), text()) != kLogLevels.end();
    case Rule::kOrigins: {
      const auto& list = settings.*std::get<std::vector<std::string> Settings::*>(spec.member);
      return std::all_of(list.begin(), list.end(), [](const auto& item) { return IsOrigin(item); });
    }
    case Rule::kAddressRanges: {
      const auto& list = settings.*std::get<std::vector<std::string> Settings::*>(spec.member);
      return std::all_of(list.begin(), list.end(),
                         [](const auto& item) { return AddressRange::Parse(item).has_value(); });
    }
    case Rule::kProxyHeader:
      return text() == "x-forwarded-for" || text() == "forwarded";
    case Rule::kRange:
      return number() >= spec.min && number() <= spec.max;
    case Rule::kPowerOfTwo:
      return number() >= spec.min && number() <= spec.max && (number() & (number() - 1)) == 0;
  }
  return false;
}

std::string CheckTogether(const Settings& settings) {
  const auto half = [](std::string_view certificate_key, const std::string& certificate,
                       std::string_view key_key, const std::string& key) -> std::string {
    if (certificate.empty() == key.empty()) return "";
    const std::string_view missing = certificate.empty() ? certificate_key : key_key;
    const std::string_view given = certificate.empty() ? key_key : certificate_key;
    return std::string(given) + ": needs " + std::string(missing) + " too";
  };
  for (const std::string& fault :
       {half("tls_certificate_file", settings.tls_certificate_file, "tls_key_file",
             settings.tls_key_file),
        half("admin_tls_certificate_file", settings.admin_tls_certificate_file,
             "admin_tls_key_file", settings.admin_tls_key_file)}) {
    if (!fault.empty()) return fault;
  }
  if (settings.insecure_no_auth) {
    for (const auto& [key, value] :
         {std::pair("listen", settings.listen), std::pair("admin_listen", settings.admin_listen)}) {
      if (value == "off") continue;
      const std::optional<Endpoint> endpoint = ParseEndpoint(value);
      if (endpoint.has_value() && !endpoint->local) {
        return std::string("insecure_no_auth: refused because ") + key + " = \"" + value +
               "\" is not loopback: everybody who reaches it could vote for everybody";
      }
    }
  }
  if (settings.insecure_no_auth &&
      !(settings.token_issuers_file.empty() && settings.api_keys_file.empty())) {
    return "insecure_no_auth: refused because tokens or API keys are configured too, and would not "
           "be looked at";
  }
  if (settings.publish_interval_us < settings.publish_interval_us_min) {
    return "publish_interval_us: must not be less than publish_interval_us_min (" +
           std::to_string(settings.publish_interval_us_min) + ")";
  }
  return "";
}

std::string ValueToml(const SettingSpec& spec, const Settings& settings) {
  return std::visit(
      [&](auto member) -> std::string {
        const auto& value = settings.*member;
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          return Quoted(value);
        } else if constexpr (std::is_same_v<Value, bool>) {
          return value ? "true" : "false";
        } else if constexpr (std::is_same_v<Value, std::int64_t>) {
          return std::to_string(value);
        } else {
          std::string list = "[";
          for (const std::string& item : value) {
            if (list.size() > 1) list += ", ";
            list += Quoted(item);
          }
          return list + "]";
        }
      },
      spec.member);
}

bool SetFromText(const SettingSpec& spec, std::string_view text, Settings& settings) {
  return std::visit(
      [&](auto member) {
        auto& value = settings.*member;
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          value = std::string(text);
        } else if constexpr (std::is_same_v<Value, bool>) {
          if (text != "true" && text != "false" && text != "1" && text != "0") return false;
          value = text == "true" || text == "1";
        } else if constexpr (std::is_same_v<Value, std::int64_t>) {
          const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
          return error == std::errc() && end == text.data() + text.size();
        } else {
          value.clear();
          while (!text.empty()) {
            const std::size_t comma = text.find(',');
            value.emplace_back(text.substr(0, comma));
            text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
          }
        }
        return true;
      },
      spec.member);
}

std::optional<unsigned> ParseFileMode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  const bool whole = error == std::errc() && end == text.data() + text.size() && text.size() == 4;
  if (!whole || mode > 0777) return std::nullopt;
  return mode;
}

std::optional<Endpoint> ParseEndpoint(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    // Absolute: a service has no directory that an operator would think of.
    if (!path.starts_with('/') || path.ends_with('/') || path.size() > kUnixPathBytesMax) {
      return std::nullopt;
    }
    return Endpoint{.address = {}, .unix_path = std::string(path), .local = true};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  Endpoint endpoint;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;

  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  endpoint.address = host == "localhost" ? "127.0.0.1" : std::string(host);

  in_addr ipv4{};
  in6_addr ipv6{};
  if (!bracketed && inet_pton(AF_INET, endpoint.address.c_str(), &ipv4) == 1) {
    endpoint.local = (ntohl(ipv4.s_addr) >> 24) == 127;
    return endpoint;
  }
  if (bracketed && inet_pton(AF_INET6, endpoint.address.c_str(), &ipv6) == 1) {
    endpoint.local = std::memcmp(&ipv6, &in6addr_loopback, sizeof ipv6) == 0;
    return endpoint;
  }
  return std::nullopt;
}

}  // namespace tallyd
