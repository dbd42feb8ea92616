#include "tests/model/engine_driver.h"

#include <iterator>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "storage/data_directory.h"

namespace tallyd {

class EngineDriver::Collector final : public OutcomeSink {
 public:
  void Deliver(std::vector<Outcome> outcomes) override {
    const absl::MutexLock lock(&mutex_);
    std::move(outcomes.begin(), outcomes.end(), std::back_inserter(outcomes_));
  }
  std::vector<Outcome> Take(std::size_t count) {
    const auto complete = [&] { return outcomes_.size() >= count; };
    const absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&complete), absl::Seconds(20)))
        << outcomes_.size() << " of " << count << " outcomes came";
    return std::exchange(outcomes_, {});
  }

 private:
  absl::Mutex mutex_;
  std::vector<Outcome> outcomes_;
};

EngineDriver::EngineDriver(std::string directory, Setting setting, ManualClock* clock)
    : collector_(std::make_unique<Collector>()) {
  options_.data.directory = std::move(directory);
  options_.commit_overlap = setting.commit_overlap;
  if (setting.forgetful) options_.dedup_memory_bytes_max = 1;
  options_.flags = setting.flags;
  options_.clock = clock;
  options_.publish_interval_us_min = 0;
  options_.on_fatal = [](const absl::Status& status) {
    ADD_FAILURE() << "fatal: " << status.ToString();
    std::abort();
  };
}

EngineDriver::~EngineDriver() = default;

bool EngineDriver::Open() {
  auto engine = Engine::Open(options_);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  if (!engine.ok()) return false;
  engine_ = *std::move(engine);
  sink_ = engine_->RegisterSink(collector_.get());
  return true;
}

void EngineDriver::Close() {
  reads_before_ = ballot_store_reads();
  engine_.reset();
}

std::uint64_t EngineDriver::ballot_store_reads() const {
  return reads_before_ + (engine_ == nullptr ? 0 : engine_->metrics().ballot_store_reads.load());
}

void EngineDriver::RemoveDerived() {
  auto directory = DataDirectory::Open(options_.data);
  ASSERT_TRUE(directory.ok()) << directory.status().ToString();
  const absl::Status removed = (*directory)->RemoveDerived();
  ASSERT_TRUE(removed.ok()) << removed.ToString();
}

std::vector<Outcome> EngineDriver::Run(std::vector<Command> commands, Engine::Lane lane) {
  return RunWhile(
      std::move(commands), [] {}, lane);
}

std::vector<Outcome> EngineDriver::RunWhile(std::vector<Command> commands,
                                            const std::function<void()>& meanwhile,
                                            Engine::Lane lane) {
  for (std::size_t i = 0; i < commands.size(); ++i) {
    commands[i].cookie = i;
    commands[i].sink = sink_;
  }
  const std::size_t taken = engine_->Submit(absl::MakeSpan(commands), lane);
  EXPECT_EQ(taken, commands.size()) << "the queue is larger than any round of a test";
  meanwhile();
  std::vector<Outcome> outcomes = collector_->Take(taken);
  for (std::size_t i = 0; i < outcomes.size(); ++i) EXPECT_EQ(outcomes[i].cookie, i);
  return outcomes;
}

Outcome EngineDriver::RunAct(Act act, PollNumber poll) {
  std::vector<Command> commands(1);
  commands[0].kind = CommandKind::kAct;
  commands[0].poll = poll;
  commands[0].act = std::make_unique<Act>(std::move(act));
  return std::move(Run(std::move(commands), Engine::Lane::kReserved).at(0));
}

std::shared_ptr<const RankingSnapshot> EngineDriver::Ranking(PollNumber poll) {
  // Shared with the reader, which could outlive a wait that timed out.
  struct Waiting {
    absl::Notification done;
    std::shared_ptr<const RankingSnapshot> snapshot;
  };
  auto waiting = std::make_shared<Waiting>();
  engine_->board().WhenCurrent(poll, [waiting](std::shared_ptr<const RankingSnapshot> snapshot) {
    waiting->snapshot = std::move(snapshot);
    waiting->done.Notify();
  });
  EXPECT_TRUE(waiting->done.WaitForNotificationWithTimeout(absl::Seconds(20)));
  return waiting->snapshot;
}

bool EngineDriver::AwaitState(PollNumber poll, PollState state) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (absl::Now() < deadline) {
    // Any command makes the writer look at its clock.
    std::vector<Command> look_up(1);
    look_up[0].kind = CommandKind::kLookUp;
    look_up[0].poll = poll;
    Run(std::move(look_up));
    const auto view = engine_->polls().Find(poll);
    if (view != nullptr && view->state == state) return true;
  }
  ADD_FAILURE() << "poll " << poll << " did not come to state " << static_cast<int>(state);
  return false;
}

std::vector<ExpectedRow> RowsOf(const RankingSnapshot& snapshot) {
  std::vector<ExpectedRow> rows;
  ForEachRanked(snapshot, [&](OptionIndex index, const RankedOption& row, std::uint32_t rank) {
    const OptionDefinition& option = snapshot.view->definition.options.at(index);
    rows.push_back({.question = option.question,
                    .option = option.id,
                    .rank = rank,
                    .score = row.score,
                    .ballots = static_cast<std::int64_t>(row.ballots),
                    .online = row.online,
                    .paper = row.paper});
  });
  return rows;
}

}  // namespace tallyd
