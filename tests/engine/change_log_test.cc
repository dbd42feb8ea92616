#include "engine/change_log.h"

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace tallyd {
namespace {

using Options = std::vector<OptionIndex>;

std::optional<Options> Since(const ChangeLog& log, Position since) {
  std::optional<Options> options = log.Since(since);
  if (options) ChangeLog::SortOnce(*options);
  return options;
}

TEST(ChangeLogTest, KnowsNothingBeforeTheFirstVersion) {
  ChangeLog log;
  EXPECT_EQ(Since(log, 0), std::nullopt);
  log.Add(10, {1, 2});
  EXPECT_EQ(Since(log, 9), std::nullopt);
  EXPECT_EQ(Since(log, 10), Options());
  EXPECT_EQ(Since(log, 11), std::nullopt) << "newer than the newest";
}

TEST(ChangeLogTest, MergesWhatChangedSince) {
  ChangeLog log;
  log.Add(10, {});
  log.Add(12, {3, 1});
  log.Add(15, {2, 1, 2});
  EXPECT_EQ(Since(log, 10), (Options{1, 2, 3}));
  EXPECT_EQ(Since(log, 11), (Options{1, 2, 3})) << "between two versions: what the later one has";
  EXPECT_EQ(Since(log, 12), (Options{1, 2}));
  EXPECT_EQ(Since(log, 14), (Options{1, 2}));
  EXPECT_EQ(Since(log, 15), Options());
}

TEST(ChangeLogTest, ForgetsTheOldestVersions) {
  ChangeLog log;
  for (Position position = 1; position <= ChangeLog::kVersionsMax + 1; ++position) {
    log.Add(position, {static_cast<OptionIndex>(position)});
  }
  EXPECT_TRUE(Since(log, 1).has_value());
  log.Add(ChangeLog::kVersionsMax + 2, {0});
  EXPECT_EQ(Since(log, 1), std::nullopt);
  EXPECT_EQ(Since(log, 2)->size(), ChangeLog::kVersionsMax);
}

TEST(ChangeLogTest, ForgetsWhatIsTooMuchToKeep) {
  ChangeLog log;
  log.Add(1, {});
  log.Add(2, Options(ChangeLog::kChangesMax, 7));
  EXPECT_EQ(Since(log, 1), Options{7});
  log.Add(3, {8});
  EXPECT_EQ(Since(log, 1), std::nullopt);
  EXPECT_EQ(Since(log, 2), Options{8});
  log.Add(4, Options(ChangeLog::kChangesMax + 1, 9));
  EXPECT_EQ(Since(log, 3), std::nullopt);
  EXPECT_EQ(Since(log, 4), Options());
}

TEST(ChangeLogTest, PatchesReachTheNewestStateFromAnywhere) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("TALLYD_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  ChangeLog log;
  std::map<Position, std::vector<int>> states;
  std::vector<int> state(20);
  Position position = 5;
  for (int version = 0; version < 400; ++version) {
    Options changed;
    for (std::size_t i = random() % 5; i > 0; --i) {
      const auto option = static_cast<OptionIndex>(random() % state.size());
      ++state[option];
      changed.push_back(option);
    }
    log.Add(position, changed);
    states[position] = state;
    position += 1 + random() % 3;
  }
  std::size_t known = 0;
  for (const auto& [since, old] : states) {
    const auto options = Since(log, since);
    if (!options) continue;
    ++known;
    std::vector<int> patched = old;
    for (const OptionIndex option : *options) patched[option] = state[option];
    EXPECT_EQ(patched, state) << since;
  }
  EXPECT_EQ(known, ChangeLog::kVersionsMax + 1);
}

}  // namespace
}  // namespace tallyd
