// Random histories against the oracle: every outcome, every ranking, over any number of restarts.
//
// A history has few voters, few options and few keys, so that repeats, changes, withdrawals and
// clashes are the rule. TALLYD_TEST_SEED repeats a run, TALLYD_HISTORIES makes it longer, and
// TALLYD_REOPEN_ONE_IN makes restarts rarer: they are most of what a history costs.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

#include "gtest/gtest.h"

#include "engine/ballot.h"
#include "engine/snapshot.h"
#include "tests/model/election_oracle.h"
#include "tests/model/engine_driver.h"
#include "tests/model/random_marks.h"
#include "tests/support/environment.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr int kPollVoters = 5;
constexpr int kPollKeys = 3;
constexpr int kPolls = 3;
constexpr int kRounds = 40;
constexpr std::uint64_t kReopenOneIn = 25;  // rounds
// A journal that grows makes reopening slow; so many histories share one.
constexpr std::uint64_t kHistoriesPerDirectory = 100;

std::string Describe(const ExpectedRow& row) {
  std::ostringstream text;
  text << row.question << '/' << row.option << " rank " << row.rank << " score " << row.score
       << " ballots " << row.ballots << " online " << row.online << " paper " << row.paper;
  return text.str();
}

// One history: polls, a few voters, and the oracle beside the engine.
class History {
 public:
  History(EngineDriver& driver, ManualClock& clock, std::uint64_t number, std::uint64_t seed)
      : driver_(driver), clock_(clock), number_(number), random_(seed) {}

