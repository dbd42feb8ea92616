#pragma once

// One command-line flag for every setting, made from the table of settings.
//
//   SettingFlags flags;
//   flags.AddTo(*serve_command);          // --config and one flag per setting
//   ... parse ...
//   auto loaded = LoadSettings(flags.Input());
//
// `flags` must outlive the parsing. A flag's text is judged by LoadSettings() like the file's.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/settings_loader.h"

namespace tallyd {

class SettingFlags {
 public:
  SettingFlags();
  void AddTo(CLI::App& command);
  // What was given, and this process's environment; TALLYD_CONFIG stands in for --config.
  SettingsInput Input() const;

 private:
  std::string config_file_;
  std::vector<std::string> texts_;           // beside AllSettings()
  std::vector<const CLI::Option*> options_;  // beside AllSettings()
};

}  // namespace tallyd
