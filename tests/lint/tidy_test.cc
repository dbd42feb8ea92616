// The rules of code_rules.h and project_rules.h, held against this repository.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/lint/code_rules.h"
#include "tests/lint/project_rules.h"
#include "tests/lint/source_tree.h"

namespace tallyd::lint {
namespace {

// Raise a number only with a reason in the commit message: docs/style.md, habit 7. The engine's are
// the immutable poll views and snapshots it publishes.
const std::map<std::string, std::size_t> kSharedPtrBudgets = {
    {"storage", 15}, {"engine", 53}, {"net", 57}, {"config", 0}, {"tools", 10},
};

TEST(Tidy, TreeIsRead) {
  ASSERT_GT(RepositoryTree().size(), 10U) << TALLYD_SOURCE_ROOT;
}

TEST(Tidy, FilesAreShort) {
  EXPECT_EQ(Describe(CheckFileLength(RepositoryTree())), "");
}
TEST(Tidy, FunctionsAreShort) {
  EXPECT_EQ(Describe(CheckFunctionLength(RepositoryTree())), "");
}
TEST(Tidy, LinesAreClean) {
  EXPECT_EQ(Describe(CheckLines(RepositoryTree())), "");
}
TEST(Tidy, NamesSaySomething) {
  EXPECT_EQ(Describe(CheckBannedNames(RepositoryTree())), "");
}
TEST(Tidy, OpenWorkHasAnIssue) {
  EXPECT_EQ(Describe(CheckOpenWork(RepositoryTree())), "");
}
TEST(Tidy, SilencedChecksSayWhy) {
  EXPECT_EQ(Describe(CheckSilencedTidy(RepositoryTree())), "");
}
TEST(Tidy, ScriptsStopAtErrors) {
  EXPECT_EQ(Describe(CheckShellPrologue(RepositoryTree())), "");
}

TEST(Tidy, SharedOwnershipIsRare) {
  EXPECT_EQ(Describe(CheckSharedOwnership(RepositoryTree(), kSharedPtrBudgets)), "");
}

TEST(Tidy, EverySourceIsRegistered) {
  EXPECT_EQ(Describe(CheckRegistered(RepositoryTree())), "");
}
TEST(Tidy, LinksLeadSomewhere) {
  EXPECT_EQ(Describe(CheckLinks(RepositoryTree())), "");
}
TEST(Tidy, DecisionsAreListed) {
  EXPECT_EQ(Describe(CheckDecisions(RepositoryTree())), "");
}
TEST(Tidy, TypesAreDefinedOnce) {
  EXPECT_EQ(Describe(CheckOneDefinition(RepositoryTree())), "");
}
TEST(Tidy, MetricsAreExplained) {
  EXPECT_EQ(Describe(CheckMetrics(RepositoryTree())), "");
}

}  // namespace
}  // namespace tallyd::lint
