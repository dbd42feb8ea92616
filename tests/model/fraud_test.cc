// Flagged ballots in the whole engine: rules that flag and count nothing, bounds of what is
// flagged, and the past as it was before anybody decided.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "engine/ballot.h"
#include "engine/poll_fold.h"
#include "storage/journal_record.h"
#include "tests/model/engine_driver.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class FraudTest : public ::testing::Test {
 protected:
  void Start(FraudDefinition fraud, const FlagLimits& limits = {}) {
    driver_ = std::make_unique<EngineDriver>(
        directory_.File("data"), EngineDriver::Setting{.commit_overlap = true, .flags = limits},
        &clock_);
    ASSERT_TRUE(driver_->Open());
    PutPoll put;
    put.definition.id = "p";
    put.definition.project = "town";
    put.definition.display = "{}";
    put.definition.options = {{.id = "a", .display = "{}"}, {.id = "b", .display = "{}"}};
    put.definition.revote = RevoteRule::kReplace;
    put.definition.withdraw = true;
    put.definition.fraud = fraud;
    put.initial_state = PollState::kOpen;
    const Outcome created = driver_->RunAct(std::move(put));
    ASSERT_EQ(created.code, OutcomeCode::kCreated);
    poll_ = created.poll;
  }
  Outcome Vote(int voter, OptionIndex option, int network = 0) {
    Command command;
    command.kind = CommandKind::kVote;
    command.poll = poll_;
    command.tag =
        driver_->engine().polls().Find(poll_)->voter_key->MakeTag("v" + std::to_string(voter));
    std::vector<OptionIndex> named = {option};
    command.ballot = PackChoose(absl::MakeSpan(named));
    if (network != 0) {
      VoteExtras extras;
      extras.network = {.bytes = {static_cast<std::uint8_t>(network)}, .size = 4};
      command.act = std::make_unique<Act>(extras);
    }
    std::vector<Command> commands;
    commands.push_back(std::move(command));
    return std::move(driver_->Run(std::move(commands)).at(0));
  }
  Outcome Decide(FlagGroupNumber group, FlagState to) {
    return driver_->RunAct(DecideFlags{.group = group,
                                       .to = to,
                                       .reason = "test",
                                       .if_revision = std::nullopt,
                                       .actor = "chief"},
                           poll_);
  }
  std::vector<FlagGroupView> Groups() {
    Outcome outcome = driver_->RunAct(ReadFlags{.group = 0, .after = 0, .limit = 1'000}, poll_);
    return std::move(outcome.flags->groups);
  }
  std::uint64_t Online() { return driver_->Ranking(poll_)->totals.online; }

  TempDirectory directory_;
  ManualClock clock_;
  std::unique_ptr<EngineDriver> driver_;
  PollNumber poll_ = 0;
};

TEST_F(FraudTest, APollBurstIsFlaggedFromItsFirstBallotOnAndEndsAtHalf) {
  Start({.network_burst = {}, .poll_burst = {.ballots = 4, .window_s = 10}});
  for (int i = 0; i < 3; ++i) Vote(i, 0);
  EXPECT_TRUE(Groups().empty());
  Vote(3, 0);
  ASSERT_EQ(Groups().size(), 1u);
  EXPECT_EQ(Groups()[0].voters_count, 4u) << "those before the rule was met, too";
  Vote(4, 0);
  EXPECT_EQ(Groups()[0].voters_count, 5u);
  Vote(4, 1);  // a change is no new ballot
  EXPECT_EQ(Groups()[0].voters_count, 5u);
  EXPECT_EQ(Online(), 5u) << "flags count nothing";
  clock_.Advance(11'000'000);
  Vote(5, 0);
  EXPECT_EQ(Groups()[0].voters_count, 5u) << "the burst is over";
  for (int i = 6; i < 9; ++i) Vote(i, 0);
  ASSERT_EQ(Groups().size(), 2u);
  EXPECT_EQ(Groups()[1].voters_count, 4u);
}

TEST_F(FraudTest, AVoterOfAHeldGroupIsNeitherLostNorCountedTwice) {
  Start({.network_burst = {.ballots = 3, .window_s = 60}, .poll_burst = {}});
  for (int i = 0; i < 3; ++i) Vote(i, 0, 7);
  Vote(3, 1, 8);
  ASSERT_EQ(Decide(1, FlagState::kQuarantined).code, OutcomeCode::kUpdated);
  EXPECT_EQ(Online(), 1u);
  EXPECT_EQ(Vote(0, 0).code, OutcomeCode::kDuplicate) << "the ballot is its voter's as before";
  EXPECT_EQ(Vote(0, 1).code, OutcomeCode::kReplaced);
  EXPECT_EQ(Online(), 1u) << "a change does not bring it back";
  Vote(4, 0, 7);  // the burst goes on; what is decided is decided
  EXPECT_EQ(Online(), 2u);
  ASSERT_EQ(Groups().size(), 2u);
  ASSERT_EQ(Decide(1, FlagState::kVoided).code, OutcomeCode::kUpdated);
  EXPECT_EQ(driver_->Ranking(poll_)->totals.voided, 3u);
  EXPECT_EQ(driver_->Ranking(poll_)->totals.quarantined, 0u);
  ASSERT_EQ(Decide(1, FlagState::kReleased).code, OutcomeCode::kUpdated);
  const auto ranking = driver_->Ranking(poll_);
  EXPECT_EQ(ranking->totals.online, 5u);
  EXPECT_EQ(ranking->rows[0].score, 3) << "voters 1, 2 and 4";
  EXPECT_EQ(ranking->rows[1].score, 2) << "voters 0 and 3";
  EXPECT_TRUE(driver_->engine().Verify()->ok);
}

// A fold up to a seq is the ranking that people saw when that ballot was the newest.
TEST_F(FraudTest, ThePastIsAsItWasThen) {
  Start({.network_burst = {.ballots = 3, .window_s = 60}, .poll_burst = {}});
  std::vector<std::pair<Seq, PollTotals>> seen;
  std::vector<std::vector<std::int64_t>> scores;
  const auto look = [&](const Outcome& outcome) {
    const auto ranking = driver_->Ranking(poll_);
    seen.emplace_back(outcome.seq, ranking->totals);
    scores.push_back({ranking->rows[0].score, ranking->rows[1].score});
  };
  for (int i = 0; i < 4; ++i) look(Vote(i, 0, 7));
  Decide(1, FlagState::kQuarantined);
  look(Vote(0, 1));
  look(Vote(9, 1));
  Decide(1, FlagState::kReleased);
  look(Vote(1, 1));
  Decide(1, FlagState::kVoided);
  look(Vote(0, 0));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    SCOPED_TRACE("seq " + std::to_string(seen[i].first));
    PollFold fold({.poll = poll_, .through_seq = seen[i].first});
    const auto cursor = driver_->engine().ReadJournal(1);
    ASSERT_TRUE(cursor.ok());
    while (!fold.reached()) {
      const auto bytes = (*cursor)->Next();
      ASSERT_TRUE(bytes.ok() && !bytes->empty());
      ASSERT_TRUE(fold.Take(*RecordView::Parse(*bytes)).ok());
    }
    EXPECT_TRUE(fold.tally().totals() == seen[i].second)
        << fold.tally().totals().online << " online, seen " << seen[i].second.online;
    EXPECT_EQ(fold.tally().options()[0].score(), scores[i][0]);
    EXPECT_EQ(fold.tally().options()[1].score(), scores[i][1]);
  }
}

