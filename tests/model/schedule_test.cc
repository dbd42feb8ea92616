// What journaled time decides: windows, pauses, closings that let in what was enqueued before, and
// the day of a ballot. The clock stands still until a test moves it.

#include <gtest/gtest.h>

#include "tests/model/engine_driver.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

class Schedule : public ::testing::TestWithParam<bool> {
 protected:
  Schedule()
      : driver_(directory_.File("data"), {.commit_overlap = GetParam(), .forgetful = false},
                &clock_) {}
  void SetUp() override { ASSERT_TRUE(driver_.Open()); }

  PollDefinition Definition() {
    PollDefinition definition;
    definition.id = "poll-" + std::to_string(next_++);
    definition.project = "model";
    definition.display = "{}";
    definition.ballot.min = 1;
    for (const char* id : {"a", "b"}) {
      OptionDefinition option;
      option.id = id;
      definition.options.push_back(std::move(option));
    }
    return definition;
  }
  PollNumber Create(PollDefinition definition, PollState state = PollState::kOpen) {
    PutPoll put;
    put.definition = std::move(definition);
    put.initial_state = state;
    const Outcome outcome = driver_.RunAct(std::move(put));
    EXPECT_EQ(outcome.code, OutcomeCode::kCreated);
    return outcome.poll;
  }
  OutcomeCode Move(PollNumber poll, PollState to) {
    return driver_.RunAct(TransitionPoll{.to = to, .actor = "model"}, poll).code;
  }
  Command VoteOf(PollNumber poll, const std::string& voter, OptionIndex option = 0) {
    Command command;
    command.poll = poll;
    command.tag = driver_.engine().polls().Find(poll)->voter_key->MakeTag(voter);
    std::vector<OptionIndex> options = {option};
    command.ballot = PackChoose(absl::MakeSpan(options));
    return command;
  }
  Outcome Cast(Command command) {
    std::vector<Command> commands;
    commands.push_back(std::move(command));
    return std::move(driver_.Run(std::move(commands)).at(0));
  }
  OutcomeCode Cast(PollNumber poll, const std::string& voter) {
    return Cast(VoteOf(poll, voter)).code;
  }
  void Reopen() {
    driver_.Close();
    driver_.RemoveDerived();
    ASSERT_TRUE(driver_.Open());
  }
  std::uint64_t Ballots(PollNumber poll) { return driver_.Ranking(poll)->totals.ballots(); }

  TempDirectory directory_;
  ManualClock clock_;
  EngineDriver driver_;
  int next_ = 1;
};

TEST_P(Schedule, APollOpensAndClosesByItself) {
  PollDefinition definition = Definition();
  definition.opens = clock_.WallUs() + 10 * kSecond;
  definition.closes = clock_.WallUs() + 20 * kSecond;
  const PollNumber poll = Create(definition);
  EXPECT_EQ(Cast(poll, "early"), OutcomeCode::kPollNotOpen);
  clock_.Advance(10 * kSecond);
  EXPECT_EQ(Cast(poll, "first"), OutcomeCode::kCounted);
  clock_.Advance(9 * kSecond);
  EXPECT_EQ(Cast(poll, "last"), OutcomeCode::kCounted);
  clock_.Advance(kSecond);
  ASSERT_TRUE(driver_.AwaitState(poll, PollState::kClosed));
  EXPECT_EQ(Cast(poll, "late"), OutcomeCode::kPollNotOpen);
  EXPECT_EQ(Cast(poll, "first"), OutcomeCode::kDuplicate) << "a retry is never an error";
  EXPECT_EQ(Ballots(poll), 2u);
  Reopen();
  EXPECT_EQ(driver_.engine().polls().Find(poll)->state, PollState::kClosed);
  EXPECT_EQ(Ballots(poll), 2u);
  EXPECT_TRUE(driver_.engine().Verify()->ok);
}

TEST_P(Schedule, TheClosingLetsInWhatWasEnqueuedBefore) {
  PollDefinition definition = Definition();
  definition.closes = clock_.WallUs() + 10 * kSecond;
  const PollNumber poll = Create(definition);
  // One push, so they are in the queue before the clock moves, and decided when it has or has not:
  // all of them count, whatever the writer saw first.
  constexpr std::size_t kVotes = 2'000;
  std::vector<Command> commands;
  for (std::size_t i = 0; i < kVotes; ++i) {
    commands.push_back(VoteOf(poll, "v" + std::to_string(i)));
  }
  const std::vector<Outcome> outcomes =
      driver_.RunWhile(std::move(commands), [this] { clock_.Advance(10 * kSecond); });
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.code, OutcomeCode::kCounted);
  ASSERT_TRUE(driver_.AwaitState(poll, PollState::kClosed));
  EXPECT_EQ(Cast(poll, "late"), OutcomeCode::kPollNotOpen);
  EXPECT_EQ(Ballots(poll), kVotes);
  EXPECT_TRUE(driver_.engine().Verify()->ok);
}