  void Run() {
    oracle_.SetTime(clock_.WallUs());
    for (int i = 0; i < kPolls; ++i) CreatePoll(i);
    for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      const int dice = Below(12);
      if (dice == 0) MoveTime();
      if (dice == 1) Transition();
      if (dice == 2) ChangeOptions();
      if (dice == 3) TryFrozenChange();
      CastSome();
      if (Below(6) == 0) CompareRankings();
      if (Below(reopen_one_in_) == 0) Reopen();
    }
    if (!::testing::Test::HasFailure()) CompareRankings();
  }

 private:
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  PollNumber AnyPoll() { return polls_[static_cast<std::size_t>(Below(kPolls))]; }

  BallotDefinition AnyRules(int types) {
    BallotDefinition rules;
    switch (Below(types)) {
      case 0:
        rules.type = BallotType::kChoose;
        rules.min = static_cast<std::uint32_t>(Below(2));
        rules.max = 1 + static_cast<std::uint32_t>(Below(3));
        break;
      case 1:
        rules.type = BallotType::kPoints;
        rules.points_total = 4;
        rules.points_per_option_max = 3;
        break;
      case 2:
        rules.type = BallotType::kRank;
        rules.max = 1 + static_cast<std::uint32_t>(Below(3));
        rules.scoring = Below(2) == 0 ? RankScoring::kBorda : RankScoring::kBordaBallot;
        break;
      case 3:
        rules.type = BallotType::kUpDown;
        break;
      default:
        rules.type = BallotType::kSurvey;
        rules.max = 0;
    }
    return rules;
  }

  void CreatePoll(int i) {
    PollDefinition definition;
    definition.id = "history-" + std::to_string(number_) + "-" + std::to_string(i);
    definition.project = "model";
    definition.display = "{}";
    definition.ballot = AnyRules(5);
    if (definition.ballot.type == BallotType::kSurvey) {
      definition.questions.push_back({.id = "one", .ballot = AnyRules(4), .display = "{}"});
      definition.questions.push_back({.id = "two", .ballot = AnyRules(4), .display = "{}"});
    }
    // Ids in another order than the indexes: ties are broken by id.
    for (const char* id : {"m", "c", "x", "a"}) {
      AddOption(id, definition);
    }
    definition.boxes.push_back({.id = "box", .display = "{}"});
    definition.revote = Below(3) == 0 ? RevoteRule::kRefuse : RevoteRule::kReplace;
    definition.changes_max = Below(2) == 0 ? 20 : static_cast<std::uint32_t>(Below(4));
    definition.withdraw = Below(4) != 0;
    definition.paper_confirm = Below(4) == 0;
    if (Below(4) == 0) definition.opens = clock_.WallUs() + 1'000'000 * Below(20);
    if (Below(3) == 0) definition.closes = clock_.WallUs() + 1'000'000 * (30 + Below(60));
    const PollState state = Below(4) == 0 ? PollState::kDraft : PollState::kOpen;
    PutPoll put;
    put.definition = definition;
    put.initial_state = state;
    put.create_only = true;
    const Outcome outcome = driver_.RunAct(std::move(put));
    ASSERT_EQ(outcome.code, OutcomeCode::kCreated);
    polls_.push_back(outcome.poll);
    oracle_.CreatePoll(outcome.poll, std::move(definition), state);
    AwaitStates();
  }

  // In a survey to one question or the other: at first by turns, so that both have some.
  static void AddOption(const std::string& id, PollDefinition& definition) {
    OptionDefinition option;
    option.id = id;
    option.display = "{}";
    if (!definition.questions.empty()) option.question = definition.options.size() % 2;
    definition.options.push_back(std::move(option));
  }

  void AwaitStates() {
    for (const PollNumber poll : polls_) {
      if (!driver_.AwaitState(poll, oracle_.State(poll))) return;
    }
  }

  void MoveTime() {
    clock_.Advance(1'000'000 * (1 + Below(25)));
    oracle_.SetTime(clock_.WallUs());
    AwaitStates();
  }

  void Transition() {
    const PollNumber poll = AnyPoll();
    const PollState to = static_cast<PollState>(Below(5));
    // Without the ends of a poll's life being hit too early.
    if ((to == PollState::kClosed || to == PollState::kFinal) && Below(3) != 0) return;
    const Outcome outcome = driver_.RunAct(TransitionPoll{.to = to, .actor = "model"}, poll);
    EXPECT_EQ(outcome.code, oracle_.Transition(poll, to));
    oracle_.SetTime(clock_.WallUs());
    AwaitStates();
  }

  void Replace(PollNumber poll, PollDefinition definition) {
    PutPoll put;
    put.definition = definition;
    const Outcome outcome = driver_.RunAct(std::move(put), poll);
    EXPECT_EQ(outcome.code, oracle_.ReplacePoll(poll, definition));
  }
  void ChangeOptions() {
    const PollNumber poll = AnyPoll();
    PollDefinition definition = oracle_.Definition(poll);
    if (Below(3) != 0) {
      WithdrawOption(poll, definition);
      return;
    }
    if (definition.options.size() >= 6) return;
    const std::string id = "b" + std::to_string(definition.options.size());
    AddOption(id, definition);
    Replace(poll, std::move(definition));
  }
  void WithdrawOption(PollNumber poll, const PollDefinition& definition) {
    const auto any = [&] {
      return static_cast<OptionIndex>(Below(static_cast<int>(definition.options.size())));
    };
    const OptionIndex option = any();
    const OptionIndex into = any();
    const auto fate = static_cast<OptionFate>(Below(3));
    tallyd::WithdrawOption act;
    act.question = definition.options[option].question;
    act.option = definition.options[option].id;
    act.fate = fate;
    if (fate == OptionFate::kMoved) act.into = definition.options[into].id;
    act.reason = "model";
    const Outcome outcome = driver_.RunAct(std::move(act), poll);
    SCOPED_TRACE("fate " + std::to_string(static_cast<int>(fate)) + " of " +
                 std::to_string(option) + " into " + std::to_string(into));
    EXPECT_EQ(static_cast<int>(outcome.code),
              static_cast<int>(oracle_.WithdrawOption(poll, option, fate, into)));
  }
  void TryFrozenChange() {
    const PollNumber poll = AnyPoll();
    PollDefinition definition = oracle_.Definition(poll);
    definition.changes_max = definition.changes_max == 1 ? 2 : 1;
    Replace(poll, std::move(definition));
  }

  // Several commands at once, so that the engine decides some of them within one commit.
  void CastSome() {
    std::vector<Command> commands;
    std::vector<Expected> expected;
    std::vector<std::string> told;
    const int count = 1 + Below(24);
    for (int i = 0; i < count; ++i) {
      const PollNumber poll = AnyPoll();
      const int voter = Below(kPollVoters);
      Command command;
      command.poll = poll;
      command.tag =
          driver_.engine().polls().Find(poll)->voter_key->MakeTag("v" + std::to_string(voter));
      const int key = Below(4) == 0 ? 1 + Below(kPollKeys) : 0;
      command.idempotency_print = key == 0 ? 0 : 1000 + static_cast<std::uint64_t>(key);
      if (Below(8) == 0) command.seq = 1 + static_cast<Seq>(Below(12));
      if (Below(8) == 0) command.seq = oracle_.InForce(poll, voter);
      const int dice = Below(20);
      if (dice == 0) {
        command.kind = CommandKind::kLookUp;
        expected.push_back(oracle_.LookUp(poll, voter));
      } else if (dice == 1) {
        command.kind = CommandKind::kReceipt;
        command.seq = 1 + static_cast<Seq>(Below(static_cast<int>(oracle_.LastSeq(poll)) + 2));
        expected.push_back(oracle_.Receipt(poll, command.seq));
      } else if (dice < 5) {
        command.kind = CommandKind::kWithdraw;
        expected.push_back(oracle_.Withdraw(poll, voter, key, command.seq));
      } else {
        expected.push_back(Vote(command, voter, key));
      }
      told.push_back(Tell(command, voter, key));
      commands.push_back(std::move(command));
    }
    const std::vector<Outcome> outcomes = driver_.Run(std::move(commands));
    ASSERT_EQ(outcomes.size(), expected.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      SCOPED_TRACE(told[i]);
      Compare(outcomes[i], expected[i]);
    }
  }

  Expected Vote(Command& command, int voter, int key) {
    const PollDefinition& definition = oracle_.Definition(command.poll);
    OracleVote vote{.poll = command.poll, .voter = voter, .marks = AnyMarks(definition, random_)};
    vote.key = key;
    vote.if_match = command.seq;
    if (Below(6) == 0) {
      vote.channel = Channel::kPaper;
      vote.box = 1;
    }
    if (Below(40) == 0) vote.marks = {{99, 1}};
    command.kind = CommandKind::kVote;
    command.channel = vote.channel;
    command.box = vote.box;
    command.ballot = Pack(definition, vote.marks);
    return oracle_.Vote(vote);
  }

  static std::string Tell(const Command& command, int voter, int key) {
    std::ostringstream text;
    text << "kind " << static_cast<int>(command.kind) << " poll " << command.poll << " voter "
         << voter << " key " << key << " seq " << command.seq << " channel "
         << static_cast<int>(command.channel) << " ballot";
    for (const char c : command.ballot.view()) text << ' ' << static_cast<int>(c);
    return text.str();
  }

  static void Compare(const Outcome& outcome, const Expected& expected) {
    ASSERT_EQ(static_cast<int>(outcome.code), static_cast<int>(expected.code));
    if (expected.seq == 0) return;
    EXPECT_EQ(outcome.seq, expected.seq);
    EXPECT_EQ(outcome.in_force, expected.in_force);
    const bool names_another =
        expected.code == OutcomeCode::kReplaced || expected.code == OutcomeCode::kWithdrawn;
    if (names_another && expected.replaces != 0) {
      EXPECT_EQ(outcome.replaces, expected.replaces);
    }
  }

  void CompareRankings() {
    for (const PollNumber poll : polls_) {
      SCOPED_TRACE("ranking of poll " + std::to_string(poll));
      const auto snapshot = driver_.Ranking(poll);
      ASSERT_NE(snapshot, nullptr);
      CompareRanking(*snapshot, oracle_.Ranking(poll));
    }
  }
  void CompareRanking(const RankingSnapshot& snapshot, const ExpectedRanking& expected);

  // Closes and opens again, at times without what is derived: every ranking is the same, byte for
  // byte, and the recount agrees.
  void Reopen();

  EngineDriver& driver_;
  ManualClock& clock_;
  const std::uint64_t number_;
  std::mt19937_64 random_;
  const int reopen_one_in_ =
      static_cast<int>(EnvironmentNumber("TALLYD_REOPEN_ONE_IN", kReopenOneIn));
  ElectionOracle oracle_;
  std::vector<PollNumber> polls_;
};

