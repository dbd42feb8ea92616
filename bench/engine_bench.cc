// The engine alone: queue -> decide -> journal (synced) -> tally -> outcome, without HTTP and JSON.
//
//   engine_bench                                   a short look: 100,000 voters a run
//   TALLYD_BENCH_VOTES=10000000 engine_bench       the figure of DESIGN.md section 6
//
// Every vote is another voter's first; `commit` is how many are committed together at most,
// `overlap` EngineOptions::commit_overlap. One thread pushes as fast as the queue takes it, with
// ready commands (a tag is a counter mixed), and the clock stops when the last outcome was
// delivered: everything is durable and counted then. The ballot store follows in the background
// meanwhile, as in the server. Directories lie under TMPDIR (else /tmp). Counters: dedup bytes a
// voter, and what commits held on average.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"

#include "engine/engine.h"
#include "storage/check.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr std::size_t kRun = 256;  // pushed together
constexpr OptionIndex kOptions = 10;
constexpr auto kFullQueueSleep = std::chrono::microseconds(100);

std::uint64_t VotesOfARun() {
  const char* set = std::getenv("TALLYD_BENCH_VOTES");
  return set != nullptr ? std::strtoull(set, nullptr, 10) : 100'000;
}

std::uint64_t Mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

class CountingSink final : public OutcomeSink {
 public:
  void Deliver(std::vector<Outcome> outcomes) override {
    for (const Outcome& outcome : outcomes) {
      if (outcome.code == OutcomeCode::kCounted) ++counted_;
      if (outcome.code == OutcomeCode::kDuplicate) ++duplicate_;
      if (outcome.code == OutcomeCode::kCreated) poll_.store(outcome.poll);
    }
  }
  std::uint64_t counted() const { return counted_; }      // after Drain()
  std::uint64_t duplicate() const { return duplicate_; }  // after Drain()
  PollNumber poll() const { return poll_; }

 private:
  std::uint64_t counted_ = 0;
  std::uint64_t duplicate_ = 0;
  std::atomic<PollNumber> poll_{0};
};

class RunningEngine {
 public:
  RunningEngine(std::size_t batch_commands_max, bool commit_overlap) {
    EngineOptions options;
    options.commit_overlap = commit_overlap;
    options.data.directory = directory_.File("data");
    options.batch_commands_max = batch_commands_max;
    auto engine = Engine::Open(std::move(options));
    TALLYD_CHECK(engine.ok());
    engine_ = *std::move(engine);
    sink_id_ = engine_->RegisterSink(&sink_);
    CreatePoll();
  }

  // Pushes votes of voters first ... first + count - 1 and waits for all outcomes.
  void Vote(std::uint64_t first, std::uint64_t count) {
    std::vector<Command> run(kRun);
    for (std::uint64_t sent = 0; sent < count;) {
      const std::size_t size = std::min<std::uint64_t>(kRun, count - sent);
      for (std::size_t i = 0; i < size; ++i) MakeVote(first + sent + i, &run[i]);
      for (std::size_t pushed = 0; pushed < size;) {
        const std::size_t more = engine_->Submit(absl::MakeSpan(run).subspan(pushed, size - pushed),
                                                 Engine::Lane::kVote);
        if (more == 0) std::this_thread::sleep_for(kFullQueueSleep);
        pushed += more;
      }
      sent += size;
    }
    engine_->Drain();
  }

  Engine& engine() { return *engine_; }
  const CountingSink& sink() const { return sink_; }

 private:
  void CreatePoll() {
    PutPoll put;
    put.initial_state = PollState::kOpen;
    put.definition.id = "bench";
    put.definition.project = "bench";
    put.definition.ballot.type = BallotType::kChoose;
    put.definition.ballot.min = 1;
    put.definition.ballot.max = 1;
    for (OptionIndex i = 0; i < kOptions; ++i) {
      OptionDefinition option;
      option.id = absl::StrCat("option-", i);
      put.definition.options.push_back(std::move(option));
    }
    std::vector<Command> commands(1);
    commands[0].kind = CommandKind::kAct;
    commands[0].sink = sink_id_;
    commands[0].act = std::make_unique<Act>(std::move(put));
    TALLYD_CHECK(engine_->Submit(absl::MakeSpan(commands), Engine::Lane::kReserved) == 1);
    engine_->Drain();
    TALLYD_CHECK(sink_.poll() != 0);
  }

  void MakeVote(std::uint64_t voter, Command* command) const {
    *command = Command();
    command->cookie = voter;
    command->sink = sink_id_;
    command->poll = sink_.poll();
    for (std::size_t i = 0; i < command->tag.bytes.size(); ++i) {
      command->tag.bytes[i] = static_cast<std::uint8_t>(Mix(2 * voter + i / 8) >> (8 * (i % 8)));
    }
    OptionIndex option = static_cast<OptionIndex>(Mix(voter) % kOptions);
    command->ballot = PackChoose(absl::MakeSpan(&option, 1));
  }

  TempDirectory directory_;
  CountingSink sink_;
  std::unique_ptr<Engine> engine_;
  SinkId sink_id_ = 0;
};

void BM_NewVoters(benchmark::State& state) {
  const std::uint64_t votes = VotesOfARun();
  double bytes_per_voter = 0;
  double per_commit = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto running = std::make_unique<RunningEngine>(static_cast<std::size_t>(state.range(0)),
                                                   state.range(1) != 0);
    state.ResumeTiming();
    running->Vote(0, votes);
    state.PauseTiming();
    TALLYD_CHECK(running->sink().counted() == votes);
    const Engine& engine = running->engine();
    bytes_per_voter = static_cast<double>(engine.dedup_memory_bytes()) /
                      static_cast<double>(engine.dedup_voters());
    per_commit = static_cast<double>(votes) / static_cast<double>(engine.last_position());
    running.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(votes));
  state.counters["memory_per_voter"] = bytes_per_voter;  // the index and the tail
  state.counters["votes_per_commit"] = per_commit;
}
BENCHMARK(BM_NewVoters)
    ->ArgNames({"commit", "overlap"})
    ->ArgsProduct({{256, 1'024, 4'096}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// The same votes again: every one is recognised and answered with its seq, none is written.
void BM_Duplicates(benchmark::State& state) {
  const std::uint64_t votes = VotesOfARun();
  RunningEngine running(4'096, false);
  running.Vote(0, votes);
  const std::uint64_t repeated = std::min<std::uint64_t>(votes, 200'000);
  std::uint64_t first = 0;
  for (auto _ : state) {
    running.Vote(first, repeated);
    first = (first + repeated) % (votes - repeated + 1);
  }
  TALLYD_CHECK(running.sink().duplicate() ==
               static_cast<std::uint64_t>(state.iterations()) * repeated);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(repeated));
}
BENCHMARK(BM_Duplicates)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tallyd
