#include "tests/lint/project_rules.h"

#include <gtest/gtest.h>

#include "tests/lint/source_tree.h"

namespace tallyd::lint {
namespace {

TEST(CmakeText, IsReadAsCalls) {
  const auto calls =
      ParseCmake("# tallyd_test(no)\ntallyd_test(a  # note\n  SOURCES \"b.cc\" c.cc)\n");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].name, "tallyd_test");
  EXPECT_EQ(calls[0].arguments, (std::vector<std::string>{"a", "SOURCES", "b.cc", "c.cc"}));
}

TEST(RegistrationRule, CatchesFilesOutsideTheBuild) {
  EXPECT_EQ(CheckRegistered({{"engine/a.cc", ""}}).size(), 1U);
  EXPECT_EQ(CheckRegistered({{"engine/CMakeLists.txt", "# tallyd_library(e SOURCES a.cc)\n"},
                             {"engine/a.cc", ""}})
                .size(),
            1U);
  EXPECT_EQ(CheckRegistered({{"engine/CMakeLists.txt", "tallyd_library(e SOURCES b_a.cc)\n"},
                             {"engine/a.cc", ""}})
                .size(),
            1U);
  EXPECT_EQ(CheckRegistered(
                {{"net/CMakeLists.txt", "tallyd_library(e SOURCES a.cc)\n"}, {"engine/a.cc", ""}})
                .size(),
            1U);
}

TEST(RegistrationRule, CatchesTestsAndBenchesThatNeverRun) {
  EXPECT_EQ(CheckRegistered({{"tests/CMakeLists.txt", "tallyd_library(e SOURCES e/a_test.cc)\n"},
                             {"tests/e/a_test.cc", ""}})
                .size(),
            1U);
  EXPECT_EQ(CheckRegistered({{"bench/CMakeLists.txt", "add_executable(a a_bench.cc)\n"},
                             {"bench/a_bench.cc", ""}})
                .size(),
            1U);
  EXPECT_EQ(CheckRegistered({{"tests/f/CMakeLists.txt", "add_executable(a a_fuzz.cc)\n"},
                             {"tests/f/a_fuzz.cc", ""}})
                .size(),
            1U);
}

TEST(RegistrationRule, AcceptsWhatIsRegistered) {
  EXPECT_EQ(Describe(CheckRegistered(
                {{"engine/CMakeLists.txt", "tallyd_library(e SOURCES a.cc b/c.cc)\n"},
                 {"engine/a.cc", ""},
                 {"engine/b/c.cc", ""},
                 {"tests/e/CMakeLists.txt", "tallyd_test(e SOURCES a_test.cc)\n"},
                 {"tests/e/a_test.cc", ""}})),
            "");
}

TEST(LinkRule, CatchesLinksThatLeadNowhere) {
  EXPECT_EQ(CheckLinks({{"README.md", "[a](docs/none.md)\n"}}).size(), 1U);
  EXPECT_EQ(CheckLinks({{"docs/a.md", "[a](b.md#part)\n"}, {"b.md", ""}}).size(), 1U);
  EXPECT_EQ(CheckLinks({{"CONTRIBUTING.md", "x [a](../README.md) y\n"}, {"README.md", ""}}).size(),
            1U);
}

TEST(LinkRule, AcceptsGoodLinksAndExamples) {
  EXPECT_EQ(Describe(CheckLinks(
                {{"README.md", "[a](docs/a.md#x) [b](docs/) [c](https://x.org/y) [d](#e)\n"},
                 {"docs/a.md", "[up](../README.md)\n```\n[no](link)\n```\n"}})),
            "");
}

TEST(DecisionRule, CatchesDoubledUnlistedAndMisnamed) {
  const SourceFile index{"docs/decisions/README.md", "[0001](0001-a.md) [0003](0003-c.md)\n"};
  EXPECT_TRUE(
      CheckDecisions({{"docs/decisions/0001-a.md", ""}, {"docs/decisions/0003-c.md", ""}, index})
          .empty());
  EXPECT_EQ(CheckDecisions({{"docs/decisions/0001-b.md", ""}, index}).size(), 1U);
  EXPECT_EQ(CheckDecisions({{"docs/decisions/0001-a.md", ""}}).size(), 1U);
  EXPECT_EQ(CheckDecisions({{"docs/decisions/first.md", ""}, index}).size(), 1U);
  EXPECT_EQ(
      CheckDecisions({{"docs/decisions/0001-a.md", ""}, {"docs/decisions/0001-b.md", ""}, index})
          .size(),
      2U);
  EXPECT_TRUE(CheckDecisions({{"docs/decisions/0001-a.md", ""}, index}).empty());
}

TEST(OneDefinitionRule, CatchesTwoTypesOfOneName) {
  const SourceFile a{"engine/a.h", "namespace tallyd {\nclass Key;\nclass Key final {\n};\n}\n"};
  EXPECT_EQ(
      CheckOneDefinition({a, {"storage/b.h", "namespace tallyd {\nstruct Key {\n};\n}\n"}}).size(),
      1U);
  EXPECT_TRUE(CheckOneDefinition({a,
                                  {"net/c.h", "namespace tallyd {\nclass Key;\n}\n"},
                                  {"tests/d.h", "namespace tallyd::d {\nclass Key {\n};\n}\n"},
                                  {"tests/e.h", "namespace tallyd {\n// class Key {\n}\n"}})
                  .empty());
}

TEST(MetricRule, CatchesWhatOperatorsAreNotTold) {
  const SourceFile page{"docs/operations.md", "| `tallyd_known`, `tallyd_labelled{a}` |\n"};
  EXPECT_EQ(CheckMetrics({page, {"net/a.cc", "Add(\"tallyd_unknown\");\n"}}).size(), 1U);
  EXPECT_EQ(CheckMetrics({page, {"net/a.cc", "Add(\"tallyd_know\");\n"}}).size(), 1U);
  EXPECT_EQ(CheckMetrics({{"net/a.cc", "Add(\"tallyd_known\");\n"}}).size(), 1U);
  EXPECT_TRUE(CheckMetrics({page, {"net/a.cc", "\"tallyd_known\" \"tallyd_labelled\" \"tallyd\""}})
                  .empty());
}

}  // namespace
}  // namespace tallyd::lint
