#include "tests/lint/code_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>
#include <set>
#include <vector>

namespace tallyd::lint {
namespace {

// Text with preprocessor lines (and their continuations) blanked as well: what braces may be
// counted in.
std::string OnlyStatements(std::string_view text) {
  std::string code = WithoutCommentsAndLiterals(text);
  bool in_directive = false;
  std::size_t begin = 0;
  while (begin < code.size()) {
    const std::size_t end = std::min(code.find('\n', begin), code.size());
    const std::size_t first = code.find_first_not_of(" \t", begin);
    in_directive = in_directive || (first < end && code[first] == '#');
    if (in_directive) {
      in_directive = end > begin && code[end - 1] == '\\';
      std::fill(code.begin() + static_cast<std::ptrdiff_t>(begin),
                code.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    }
    begin = end + 1;
  }
  return code;
}

enum class Scope { kContainer, kFunction, kOther };

// What a brace opens, from the text between the last ';', '{' or '}' and it.
Scope Classify(const std::string& head) {
  static const std::regex noise(R"(^\s*((public|private|protected)\s*:)"
                                R"(|template\s*<[^{}]*?>(?=\s*(class|struct|union)\b))\s*)");
  static const std::regex container(R"(^\s*(inline\s+)?(namespace|class|struct|union|extern)\b)");
  const std::string bare = std::regex_replace(head, noise, "");
  if (std::regex_search(bare, container)) {
    return Scope::kContainer;
  }
  return bare.find('(') != std::string::npos ? Scope::kFunction : Scope::kOther;
}

struct OpenBrace {
  Scope scope;
  std::size_t first_line;
  std::string head;
};

// Walks the braces of one file.
class FunctionMeter {
 public:
  FunctionMeter(const SourceFile& file, Findings& findings) : file_(file), findings_(findings) {}

  void Run() {
    const std::string code = OnlyStatements(file_.text);
    for (std::size_t at = 0; at < code.size(); ++at) {
      if (code[at] == '{') {
        Open();
      } else if (code[at] == '}' && !open_.empty()) {
        const std::size_t next = code.find_first_not_of(" \n", at + 1);
        Close(next != std::string::npos && (code[next] == ',' || code[next] == '{'));
      } else {
        Read(code[at]);
      }
    }
  }

 private:
  void Open() {
    const bool nested = !open_.empty() && open_.back().scope != Scope::kContainer;
    open_.push_back({nested ? Scope::kOther : Classify(head_), head_line_ == 0 ? line_ : head_line_,
                     std::move(head_)});
    StartHead();
  }

  // `goes_on`: it was an initializer such as a_{1} before a constructor's body; the head does not
  // end here.
  void Close(bool goes_on) {
    OpenBrace brace = std::move(open_.back());
    open_.pop_back();
    if (goes_on) {
      head_ = std::move(brace.head);
      head_line_ = brace.first_line;
      return;
    }
    StartHead();
    const std::size_t lines = line_ - brace.first_line + 1;
    if (brace.scope == Scope::kFunction && lines > kFunctionLinesMax) {
      findings_.push_back({file_.path, brace.first_line,
                           "function of " + std::to_string(lines) + " lines, at most " +
                               std::to_string(kFunctionLinesMax)});
    }
  }

  void Read(char c) {
    if (c == '\n') {
      ++line_;
    }
    if (c == ';') {
      StartHead();
      return;
    }
    if (head_line_ == 0 && std::isspace(static_cast<unsigned char>(c)) == 0) {
      head_line_ = line_;
    }
    head_ += c;
  }

  void StartHead() {
    head_.clear();
    head_line_ = 0;
  }

  const SourceFile& file_;
  Findings& findings_;
  std::vector<OpenBrace> open_;
  std::string head_;
  std::size_t head_line_ = 0;
  std::size_t line_ = 1;
};

// Columns as a reader counts them: a UTF-8 sequence is one.
std::size_t Columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::vector<std::string> Words(const std::string& path) {
  std::vector<std::string> words(1);
  for (const char c : path) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      words.emplace_back();
    }
  }
  return words;
}

// Runs `check(line)` over the lines of the files that `wanted` names; a non-empty answer is a
// finding.
template <typename Wanted, typename Check>
Findings CheckEachLine(const SourceTree& tree, Wanted wanted, Check check) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!wanted(file)) {
      continue;
    }
    std::size_t number = 0;
    for (const std::string& line : SplitLines(file.text)) {
      ++number;
      if (std::string message = check(line); !message.empty()) {
        findings.push_back({file.path, number, std::move(message)});
      }
    }
  }
  return findings;
}

}  // namespace

