// What the gate lets through: steps of a coarse poll, small cells, sealed polls.

#include "engine/visibility.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "engine/ballot.h"
#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

constexpr std::uint32_t kK = 5;

PollDefinition CoarsePoll(std::size_t options, std::uint32_t k, std::uint32_t min = 1) {
  PollDefinition poll;
  for (std::size_t i = 0; i < options; ++i) {
    poll.options.push_back({.id = std::string(1, static_cast<char>('a' + i)), .display = "{}"});
  }
  poll.ballot.min = min;
  poll.visibility = {.rule = Visibility::kCoarse, .coarse_k = k};
  return poll;
}

// A coarse poll where one choice counts, and what it shows after each commit.
struct CoarseElection {
  explicit CoarseElection(std::size_t options, std::uint32_t k) : poll(CoarsePoll(options, k)) {
    tally.ResizeOptions(options);
    gate.NoteEvent(poll.visibility, {.position = ++position, .time = 1});
  }
  void Cast(OptionIndex option, int sign) {
    std::vector<OptionIndex> named = {option};
    const PackedBallot ballot = PackChoose(absl::MakeSpan(named));
    const BallotRules rules{.type = BallotType::kChoose};
    if (sign > 0) {
      tally.Add(Channel::kOnline, rules, ballot.view());
    } else {
      tally.Remove(Channel::kOnline, rules, ballot.view());
    }
    gate.Settle(tally, PollState::kOpen, {.position = ++position, .time = 1});
  }
  void Finish() {
    gate.NoteEvent({.position = ++position, .time = 1});
    gate.Settle(tally, PollState::kFinal, {.position = position, .time = 1});
    state = PollState::kFinal;
  }
  RankingSnapshot Show() const {
    RankingSnapshot snapshot;
    snapshot.position = gate.Shown(state, {.position = position, .time = 1}).position;
    snapshot.state = state;
    gate.Fill(poll, &snapshot);
    return snapshot;
  }

  PollDefinition poll;
  PollTally tally;
  VisibilityGate gate;
  Position position = 0;
  PollState state = PollState::kOpen;
};

TEST(VisibilityGateTest, AStepIsShownWhenTheNextOneIsComplete) {
  CoarseElection election(2, kK);
  for (std::uint32_t i = 1; i <= 4 * kK; ++i) {
    election.Cast(i % 2, 1);
    const std::uint64_t expected = i < 2 * kK ? 0 : (i / kK - 1) * kK;
    EXPECT_EQ(election.Show().totals.ballots(), expected) << i;
  }
  election.Finish();
  EXPECT_EQ(election.Show().totals.ballots(), 4 * kK);
}

// Whatever votes come, change and go: two versions differ by k ballots in force or by none, also
// the exact one at the end. A random walk that only comes and changes; what goes again cancels out
// what came, and is looked at below.
TEST(VisibilityGateTest, TwoVersionsNeverDifferByFewerThanK) {
  Random random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    const auto k = static_cast<std::uint32_t>(2 + Below(&random, 12));
    const std::size_t options = 1 + Below(&random, 6);
    CoarseElection election(options, k);
    std::vector<OptionIndex> in_force;
    std::vector<std::uint64_t> shown = {0};
    Position version = 0;
    const std::size_t votes = Below(&random, 200);
    for (std::size_t i = 0; i <= votes; ++i) {
      const auto option = static_cast<OptionIndex>(Below(&random, options));
      if (i == votes) {
        election.Finish();
      } else if (!in_force.empty() && Below(&random, 4) == 0) {
        OptionIndex& changed = in_force[Below(&random, in_force.size())];
        election.Cast(changed, -1);
        election.Cast(changed = option, 1);
      } else {
        election.Cast(option, 1);
        in_force.push_back(option);
      }
      const RankingSnapshot snapshot = election.Show();
      ASSERT_GE(snapshot.position, version);
      if (snapshot.position != version) shown.push_back(snapshot.totals.ballots());
      version = snapshot.position;
    }
    ASSERT_EQ(shown.back(), in_force.size());
    for (std::size_t i = 1; i < shown.size(); ++i) {
      if (shown[i] == shown[i - 1]) continue;  // the state changed, or nothing came
      // Fewer than k ballots in all: only the end, where every cell is empty.
      const bool first_of_few = shown[i - 1] == 0 && shown[i] < k && i + 1 == shown.size();
      ASSERT_TRUE(first_of_few || shown[i] >= shown[i - 1] + k)
          << shown[i - 1] << " -> " << shown[i] << ", k " << k;
    }
  }
}

TEST(VisibilityGateTest, VotesThatComeAndGoAreNoStep) {
  CoarseElection election(2, kK);
  for (std::uint32_t i = 0; i < 10 * kK; ++i) {
    election.Cast(0, 1);
    election.Cast(0, -1);
  }
  election.Cast(1, 1);
  EXPECT_EQ(election.Show().totals.ballots(), 0U);
}

