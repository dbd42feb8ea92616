#include "config/settings_loader.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <type_traits>

#include <toml++/toml.h>

namespace tallyd {
namespace {

// Collects faults, so that an operator sees all of them at once.
class Faults {
 public:
  void Add(const std::string& where, const std::string& what) {
    if (!text_.empty()) text_ += '\n';
    text_ += where.empty() ? what : where + ": " + what;
  }
  absl::Status ToStatus() const {
    return text_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(text_);
  }

 private:
  std::string text_;
};

std::string UnknownKey(std::string_view key) {
  std::string message = "unknown key \"" + std::string(key) + "\"";
  const std::string_view nearest = NearestSetting(key);
  if (!nearest.empty()) message += "; did you mean \"" + std::string(nearest) + "\"?";
  return message;
}

std::string BrokenRule(const SettingSpec& spec, const std::string& value) {
  return std::string(spec.key) + " = " + value + " is refused: it must be " + RuleText(spec);
}

std::size_t IndexOf(const SettingSpec& spec) {
  return static_cast<std::size_t>(&spec - AllSettings().data());
}

// False if the node is not of the setting's type.
bool SetFromNode(const SettingSpec& spec, const toml::node& node, Settings& settings) {
  return std::visit(
      [&](auto member) {
        auto& value = settings.*member;
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
          const toml::array* array = node.as_array();
          if (array == nullptr) return false;
          value.clear();
          for (const toml::node& item : *array) {
            const auto text = item.value_exact<std::string>();
            if (!text.has_value()) return false;
            value.push_back(*text);
          }
          return true;
        } else {
          const auto exact = node.value_exact<Value>();
          if (exact.has_value()) value = *exact;
          return exact.has_value();
        }
      },
      spec.member);
}

std::string NodeText(const toml::node& node) {
  const auto string = node.value_exact<std::string>();
  if (string.has_value()) return "\"" + *string + "\"";
  std::ostringstream text;
  node.visit([&](const auto& concrete) { text << concrete; });
  return text.str();
}

void ReadFile(const std::string& path, LoadedSettings& loaded, Faults& faults) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  if (file) content << file.rdbuf();
  if (!file || file.bad()) {
    faults.Add(path, "cannot be read");
    return;
  }
  toml::table table;
  try {
    table = toml::parse(content.str(), path);
  } catch (const toml::parse_error& error) {
    faults.Add(path + ":" + std::to_string(error.source().begin.line),
               "not TOML: " + std::string(error.description()));
    return;
  }
  for (const auto& [key, node] : table) {
    const std::string where = path + ":" + std::to_string(key.source().begin.line);
    const SettingSpec* spec = FindSetting(key.str());
    if (spec == nullptr) {
      faults.Add(where, UnknownKey(key.str()));
    } else if (!SetFromNode(*spec, node, loaded.values) || !KeepsRule(*spec, loaded.values)) {
      faults.Add(where, BrokenRule(*spec, NodeText(node)));
    } else {
      loaded.sources[IndexOf(*spec)] = where;
    }
  }
}

void ReadText(const SettingSpec& spec, const std::string& name, const std::string& text,
              LoadedSettings& loaded, Faults& faults) {
  if (!SetFromText(spec, text, loaded.values) || !KeepsRule(spec, loaded.values)) {
    faults.Add(name, BrokenRule(spec, "\"" + text + "\""));
  } else {
    loaded.sources[IndexOf(spec)] = name;
  }
}

void ReadEnvironment(const SettingsInput& input, LoadedSettings& loaded, Faults& faults) {
  constexpr std::string_view kPrefix = "TALLYD_";
  for (const auto& [name, value] : input.environment) {
    if (!name.starts_with(kPrefix) || name == "TALLYD_CONFIG") continue;
    std::string key = name.substr(kPrefix.size());
    std::transform(key.begin(), key.end(), key.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const SettingSpec* spec = FindSetting(key);
    if (spec != nullptr) {
      ReadText(*spec, name, value, loaded, faults);
    } else if (!NearestSetting(key).empty()) {
      faults.Add(
          name, "unknown variable; did you mean \"" + EnvironmentName(NearestSetting(key)) + "\"?");
    }
  }
}

}  // namespace

absl::StatusOr<LoadedSettings> LoadSettings(const SettingsInput& input) {
  LoadedSettings loaded;
  loaded.sources.assign(AllSettings().size(), "default");
  Faults faults;
  if (!input.config_file.empty()) ReadFile(input.config_file, loaded, faults);
  ReadEnvironment(input, loaded, faults);
  for (const auto& [key, text] : input.flags) {
    const SettingSpec* spec = FindSetting(key);
    if (spec == nullptr) {
      faults.Add("command line", UnknownKey(key));
    } else {
      ReadText(*spec, FlagName(key), text, loaded, faults);
    }
  }
  const std::string together = CheckTogether(loaded.values);
  if (!together.empty()) {
    const SettingSpec* spec = FindSetting(together.substr(0, together.find(':')));
    faults.Add(spec == nullptr ? "" : loaded.sources[IndexOf(*spec)], together);
  }
  const absl::Status status = faults.ToStatus();
  if (!status.ok()) return status;
  return loaded;
}

std::vector<std::pair<std::string, std::string>> ProcessEnvironment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::string EffectiveToml(const LoadedSettings& loaded) {
  std::string text;
  for (const SettingSpec& spec : AllSettings()) {
    std::string line = std::string(spec.key) + " = " + ValueToml(spec, loaded.values);
    if (line.size() < 44) line.resize(44, ' ');
    text += line + "  # " + loaded.sources[IndexOf(spec)] + "\n";
  }
  return text;
}

std::string ExampleToml() {
  std::string text =
      "# Every setting of tallyd with its default. A value here is overruled by the environment\n"
      "# (TALLYD_LISTEN, TALLYD_DATA_DIR ...), and that by the command line (--listen ...).\n"
      "# `tallyd check-config --config FILE` checks a file and says where each value came from.\n";
  const Settings defaults;
  for (const SettingSpec& spec : AllSettings()) {
    text += "\n";
    std::istringstream words{std::string(spec.help)};
    std::string line = "#";
    for (std::string word; words >> word;) {
      if (line.size() + 1 + word.size() > 98) {
        text += line + "\n";
        line = "#";
      }
      line += " " + word;
    }
    text += line + "\n# ";
    if (!spec.unit.empty()) text += "Unit: " + std::string(spec.unit) + ". ";
    text += "Value: " + RuleText(spec) + ".\n";
    text += std::string(spec.key) + " = " + ValueToml(spec, defaults) + "\n";
  }
  return text;
}

std::string EnvironmentName(std::string_view key) {
  std::string name = "TALLYD_";
  for (const char c : key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

std::string FlagName(std::string_view key) {
  std::string name = "--" + std::string(key);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace tallyd
