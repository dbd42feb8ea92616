// docs/contract_rules.md says for each rule of the contract which test breaks it. Here: each of
// these tests exists and looks for that code, and no code of the contract is left out.

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/lint/source_tree.h"

namespace tallyd::lint {
namespace {

constexpr std::string_view kTable = "docs/contract_rules.md";

struct Rule {
  std::size_t line = 0;
  std::string code;
  std::string suite;
  std::string test;
};

// What is between the first and the last backquote of a cell.
std::string Quoted(std::string_view cell) {
  const std::size_t first = cell.find('`');
  const std::size_t last = cell.rfind('`');
  return first == last ? "" : std::string(cell.substr(first + 1, last - first - 1));
}

std::vector<Rule> ReadRules(std::string_view text) {
  std::vector<Rule> rules;
  std::size_t number = 0;
  for (const std::string& line : SplitLines(text)) {
    ++number;
    if (!StartsWith(line, "| ") || StartsWith(line, "| rule")) continue;
    const std::size_t end = line.rfind('|');
    const std::size_t test = line.rfind('|', end - 1);
    const std::size_t code = line.rfind('|', test - 1);
    Rule rule{
        .line = number, .code = Quoted(line.substr(code, test - code)), .suite = {}, .test = {}};
    const std::string name = Quoted(line.substr(test, end - test));
    rule.suite = name.substr(0, name.find('.'));
    rule.test = name.substr(std::min(name.size(), name.find('.') + 1));
    rules.push_back(std::move(rule));
  }
  return rules;
}

// The text of a test, or "" if the file has none of that name.
std::string_view TextOfTest(std::string_view file, const Rule& rule) {
  for (const char* macro : {"TEST(", "TEST_F(", "TEST_P("}) {
    const std::string head = macro + rule.suite + ", " + rule.test + ")";
    const std::size_t begin = file.find(head);
    if (begin == std::string_view::npos) continue;
    return file.substr(begin, file.find("\n}\n", begin) - begin);
  }
  return {};
}

Findings CheckRules(const SourceTree& tree) {
  Findings findings;
  const auto table = std::find_if(tree.begin(), tree.end(),
                                  [](const SourceFile& file) { return file.path == kTable; });
  if (table == tree.end()) return {{std::string(kTable), 0, "is missing"}};
  for (const Rule& rule : ReadRules(table->text)) {
    const auto say = [&](const std::string& what) {
      findings.push_back({std::string(kTable), rule.line, what});
    };
    if (rule.code.empty() || rule.test.empty()) {
      say("no code or no test");
      continue;
    }
    std::string_view text;
    for (const SourceFile& file : tree) {
      if (StartsWith(file.path, "tests/") && EndsWith(file.path, ".cc") && text.empty()) {
        text = TextOfTest(file.text, rule);
      }
    }
    if (text.empty()) {
      say("there is no test " + rule.suite + "." + rule.test);
    } else if (text.find(rule.code) == std::string_view::npos) {
      say(rule.suite + "." + rule.test + " does not look for " + rule.code);
    }
  }
  return findings;
}

TEST(ContractRules, EachHasATestThatLooksForItsCode) {
  EXPECT_EQ(Describe(CheckRules(RepositoryTree())), "");
}

TEST(ContractRules, ATestThatIsMissingOrLooksForSomethingElseIsFound) {
  const std::string head = "| rule | code | test |\n|---|---|---|\n";
  const SourceTree tests = {
      {"tests/a.cc", "TEST_F(Suite, Name) {\n  Expect(\"one\");\n}\n\nTEST(Suite, B) {\n}\n"}};
  const auto count = [&](const std::string& rows) {
    SourceTree tree = tests;
    tree.push_back({std::string(kTable), head + rows});
    return CheckRules(tree).size();
  };
  EXPECT_EQ(count("| r | `one` | `Suite.Name` |\n"), 0U);
  EXPECT_EQ(count("| r | `two` | `Suite.Name` |\n"), 1U);
  EXPECT_EQ(count("| r | `one` | `Suite.B` |\n"), 1U) << "another test's text";
  EXPECT_EQ(count("| r | `one` | `Suite.Gone` |\n"), 1U);
  EXPECT_EQ(count("| r | `one` | |\n"), 1U);
  EXPECT_EQ(CheckRules(tests).size(), 1U) << "no table at all";
}

TEST(ContractRules, NoCodeOfTheContractIsLeftOut) {
  std::string contract;
  std::set<std::string> listed;
  for (const SourceFile& file : RepositoryTree()) {
    if (file.path == "tests/support/api_contract.cc") contract = file.text;
    if (file.path != kTable) continue;
    for (const Rule& rule : ReadRules(file.text)) listed.insert(rule.code);
  }
  std::size_t codes = 0;
  for (std::size_t at = contract.find("{\""); at != std::string::npos;
       at = contract.find("{\"", at + 1)) {
    const std::size_t end = contract.find("\", ", at);  // {"code", 409},
    const std::string code = contract.substr(at + 2, end - at - 2);
    const bool is_row = end + 3 < contract.size() && std::isdigit(contract[end + 3]) != 0;
    if (!is_row || code.find('\n') != std::string::npos) continue;
    ++codes;
    EXPECT_TRUE(listed.contains(code)) << code;
  }
  EXPECT_GT(codes, 70U);
}

}  // namespace
}  // namespace tallyd::lint