// What an attentive reader of one question with one choice per ballot could reckon: a single empty
// cell is the sum less the others.
TEST(SuppressSmallCellsTest, NoCellIsAloneInAnySum) {
  Random random(TestSeed());
  for (int round = 0; round < 2000; ++round) {
    const std::size_t options = 2 + Below(&random, 6);
    const bool blank_allowed = Below(&random, 2) == 0;
    const PollDefinition poll = CoarsePoll(options, kK, blank_allowed ? 0 : 1);
    const bool paper = Below(&random, 2) == 0;
    RankingSnapshot snapshot;
    std::vector<RankedOption> exact(options);
    for (RankedOption& row : exact) {
      row.online = static_cast<std::int64_t>(Below(&random, 3 * kK));
      row.paper = paper ? static_cast<std::int64_t>(Below(&random, 3 * kK)) : 0;
      row.score = row.online + row.paper;
      row.ballots = static_cast<std::uint64_t>(row.score);
      snapshot.totals.online += static_cast<std::uint64_t>(row.online);
      snapshot.totals.paper += static_cast<std::uint64_t>(row.paper);
    }
    snapshot.totals.blank = blank_allowed ? Below(&random, 2 * kK) : 0;
    snapshot.totals.online += snapshot.totals.blank;
    snapshot.rows = SharedRows(exact);
    std::vector<OptionIndex> order(options);
    std::iota(order.begin(), order.end(), OptionIndex{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](OptionIndex a, OptionIndex b) { return exact[a].score > exact[b].score; });
    snapshot.order = SharedOrder(order);
    auto view = std::make_shared<PollView>();
    view->definition = poll;
    snapshot.view = std::move(view);
    SuppressSmallCells(poll, &snapshot);

    std::size_t hidden = snapshot.blank_hidden ? 1 : 0;
    std::size_t splits_hidden = 0;
    std::uint32_t last_rank = 0;
    ForEachRanked(snapshot, [&](OptionIndex option, const RankedOption& row, std::uint32_t rank) {
      hidden += row.suppressed ? 1 : 0;
      splits_hidden += row.split_hidden ? 1 : 0;
      if (row.suppressed) {
        EXPECT_EQ(row.score, 0);
        EXPECT_EQ(row.ballots, 0U);
      } else {
        EXPECT_GE(row.ballots, kK);
        EXPECT_GE(rank, last_rank);
        EXPECT_EQ(row.score, exact[option].score);
        last_rank = rank;
      }
      if (row.split_hidden) {
        EXPECT_EQ(row.online, 0);
        EXPECT_EQ(row.paper, 0);
      } else if (snapshot.totals.paper > 0 && snapshot.totals.online > 0) {
        EXPECT_GE(std::min(row.online, row.paper), kK);
      }
    });
    EXPECT_NE(hidden, 1U);
    const bool both = snapshot.totals.paper > 0 && snapshot.totals.online > 0;
    EXPECT_TRUE(!both || splits_hidden != 1);
    EXPECT_TRUE(blank_allowed || !snapshot.blank_hidden);
  }
}

TEST(VisibilityGateTest, ASealedPollShowsNothingUntilItsTime) {
  PollDefinition poll = CoarsePoll(3, 0);
  poll.visibility = {.rule = Visibility::kSealed, .from = VisibleFrom::kFinal};
  using enum PollState;
  for (const PollState state : {kDraft, kOpen, kPaused, kClosed}) {
    EXPECT_TRUE(IsSealed(poll.visibility, state));
    EXPECT_FALSE(HidesTurnout(poll.visibility, state));
  }
  EXPECT_FALSE(IsSealed(poll.visibility, kFinal));
  poll.visibility.from = VisibleFrom::kClosed;
  poll.visibility.turnout_hidden = true;
  EXPECT_TRUE(HidesTurnout(poll.visibility, kPaused));
  EXPECT_FALSE(HidesTurnout(poll.visibility, kClosed));

  VisibilityGate gate;
  gate.NoteEvent(poll.visibility, {.position = 4, .time = 40});
  EXPECT_EQ(gate.Shown(kOpen, {.position = 9, .time = 90}).position, 4U);
  EXPECT_EQ(gate.Shown(kClosed, {.position = 9, .time = 90}).position, 9U);
  EXPECT_FALSE(gate.IsOpen(kOpen));
  EXPECT_TRUE(gate.IsOpen(kClosed));
  RankingSnapshot snapshot;
  snapshot.state = kOpen;
  snapshot.totals = {.online = 7, .paper = 2, .blank = 1, .invalid = 3};
  gate.Fill(poll, &snapshot);
  EXPECT_EQ(snapshot.totals, PollTotals{});
  EXPECT_TRUE(snapshot.sealed && snapshot.turnout_hidden && snapshot.blank_hidden);
  for (const RankedOption& row : snapshot.rows) EXPECT_TRUE(row.suppressed);
}

TEST(VisibilityGateTest, ComesBackFromItsBytes) {
  CoarseElection election(3, kK);
  for (std::uint32_t i = 0; i < 3 * kK + 2; ++i) election.Cast(i % 3, 1);
  std::string bytes;
  ByteWriter out(&bytes);
  election.gate.Encode(&out);
  CoarseElection copy = election;
  ByteReader in(bytes);
  copy.gate = VisibilityGate();
  ASSERT_TRUE(VisibilityGate::Decode(&in, &copy.gate));
  for (std::uint32_t i = 0; i < 3 * kK; ++i) {
    EXPECT_EQ(copy.Show().position, election.Show().position);
    EXPECT_EQ(copy.Show().rows, election.Show().rows);
    copy.Cast(0, 1);
    election.Cast(0, 1);
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    VisibilityGate broken;
    ByteReader part(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(VisibilityGate::Decode(&part, &broken)) << size;
  }
}

}  // namespace
}  // namespace tallyd
