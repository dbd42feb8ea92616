#pragma once

// What an operator can set, once: the values with their defaults, and a table that says of each
// its key, unit, rule and meaning.
//
// The table drives everything that speaks of settings: the TOML file, the TALLYD_* environment,
// the command line, `tallyd check-config`, and config/tallyd.example.toml. A new setting is one
// member of Settings and one row of AllSettings(); the components' option structs are filled in
// component_options.cc. Nothing below tools/ and config/ ever reads this.
//
// Values; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/types/span.h"

namespace tallyd {

struct Settings {
  std::string listen = "127.0.0.1:8080";
  std::string admin_listen = "127.0.0.1:8081";
  std::string listen_mode = "0660";
  std::string admin_listen_mode = "0660";
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string admin_tls_certificate_file;
  std::string admin_tls_key_file;
  std::string data_dir = "/var/lib/tallyd";
  std::string key_file;
  std::string watermark_file;
  std::string backup_dir;
  bool insecure_no_auth = false;
  std::string token_issuers_file;
  std::string api_keys_file;
  std::int64_t token_leeway_s = 60;
  std::int64_t token_cache_tokens = 4'096;
  std::string log_level = "info";
  std::vector<std::string> cors_origins;
  std::vector<std::string> frame_ancestors;

  std::int64_t io_threads = 1;
  std::int64_t connections_max = 10'000;
  std::int64_t pipelined_requests_max = 128;
  std::int64_t idle_ms_max = 75'000;
  std::int64_t header_ms_max = 10'000;
  std::int64_t body_ms_max = 30'000;
  std::int64_t write_ms_max = 20'000;
  std::int64_t network_connections_max = 1'000;
  std::vector<std::string> trusted_proxies = {"127.0.0.0/8", "::1"};
  std::string proxy_header = "x-forwarded-for";
  std::int64_t address_requests_per_s = 200;
  std::int64_t address_requests_burst = 2'000;
  std::int64_t token_requests_per_s = 10;
  std::int64_t token_requests_burst = 100;
  std::int64_t frontend_requests_per_s = 0;
  std::int64_t frontend_requests_burst = 10'000;
  std::int64_t refused_tokens_per_s = 20;
  std::int64_t refused_tokens_burst = 400;
  std::int64_t tls_handshakes_per_s = 50;
  std::int64_t tls_handshakes_burst = 500;
  std::int64_t clients_max = 65'536;
  std::int64_t live_readers_max = 32'768;
  std::int64_t network_live_readers_max = 1'000;
  std::int64_t drain_ms_max = 20'000;

  std::int64_t queue_slots = 65'536;
  std::int64_t batch_commands_max = 4'096;
  bool commit_overlap = false;
  std::int64_t free_bytes_min = std::int64_t{1} << 30;
  std::int64_t dedup_memory_bytes_max = std::int64_t{4} << 30;
  std::int64_t tail_bytes_max = std::int64_t{256} << 20;
  std::int64_t storage_memory_bytes_max = std::int64_t{256} << 20;
  std::int64_t publish_interval_us_min = 10'000;
  std::int64_t publish_interval_us = 250'000;
  std::int64_t watermark_interval_us = 250'000;
  std::int64_t checkpoint_interval_us = 30'000'000;

  friend bool operator==(const Settings&, const Settings&) = default;
};

enum class SettingRule : std::uint8_t {
  kAnyText,
  kNotEmpty,
  kEndpoint,       // 127.0.0.1:8080, [::1]:8080, localhost:8080, unix:/run/tallyd.sock
  kEndpointOrOff,  // the same, or "off"
  kFileMode,       // four octal digits
  kLogLevel,
  kOrigins,        // a list of origins as browsers send them
  kAddressRanges,  // a list of addresses and networks, and "unix"
  kProxyHeader,
  kBoolean,
  kRange,
  kPowerOfTwo,
};

using SettingMember = std::variant<std::string Settings::*, std::int64_t Settings::*,
                                   bool Settings::*, std::vector<std::string> Settings::*>;

struct SettingSpec {
  std::string_view key;
  SettingMember member;
  SettingRule rule = SettingRule::kAnyText;
  std::int64_t min = 0;  // kRange, kPowerOfTwo
  std::int64_t max = 0;
  std::string_view unit;  // "" = none
  std::string_view help;  // one or two sentences, for people
};

absl::Span<const SettingSpec> AllSettings();
const SettingSpec* FindSetting(std::string_view key);
// The known key that `key` was most likely meant to be; "" if none is near.
std::string_view NearestSetting(std::string_view key);

// What a value of this setting must be, as the end of a sentence: "a whole number from 1 to 64".
std::string RuleText(const SettingSpec& spec);
// True if the value that `settings` holds for `spec` keeps the rule.
bool KeepsRule(const SettingSpec& spec, const Settings& settings);
// Rules between settings; the message names the key, empty if all is well.
std::string CheckTogether(const Settings& settings);

// The value as TOML: quoted text, number, true, or ["a", "b"].
std::string ValueToml(const SettingSpec& spec, const Settings& settings);
// Reads text as it comes from the environment or the command line; a list is separated by commas.
// False if it is not of the setting's type; the rule itself is not checked here.
bool SetFromText(const SettingSpec& spec, std::string_view text, Settings& settings);

struct Endpoint {
  std::string address;  // IPv4 or IPv6 literal, without brackets
  std::uint16_t port = 0;
  std::string unix_path;  // not empty: a Unix socket, and neither of the two
  bool local = false;     // only this machine reaches it
};
std::optional<Endpoint> ParseEndpoint(std::string_view text);
// "0660"; nullopt for what is no mode of a socket's file.
std::optional<unsigned> ParseFileMode(std::string_view text);

}  // namespace tallyd