void History::CompareRanking(const RankingSnapshot& snapshot, const ExpectedRanking& expected) {
  EXPECT_EQ(snapshot.state, expected.state);
  EXPECT_EQ(snapshot.totals.ballots(), static_cast<std::uint64_t>(expected.ballots));
  EXPECT_EQ(snapshot.totals.online, static_cast<std::uint64_t>(expected.online));
  EXPECT_EQ(snapshot.totals.paper, static_cast<std::uint64_t>(expected.paper));
  EXPECT_EQ(snapshot.totals.blank, static_cast<std::uint64_t>(expected.blank));
  const std::vector<ExpectedRow> served = RowsOf(snapshot);
  ASSERT_EQ(served.size(), expected.rows.size());
  for (std::size_t i = 0; i < expected.rows.size(); ++i) {
    EXPECT_EQ(Describe(served[i]), Describe(expected.rows[i])) << "place " << i;
  }
}

// Everything a reader could see of it.
std::string BytesOf(const RankingSnapshot& snapshot) {
  std::ostringstream text;
  text << snapshot.epoch << '-' << snapshot.position << ' ' << snapshot.as_of << ' '
       << static_cast<int>(snapshot.state) << ' ' << snapshot.totals.online << ' '
       << snapshot.totals.paper << ' ' << snapshot.totals.blank << ' ' << snapshot.totals.invalid;
  ForEachRanked(snapshot, [&](OptionIndex option, const RankedOption& row, std::uint32_t rank) {
    text << '\n'
         << snapshot.view->definition.options.at(option).id << ' ' << rank << ' ' << row.score
         << ' ' << row.ballots << ' ' << row.online << ' ' << row.paper;
  });
  return text.str();
}

