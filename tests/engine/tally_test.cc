#include "engine/tally.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

struct Cast {
  Channel channel;
  std::vector<OptionValue> values;
};

// Counts from nothing, as one would by hand.
struct NaiveTally {
  NaiveTally(const BallotRules& rules, std::size_t options_count, const std::vector<Cast>& casts)
      : options(options_count) {
    for (const Cast& cast : casts) {
      const bool paper = cast.channel == Channel::kPaper;
      ++(paper ? totals.paper : totals.online);
      if (cast.values.empty()) ++totals.blank;
      for (const NaiveScore& named : ScoresOf(rules, cast.values)) {
        ++options[named.option].ballots;
        (paper ? options[named.option].paper : options[named.option].online) += named.score;
      }
    }
  }
  std::vector<OptionTally> options;
  PollTotals totals;
};

TEST(PollTallyTest, AgreesWithANaiveCountThroughAddAndRemove) {
  Random random(TestSeed());
  for (int round = 0; round < 60; ++round) {
    const auto options_count = static_cast<OptionIndex>(1 + Below(&random, 50));
    const BallotRules rules = RandomRules(&random, options_count);
    PollTally tally;
    tally.ResizeOptions(options_count);
    std::vector<Cast> casts;
    for (int step = 0; step < 200; ++step) {
      if (!casts.empty() && Below(&random, 3) == 0) {
        std::swap(casts[Below(&random, casts.size())], casts.back());
        tally.Remove(casts.back().channel, rules, Pack(rules.type, casts.back().values).view());
        casts.pop_back();
      } else {
        const Channel channel = Below(&random, 3) == 0 ? Channel::kPaper : Channel::kOnline;
        casts.push_back({channel, RandomValues(&random, rules, options_count)});
        tally.Add(channel, rules, Pack(rules.type, casts.back().values).view());
      }
    }
    const NaiveTally naive(rules, options_count, casts);
    ASSERT_EQ(tally.options(), naive.options);
    ASSERT_EQ(tally.totals(), naive.totals);
  }
}

TEST(PollTallyTest, RemovingEverythingLeavesNothing) {
  Random random(TestSeed());
  const BallotRules rules{.type = BallotType::kRank, .max = 9};
  PollTally tally;
  tally.ResizeOptions(9);
  const PollTally empty = tally;
  const PackedBallot ballot = PackRank({8, 0, 3});
  tally.Add(Channel::kPaper, rules, ballot.view());
  EXPECT_FALSE(tally == empty);
  tally.Remove(Channel::kPaper, rules, ballot.view());
  EXPECT_TRUE(tally == empty);
}

TEST(PollTallyTest, NamesEachChangedOptionOnce) {
  const BallotRules rules{.type = BallotType::kChoose, .max = 3};
  PollTally tally;
  tally.ResizeOptions(5);
  std::vector<OptionIndex> chosen = {1, 4};
  const PackedBallot ballot = PackChoose(absl::MakeSpan(chosen));
  tally.Add(Channel::kOnline, rules, ballot.view());
  tally.Add(Channel::kOnline, rules, ballot.view());
  tally.Remove(Channel::kOnline, rules, ballot.view());
  std::vector<OptionIndex> changed = tally.TakeChanged();
  std::sort(changed.begin(), changed.end());
  EXPECT_EQ(changed, (std::vector<OptionIndex>{1, 4}));
  EXPECT_TRUE(tally.TakeChanged().empty());
  tally.Add(Channel::kOnline, rules, ballot.view());
  EXPECT_EQ(tally.TakeChanged().size(), 2u);
}

TEST(PollTallyTest, OptionsGrowAndKeepTheirCounts) {
  const BallotRules rules{.type = BallotType::kChoose, .max = 3};
  PollTally tally;
  tally.ResizeOptions(3);
  tally.ResizeOptions(2);  // before the first ballot
  std::vector<OptionIndex> chosen = {1};
  tally.Add(Channel::kOnline, rules, PackChoose(absl::MakeSpan(chosen)).view());
  tally.ResizeOptions(4);
  EXPECT_EQ(tally.options().size(), 4u);
  EXPECT_EQ(tally.options()[1].online, 1);
  EXPECT_EQ(tally.TakeChanged(), std::vector<OptionIndex>{1});  // nobody was told before
  chosen = {3};
  tally.Add(Channel::kOnline, rules, PackChoose(absl::MakeSpan(chosen)).view());
  EXPECT_EQ(tally.options()[3].score(), 1);
}

PollTally RandomTally(Random* random, OptionIndex options_count) {
  const BallotRules rules = RandomRules(random, options_count);
  PollTally tally;
  tally.ResizeOptions(options_count);
  for (int i = 0; i < 100; ++i) {
    const Channel channel = Below(random, 2) == 0 ? Channel::kPaper : Channel::kOnline;
    tally.Add(channel, rules, Pack(rules.type, RandomValues(random, rules, options_count)).view());
  }
  return tally;
}

TEST(PollTallyTest, DecodesWhatItEncodes) {
  Random random(TestSeed());
  for (const OptionIndex options_count : {1u, 2u, 77u, 3'000u}) {
    const PollTally tally = RandomTally(&random, options_count);
    const std::string bytes = tally.Encode();
    PollTally decoded;
    ASSERT_TRUE(PollTally::Decode(bytes, &decoded).ok());
    EXPECT_TRUE(decoded == tally);
    EXPECT_EQ(decoded.Encode(), bytes);
    EXPECT_TRUE(decoded.TakeChanged().empty());
  }
}

TEST(PollTallyTest, RefusesBytesOfTheWrongSizeAndLeavesTheTallyAlone) {
  Random random(TestSeed());
  const std::string bytes = RandomTally(&random, 5).Encode();
  PollTally kept = RandomTally(&random, 7);
  const PollTally before = kept;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(PollTally::Decode(bytes.substr(0, size), &kept))) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(PollTally::Decode(bytes + '\0', &kept)));
  // Any damage to the number of options, which stands behind eight totals.
  for (std::size_t bit = 0; bit < 32; ++bit) {
    std::string damaged = bytes;
    damaged[64 + bit / 8] = static_cast<char>(damaged[64 + bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(absl::IsDataLoss(PollTally::Decode(damaged, &kept))) << bit;
  }
  EXPECT_TRUE(kept == before);
}

TEST(PollTallyDeathTest, CountsBelowZeroAreABrokenInvariant) {
  const BallotRules rules{.type = BallotType::kChoose, .max = 3};
  std::vector<OptionIndex> chosen = {1};
  const PackedBallot one = PackChoose(absl::MakeSpan(chosen));
  chosen = {0};
  const PackedBallot other = PackChoose(absl::MakeSpan(chosen));
  chosen = {2};
  const PackedBallot unknown = PackChoose(absl::MakeSpan(chosen));
  PollTally tally;
  tally.ResizeOptions(2);
  EXPECT_DEATH(tally.Remove(Channel::kOnline, rules, one.view()), "broken invariant");
  tally.Add(Channel::kOnline, rules, one.view());
  EXPECT_DEATH(tally.Remove(Channel::kPaper, rules, one.view()), "broken invariant");
  EXPECT_DEATH(tally.Remove(Channel::kOnline, rules, other.view()), "broken invariant");
  EXPECT_DEATH(tally.Remove(Channel::kOnline, rules, PackRank({}).view()), "broken invariant");
  EXPECT_DEATH(tally.Add(Channel::kOnline, rules, unknown.view()), "broken invariant");
  EXPECT_DEATH(tally.ResizeOptions(1), "broken invariant");
}

}  // namespace
}  // namespace tallyd
