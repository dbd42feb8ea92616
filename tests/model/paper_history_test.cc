// Paper against the oracle: every ballot type x revote rule x channel rule, with cards that have
// codes, boxes known as sums, voters who are in both channels in either order, voids, late retries,
// and restarts between.
//
// TALLYD_TEST_SEED repeats a run, TALLYD_HISTORIES makes it longer.

#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "engine/snapshot.h"
#include "tests/model/election_oracle.h"
#include "tests/model/engine_driver.h"
#include "tests/model/random_marks.h"
#include "tests/support/environment.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr int kPaperVoters = 5;
constexpr int kPaperBatches = 6;
constexpr int kPaperClerks = 3;
constexpr int kPaperKeys = 3;
constexpr int kActsPerPoll = 40;

BallotDefinition RulesOfType(BallotType type) {
  BallotDefinition rules;
  rules.type = type;
  rules.max = type == BallotType::kSurvey ? 0 : 2;
  if (type == BallotType::kPoints) {
    rules.points_total = 4;
    rules.points_per_option_max = 3;
  }
  return rules;
}

class PaperHistory {
 public:
  PaperHistory(EngineDriver& driver, std::uint64_t number, std::uint64_t seed)
      : driver_(driver), number_(number), random_(seed) {}

  void Run() {
    for (const BallotType type : {BallotType::kChoose, BallotType::kPoints, BallotType::kRank,
                                  BallotType::kUpDown, BallotType::kSurvey}) {
      for (const RevoteRule revote : {RevoteRule::kRefuse, RevoteRule::kReplace}) {
        for (const ChannelRule rule :
             {ChannelRule::kFirst, ChannelRule::kPaperBeatsOnline, ChannelRule::kList}) {
          CreatePoll(type, revote, rule);
        }
      }
    }
    const int acts = kActsPerPoll * static_cast<int>(polls_.size());
    for (int act = 0; act < acts && !testing::Test::HasFailure(); ++act) {
      SCOPED_TRACE("act " + std::to_string(act));
      const PollNumber poll =
          polls_[static_cast<std::size_t>(Below(static_cast<int>(polls_.size())))];
      const int dice = Below(12);
      if (dice < 6) Vote(poll);
      if (dice == 6) Withdraw(poll);
      if (dice == 7) EnterSums(poll);
      if (dice == 8) EnterCards(poll);
      if (dice == 9 || dice == 10) Confirm(poll);
      if (dice == 11) Void(poll);
      if (Below(acts) < 3) Reopen();
    }
    CompareRankings();
  }

 private:
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  VoterTag TagOf(PollNumber poll, int voter) {
    return driver_.engine().polls().Find(poll)->voter_key->MakeTag("v" + std::to_string(voter));
  }

  void CreatePoll(BallotType type, RevoteRule revote, ChannelRule rule) {
    PollDefinition definition;
    definition.id = "paper-" + std::to_string(number_) + "-" + std::to_string(polls_.size());
    definition.project = "model";
    definition.display = "{}";
    definition.ballot = RulesOfType(type);
    if (type == BallotType::kSurvey) {
      definition.questions.push_back(
          {.id = "one", .ballot = RulesOfType(BallotType::kChoose), .display = "{}"});
      definition.questions.push_back(
          {.id = "two", .ballot = RulesOfType(BallotType::kRank), .display = "{}"});
    }
    for (const char* id : {"m", "c", "x", "a"}) {
      OptionDefinition option;
      option.id = id;
      option.display = "{}";
      if (type == BallotType::kSurvey) option.question = definition.options.size() % 2;
      definition.options.push_back(std::move(option));
    }
    definition.boxes.push_back({.id = "box", .display = "{}"});
    definition.revote = revote;
    definition.channel_rule = rule;
    definition.withdraw = Below(2) == 0;
    definition.changes_max = Below(2) == 0 ? 20 : 3;
    definition.paper_confirm = Below(4) != 0;
    definition.roll = Below(4) == 0;
    PutPoll put;
    put.definition = definition;
    put.initial_state = PollState::kOpen;
    put.create_only = true;
    const Outcome outcome = driver_.RunAct(std::move(put));
    ASSERT_EQ(outcome.code, OutcomeCode::kCreated);
    polls_.push_back(outcome.poll);
    oracle_.CreatePoll(outcome.poll, definition, PollState::kOpen);
    PutRoll roll{.batch = "letters", .tags = {}, .actor = "model"};
    for (int voter = 0; voter < 3; ++voter) {
      roll.tags.push_back(TagOf(outcome.poll, voter));
      oracle_.PutOnRoll(outcome.poll, voter);
    }
    ASSERT_EQ(driver_.RunAct(std::move(roll), outcome.poll).code, OutcomeCode::kCreated);
  }

