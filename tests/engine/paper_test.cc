// The paper ledger of a poll, and which figures a box can have.

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "engine/limits.h"
#include "engine/paper_ledger.h"
#include "engine/paper_rules.h"
#include "engine/tally.h"

namespace tallyd {
namespace {

PaperFigures Figures(std::uint32_t cards, std::uint32_t invalid, std::uint32_t blank,
                     std::vector<PaperCount> counts) {
  return {.cards = cards, .invalid = invalid, .blank = blank, .counts = std::move(counts)};
}

PaperBatchEntry Batch(const std::string& id, PaperFigures figures, bool counts = false) {
  PaperBatchEntry entry;
  entry.poll = 1;
  entry.batch.id = id;
  entry.batch.box = 1;
  entry.batch.figures = std::move(figures);
  entry.counts = counts;
  entry.actor = "anna";
  return entry;
}

struct SumCase {
  const char* name;
  BallotDefinition ballot;
  PaperFigures figures;
  bool fits;
};

// With three options.
PollDefinition PollWith(const BallotDefinition& ballot) {
  PollDefinition poll;
  poll.ballot = ballot;
  poll.options.resize(3);
  return poll;
}

TEST(PaperRulesTest, FiguresMustBePossible) {
  const BallotDefinition single{.type = BallotType::kChoose, .min = 1, .max = 1};
  const BallotDefinition two{.type = BallotType::kChoose, .min = 1, .max = 2};
  const BallotDefinition points{
      .type = BallotType::kPoints, .points_total = 5, .points_per_option_max = 3};
  const BallotDefinition rank{.type = BallotType::kRank, .max = 2};
  const BallotDefinition updown{.type = BallotType::kUpDown};
  const std::vector<SumCase> cases = {
      {"exact", single, Figures(10, 2, 1, {{0, 4, 4}, {1, 3, 3}}), true},
      {"one too few", single, Figures(10, 2, 1, {{0, 3, 3}, {1, 3, 3}}), false},
      {"one too many", single, Figures(10, 2, 1, {{0, 5, 5}, {1, 3, 3}}), false},
      {"nothing to count", single, Figures(3, 2, 1, {}), true},
      {"more invalid than cards", single, Figures(3, 2, 2, {}), false},
      {"two each", two, Figures(5, 0, 0, {{0, 5, 5}, {1, 5, 5}}), true},
      {"one each", two, Figures(5, 0, 0, {{0, 5, 5}}), true},
      {"more than two each", two, Figures(5, 0, 0, {{0, 5, 5}, {1, 5, 5}, {2, 1, 1}}), false},
      {"a card names an option once", two, Figures(5, 0, 0, {{0, 6, 6}}), false},
      {"points", points, Figures(2, 0, 0, {{0, 2, 6}, {1, 2, 4}}), true},
      {"too many points for one", points, Figures(2, 0, 0, {{0, 2, 7}}), false},
      {"too many points in all", points, Figures(2, 0, 0, {{0, 2, 6}, {1, 2, 5}}), false},
      {"negative points", points, Figures(2, 0, 0, {{0, 2, -1}}), false},
      {"ranks", rank, Figures(3, 0, 0, {{0, 3, 6}, {1, 2, 2}}), true},
      {"a rank gives at least one", rank, Figures(3, 0, 0, {{0, 3, 2}}), false},
      {"up and down", updown, Figures(3, 0, 0, {{0, 3, -3}, {2, 1, 1}}), true},
      {"further down than cards", updown, Figures(3, 0, 0, {{0, 3, -4}}), false},
  };
  for (const SumCase& one : cases) {
    EXPECT_EQ(!CheckPaperFigures(PollWith(one.ballot), one.figures).has_value(), one.fits)
        << one.name;
  }
}

TEST(PaperRulesTest, AMismatchNamesBothNumbers) {
  const BallotDefinition single{.type = BallotType::kChoose, .min = 1, .max = 1};
  const auto fault =
      CheckPaperFigures(PollWith(single), Figures(131, 4, 0, {{0, 77, 77}, {1, 49, 49}}));
  ASSERT_TRUE(fault.has_value());
  EXPECT_FALSE(fault->option.has_value());
  EXPECT_NE(fault->text.find("126"), std::string::npos) << fault->text;
  EXPECT_NE(fault->text.find("127"), std::string::npos) << fault->text;
  const auto count = CheckPaperFigures(PollWith(single), Figures(5, 0, 0, {{2, 6, 6}}));
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(count->option, 2u);
}

TEST(PaperLedgerTest, RefusesWhatDoesNotFollow) {
  PaperLedger ledger;
  const PaperFigures figures = Figures(4, 0, 0, {{0, 4, 4}});
  const PaperConfirmEntry confirm{
      .poll = 1, .batch = "a", .blind = true, .figures = figures, .actor = "bert"};
  PaperVoidEntry taken{
      .poll = 1, .batch = "a", .reason = "x", .reverses = std::nullopt, .actor = "bert"};
  EXPECT_FALSE(ledger.Apply(confirm, 1));
  EXPECT_FALSE(ledger.Apply(taken, 1));
  EXPECT_TRUE(ledger.Apply(Batch("a", figures), 2));
  EXPECT_FALSE(ledger.Apply(Batch("a", figures), 3));
  PaperConfirmEntry other = confirm;
  other.figures.cards = 5;
  EXPECT_FALSE(ledger.Apply(other, 3));
  EXPECT_TRUE(ledger.Apply(confirm, 4));
  EXPECT_FALSE(ledger.Apply(confirm, 5));
  EXPECT_FALSE(ledger.Apply(taken, 5));  // must reverse what counts
  taken.reverses = figures;
  EXPECT_TRUE(ledger.Apply(taken, 6));
  EXPECT_FALSE(ledger.Apply(taken, 7));
  const PaperRecord* record = ledger.Find("a");
  ASSERT_NE(record, nullptr);
  EXPECT_FALSE(record->counts);
  EXPECT_EQ(record->entered.time, 2);
  EXPECT_EQ(record->confirmed->actor, "bert");
  EXPECT_TRUE(record->blind);
  EXPECT_EQ(record->voided->time, 6);
}

TEST(PaperLedgerTest, HasRoomUpToItsLimits) {
  PaperLedger many;
  for (std::size_t i = 0; i < kPaperBatchesPerPollMax; ++i) {
    const PaperBatchEntry entry = Batch("b" + std::to_string(i), {});
    ASSERT_TRUE(many.HasRoomFor(entry.batch)) << i;
    ASSERT_TRUE(many.Apply(entry, 1));
  }
  EXPECT_FALSE(many.HasRoomFor(Batch("one-more", {}).batch));
  EXPECT_EQ(many.List("", 100).batches.size(), 100u);

  PaperLedger large;
  const PaperFigures wide =
      Figures(1, 0, 0, std::vector<PaperCount>(kPaperCountsPerBatchMax, PaperCount{0, 1, 1}));
  std::size_t batches = 0;
  for (; large.HasRoomFor(Batch("", wide).batch); ++batches) {
    ASSERT_TRUE(large.Apply(Batch("b" + std::to_string(batches), wide), 1));
  }
  EXPECT_EQ(batches, kPaperCountsPerPollMax / kPaperCountsPerBatchMax);
}

TEST(PaperLedgerTest, ListsPageByPageWithoutCounts) {
  PaperLedger ledger;
  for (const char* id : {"c", "a", "b"}) {
    ASSERT_TRUE(ledger.Apply(Batch(id, Figures(1, 0, 0, {{0, 1, 1}})), 1));
  }
  const PaperPage first = ledger.List("", 2);
  ASSERT_EQ(first.batches.size(), 2u);
  EXPECT_EQ(first.batches[1].batch.id, "b");
  EXPECT_TRUE(first.batches[0].batch.figures.counts.empty());
  EXPECT_FALSE(first.is_last);
  const PaperPage last = ledger.List("b", 2);
  ASSERT_EQ(last.batches.size(), 1u);
  EXPECT_TRUE(last.is_last);
}

TEST(PaperTallyTest, WhatIsRemovedLeavesNothing) {
  PollTally tally;
  tally.ResizeOptions(3);
  const PaperFigures figures = Figures(131, 4, 2, {{0, 77, 77}, {2, 48, -5}});
  tally.AddPaper({}, figures);
  EXPECT_EQ(tally.totals().paper, 127u);
  EXPECT_EQ(tally.totals().invalid, 4u);
  EXPECT_EQ(tally.totals().blank, 2u);
  EXPECT_EQ(tally.options()[0].ballots, 77u);
  EXPECT_EQ(tally.options()[2].paper, -5);
  EXPECT_EQ(tally.options()[2].online, 0);
  EXPECT_EQ(tally.TakeChanged(), (std::vector<OptionIndex>{0, 2}));
  tally.RemovePaper({}, figures);
  PollTally empty;
  empty.ResizeOptions(3);
  EXPECT_TRUE(tally == empty);
}

}  // namespace
}  // namespace tallyd
