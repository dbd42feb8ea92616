#include "engine/ranking.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "engine/snapshot.h"
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

SharedRows RowsOf(const std::vector<std::int64_t>& scores) {
  return SharedRows::Make(scores.size(), [&scores](OptionIndex option) {
    return RankedOption{.score = scores[option]};
  });
}

// By option index, as readers get them.
std::vector<std::uint32_t> RanksOf(const Ranking& ranking, const SharedRows& rows,
                                   const std::vector<Ranking::Name>& names) {
  auto view = std::make_shared<PollView>();
  for (const Ranking::Name& name : names) {
    OptionDefinition option;
    option.question = name.question;
    view->definition.options.push_back(std::move(option));
  }
  RankingSnapshot snapshot;
  snapshot.rows = rows;
  snapshot.order = ranking.order();
  snapshot.view = std::move(view);
  std::vector<std::uint32_t> ranks(rows.size());
  ForEachRanked(snapshot, [&](OptionIndex option, const RankedOption& row, std::uint32_t rank) {
    EXPECT_EQ(row, rows[option]);
    ranks[option] = rank;
  });
  return ranks;
}

// Some options, ascending, each once.
std::vector<OptionIndex> SomeOf(Random* random, std::size_t count, std::uint64_t tries) {
  std::set<OptionIndex> some;
  for (std::uint64_t i = 0; i < tries; ++i) {
    some.insert(static_cast<OptionIndex>(Below(random, count)));
  }
  return {some.begin(), some.end()};
}

TEST(RankingTest, AgreesWithAFullSortThroughUpdates) {
  Random random(TestSeed());
  for (const std::size_t count : {1u, 2u, 3u, 40u, 1'000u, 5'000u}) {
    const std::vector<std::string> ids = RandomIds(&random, count);
    std::vector<std::int64_t> scores(count, 0);
    const auto score = [&](OptionIndex option) { return scores[option]; };
    const auto row = [&](OptionIndex option) { return RankedOption{.score = scores[option]}; };
    Ranking ranking;
    ranking.Reset(NamesOf(ids), score);
    SharedRows rows = RowsOf(scores);
    ASSERT_EQ(ranking.order().ToVector(), FullSort(ids, scores));
    // A small range, so that ties are many; now and then a wide one, so that options go far and
    // whole blocks empty themselves into others.
    for (int round = 0; round < 100; ++round) {
      const std::uint64_t range = round % 7 == 0 ? 1'000 : 7;
      const std::vector<OptionIndex> changed =
          SomeOf(&random, count, Below(&random, round % 10 == 0 ? 2 * count + 1 : 40));
      for (const OptionIndex option : changed) {
        scores[option] +=
            static_cast<std::int64_t>(Below(&random, range)) - static_cast<std::int64_t>(range / 2);
      }
      ranking.Update(changed, score);
      rows = rows.With(changed, row);
      ASSERT_EQ(ranking.order().size(), count);
      ASSERT_EQ(ranking.order().ToVector(), FullSort(ids, scores));
      ASSERT_EQ(rows, RowsOf(scores));
      ASSERT_EQ(RanksOf(ranking, rows, NamesOf(ids)), NaiveRanks(scores));
    }
  }
}