void ExpectRecountAgrees(Engine& engine) {
  const auto report = engine.Verify();
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_TRUE(report->ok);
  for (const std::string& difference : report->differences) ADD_FAILURE() << difference;
}

void History::Reopen() {
  std::map<PollNumber, std::string> before;
  for (const PollNumber poll : polls_) before[poll] = BytesOf(*driver_.Ranking(poll));
  driver_.Close();
  if (Below(2) == 0) driver_.RemoveDerived();
  ASSERT_TRUE(driver_.Open());
  for (const PollNumber poll : polls_) {
    EXPECT_EQ(BytesOf(*driver_.Ranking(poll)), before[poll]) << "poll " << poll;
  }
  AwaitStates();
  ExpectRecountAgrees(driver_.engine());
}

class RandomHistories : public ::testing::TestWithParam<EngineDriver::Setting> {};

TEST_P(RandomHistories, AgreeWithTheOracle) {
  const std::uint64_t seed = EnvironmentNumber("TALLYD_TEST_SEED", std::random_device{}());
  const std::uint64_t histories = EnvironmentNumber("TALLYD_HISTORIES", 20);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_HISTORIES=" << histories << std::endl;
  for (std::uint64_t first = 0; first < histories && !HasFailure();
       first += kHistoriesPerDirectory) {
    TempDirectory directory;
    ManualClock clock;
    EngineDriver driver(directory.File("data"), GetParam(), &clock);
    ASSERT_TRUE(driver.Open());
    const std::uint64_t end = std::min(histories, first + kHistoriesPerDirectory);
    for (std::uint64_t i = first; i < end && !HasFailure(); ++i) {
      SCOPED_TRACE("history " + std::to_string(i) + " of TALLYD_TEST_SEED=" + std::to_string(seed));
      History(driver, clock, i, seed + i).Run();
    }
    ExpectRecountAgrees(driver.engine());
    if (GetParam().forgetful) {
      EXPECT_GT(driver.ballot_store_reads(), 0u) << "memory forgot nothing";
    }
  }
  std::cout << histories << " histories of " << kPolls << " polls and " << kPollVoters
            << " voters each: " << histories * kPolls * kPollVoters
            << " histories of a voter in a poll" << std::endl;
}

INSTANTIATE_TEST_SUITE_P(Engine, RandomHistories,
                         ::testing::Values(EngineDriver::Setting{.commit_overlap = false},
                                           EngineDriver::Setting{.commit_overlap = true},
                                           EngineDriver::Setting{.forgetful = true}),
                         [](const auto& setting) { return NameOf(setting.param); });

}  // namespace
}  // namespace tallyd
