#include "tools/tallyd/setting_flags.h"

namespace tallyd {

SettingFlags::SettingFlags() : texts_(AllSettings().size()), options_(AllSettings().size()) {}

void SettingFlags::AddTo(CLI::App& command) {
  command.add_option("--config", config_file_, "TOML file with settings (or TALLYD_CONFIG)")
      ->type_name("FILE");
  const Settings defaults;
  for (std::size_t i = 0; i < AllSettings().size(); ++i) {
    const SettingSpec& spec = AllSettings()[i];
    const std::string flag = FlagName(spec.key);
    std::string help(spec.help);
    if (!spec.unit.empty()) help += " Unit: " + std::string(spec.unit) + ".";
    help += " Default: " + ValueToml(spec, defaults);
    if (spec.rule == SettingRule::kBoolean) {
      options_[i] = command.add_flag(flag + "{true}", texts_[i], help);
    } else {
      options_[i] = command.add_option(flag, texts_[i], help)->type_name("VALUE");
    }
  }
}

SettingsInput SettingFlags::Input() const {
  SettingsInput input;
  input.config_file = config_file_;
  input.environment = ProcessEnvironment();
  for (const auto& [name, value] : input.environment) {
    if (name == "TALLYD_CONFIG" && input.config_file.empty()) input.config_file = value;
  }
  for (std::size_t i = 0; i < options_.size(); ++i) {
    if (options_[i]->count() > 0) input.flags.emplace_back(AllSettings()[i].key, texts_[i]);
  }
  return input;
}

}  // namespace tallyd