TEST_F(FraudTest, EachBoundLeavesBallotsUnflaggedAndCounted) {
  FlagLimits limits;
  limits.groups_max = 3;
  limits.voters_per_group_max = 3;
  limits.voters_max = 7;
  Start({.network_burst = {.ballots = 2, .window_s = 60}, .poll_burst = {}}, limits);
  for (int i = 0; i < 5; ++i) Vote(i, 0, 1);
  ASSERT_EQ(Groups().size(), 2u) << "a full group goes on in the next";
  EXPECT_EQ(Groups()[0].voters_count, 3u);
  EXPECT_EQ(Groups()[1].voters_count, 2u);
  Vote(10, 0, 2);
  Vote(11, 0, 2);
  EXPECT_EQ(Groups()[2].voters_count, 2u) << "seven voters: that is all";
  EXPECT_EQ(driver_->engine().metrics().fraud_not_flagged.load(), 0u);
  Vote(12, 0, 2);
  Vote(20, 0, 3);
  Vote(21, 0, 3);
  EXPECT_EQ(Groups().size(), 3u);
  EXPECT_EQ(driver_->engine().metrics().fraud_not_flagged.load(), 2u);
  EXPECT_EQ(driver_->engine().metrics().fraud_voters.load(), 7u);
  EXPECT_EQ(Online(), 10u);
}

