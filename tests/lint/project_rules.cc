#include "tests/lint/project_rules.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

namespace tallyd::lint {
namespace {

std::string WithoutCmakeComments(std::string_view text) {
  std::string out;
  for (const std::string& line : SplitLines(text)) {
    out += line.substr(0, line.find('#')) + '\n';
  }
  return out;
}

std::vector<std::string> SplitArguments(const std::string& text) {
  std::vector<std::string> arguments;
  std::string argument;
  for (const char c : text + ' ') {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!argument.empty()) {
        arguments.push_back(std::move(argument));
      }
      argument.clear();
    } else if (c != '"') {
      argument += c;
    }
  }
  return arguments;
}

// Which call a source file must be named in; empty = any.
std::string RequiredCall(const std::string& path) {
  if (EndsWith(path, "_test.cc")) {
    return "tallyd_test";
  }
  if (EndsWith(path, "_fuzz.cc")) {
    return "tallyd_fuzz";
  }
  return EndsWith(path, "_bench.cc") ? "tallyd_bench" : "";
}

bool Names(const std::vector<CmakeCall>& calls, const std::string& relative,
           const std::string& required) {
  return std::any_of(calls.begin(), calls.end(), [&](const CmakeCall& call) {
    return (required.empty() || call.name == required) &&
           std::find(call.arguments.begin(), call.arguments.end(), relative) !=
               call.arguments.end();
  });
}

bool IsDocument(const std::string& path) {
  return EndsWith(path, ".md") &&
         (StartsWith(path, "docs/") || Folder(path).empty() || BaseName(path) == "README.md");
}

// Markdown without fenced blocks, so that examples are not taken for links. Lines stay.
std::vector<std::string> ProseLines(const SourceFile& file) {
  std::vector<std::string> lines = SplitLines(file.text);
  bool fenced = false;
  for (std::string& line : lines) {
    const bool fence = StartsWith(line, "```");
    if (fenced || fence) {
      line.clear();
    }
    fenced = fence != fenced;
  }
  return lines;
}

bool IsOutside(const std::string& link) {
  return link.find("://") != std::string::npos || StartsWith(link, "mailto:") ||
         StartsWith(link, "/");
}

}  // namespace

std::vector<CmakeCall> ParseCmake(std::string_view text) {
  static const std::regex call(R"(([A-Za-z_][A-Za-z0-9_]*)\s*\(([^()]*)\))");
  const std::string code = WithoutCmakeComments(text);
  std::vector<CmakeCall> calls;
  for (std::sregex_iterator it(code.begin(), code.end(), call), end; it != end; ++it) {
    calls.push_back({(*it)[1], SplitArguments((*it)[2])});
  }
  return calls;
}

Findings CheckRegistered(const SourceTree& tree) {
  std::map<std::string, std::vector<CmakeCall>> lists;  // by folder
  for (const SourceFile& file : tree) {
    if (BaseName(file.path) == "CMakeLists.txt") {
      lists[Folder(file.path)] = ParseCmake(file.text);
    }
  }
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!EndsWith(file.path, ".cc")) {
      continue;
    }
    const std::string required = RequiredCall(file.path);
    bool found = false;
    for (const auto& [folder, calls] : lists) {
      const std::string prefix = folder.empty() ? "" : folder + "/";
      found = found || (StartsWith(file.path, prefix) &&
                        Names(calls, file.path.substr(prefix.size()), required));
    }
    if (!found) {
      findings.push_back({file.path, 1,
                          required.empty() ? "in no CMakeLists.txt: it is never compiled"
                                           : "not named in a " + required + "(): it never runs"});
    }
  }
  return findings;
}

Findings CheckLinks(const SourceTree& tree) {
  static const std::regex link(R"(\]\(([^)#\s]+)[^)]*\))");
  std::set<std::string> known;
  for (const SourceFile& file : tree) {
    for (std::string path = file.path; !path.empty(); path = Folder(path)) {
      known.insert(path);
    }
  }
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsDocument(file.path)) {
      continue;
    }
    std::size_t number = 0;
    for (const std::string& line : ProseLines(file)) {
      ++number;
      for (std::sregex_iterator it(line.begin(), line.end(), link), end; it != end; ++it) {
        const std::string target = (*it)[1];
        std::string path =
            (std::filesystem::path(Folder(file.path)) / target).lexically_normal().generic_string();
        if (EndsWith(path, "/")) {
          path.pop_back();
        }
        if (!IsOutside(target) && path != "." && known.count(path) == 0) {
          findings.push_back({file.path, number, "link to " + target + " leads nowhere"});
        }
      }
    }
  }
  return findings;
}

Findings CheckDecisions(const SourceTree& tree) {
  static const std::regex name(R"(docs/decisions/([0-9]{4})-[a-z0-9-]+\.md)");
  const std::string index_path = "docs/decisions/README.md";
  const auto index = std::find_if(tree.begin(), tree.end(),
                                  [&](const SourceFile& file) { return file.path == index_path; });
  Findings findings;
  std::size_t expected = 1;
  for (const SourceFile& file : tree) {  // sorted by path, so by number
    if (Folder(file.path) != "docs/decisions" || file.path == index_path) {
      continue;
    }
    std::smatch match;
    if (!std::regex_match(file.path, match, name)) {
      findings.push_back({file.path, 1, "a decision is called NNNN-title-in-words.md"});
      continue;
    }
    // Numbers are given out before the work is done, so some may still be on their way.
    if (std::stoul(match[1]) < expected) {
      findings.push_back(
          {file.path, 1, "decision number " + std::to_string(expected) + " or higher expected"});
    }
    expected = std::stoul(match[1]) + 1;
    if (index == tree.end() || index->text.find(BaseName(file.path)) == std::string::npos) {
      findings.push_back({file.path, 1, "not listed in " + index_path});
    }
  }
  return findings;
}

Findings CheckOneDefinition(const SourceTree& tree) {
  static const std::regex space("^namespace (\\S+) \\{");
  static const std::regex type("^(?:class|struct|enum class) (\\w+)[^;]*$");
  std::map<std::string, std::string> first_paths;
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!EndsWith(file.path, ".h")) {
      continue;
    }
    std::string within;
    std::size_t number = 0;
    for (const std::string& line : SplitLines(WithoutCommentsAndLiterals(file.text))) {
      ++number;
      std::smatch match;
      if (std::regex_search(line, match, space)) {
        within = match[1];
      } else if (std::regex_search(line, match, type)) {
        const std::string name = within + "::" + match[1].str();
        const auto [at, is_first] = first_paths.emplace(name, file.path);
        if (!is_first) {
          findings.push_back({file.path, number, name + " is also defined in " + at->second});
        }
      }
    }
  }
  return findings;
}

Findings CheckMetrics(const SourceTree& tree) {
  static const std::regex metric("\"(tallyd_[a-z_]+)\"");
  const std::string page_path = "docs/operations.md";
  const auto page = std::find_if(tree.begin(), tree.end(),
                                 [&](const SourceFile& file) { return file.path == page_path; });
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!StartsWith(file.path, "net/") || !EndsWith(file.path, ".cc")) {
      continue;
    }
    std::size_t number = 0;
    for (const std::string& line : SplitLines(file.text)) {
      ++number;
      for (std::sregex_iterator it(line.begin(), line.end(), metric), end; it != end; ++it) {
        const std::string name = (*it)[1];
        if (page == tree.end() || !std::regex_search(page->text, std::regex("`" + name + "[`{]"))) {
          findings.push_back({file.path, number, name + " is not explained in " + page_path});
        }
      }
    }
  }
  return findings;
}

}  // namespace tallyd::lint
