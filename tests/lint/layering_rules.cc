#include "tests/lint/layering_rules.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace tallyd::lint {
namespace {

// For each folder the folders of ours that it may include, itself always among them.
const std::map<std::string, std::set<std::string>>& AllowedFolders() {
  static const std::map<std::string, std::set<std::string>> allowed = {
      {"storage", {"storage"}},
      {"engine", {"engine", "storage"}},
      {"net", {"net", "engine", "storage"}},
      {"config", {"config", "net", "engine", "storage"}},
      {"tools", {"tools", "config", "net", "engine", "storage"}},
      {"bench", {"bench", "tests", "tools", "config", "net", "engine", "storage"}},
      {"tests", {"tests", "bench", "tools", "config", "net", "engine", "storage"}},
  };
  return allowed;
}

bool MayIncludeJson(std::string_view path) {
  const std::string top = TopFolder(path);
  return StartsWith(path, "net/wire_json") || top == "tools" || top == "tests" || top == "bench";
}

bool IsJsonHeader(std::string_view header) {
  return StartsWith(header, "boost/json") || StartsWith(header, "nlohmann/") ||
         StartsWith(header, "rapidjson/") || header == "simdjson.h";
}

// Empty if `path` may include `header`, else why not.
std::string Objection(const std::string& path, const std::string& header) {
  const std::string top = TopFolder(path);
  const auto allowed = AllowedFolders().find(top);
  if (allowed == AllowedFolders().end()) {
    return "C++ lives in storage, engine, net, config, tools, tests or bench";
  }
  const std::string target = TopFolder(header);
  if (AllowedFolders().count(target) != 0 && allowed->second.count(target) == 0) {
    return top + "/ may not include " + target + "/ (tools -> config -> net -> engine -> storage)";
  }
  const bool checks_itself = top == "tests" || top == "bench";
  if (StartsWith(header, "rocksdb/") && !checks_itself &&
      !(top == "storage" && EndsWith(path, ".cc"))) {
    return "<rocksdb/...> is known to storage/*.cc only";
  }
  if (StartsWith(header, "boost/") && (top == "engine" || top == "storage")) {
    return top + "/ does not know Boost";
  }
  if (IsJsonHeader(header) && !MayIncludeJson(path)) {
    return "JSON is spoken in net/wire_json* and tools/ only";
  }
  if ((StartsWith(header, "gtest/") || StartsWith(header, "gmock/") ||
       StartsWith(header, "benchmark/")) &&
      !checks_itself) {
    return "test frameworks stay in tests/ and bench/";
  }
  return "";
}

}  // namespace

Findings CheckLayering(const SourceTree& tree) {
  static const std::regex include(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsCpp(file.path)) {
      continue;
    }
    std::size_t number = 0;
    for (const std::string& line : SplitLines(file.text)) {
      ++number;
      std::smatch match;
      if (!std::regex_search(line, match, include)) {
        continue;
      }
      const std::string header = match[1];
      if (StartsWith(header, "../") || header.find("/../") != std::string::npos) {
        findings.push_back({file.path, number, "include from the root, not with ../"});
      } else if (std::string why = Objection(file.path, header); !why.empty()) {
        findings.push_back({file.path, number, "includes " + header + ": " + why});
      }
    }
  }
  return findings;
}

}  // namespace tallyd::lint
