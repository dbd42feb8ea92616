#include "engine/dedup_index.h"

#include <malloc.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

// What the index can tell apart: poll, 64 bits, 24 more.
using Key = std::tuple<PollNumber, std::uint64_t, std::uint64_t>;

Key KeyOf(PollNumber poll, const VoterTag& tag) {
  return {poll, tag.low(), tag.high() & 0xff'ffff};
}

std::vector<Seq> Candidates(const DedupIndex& index, PollNumber poll, const VoterTag& tag) {
  std::vector<Seq> seqs;
  index.ForEachCandidate(poll, tag, [&](Seq seq) {
    seqs.push_back(seq);
    return false;
  });
  std::sort(seqs.begin(), seqs.end());
  return seqs;
}

// Tags of a few values only: many share low(), some share the further bits as well.
VoterTag ForgedTag(Random* random) {
  constexpr std::uint64_t kLows[] = {0, 1, ~std::uint64_t{0}, std::uint64_t{1} << 63, 77};
  const std::uint64_t low = Below(random, 2) == 0 ? kLows[Below(random, 5)] : (*random)();
  return TagOf((*random)() << 24 | Below(random, 40), low);
}

TEST(DedupIndexTest, AgreesWithAMapUnderForgedTags) {
  Random random(TestSeed());
  DedupIndex index;
  std::map<Key, std::vector<Seq>> model;
  std::vector<std::tuple<PollNumber, VoterTag>> known;
  for (Seq seq = 1; seq <= 30'000; ++seq) {
    const auto poll = static_cast<PollNumber>(1 + Below(&random, 3));
    const VoterTag tag = ForgedTag(&random);
    const std::uint64_t act = Below(&random, 10);
    if (act < 6 || known.empty()) {
      index.Insert(poll, tag, seq);
      model[KeyOf(poll, tag)].push_back(seq);
      known.emplace_back(poll, tag);
    } else if (act < 8) {
      const auto& [old_poll, old_tag] = known[Below(&random, known.size())];
      std::vector<Seq>& seqs = model[KeyOf(old_poll, old_tag)];
      Seq& replaced = seqs[Below(&random, seqs.size())];
      EXPECT_TRUE(index.Replace(old_poll, old_tag, replaced, seq));
      EXPECT_FALSE(index.Replace(old_poll, old_tag, kSeqMax, seq));
      replaced = seq;
    } else {
      const auto found = model.find(KeyOf(poll, tag));
      std::vector<Seq> expected = found == model.end() ? std::vector<Seq>() : found->second;
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(Candidates(index, poll, tag), expected) << "at seq " << seq;
    }
  }
  std::size_t voters = 0;
  for (const auto& [poll, tag] : known) {
    std::vector<Seq> expected = model[KeyOf(poll, tag)];
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(Candidates(index, poll, tag), expected);
  }
  for (const auto& [key, seqs] : model) voters += seqs.size();
  EXPECT_EQ(index.TotalVoters(), voters);
  EXPECT_EQ(index.voters(1) + index.voters(2) + index.voters(3), voters);
}

TEST(DedupIndexTest, GrowsThroughManySplits) {
  const std::uint64_t seed = TestSeed();
  constexpr Seq kVoters = 40 * DedupIndex::kShardVotersMax;
  DedupIndex index;
  Random random(seed);
  for (Seq seq = 1; seq <= kVoters; ++seq) index.Insert(9, RandomTag(&random), seq);
  EXPECT_EQ(index.voters(9), kVoters);
  Random again(seed);
  for (Seq seq = 1; seq <= kVoters; ++seq) {
    ASSERT_EQ(Candidates(index, 9, RandomTag(&again)), std::vector<Seq>{seq});
  }
  // 88 bits: none of the next is there, in this poll or in another.
  for (int i = 0; i < 10'000; ++i) {
    const VoterTag stranger = RandomTag(&again);
    ASSERT_TRUE(Candidates(index, 9, stranger).empty());
    ASSERT_TRUE(Candidates(index, 8, stranger).empty());
  }
}

// More equal remainders at either end than the room behind the last home.
TEST(DedupIndexTest, HoldsHundredsOfEqualRemainders) {
  for (const std::uint64_t low : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    DedupIndex index;
    std::vector<Seq> expected;
    for (Seq seq = 1; seq <= 600; ++seq) {
      index.Insert(1, TagOf(5, low), seq);
      index.Insert(1, TagOf(seq << 24 | 5, low), 1'000 + seq);  // further bits equal, too
      expected.push_back(seq);
      expected.push_back(1'000 + seq);
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(Candidates(index, 1, TagOf(5, low)), expected);
    EXPECT_TRUE(Candidates(index, 1, TagOf(6, low)).empty());
  }
}

// More tags than a shard holds share the bits that splitting goes by: splitting cannot part them,
// so it must not go on and on.
TEST(DedupIndexTest, TagsThatCannotBePartedMakeOneLongShard) {
  DedupIndex index;
  constexpr Seq kForged = 3 * DedupIndex::kShardVotersMax;
  for (Seq seq = 1; seq <= kForged; ++seq) index.Insert(1, TagOf(0x123456, seq << 40), seq);
  EXPECT_EQ(index.voters(1), kForged);
  EXPECT_LE(index.MemoryBytes(), 26 * kForged);
  for (Seq seq = 1; seq <= kForged; seq += 37) {
    ASSERT_EQ(Candidates(index, 1, TagOf(0x123456, seq << 40)), std::vector<Seq>{seq});
  }
  // Honest voters who come later are parted as ever.
  Random random(TestSeed());
  for (Seq seq = 1; seq <= 100'000; ++seq) index.Insert(1, RandomTag(&random), kForged + seq);
  EXPECT_LE(index.MemoryBytes(), 26 * (kForged + 100'000));
  EXPECT_EQ(Candidates(index, 1, TagOf(0x123456, Seq{5} << 40)), std::vector<Seq>{5});
}

TEST(DedupIndexTest, StopsAtTheCandidateThatWasTaken) {
  DedupIndex index;
  for (Seq seq = 1; seq <= 5; ++seq) index.Insert(1, TagOf(1, 2), seq);
  int visits = 0;
  index.ForEachCandidate(1, TagOf(1, 2), [&](Seq) { return ++visits == 2; });
  EXPECT_EQ(visits, 2);
}

TEST(DedupIndexTest, ADroppedPollGivesItsMemoryBack) {
  Random random(TestSeed());
  DedupIndex index;
  EXPECT_EQ(index.MemoryBytes(), 0u);
  for (Seq seq = 1; seq <= 10'000; ++seq) index.Insert(1, RandomTag(&random), seq);
  const std::size_t baseline = index.MemoryBytes();
  const VoterTag kept = RandomTag(&random);
  index.Insert(1, kept, 10'001);
  const std::size_t one_more = index.MemoryBytes();
  for (Seq seq = 1; seq <= 100'000; ++seq) index.Insert(2, RandomTag(&random), seq);
  EXPECT_GT(index.MemoryBytes(), 5 * baseline);
  std::vector<PollNumber> polls;
  index.ForEachPoll([&](PollNumber poll) { polls.push_back(poll); });
  std::sort(polls.begin(), polls.end());
  EXPECT_EQ(polls, (std::vector<PollNumber>{1, 2}));
  index.DropPoll(2);
  index.DropPoll(2);  // not there any more: nothing happens
  EXPECT_EQ(index.MemoryBytes(), one_more);
  EXPECT_EQ(index.voters(2), 0u);
  EXPECT_EQ(index.TotalVoters(), 10'001u);
  EXPECT_EQ(Candidates(index, 1, kept), std::vector<Seq>{10'001});
  index.DropPoll(1);
  EXPECT_EQ(index.MemoryBytes(), 0u);
  EXPECT_EQ(index.TotalVoters(), 0u);
}

TEST(DedupIndexTest, AVoterCostsAtMost24Bytes) {
  Random random(TestSeed());
  constexpr Seq kVoters = 1'000'000;
  const struct mallinfo2 before = mallinfo2();
  DedupIndex index;
  double worst = 0;
  for (Seq seq = 1; seq <= kVoters; ++seq) {
    index.Insert(1, RandomTag(&random), seq);
    if (seq >= 10'000 && seq % 1'000 == 0) {
      worst = std::max(worst, static_cast<double>(index.MemoryBytes()) / static_cast<double>(seq));
    }
  }
  EXPECT_LE(worst, 24.0) << "at some size between 10,000 and 1,000,000 voters";
  EXPECT_LE(index.MemoryBytes(), 24 * kVoters);
  // What the allocator says, its own overhead included. Sanitizers replace it and report nothing.
  const struct mallinfo2 after = mallinfo2();
  const std::size_t allocated = after.uordblks + after.hblkhd - (before.uordblks + before.hblkhd);
  EXPECT_LE(allocated, 24 * kVoters);
}

// Polls of a few voters and of some thousand shards, filled as expected, by half and to the double.
TEST(DedupIndexTest, AReservedPollIsFilledWithoutGrowingAndHoldsWhatComes) {
  for (const std::size_t expected : {1u, 3'000u, 3'100u, 500'000u}) {
    const std::uint64_t seed = TestSeed();
    Random random(seed);
    DedupIndex index;
    index.Reserve(1, expected);
    const std::size_t reserved = index.MemoryBytes();
    EXPECT_LE(reserved, DedupIndex::BytesFor(expected));
    Seq seq = 0;
    while (seq < expected) index.Insert(1, RandomTag(&random), ++seq);
    EXPECT_LE(index.MemoryBytes(), reserved + reserved / 1'000) << expected;
    EXPECT_LE(index.MemoryBytes(), DedupIndex::BytesFor(expected));
    while (seq < 2 * expected) index.Insert(1, RandomTag(&random), ++seq);
    EXPECT_LE(index.MemoryBytes(), DedupIndex::BytesFor(2 * expected));
    EXPECT_EQ(index.voters(1), 2 * expected);
    Random again(seed);
    for (Seq voter = 1; voter <= seq; ++voter) {
      ASSERT_EQ(Candidates(index, 1, RandomTag(&again)), std::vector<Seq>{voter});
    }
    index.DropPoll(1);
    EXPECT_EQ(index.MemoryBytes(), 0u);
  }
}

TEST(DedupIndexDeathTest, SeqMustFit40Bits) {
  DedupIndex index;
  EXPECT_DEATH(index.Insert(1, TagOf(1, 1), 0), "broken invariant");
  EXPECT_DEATH(index.Insert(1, TagOf(1, 1), kSeqMax + 1), "broken invariant");
  index.Insert(1, TagOf(1, 1), kSeqMax);
  EXPECT_EQ(Candidates(index, 1, TagOf(1, 1)), std::vector<Seq>{kSeqMax});
}

}  // namespace
}  // namespace tallyd
