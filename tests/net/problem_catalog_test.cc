#include "net/problem_catalog.h"

#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace tallyd {
namespace {

bool IsSnakeCase(std::string_view name) {
  if (name.empty() || name.front() == '_' || name.back() == '_') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '_' && name[i - 1] == '_') return false;
    if (c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

TEST(ProblemCatalog, NamesAreUniqueAndSnakeCase) {
  std::set<std::string_view> seen;
  for (const Problem& problem : AllProblems()) {
    EXPECT_TRUE(IsSnakeCase(problem.name)) << problem.name;
    EXPECT_TRUE(seen.insert(problem.name).second) << problem.name << " is there twice";
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kProblemCodeCount));
}

TEST(ProblemCatalog, StatusesAreErrors) {
  for (const Problem& problem : AllProblems()) {
    EXPECT_GE(problem.status, 400) << problem.name;
    EXPECT_LE(problem.status, 599) << problem.name;
  }
}

TEST(ProblemCatalog, OnlyWhatPassesByItselfIsRetryable) {
  for (const Problem& problem : AllProblems()) {
    const bool passes = problem.status == 408 || problem.status == 429 || problem.status == 500 ||
                        problem.status == 503;
    EXPECT_EQ(problem.retryable, passes) << problem.name;
  }
}

TEST(ProblemCatalog, BothLanguagesSayWhatItIs) {
  for (const Problem& problem : AllProblems()) {
    for (const ProblemText& text : {problem.en, problem.de}) {
      ASSERT_FALSE(text.title.empty()) << problem.name;
      EXPECT_NE(text.title.back(), '.') << problem.name;
      ASSERT_FALSE(text.explanation.empty()) << problem.name;
      EXPECT_EQ(text.explanation.back(), '.') << problem.name;
    }
    EXPECT_NE(problem.en.explanation, problem.de.explanation) << problem.name;
  }
}

TEST(ProblemCatalog, EveryRowIsFoundByCodeAndByName) {
  for (const Problem& problem : AllProblems()) {
    EXPECT_EQ(&Describe(problem.code), &problem);
    EXPECT_EQ(FindProblem(problem.name), problem.code);
  }
  EXPECT_EQ(FindProblem("no_such_code"), std::nullopt);
  EXPECT_EQ(FindProblem("Already_Voted"), std::nullopt);
  EXPECT_EQ(FindProblem(""), std::nullopt);
}

}  // namespace
}  // namespace tallyd