Findings CheckFileLength(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    const std::size_t lines = SplitLines(file.text).size();
    if (IsCode(file) && lines > kFileLinesMax) {
      findings.push_back({file.path, lines,
                          "file of " + std::to_string(lines) + " lines, at most " +
                              std::to_string(kFileLinesMax)});
    }
  }
  return findings;
}

Findings CheckFunctionLength(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (IsCpp(file.path)) {
      FunctionMeter(file, findings).Run();
    }
  }
  return findings;
}

Findings CheckLines(const SourceTree& tree) {
  return CheckEachLine(
      tree, [](const SourceFile& file) { return IsCpp(file.path); },
      [](const std::string& line) -> std::string {
        if (line.find('\t') != std::string::npos) {
          return "tab";
        }
        if (Columns(line) > kColumnsMax) {
          return "line of " + std::to_string(Columns(line)) + " columns, at most " +
                 std::to_string(kColumnsMax);
        }
        return !line.empty() && (line.back() == ' ' || line.back() == '\r') ? "blank at the end"
                                                                            : "";
      });
}

Findings CheckBannedNames(const SourceTree& tree) {
  static const std::set<std::string> banned = {"util",    "utils",   "common",   "helper",
                                               "helpers", "manager", "managers", "misc"};
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const std::string& word : Words(file.path)) {
      if (banned.count(word) != 0) {
        findings.push_back({file.path, 1, "'" + word + "' names nothing; say what it is"});
      }
    }
  }
  return findings;
}

Findings CheckOpenWork(const SourceTree& tree) {
  // Written in two halves so that the rule does not find itself.
  static const std::regex any(
      "\\b(TO"
      "DO|FIX"
      "ME|X"
      "XX)\\b");
  static const std::regex with_issue(
      "\\bTO"
      "DO\\(#[0-9]+\\)");
  return CheckEachLine(tree, IsCode, [](const std::string& line) -> std::string {
    return std::regex_search(line, any) && !std::regex_search(line, with_issue)
               ? "open work without an issue: write TO"
                 "DO(#12)"
               : "";
  });
}

Findings CheckSilencedTidy(const SourceTree& tree) {
  static const std::regex any(
      "NO"
      "LINT");
  static const std::regex end(
      "NO"
      "LINTEND");
  static const std::regex with_reason(
      "NO"
      "LINT(NEXTLINE|BEGIN)?\\([a-z0-9.,* -]+\\):? +\\S.{9,}");
  return CheckEachLine(
      tree, [](const SourceFile& file) { return IsCpp(file.path); },
      [](const std::string& line) -> std::string {
        const bool silences = std::regex_search(line, any) && !std::regex_search(line, end);
        return silences && !std::regex_search(line, with_reason)
                   ? "silenced without check and reason: NO"
                     "LINT(check-name): why"
                   : "";
      });
}

Findings CheckShellPrologue(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsShell(file)) {
      continue;
    }
    const std::vector<std::string> lines = SplitLines(file.text);
    const auto first = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
      return !line.empty() && line.front() != '#';
    });
    if (first == lines.end() || *first != "set -euo pipefail") {
      findings.push_back({file.path, static_cast<std::size_t>(first - lines.begin()) + 1,
                          "a script begins with: set -euo pipefail"});
    }
  }
  return findings;
}

Findings CheckSharedOwnership(const SourceTree& tree,
                              const std::map<std::string, std::size_t>& budgets) {
  static const std::regex use(R"(\b(shared_ptr|make_shared|enable_shared_from_this)\b)");
  std::map<std::string, std::size_t> used;
  for (const SourceFile& file : tree) {
    if (IsCpp(file.path)) {
      const std::string code = WithoutCommentsAndLiterals(file.text);
      used[TopFolder(file.path)] += static_cast<std::size_t>(std::distance(
          std::sregex_iterator(code.begin(), code.end(), use), std::sregex_iterator()));
    }
  }
  Findings findings;
  for (const auto& [folder, budget] : budgets) {
    if (used[folder] > budget) {
      findings.push_back({folder, 0,
                          "shared_ptr used " + std::to_string(used[folder]) + " times, budget " +
                              std::to_string(budget)});
    }
  }
  return findings;
}

}  // namespace tallyd::lint
