#pragma once

// Puts the settings together from their layers: defaults < TOML file < TALLYD_* < command line.
//
//   SettingsInput input{.config_file = "/etc/tallyd.toml", .environment = ..., .flags = ...};
//   auto loaded = LoadSettings(input);     // InvalidArgument: every fault found, one a line
//   std::cout << EffectiveToml(*loaded);   // with a comment where each value came from
//
// Strict: an unknown key in the file is refused with file:line and the nearest known key, a value
// that breaks its rule with the rule. In the environment only near misses of a known name are
// refused, because orchestrators put variables of their own under any prefix.
// Called once at start, by main.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "config/settings.h"

namespace tallyd {

struct SettingsInput {
  using NamesAndTexts = std::vector<std::pair<std::string, std::string>>;
  std::string config_file = {};    // empty = none
  NamesAndTexts environment = {};  // all; only TALLYD_* is read
  NamesAndTexts flags = {};        // key ("io_threads") and text
};

struct LoadedSettings {
  Settings values;
  std::vector<std::string> sources;  // beside AllSettings(): "default", "tallyd.toml:3", ...
};

absl::StatusOr<LoadedSettings> LoadSettings(const SettingsInput& input);

// The environment of this process, for SettingsInput.
std::vector<std::pair<std::string, std::string>> ProcessEnvironment();

std::string EffectiveToml(const LoadedSettings& loaded);
// What config/tallyd.example.toml holds: every key with meaning, unit, rule and default.
std::string ExampleToml();

// "io_threads" -> "TALLYD_IO_THREADS" and "--io-threads".
std::string EnvironmentName(std::string_view key);
std::string FlagName(std::string_view key);

}  // namespace tallyd
