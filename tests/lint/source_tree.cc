#include "tests/lint/source_tree.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <sstream>

namespace tallyd::lint {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kSkippedFolders = {".git", ".cache", "build", "run",
                                                             "node_modules"};

bool IsSkipped(const fs::path& folder, const fs::path& root) {
  const std::string name = folder.filename().string();
  // "build" and "run" are only output at the top; a source folder may bear the name further down.
  const bool at_top = folder.parent_path() == root;
  return std::any_of(kSkippedFolders.begin(), kSkippedFolders.end(), [&](std::string_view skipped) {
    return name == skipped && (at_top || (name != "build" && name != "run"));
  });
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

// Reads C++ text character by character and blanks what is no code.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}

  std::string Run() {
    while (at_ < text_.size()) {
      if (Sees("//")) {
        BlankUntil("\n");
      } else if (Sees("/*")) {
        BlankUntil("*/");
      } else if (Sees("R\"") && !AfterWord()) {
        BlankRawString();
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !AfterWord())) {
        BlankQuoted(text_[at_]);
      } else {
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  bool Sees(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  // 1'000'000 is a number and FOOR"x" an identifier followed by a string.
  bool AfterWord() const {
    if (at_ == 0) {
      return false;
    }
    const auto before = static_cast<unsigned char>(text_[at_ - 1]);
    return std::isalnum(before) != 0 || before == '_';
  }

  void BlankTo(std::size_t end) {
    for (; at_ < std::min(end, text_.size()); ++at_) {
      if (text_[at_] != '\n') {
        out_[at_] = ' ';
      }
    }
  }

  void BlankUntil(std::string_view end) {
    const std::size_t found = text_.find(end, at_ + 2);
    BlankTo(found == std::string_view::npos ? text_.size() : found + end.size());
  }

  void BlankRawString() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      BlankTo(text_.size());
      return;
    }
    std::string close(1, ')');
    close.append(text_.substr(at_ + 2, open - at_ - 2));
    close += '"';
    const std::size_t found = text_.find(close, open);
    BlankTo(found == std::string_view::npos ? text_.size() : found + close.size());
  }

  void BlankQuoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    BlankTo(end + 1);
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

SourceTree LoadTree(const fs::path& root) {
  SourceTree tree;
  auto entry = fs::recursive_directory_iterator(root);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory()) {
      if (IsSkipped(entry->path(), root)) {
        entry.disable_recursion_pending();
      }
    } else if (entry->is_regular_file()) {
      std::string text = ReadFile(entry->path());
      if (text.find('\0') == std::string::npos) {
        tree.push_back({fs::relative(entry->path(), root).generic_string(), std::move(text)});
      }
    }
  }
  std::sort(tree.begin(), tree.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

const SourceTree& RepositoryTree() {
  static const SourceTree tree = LoadTree(TALLYD_SOURCE_ROOT);
  return tree;
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool EndsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

bool IsCpp(std::string_view path) {
  return EndsWith(path, ".h") || EndsWith(path, ".cc");
}

bool IsShell(const SourceFile& file) {
  const std::string_view text = file.text;
  const std::string_view first = text.substr(0, text.find('\n'));
  return EndsWith(file.path, ".sh") ||
         (StartsWith(first, "#!") && (EndsWith(first, "bash") || EndsWith(first, "/sh")));
}

bool IsCode(const SourceFile& file) {
  constexpr std::array<std::string_view, 5> kEndings = {".cmake", "CMakeLists.txt", ".py", ".js",
                                                        ".mjs"};
  return IsCpp(file.path) || IsShell(file) ||
         std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return EndsWith(file.path, ending); });
}

std::string TopFolder(std::string_view path) {
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? "" : std::string(path.substr(0, slash));
}

std::string Folder(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(path.substr(0, slash));
}

std::string BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string WithoutCommentsAndLiterals(std::string_view text) {
  return Blanker(text).Run();
}

std::string Describe(const Findings& findings) {
  std::ostringstream out;
  for (const Finding& finding : findings) {
    out << '\n' << finding.path << ':' << finding.line << ": " << finding.message;
  }
  return std::move(out).str();
}

}  // namespace tallyd::lint
