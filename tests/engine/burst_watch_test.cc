// Burst rules by themselves: against the definition counted the plain way, and at their bounds.

#include "engine/burst_watch.h"

#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

constexpr TimeUs kSecond = 1'000'000;

VoterTag NumberedTag(std::uint64_t number) {
  VoterTag tag;
  for (std::size_t i = 0; i < 8; ++i) tag.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return tag;
}

// Every ballot ever noted, and the words of the header read literally.
struct PlainWatch {
  struct Ballot {
    TimeUs time;
    BurstSource source;
    VoterTag voter;
  };
  std::vector<VoterTag> InWindow(BurstSource source, TimeUs now) const {
    std::vector<VoterTag> voters;
    for (const Ballot& ballot : ballots) {
      const bool inside = ballot.time > now - TimeUs{rule.window_s} * kSecond;
      if (inside && ballot.source == source) voters.push_back(ballot.voter);
    }
    return voters;
  }
  bool Note(BurstSource source, const VoterTag& voter, TimeUs now) {
    // Between two ballots of a source its number in the window only falls.
    if (2 * InWindow(source, now).size() < rule.ballots) in_burst[source] = false;
    ballots.push_back({now, source, voter});
    if (InWindow(source, now).size() >= rule.ballots) in_burst[source] = true;
    return in_burst[source];
  }
  BurstRule rule;
  std::vector<Ballot> ballots = {};
  std::map<BurstSource, bool> in_burst = {};
};

TEST(BurstWatchTest, AgreesWithThePlainDefinition) {
  const std::uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  std::uint64_t bursts = 0;
  for (int history = 0; history < 300; ++history) {
    BurstWatch::Places places{.free = 10'000};
    const BurstRule rule{.ballots = 2 + static_cast<std::uint32_t>(random() % 5),
                         .window_s = 1 + static_cast<std::uint32_t>(random() % 4)};
    BurstWatch watch(rule, &places);
    PlainWatch plain{.rule = rule};
    TimeUs now = 1'777'000'000 * kSecond;
    std::map<BurstSource, FlagGroupNumber> group;
    FlagGroupNumber groups = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
      // At times to the microsecond at which a ballot leaves the window.
      now += random() % 3 == 0 ? kSecond : static_cast<TimeUs>(1 + random() % 900'000);
      const BurstSource source = 1 + random() % 3;
      const bool expected = plain.Note(source, NumberedTag(i), now);
      ASSERT_EQ(watch.Note(source, NumberedTag(i), now), expected)
          << "seed " << seed << " ballot " << i;
      if (!expected) {
        EXPECT_EQ(watch.GroupOf(source), 0u) << "no burst, so no group";
        continue;
      }
      ++bursts;
      if (watch.GroupOf(source) == 0) {
        ASSERT_EQ(watch.VotersToFlag(source), plain.InWindow(source, now));
        watch.SetGroup(source, group[source] = ++groups);
      } else {
        EXPECT_EQ(watch.GroupOf(source), group[source]);
        EXPECT_EQ(watch.VotersToFlag(source), std::vector<VoterTag>{NumberedTag(i)});
      }
    }
  }
  EXPECT_GT(bursts, 1'000u);
}

TEST(BurstWatchTest, PlacesAreSharedAndGivenBack) {
  BurstWatch::Places places{.free = 4};
  {
    BurstWatch first({.ballots = 3, .window_s = 10}, &places);
    BurstWatch second({.ballots = 3, .window_s = 10}, &places);
    for (std::uint64_t i = 0; i < 4; ++i) first.Note(1, NumberedTag(i), kSecond);
    EXPECT_EQ(places.free, 0u);
    EXPECT_FALSE(second.Note(1, NumberedTag(9), kSecond))
        << "no place, and none of its own to give up";
    EXPECT_EQ(places.dropped, 1u);
    EXPECT_TRUE(first.Note(1, NumberedTag(4), kSecond)) << "its oldest goes";
    EXPECT_EQ(first.noted_count(), 4u);
    EXPECT_EQ(places.dropped, 2u);
    first.Expire(12 * kSecond);
    EXPECT_EQ(places.free, 4u);
  }
  EXPECT_EQ(places.free, 4u);
}

TEST(BurstWatchTest, WatchesOfSilentPollsMakeRoomForOthers) {
  BurstWatches watches(3);
  const BurstRule rule{.ballots = 2, .window_s = 5};
  TimeUs now = 1'000 * kSecond;
  for (std::uint64_t i = 0; i < 3; ++i) {
    watches.Find(1, FlagRule::kPollBurst, rule, now).Note(kWholePoll, NumberedTag(i), now);
  }
  EXPECT_FALSE(
      watches.Find(2, FlagRule::kPollBurst, rule, now).Note(kWholePoll, NumberedTag(7), now));
  EXPECT_EQ(watches.dropped_count(), 1u);
  now += 6 * kSecond;
  EXPECT_FALSE(
      watches.Find(2, FlagRule::kPollBurst, rule, now).Note(kWholePoll, NumberedTag(8), now));
  EXPECT_TRUE(
      watches.Find(2, FlagRule::kPollBurst, rule, now).Note(kWholePoll, NumberedTag(9), now));
  EXPECT_EQ(watches.dropped_count(), 1u) << "the first poll's places were free again";
}

TEST(BurstWatchTest, ANetworkHasOnePrintADayAndAnotherTheNext) {
  BurstWatches watches(100);
  BurstWatches others(100);
  const ClientNetwork network{.bytes = {198, 51, 100, 7}, .size = 4};
  const ClientNetwork neighbour{.bytes = {198, 51, 100, 8}, .size = 4};
  const TimeUs now = 1'777'000'000 * kSecond;
  const BurstSource print = watches.PrintOf(network, now);
  EXPECT_EQ(watches.PrintOf(network, now + 23 * 3'600 * kSecond), print);
  EXPECT_NE(watches.PrintOf(neighbour, now), print);
  EXPECT_NE(others.PrintOf(network, now), print) << "each start draws a key of its own";
  const BurstRule rule{.ballots = 2, .window_s = 3'600};
  watches.Find(1, FlagRule::kNetworkBurst, rule, now).Note(print, NumberedTag(1), now);
  watches.Find(1, FlagRule::kPollBurst, rule, now).Note(kWholePoll, NumberedTag(1), now);
  const TimeUs tomorrow = now + 24 * 3'600 * kSecond;
  EXPECT_NE(watches.PrintOf(network, tomorrow), print);
  EXPECT_EQ(watches.Find(1, FlagRule::kNetworkBurst, rule, tomorrow).noted_count(), 0u);
  EXPECT_EQ(watches.Find(1, FlagRule::kPollBurst, rule, tomorrow).noted_count(), 1u);
}

TEST(BurstWatchTest, AnotherRuleBeginsAnew) {
  BurstWatches watches(100);
  const TimeUs now = kSecond;
  watches.Find(1, FlagRule::kPollBurst, {.ballots = 2, .window_s = 9}, now)
      .Note(kWholePoll, NumberedTag(1), now);
  EXPECT_FALSE(watches.Find(1, FlagRule::kPollBurst, {.ballots = 2, .window_s = 8}, now)
                   .Note(kWholePoll, NumberedTag(2), now));
}

}  // namespace
}  // namespace tallyd