TEST_F(FraudTest, AllPollsTogetherHaveABoundToo) {
  FlagLimits limits;
  limits.voters_in_all_max = 2;
  limits.watched_max = 4;
  Start({.network_burst = {.ballots = 3, .window_s = 60}, .poll_burst = {}}, limits);
  for (int i = 0; i < 5; ++i) Vote(i, 0, 1);
  ASSERT_EQ(Groups().size(), 1u);
  EXPECT_EQ(Groups()[0].voters_count, 2u) << "the newest of the burst";
  EXPECT_EQ(driver_->engine().metrics().fraud_not_flagged.load(), 3u);
  EXPECT_EQ(driver_->engine().metrics().fraud_not_watched.load(), 1u);
}

// Groups and decisions come back from the journal; who is on the watch does not.
TEST_F(FraudTest, ARestartKeepsDecisionsAndForgetsNetworks) {
  Start({.network_burst = {.ballots = 3, .window_s = 3'600}, .poll_burst = {}});
  for (int i = 0; i < 3; ++i) Vote(i, 0, 7);
  Decide(1, FlagState::kQuarantined);
  driver_->Close();
  driver_->RemoveDerived();
  ASSERT_TRUE(driver_->Open());
  EXPECT_EQ(Online(), 0u);
  ASSERT_EQ(Groups().size(), 1u);
  EXPECT_EQ(Groups()[0].group.reason, "test");
  EXPECT_EQ(Groups()[0].group.actor, "chief");
  Vote(3, 0, 7);
  Vote(4, 0, 7);
  EXPECT_EQ(Groups().size(), 1u) << "two since the start";
  Vote(5, 0, 7);
  EXPECT_EQ(Groups().size(), 2u);
  EXPECT_EQ(Decide(1, FlagState::kReleased).code, OutcomeCode::kUpdated);
  EXPECT_EQ(Online(), 6u);
}

TEST_F(FraudTest, AnOptionMergedMeanwhileTakesReleasedVotes) {
  Start({.network_burst = {.ballots = 2, .window_s = 60}, .poll_burst = {}});
  for (int i = 0; i < 2; ++i) Vote(i, 0, 7);
  Vote(2, 1);
  Decide(1, FlagState::kQuarantined);
  WithdrawOption merge;
  merge.option = "a";
  merge.fate = OptionFate::kMoved;
  merge.into = "b";
  ASSERT_EQ(driver_->RunAct(std::move(merge), poll_).code, OutcomeCode::kUpdated);
  EXPECT_EQ(driver_->Ranking(poll_)->rows[1].score, 1);
  Decide(1, FlagState::kReleased);
  EXPECT_EQ(driver_->Ranking(poll_)->rows[0].score, 0);
  EXPECT_EQ(driver_->Ranking(poll_)->rows[1].score, 3);
  EXPECT_TRUE(driver_->engine().Verify()->ok);
}

}  // namespace
}  // namespace tallyd
