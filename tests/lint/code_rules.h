#pragma once

// Rules about the text of one source file: size, lines, names, and what must carry a reason.

#include <cstddef>
#include <map>
#include <string>

#include "tests/lint/source_tree.h"

namespace tallyd::lint {

inline constexpr std::size_t kFileLinesMax = 500;
inline constexpr std::size_t kFunctionLinesMax = 70;
inline constexpr std::size_t kColumnsMax = 100;

Findings CheckFileLength(const SourceTree& tree);
// Counts braces: a body directly in a namespace or class is a function, as is each TEST.
Findings CheckFunctionLength(const SourceTree& tree);
Findings CheckLines(const SourceTree& tree);          // columns, tabs, blanks at the end (C++)
Findings CheckBannedNames(const SourceTree& tree);    // utils, common, ... anywhere in a path
Findings CheckOpenWork(const SourceTree& tree);       // a to-do names its issue
Findings CheckSilencedTidy(const SourceTree& tree);   // a silenced clang-tidy check says why
Findings CheckShellPrologue(const SourceTree& tree);  // set -euo pipefail comes first

// shared_ptr hides who owns a thing: a folder may use it as often as its budget says, no more.
Findings CheckSharedOwnership(const SourceTree& tree,
                              const std::map<std::string, std::size_t>& budgets);

}  // namespace tallyd::lint
