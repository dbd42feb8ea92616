#include "engine/ranking.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

std::vector<std::string> RandomIds(Random* random, std::size_t count) {
  std::set<std::string> ids;
  while (ids.size() < count) ids.insert(std::to_string((*random)()));
  std::vector<std::string> shuffled(ids.begin(), ids.end());
  std::shuffle(shuffled.begin(), shuffled.end(), *random);
  return shuffled;
}

std::vector<Ranking::Name> NamesOf(const std::vector<std::string>& ids) {
  std::vector<Ranking::Name> names;
  for (const std::string& id : ids) names.push_back({0, id});
  return names;
}

std::vector<OptionIndex> FullSort(const std::vector<std::string>& ids,
                                  const std::vector<std::int64_t>& scores) {
  std::vector<OptionIndex> order(ids.size());
  std::iota(order.begin(), order.end(), OptionIndex{0});
  std::sort(order.begin(), order.end(), [&](OptionIndex a, OptionIndex b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : ids[a] < ids[b];
  });
  return order;
}

// 1 + how many options have a higher score.
std::vector<std::uint32_t> NaiveRanks(const std::vector<std::int64_t>& scores) {
  std::vector<std::int64_t> sorted = scores;
  std::sort(sorted.rbegin(), sorted.rend());
  std::vector<std::uint32_t> ranks;
  for (const std::int64_t score : scores) {
    const auto first = std::lower_bound(sorted.begin(), sorted.end(), score, std::greater<>());
    ranks.push_back(static_cast<std::uint32_t>(first - sorted.begin()) + 1);
  }
  return ranks;
}

TEST(RankingTest, AgreesWithAFullSortThroughUpdates) {
  Random random(TestSeed());
  for (const std::size_t count : {1u, 2u, 3u, 40u, 1'000u}) {
    const std::vector<std::string> ids = RandomIds(&random, count);
    std::vector<std::int64_t> scores(count, 0);
    const auto score = [&](OptionIndex option) { return scores[option]; };
    Ranking ranking;
    ranking.Reset(NamesOf(ids), score);
    ASSERT_EQ(ranking.order(), FullSort(ids, scores));
    for (int round = 0; round < 100; ++round) {
      std::set<OptionIndex> changed;
      const std::uint64_t changes = Below(&random, round % 10 == 0 ? 2 * count + 1 : 4);
      for (std::uint64_t i = 0; i < changes; ++i) {
        const auto option = static_cast<OptionIndex>(Below(&random, count));
        changed.insert(option);
        // A small range, so that ties are many; down as well as up; now and then no change.
        scores[option] += static_cast<std::int64_t>(Below(&random, 7)) - 3;
      }
      std::vector<OptionIndex> list(changed.begin(), changed.end());
      std::shuffle(list.begin(), list.end(), random);
      ranking.Update(list, score);
      ASSERT_EQ(ranking.order(), FullSort(ids, scores));
      ASSERT_EQ(ranking.Ranks(score), NaiveRanks(scores));
    }
  }
}

TEST(RankingTest, EqualScoresShareARankAndStandById) {
  const std::vector<std::string> ids = {"delta", "alpha", "charlie", "bravo"};
  const std::vector<std::int64_t> scores = {5, 5, 9, 1};
  const auto score = [&](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  ranking.Reset(NamesOf(ids), score);
  EXPECT_EQ(ranking.order(), (std::vector<OptionIndex>{2, 1, 0, 3}));
  EXPECT_EQ(ranking.Ranks(score), (std::vector<std::uint32_t>{2, 2, 1, 4}));
}

TEST(RankingTest, NoOptionsAndNoChangesAreFine) {
  const auto score = [](OptionIndex) { return std::int64_t{0}; };
  Ranking ranking;
  ranking.Reset({}, score);
  ranking.Update({}, score);
  EXPECT_TRUE(ranking.order().empty());
  EXPECT_TRUE(ranking.Ranks(score).empty());
}

TEST(RankingDeathTest, AChangedOptionIsKnownAndNamedOnce) {
  const std::vector<std::string> ids = {"a", "b"};
  const auto score = [](OptionIndex) { return std::int64_t{0}; };
  Ranking ranking;
  ranking.Reset(NamesOf(ids), score);
  EXPECT_DEATH(ranking.Update({2}, score), "broken invariant");
  EXPECT_DEATH(ranking.Update({1, 1}, score), "broken invariant");
}

TEST(RankingTest, EachQuestionRanksItsOwn) {
  const std::vector<Ranking::Name> names = {{1, "b"}, {0, "b"}, {1, "a"}, {0, "a"}, {1, "c"}};
  std::vector<std::int64_t> scores = {5, 1, 5, 9, 7};
  const auto score = [&scores](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  ranking.Reset(names, score);
  EXPECT_EQ(ranking.order(), (std::vector<OptionIndex>{3, 1, 4, 2, 0}));
  EXPECT_EQ(ranking.Ranks(score), (std::vector<std::uint32_t>{2, 2, 2, 1, 1}));
  scores[0] = 8;
  ranking.Update(std::vector<OptionIndex>{0}, score);
  EXPECT_EQ(ranking.order(), (std::vector<OptionIndex>{3, 1, 0, 4, 2}));
  EXPECT_EQ(ranking.Ranks(score), (std::vector<std::uint32_t>{1, 2, 3, 1, 2}));
}

}  // namespace
}  // namespace tallyd
