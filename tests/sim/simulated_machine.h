#pragma once

// What dies with a crash: the engine as engine/engine.cc puts it together, its own loop, queue,
// decisions, commits and board, over a simulated runtime and disk.
//
//   auto machine = Machine::Start(setup, &why);   // recovers; null: it refused
//   machine->Submit(std::move(command), lane);    // as an io thread does
//   scheduler.RunOne(); ...
//   machine->Stop();                              // SIGTERM; or scheduler.KillAll(), a crash

#include <array>
#include <memory>
#include <string>

#include "engine/committer.h"
#include "engine/decider.h"
#include "engine/ingest_loop.h"
#include "engine/ingest_queue.h"
#include "engine/poll_directory.h"
#include "engine/poll_registry.h"
#include "engine/snapshot_board.h"
#include "engine/tally_book.h"
#include "engine/voter_register.h"
#include "tests/sim/simulated_disk.h"
#include "tests/sim/simulated_runtime.h"

namespace tallyd {

inline constexpr std::size_t kSimulatedSinks = 2;

// What survives a crash, and how this run is set up.
struct MachineSetup {
  SimulatedDirectory* directory;
  SimulatedJournal* journal;
  SimulatedBallotStore* store;
  const Watermark* watermark;
  const Clock* clock;
  std::array<OutcomeSink*, kSimulatedSinks> sinks;
  std::size_t queue_slots = 32;
  std::size_t batch_commands_max = 8;
  std::size_t memory_bytes_max = 0;
  std::size_t tail_bytes_max = 0;
  bool commit_overlap = false;
};

class Machine {
 public:
  static std::unique_ptr<Machine> Start(const MachineSetup& setup, std::string* why);

  // False: the queue is full, nothing happened.
  bool Submit(Command&& command, QueueLane lane);
  // Writes up to `count` commits to the ballot store, and flushes it if told to.
  absl::Status Store(std::size_t count, bool flush);
  // Decides, commits and answers everything, publishes and stores it, as the engine's end does.
  absl::Status Stop();

  const TallyBook& tallies() const { return tallies_; }
  const PollDirectory& directory() const { return directory_; }
  SnapshotBoard& board() { return *board_; }
  std::size_t waiting() const { return materialiser_.items.size(); }
  const std::optional<Watermark>& durable() const { return keeper_.durable; }

 private:
  explicit Machine(const MachineSetup& setup);
  absl::Status Recover();
  void StartLoop(Term term, Position last, const ChainHash& last_hash, TimeUs last_time);

  const MachineSetup setup_;
  EngineMetrics metrics_;
  PollRegistry polls_;
  TallyBook tallies_;
  AuditIndex audit_;
  PollDirectory directory_;
  SimulatedMaterialiser materialiser_;
  SimulatedKeeper keeper_;
  IngestQueue<Command> queue_;
  std::unique_ptr<VoterRegister> voters_;
  std::unique_ptr<Decider> decider_;
  std::unique_ptr<SnapshotBoard> board_;
  std::unique_ptr<BasicCommitter<SimulatedRuntime>> committer_;
  std::unique_ptr<BasicIngestLoop<SimulatedRuntime>> loop_;
};

}  // namespace tallyd