  void Expect(const Outcome& outcome, const Expected& expected) {
    ASSERT_EQ(static_cast<int>(outcome.code), static_cast<int>(expected.code));
    if (expected.seq == 0) return;
    EXPECT_EQ(outcome.seq, expected.seq);
    EXPECT_EQ(outcome.in_force, expected.in_force);
    if (expected.replaces != 0) {
      EXPECT_EQ(outcome.replaces, expected.replaces);
    }
  }

  // A vote, or one sent before once more: a late retry.
  void Vote(PollNumber poll) {
    std::vector<OracleVote>& sent = sent_[poll];
    OracleVote vote;
    if (!sent.empty() && Below(3) == 0) {
      vote = sent[static_cast<std::size_t>(Below(static_cast<int>(sent.size())))];
    } else {
      vote.poll = poll;
      vote.voter = Below(kPaperVoters);
      vote.marks = AnyMarks(oracle_.Definition(poll), random_);
      vote.key = Below(3) == 0 ? 1 + Below(kPaperKeys) : 0;
      if (Below(4) == 0) {
        vote.channel = Channel::kPaper;
        vote.box = 1;
      }
      sent.push_back(vote);
    }
    std::vector<Command> commands(1);
    Command& command = commands[0];
    command.kind = CommandKind::kVote;
    command.poll = poll;
    command.tag = TagOf(poll, vote.voter);
    command.channel = vote.channel;
    command.box = vote.box;
    command.idempotency_print = vote.key == 0 ? 0 : 1000 + static_cast<std::uint64_t>(vote.key);
    command.ballot = Pack(oracle_.Definition(poll), vote.marks);
    Expected expected = oracle_.Vote(vote);
    if (expected.code == OutcomeCode::kDuplicate) expected.replaces = 0;
    SCOPED_TRACE("vote of " + std::to_string(vote.voter));
    Expect(driver_.Run(std::move(commands)).at(0), expected);
  }

  void Withdraw(PollNumber poll) {
    const int voter = Below(kPaperVoters);
    std::vector<Command> commands(1);
    commands[0].kind = CommandKind::kWithdraw;
    commands[0].poll = poll;
    commands[0].tag = TagOf(poll, voter);
    const Expected expected = oracle_.Withdraw(poll, voter, 0, 0);
    SCOPED_TRACE("withdrawal of " + std::to_string(voter));
    const std::vector<Outcome> outcomes = driver_.Run(std::move(commands));
    EXPECT_EQ(static_cast<int>(outcomes.at(0).code), static_cast<int>(expected.code));
  }

  static std::string BatchName(int batch) { return "b" + std::to_string(batch); }
  static std::string ClerkName(int clerk) { return "clerk-" + std::to_string(clerk); }

  void EnterSums(PollNumber poll) {
    const PollDefinition& definition = oracle_.Definition(poll);
    if (!definition.questions.empty()) return;
    const int batch = Below(kPaperBatches);
    const int clerk = Below(kPaperClerks);
    PutPaperBatch put;
    put.batch.id = BatchName(batch);
    put.batch.box = 1;
    put.batch.figures.cards = 3 + static_cast<std::uint32_t>(Below(2));
    put.batch.figures.invalid = 1;
    put.batch.figures.counts.push_back({.option = 0, .ballots = 2, .score = 2});
    put.actor = ClerkName(clerk);
    const OutcomeCode expected = oracle_.EnterBatch(poll, batch, put.batch.figures, clerk);
    EXPECT_EQ(static_cast<int>(driver_.RunAct(std::move(put), poll).code),
              static_cast<int>(expected));
  }

  void EnterCards(PollNumber poll) {
    const int batch = Below(kPaperBatches);
    const int clerk = Below(kPaperClerks);
    const PollDefinition& definition = oracle_.Definition(poll);
    std::vector<OracleCard>& cards = cards_[{poll, batch}];
    if (cards.empty() || Below(3) == 0) {  // else the same once more
      cards.clear();
      for (int i = Below(4) + 1; i > 0; --i) {
        cards.push_back({Below(kPaperVoters), AnyMarks(definition, random_)});
      }
    }
    PutPaperCards put;
    put.batch_id = BatchName(batch);
    put.actor = ClerkName(clerk);
    for (const OracleCard& card : cards) {
      put.cards.push_back({.tag = TagOf(poll, card.voter),
                           .payload = std::string(Pack(definition, card.marks).view())});
    }
    PaperBatch& head = put.batch.emplace();
    head.id = put.batch_id;
    head.box = 1;
    head.by_cards = true;
    head.figures.invalid = 1;
    head.figures.cards = 1 + static_cast<std::uint32_t>(cards.size());
    const OutcomeCode expected = oracle_.EnterCards(poll, batch, cards, 1, clerk);
    const Outcome outcome = driver_.RunAct(std::move(put), poll);
    EXPECT_EQ(static_cast<int>(outcome.code), static_cast<int>(expected));
    if (expected == OutcomeCode::kCreated && !definition.paper_confirm) {
      EXPECT_EQ(outcome.paper->batches.at(0).outcomes, oracle_.CardOutcomes(poll, batch));
    }
  }

