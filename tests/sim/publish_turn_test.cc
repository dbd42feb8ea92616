// Votes go before rankings: when many polls are due at once and publishing is slow, a vote that
// comes meanwhile is answered before the last of them is published (Committer::kPublishTurnUs).

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/simulated_machine.h"

namespace tallyd {
namespace {

constexpr PollNumber kManyPolls = 40;
constexpr std::int64_t kSlowPublishUs = 1'000;
// What fits a turn, and the one that is being made.
constexpr std::size_t kPublishedInTurnMax =
    BasicCommitter<SimulatedRuntime>::kPublishTurnUs / kSlowPublishUs + 2;

// Every look at the time is as long as a slow publish, once it is told to be.
class SteppingClock final : public Clock {
 public:
  TimeUs WallUs() const override { return 1'777'000'000'000'000; }
  std::int64_t SteadyUs() const override {
    Scheduler& scheduler = Scheduler::Current();
    if (slow) scheduler.steady_us += kSlowPublishUs;
    return scheduler.steady_us;
  }
  bool slow = false;
};

class CountingSink final : public OutcomeSink {
 public:
  void Deliver(std::vector<Outcome> outcomes) override { count += outcomes.size(); }
  std::size_t count = 0;
};

class PublishTurn : public ::testing::TestWithParam<bool> {
 protected:
  // Everybody in turn.
  PublishTurn() : scheduler_([this](std::uint64_t sides) { return turn_++ % sides; }) {
    journal_.choose_fate = [] { return AppendFate::kDurable; };
    scheduler_.when_idle = [this] { ASSERT_TRUE(machine_->Store(1, /*flush=*/false).ok()); };
  }
  ~PublishTurn() override { scheduler_.KillAll(); }

  void Start(bool commit_overlap) {
    std::string why;
    machine_ = Machine::Start({.directory = &directory_,
                               .journal = &journal_,
                               .store = &store_,
                               .watermark = &watermark_,
                               .clock = &clock_,
                               .sinks = {&sink_, &sink_},
                               .queue_slots = 64,
                               .batch_commands_max = 64,
                               .memory_bytes_max = 1U << 20,
                               .tail_bytes_max = 1U << 20,
                               .commit_overlap = commit_overlap},
                              &why);
    ASSERT_NE(machine_, nullptr) << why;
  }

  void Submit(Command&& command, QueueLane lane) {
    const std::size_t before = sink_.count;
    ASSERT_TRUE(machine_->Submit(std::move(command), lane));
    scheduler_.WaitUntil([&] { return sink_.count > before; });
  }

  void CreatePoll(PollNumber number) {
    PutPoll put;
    put.definition.id = "poll" + std::to_string(number);
    put.definition.project = "simulated";
    put.definition.ballot.max = 1;
    put.definition.options.emplace_back().id = "a";
    put.initial_state = PollState::kOpen;
    Command command;
    command.kind = CommandKind::kAct;
    command.act = std::make_unique<Act>(std::move(put));
    Submit(std::move(command), QueueLane::kReserved);
  }

  static Command Vote(PollNumber poll, unsigned char voter) {
    Command command;
    command.poll = poll;
    command.tag.bytes[0] = voter;
    const char packed[] = {1, 0};
    command.ballot = PackedBallot(std::string_view(packed, sizeof packed));
    return command;
  }

  std::size_t PublishedWithVotes() const {
    std::size_t count = 0;
    for (PollNumber poll = 1; poll <= kManyPolls; ++poll) {
      count += machine_->board().Newest(poll)->totals.ballots() > 0 ? 1 : 0;
    }
    return count;
  }

  void RunUntilPublished() {
    for (int step = 0; step < 100'000 && PublishedWithVotes() == 0; ++step) {
      if (!scheduler_.RunOne()) scheduler_.steady_us += 1'000;
    }
  }

  std::uint64_t turn_ = 0;
  SimulatedDirectory directory_;
  SimulatedJournal journal_;
  SimulatedBallotStore store_;
  Watermark watermark_;
  SteppingClock clock_;
  CountingSink sink_;
  Scheduler scheduler_;
  std::unique_ptr<Machine> machine_;
};

TEST_P(PublishTurn, AVoteIsAnsweredBetweenRankings) {
  ASSERT_NO_FATAL_FAILURE(Start(GetParam()));
  for (PollNumber poll = 1; poll <= kManyPolls; ++poll) CreatePoll(poll);
  for (PollNumber poll = 1; poll <= kManyPolls; ++poll) Submit(Vote(poll, 1), QueueLane::kVote);
  ASSERT_EQ(PublishedWithVotes(), 0u) << "the interval is over too early for this test";

  clock_.slow = true;
  RunUntilPublished();
  const std::size_t published_first = PublishedWithVotes();
  EXPECT_GE(published_first, 1u);
  EXPECT_LE(published_first, kPublishedInTurnMax);

  Submit(Vote(1, 2), QueueLane::kVote);
  EXPECT_LT(PublishedWithVotes(), std::size_t{kManyPolls}) << "the vote waited for all rankings";
  // And all of them are published in the end.
  for (int step = 0; step < 100'000 && PublishedWithVotes() < kManyPolls; ++step) {
    if (!scheduler_.RunOne()) scheduler_.steady_us += 1'000;
  }
  EXPECT_EQ(PublishedWithVotes(), std::size_t{kManyPolls});
}

INSTANTIATE_TEST_SUITE_P(Shapes, PublishTurn, ::testing::Bool(),
                         [](const auto& shape) { return shape.param ? "Overlapping" : "InTurn"; });

}  // namespace
}  // namespace tallyd