TEST_P(Schedule, PauseAndResume) {
  PollDefinition definition = Definition();
  definition.closes = clock_.WallUs() + 100 * kSecond;
  const PollNumber poll = Create(definition);
  EXPECT_EQ(Cast(poll, "one"), OutcomeCode::kCounted);
  EXPECT_EQ(Move(poll, PollState::kPaused), OutcomeCode::kUpdated);
  EXPECT_EQ(Cast(poll, "two"), OutcomeCode::kPollNotOpen);
  EXPECT_EQ(Move(poll, PollState::kOpen), OutcomeCode::kUpdated);
  EXPECT_EQ(Cast(poll, "two"), OutcomeCode::kCounted);
  EXPECT_EQ(Move(poll, PollState::kPaused), OutcomeCode::kUpdated);
  clock_.Advance(100 * kSecond);
  ASSERT_TRUE(driver_.AwaitState(poll, PollState::kClosed)) << "a paused poll closes in time too";
  EXPECT_EQ(Move(poll, PollState::kOpen), OutcomeCode::kTransitionNotAllowed);
}

TEST_P(Schedule, ALaterCloseExtendsAndAnEarlierIsFrozen) {
  PollDefinition definition = Definition();
  definition.closes = clock_.WallUs() + 10 * kSecond;
  const PollNumber poll = Create(definition);
  PutPoll earlier;
  earlier.definition = definition;
  earlier.definition.closes = *definition.closes - kSecond;
  EXPECT_EQ(driver_.RunAct(std::move(earlier), poll).code, OutcomeCode::kRulesFrozen);
  PutPoll later;
  later.definition = definition;
  later.definition.closes = *definition.closes + 10 * kSecond;
  EXPECT_EQ(driver_.RunAct(std::move(later), poll).code, OutcomeCode::kUpdated);
  clock_.Advance(15 * kSecond);
  EXPECT_EQ(Cast(poll, "in the extension"), OutcomeCode::kCounted);
  clock_.Advance(5 * kSecond);
  ASSERT_TRUE(driver_.AwaitState(poll, PollState::kClosed));
  EXPECT_EQ(Cast(poll, "after it"), OutcomeCode::kPollNotOpen);
}

TEST_P(Schedule, ClosedEarlyStaysClosed) {
  PollDefinition definition = Definition();
  definition.closes = clock_.WallUs() + 10 * kSecond;
  const PollNumber poll = Create(definition);
  EXPECT_EQ(Move(poll, PollState::kClosed), OutcomeCode::kUpdated);
  EXPECT_EQ(Cast(poll, "late"), OutcomeCode::kPollNotOpen);
  EXPECT_EQ(Move(poll, PollState::kFinal), OutcomeCode::kUpdated);
  clock_.Advance(20 * kSecond);
  EXPECT_EQ(Cast(poll, "later"), OutcomeCode::kPollNotOpen);
  Reopen();
  EXPECT_EQ(driver_.engine().polls().Find(poll)->state, PollState::kFinal);
}

TEST_P(Schedule, TimesThatPassedWhileTheServerWasDownAreMadeUpFor) {
  PollDefinition definition = Definition();
  definition.closes = clock_.WallUs() + 10 * kSecond;
  const PollNumber poll = Create(definition);
  EXPECT_EQ(Cast(poll, "one"), OutcomeCode::kCounted);
  driver_.Close();
  clock_.Advance(60 * kSecond);
  ASSERT_TRUE(driver_.Open());
  ASSERT_TRUE(driver_.AwaitState(poll, PollState::kClosed));
  EXPECT_EQ(Cast(poll, "late"), OutcomeCode::kPollNotOpen);
}

TEST_P(Schedule, ABallotOfADayIsTakenOnThatDayOnly) {
  PollDefinition definition = Definition();
  definition.ballots_per_voter.day_zone = "UTC";
  const PollNumber poll = Create(definition);
  const TimeUs today = clock_.WallUs() / kDay * kDay;
  const auto vote_for = [&](TimeUs day) {
    Command command = VoteOf(poll, "v");
    command.tag = driver_.engine().polls().Find(poll)->voter_key->MakeTag(
        "v", 1, static_cast<std::int32_t>(day / kDay));
    command.act = std::make_unique<Act>(
        VoteExtras{.day = VoteDay{.begins = day, .ends = day + kDay}, .project_tag = {}});
    return Cast(std::move(command)).code;
  };
  EXPECT_EQ(Cast(poll, "v"), OutcomeCode::kDayNotOpen) << "names no day";
  EXPECT_EQ(vote_for(today + kDay), OutcomeCode::kDayNotOpen);
  EXPECT_EQ(vote_for(today - kDay), OutcomeCode::kDayNotOpen);
  EXPECT_EQ(vote_for(today), OutcomeCode::kCounted);
  EXPECT_EQ(vote_for(today), OutcomeCode::kDuplicate);
  clock_.Advance(kDay);
  EXPECT_EQ(vote_for(today), OutcomeCode::kDuplicate) << "a late retry of yesterday's";
  EXPECT_EQ(vote_for(today + kDay), OutcomeCode::kCounted);
  EXPECT_EQ(Ballots(poll), 2u);
  Reopen();
  EXPECT_EQ(vote_for(today), OutcomeCode::kDuplicate);
}

INSTANTIATE_TEST_SUITE_P(Engine, Schedule, ::testing::Bool(),
                         [](const auto& setting) -> std::string {
                           return setting.param ? "Overlapping" : "InTurn";
                         });

}  // namespace
}  // namespace tallyd