  void Confirm(PollNumber poll) {
    const int batch = Below(kPaperBatches);
    const int clerk = Below(kPaperClerks);
    ConfirmPaperBatch confirm{
        .batch = BatchName(batch), .second = std::nullopt, .actor = ClerkName(clerk)};
    const OutcomeCode expected = oracle_.Confirm(poll, batch, clerk);
    const Outcome outcome = driver_.RunAct(std::move(confirm), poll);
    ASSERT_EQ(static_cast<int>(outcome.code), static_cast<int>(expected));
    if (expected == OutcomeCode::kUpdated) {
      EXPECT_EQ(outcome.paper->batches.at(0).outcomes, oracle_.CardOutcomes(poll, batch));
    }
  }

  void Void(PollNumber poll) {
    const int batch = Below(kPaperBatches);
    VoidPaperBatch taken{.batch = BatchName(batch), .reason = "wrong", .actor = "chief"};
    const OutcomeCode expected = oracle_.Void(poll, batch);
    EXPECT_EQ(static_cast<int>(driver_.RunAct(std::move(taken), poll).code),
              static_cast<int>(expected));
  }

  void CompareRankings() {
    for (const PollNumber poll : polls_) {
      SCOPED_TRACE("ranking of " + oracle_.Definition(poll).id);
      const auto snapshot = driver_.Ranking(poll);
      const ExpectedRanking expected = oracle_.Ranking(poll);
      ASSERT_NE(snapshot, nullptr);
      EXPECT_EQ(static_cast<std::int64_t>(snapshot->totals.online), expected.online);
      EXPECT_EQ(static_cast<std::int64_t>(snapshot->totals.paper), expected.paper);
      EXPECT_EQ(static_cast<std::int64_t>(snapshot->totals.blank), expected.blank);
      EXPECT_EQ(static_cast<std::int64_t>(snapshot->totals.invalid), expected.invalid);
      const std::vector<OptionIndex> order = snapshot->order.ToVector();
      ASSERT_EQ(order.size(), expected.rows.size());
      for (std::size_t i = 0; i < expected.rows.size(); ++i) {
        const RankedOption& row = snapshot->rows[order[i]];
        const OptionDefinition& option = snapshot->view->definition.options.at(order[i]);
        EXPECT_EQ(option.id, expected.rows[i].option);
        EXPECT_EQ(row.score, expected.rows[i].score) << option.id;
        EXPECT_EQ(static_cast<std::int64_t>(row.ballots), expected.rows[i].ballots) << option.id;
        EXPECT_EQ(row.paper, expected.rows[i].paper) << option.id;
      }
    }
  }

  void Reopen() {
    CompareRankings();
    driver_.Close();
    if (Below(2) == 0) driver_.RemoveDerived();
    ASSERT_TRUE(driver_.Open());
    CompareRankings();
    const auto report = driver_.engine().Verify();
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    for (const std::string& difference : report->differences) ADD_FAILURE() << difference;
  }

  EngineDriver& driver_;
  const std::uint64_t number_;
  std::mt19937_64 random_;
  ElectionOracle oracle_;
  std::vector<PollNumber> polls_;
  std::map<PollNumber, std::vector<OracleVote>> sent_;
  std::map<std::pair<PollNumber, int>, std::vector<OracleCard>> cards_;
};

class PaperHistories : public testing::TestWithParam<EngineDriver::Setting> {};

TEST_P(PaperHistories, AgreeWithTheOracle) {
  const std::uint64_t seed = EnvironmentNumber("TALLYD_TEST_SEED", std::random_device{}());
  const std::uint64_t histories = EnvironmentNumber("TALLYD_HISTORIES", 20) / 10 + 1;
  std::cout << "TALLYD_TEST_SEED=" << seed << std::endl;
  for (std::uint64_t i = 0; i < histories && !HasFailure(); ++i) {
    SCOPED_TRACE("history " + std::to_string(i) + " of TALLYD_TEST_SEED=" + std::to_string(seed));
    TempDirectory directory;
    ManualClock clock;
    EngineDriver driver(directory.File("data"), GetParam(), &clock);
    ASSERT_TRUE(driver.Open());
    PaperHistory(driver, i, seed + i).Run();
  }
}

INSTANTIATE_TEST_SUITE_P(Engine, PaperHistories,
                         testing::Values(EngineDriver::Setting{.commit_overlap = false},
                                         EngineDriver::Setting{.forgetful = true}),
                         [](const auto& setting) { return NameOf(setting.param); });

}  // namespace
}  // namespace tallyd
