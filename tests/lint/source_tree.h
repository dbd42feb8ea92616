#pragma once

// The repository as the lint tests see it: every text file with its path, and C++ text without
// comments and literals.
//
// LoadTree() walks the folder itself instead of asking git, so that the tests also work in a copy
// without history; build output, the demo's data and downloaded modules are left out.
// Every rule is a pure function from files to findings, so that its self-test can feed it a file
// that breaks the rule.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd::lint {

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::string text;
};

using SourceTree = std::vector<SourceFile>;  // sorted by path

// One broken rule. Prints as "path:line: message", which editors can jump to.
struct Finding {
  std::string path;
  std::size_t line = 0;
  std::string message;
};

using Findings = std::vector<Finding>;

SourceTree LoadTree(const std::filesystem::path& root);

// The tree this test was built from.
const SourceTree& RepositoryTree();

bool IsCpp(std::string_view path);
bool IsShell(const SourceFile& file);
bool IsCode(const SourceFile& file);  // C++, CMake, shell, Python, JavaScript

bool StartsWith(std::string_view text, std::string_view prefix);
bool EndsWith(std::string_view text, std::string_view suffix);
std::string TopFolder(std::string_view path);  // "storage/journal.h" -> "storage", "x" -> ""
std::string Folder(std::string_view path);     // "a/b/c.cc" -> "a/b", "x" -> ""
std::string BaseName(std::string_view path);

std::vector<std::string> SplitLines(std::string_view text);

// The same text with the contents of comments, string and character literals replaced by spaces;
// line breaks stay, so line numbers and columns of what remains are true.
std::string WithoutCommentsAndLiterals(std::string_view text);

// All findings as one text for a failed expectation; empty if there are none.
std::string Describe(const Findings& findings);

}  // namespace tallyd::lint
