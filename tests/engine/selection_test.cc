#include "engine/selection.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "engine/ranking.h"

namespace tallyd {
namespace {

struct Candidate {
  std::string id;
  std::int64_t score = 0;
  std::int64_t cost = 0;
  bool withdrawn = false;
};

RankingSnapshot SnapshotOf(SelectionDefinition rule, const std::vector<Candidate>& candidates) {
  auto view = std::make_shared<PollView>();
  view->definition.selection = rule;
  RankingSnapshot snapshot;
  std::vector<RankedOption> rows;
  std::vector<Ranking::Name> names;
  for (const Candidate& candidate : candidates) {
    OptionDefinition option;
    option.id = candidate.id;
    option.cost = candidate.cost;
    option.withdrawn = candidate.withdrawn;
    view->definition.options.push_back(std::move(option));
    rows.push_back({.score = candidate.score});
    names.push_back({0, candidate.id});
  }
  Ranking ranking;
  ranking.Reset(names, [&](OptionIndex option) { return candidates[option].score; });
  snapshot.rows = SharedRows(rows);
  snapshot.order = ranking.order();
  snapshot.view = std::move(view);
  return snapshot;
}

// "a+ c- b=" : selected, not selected; '!' behind what a tie decided.
std::string Told(SelectionDefinition rule, const std::vector<Candidate>& candidates) {
  std::string told;
  for (const ConsideredOption& considered : Select(SnapshotOf(rule, candidates)).options) {
    if (!told.empty()) told += ' ';
    told += candidates[considered.option].id;
    told += considered.selected ? '+' : '-';
    if (considered.tie_decided) told += '!';
  }
  return told;
}

SelectionDefinition Top(std::uint32_t count, std::int64_t threshold = 0) {
  return {.rule = SelectionRule::kTop, .count = count, .threshold = threshold};
}
SelectionDefinition Within(SelectionRule rule, std::int64_t budget, std::int64_t threshold = 0) {
  return {.rule = rule, .budget = budget, .threshold = threshold};
}

TEST(SelectionTest, TopTakesTheFirst) {
  const std::vector<Candidate> candidates = {{"a", 3}, {"b", 9}, {"c", 5}, {"d", 1}};
  EXPECT_EQ(Told(Top(2), candidates), "b+ c+ a- d-");
  EXPECT_EQ(Told(Top(9), candidates), "b+ c+ a+ d+");
  EXPECT_EQ(Told(Top(3, 4), candidates), "b+ c+ a- d-");
}

TEST(SelectionTest, GreedySkipsWhatDoesNotFitAndNoSkipEnds) {
  const std::vector<Candidate> candidates = {
      {"a", 9, 60}, {"b", 8, 50}, {"c", 7, 30}, {"d", 6, 20}, {"e", 5, 0}};
  EXPECT_EQ(Told(Within(SelectionRule::kGreedy, 100), candidates), "a+ b- c+ d- e+");
  EXPECT_EQ(Told(Within(SelectionRule::kGreedyNoSkip, 100), candidates), "a+ b- c- d- e-");
  EXPECT_EQ(Told(Within(SelectionRule::kGreedy, 0), candidates), "a- b- c- d- e+");
}

TEST(SelectionTest, TheThresholdIsTheLeastScoreThatMayBeIn) {
  const std::vector<Candidate> candidates = {{"a", 9, 60}, {"b", 5, 10}, {"c", 4, 10}};
  EXPECT_EQ(Told(Within(SelectionRule::kGreedyThreshold, 100, 5), candidates), "a+ b+ c-");
  EXPECT_EQ(Told(Within(SelectionRule::kGreedyNoSkip, 100, 6), candidates), "a+ b- c-");
  const std::vector<Candidate> below_zero = {{"a", 1, 1}, {"b", -1, 1}};
  EXPECT_EQ(Told(Within(SelectionRule::kGreedyThreshold, 9, 0), below_zero), "a+ b-");
  EXPECT_EQ(Told(Within(SelectionRule::kGreedy, 9), below_zero), "a+ b+");
}

TEST(SelectionTest, WithdrawnOptionsAreNeverIn) {
  const std::vector<Candidate> candidates = {{"a", 9, 60, true}, {"b", 8, 90}, {"c", 7, 90}};
  EXPECT_EQ(Told(Within(SelectionRule::kGreedyNoSkip, 100), candidates), "a- b+ c-");
  EXPECT_EQ(Told(Top(1), candidates), "a- b+ c-");
}

TEST(SelectionTest, SaysWhereTheOrderAmongEqualScoresDecided) {
  EXPECT_EQ(Told(Top(1), {{"b", 5}, {"a", 5}, {"c", 4}}), "a+! b-! c-");
  EXPECT_EQ(Told(Top(2), {{"b", 5}, {"a", 5}, {"c", 4}}), "a+ b+ c-") << "both are in";
  EXPECT_EQ(Told(Within(SelectionRule::kGreedy, 100), {{"a", 5, 60}, {"b", 5, 70}}), "a+! b-!");
  EXPECT_EQ(Told(Within(SelectionRule::kGreedy, 100), {{"a", 5, 60}, {"b", 5, 170}}), "a+ b-")
      << "b would not fit whatever came first";
  EXPECT_EQ(Told(Within(SelectionRule::kGreedyNoSkip, 100), {{"a", 5, 170}, {"b", 5, 70}}),
            "a-! b-!")
      << "had b come first, it would be in";
}

TEST(SelectionTest, KeepsTheAccounts) {
  const Selection selection = Select(
      SnapshotOf(Within(SelectionRule::kGreedy, 100), {{"a", 9, 60}, {"b", 8, 50}, {"c", 7, 30}}));
  EXPECT_EQ(selection.spent, 90);
  EXPECT_FALSE(selection.tie_decided);
  ASSERT_EQ(selection.options.size(), 3u);
  EXPECT_EQ(selection.options[1].budget_left, 40);
  EXPECT_EQ(selection.options[1].reason, SelectionReason::kTooExpensive);
  EXPECT_EQ(selection.options[2].reason, SelectionReason::kFits);
}

TEST(SelectionTest, APollWithoutOptionsSelectsNothing) {
  EXPECT_TRUE(Select(SnapshotOf(Top(3), {})).options.empty());
}

}  // namespace
}  // namespace tallyd