TEST(RankingTest, SurveysAgreeWithAFullSortThroughUpdates) {
  Random random(TestSeed());
  constexpr std::size_t kCount = 3'000;
  const std::vector<std::string> ids = RandomIds(&random, kCount);
  std::vector<Ranking::Name> names = NamesOf(ids);
  for (Ranking::Name& name : names) {
    name.question = static_cast<QuestionIndex>(Below(&random, 5));
  }
  std::vector<std::int64_t> scores(kCount, 0);
  const auto score = [&](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  ranking.Reset(names, score);
  for (int round = 0; round < 100; ++round) {
    const std::vector<OptionIndex> changed = SomeOf(&random, kCount, Below(&random, 100));
    for (const OptionIndex option : changed) {
      scores[option] = static_cast<std::int64_t>(Below(&random, 20));
    }
    ranking.Update(changed, score);
    std::vector<OptionIndex> expected = FullSort(ids, scores);
    std::stable_sort(expected.begin(), expected.end(), [&](OptionIndex a, OptionIndex b) {
      return names[a].question < names[b].question;
    });
    ASSERT_EQ(ranking.order().ToVector(), expected);
  }
}

// One option after the other falls behind all others and climbs to the front: blocks are emptied
// and filled at both ends.
TEST(RankingTest, BlocksStayOfAMiddlingSize) {
  Random random(TestSeed());
  constexpr std::size_t kCount = 10'000;
  const std::vector<std::string> ids = RandomIds(&random, kCount);
  std::vector<std::int64_t> scores(kCount, 0);
  const auto score = [&](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  ranking.Reset(NamesOf(ids), score);
  std::int64_t best = 0;
  for (int round = 0; round < 1'000; ++round) {
    const std::vector<OptionIndex> changed = SomeOf(&random, kCount, 100);
    for (const OptionIndex option : changed) scores[option] = round % 3 == 0 ? -best : ++best;
    ranking.Update(changed, score);
    for (const auto& block : ranking.order().blocks()) {
      ASSERT_LE(block->size(), SharedOrder::kBlockOptions);
    }
    ASSERT_LE(ranking.order().blocks().size(), 2 + kCount / 64);
  }
  EXPECT_EQ(ranking.order().ToVector(), FullSort(ids, scores));
}

TEST(RankingTest, WhatWasGivenOutStaysAndIsShared) {
  Random random(TestSeed());
  constexpr std::size_t kCount = 20'000;
  const std::vector<std::string> ids = RandomIds(&random, kCount);
  std::vector<std::int64_t> scores(kCount);
  for (std::int64_t& one : scores) one = static_cast<std::int64_t>(Below(&random, 1'000));
  const auto score = [&](OptionIndex option) { return scores[option]; };
  const auto row = [&](OptionIndex option) { return RankedOption{.score = scores[option]}; };
  Ranking ranking;
  ranking.Reset(NamesOf(ids), score);
  const SharedRows rows = RowsOf(scores);
  const SharedOrder order = ranking.order();
  const std::vector<OptionIndex> order_then = order.ToVector();
  const std::vector<RankedOption> rows_then = rows.ToVector();
  const std::vector<OptionIndex> changed = SomeOf(&random, kCount, 5);
  for (const OptionIndex option : changed) scores[option] += 500;
  ranking.Update(changed, score);
  const SharedRows rows_now = rows.With(changed, row);
  EXPECT_EQ(order.ToVector(), order_then);
  EXPECT_EQ(rows.ToVector(), rows_then);
  EXPECT_NE(ranking.order().ToVector(), order_then);
  EXPECT_LE(BlocksApart(rows_now, rows), changed.size());
  const std::set<SharedOrder::BlockPtr> blocks_then(order.blocks().begin(), order.blocks().end());
  const auto made = std::count_if(ranking.order().blocks().begin(), ranking.order().blocks().end(),
                                  [&](const auto& block) { return !blocks_then.contains(block); });
  // Each change touches two; one that grew too large became two, one too small took its neighbour.
  EXPECT_LE(made, static_cast<std::ptrdiff_t>(4 * changed.size()));
}

TEST(RankingTest, EqualScoresShareARankAndStandById) {
  const std::vector<std::string> ids = {"delta", "alpha", "charlie", "bravo"};
  const std::vector<std::int64_t> scores = {5, 5, 9, 1};
  const auto score = [&](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  ranking.Reset(NamesOf(ids), score);
  EXPECT_EQ(ranking.order().ToVector(), (std::vector<OptionIndex>{2, 1, 0, 3}));
  EXPECT_EQ(RanksOf(ranking, RowsOf(scores), NamesOf(ids)),
            (std::vector<std::uint32_t>{2, 2, 1, 4}));
}

TEST(RankingTest, NoOptionsAndNoChangesAreFine) {
  const auto score = [](OptionIndex) { return std::int64_t{0}; };
  Ranking ranking;
  ranking.Reset({}, score);
  ranking.Update({}, score);
  EXPECT_TRUE(ranking.order().empty());
  EXPECT_TRUE(ranking.order().ToVector().empty());
}

TEST(RankingDeathTest, AChangedOptionIsKnownAndNamedOnce) {
  const std::vector<std::string> ids = {"a", "b"};
  const auto score = [](OptionIndex) { return std::int64_t{0}; };
  Ranking ranking;
  ranking.Reset(NamesOf(ids), score);
  EXPECT_DEATH(ranking.Update({2}, score), "broken invariant");
  EXPECT_DEATH(ranking.Update({1, 1}, score), "broken invariant");
  EXPECT_DEATH(ranking.Update({1, 0}, score), "broken invariant");
  EXPECT_DEATH(SharedRows::Repeat(70, {}).With({70}, [](OptionIndex) { return RankedOption{}; }),
               "broken invariant");
}

TEST(RankingTest, EachQuestionRanksItsOwn) {
  const std::vector<Ranking::Name> names = {{1, "b"}, {0, "b"}, {1, "a"}, {0, "a"}, {1, "c"}};
  std::vector<std::int64_t> scores = {5, 1, 5, 9, 7};
  const auto score = [&scores](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  ranking.Reset(names, score);
  EXPECT_EQ(ranking.order().ToVector(), (std::vector<OptionIndex>{3, 1, 4, 2, 0}));
  EXPECT_EQ(RanksOf(ranking, RowsOf(scores), names), (std::vector<std::uint32_t>{2, 2, 2, 1, 1}));
  scores[0] = 8;
  ranking.Update(std::vector<OptionIndex>{0}, score);
  EXPECT_EQ(ranking.order().ToVector(), (std::vector<OptionIndex>{3, 1, 0, 4, 2}));
  EXPECT_EQ(RanksOf(ranking, RowsOf(scores), names), (std::vector<std::uint32_t>{1, 2, 3, 1, 2}));
}

}  // namespace
}  // namespace tallyd
