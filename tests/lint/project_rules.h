#pragma once

// Rules about how files hang together: nothing is left out of the build, no link leads nowhere, no
// decision is missing from the list, no metric from the operators' page.

#include <string>
#include <vector>

#include "tests/lint/source_tree.h"

namespace tallyd::lint {

// One call in a CMake file: its name and its arguments, comments and quotes removed.
struct CmakeCall {
  std::string name;
  std::vector<std::string> arguments;
};

std::vector<CmakeCall> ParseCmake(std::string_view text);

// Every .cc is an argument of a call in a CMakeLists.txt beside or above it, *_test.cc of
// tallyd_test(), *_fuzz.cc of tallyd_fuzz(), *_bench.cc of tallyd_bench(). Write the names out: a
// glob or a loop hides them.
Findings CheckRegistered(const SourceTree& tree);
// Relative links in the documents lead to a file or folder of the repository.
Findings CheckLinks(const SourceTree& tree);
// docs/decisions/NNNN-title.md: numbered 0001, 0002 ... without gaps, each listed in README.md
// there.
Findings CheckDecisions(const SourceTree& tree);
// No two headers define a type of the same name in the same namespace: in a program with both, the
// linker keeps one of each inline function and says nothing ("one definition rule").
Findings CheckOneDefinition(const SourceTree& tree);
// Every metric that a source of net/ names ("tallyd_...") stands in docs/operations.md, where
// operators learn what to make of it.
Findings CheckMetrics(const SourceTree& tree);

}  // namespace tallyd::lint
