#include "tests/sim/simulated_machine.h"

#include <utility>
#include <vector>

#include "engine/committer_body.h"
#include "engine/ingest_loop_body.h"
#include "engine/recovery.h"

namespace tallyd {

template class BasicCommitter<SimulatedRuntime>;
template class BasicIngestLoop<SimulatedRuntime>;

Machine::Machine(const MachineSetup& setup)
    : setup_(setup), polls_(Keyring(setup.directory->root_keys())), queue_(setup.queue_slots, 4) {}

std::unique_ptr<Machine> Machine::Start(const MachineSetup& setup, std::string* why) {
  std::unique_ptr<Machine> machine(new Machine(setup));
  const absl::Status recovered = machine->Recover();
  if (recovered.ok()) return machine;
  *why = recovered.ToString();
  return nullptr;
}

absl::Status Machine::Recover() {
  voters_ = std::make_unique<VoterRegister>(
      VoterRegister::Options{
          .memory_bytes_max = setup_.memory_bytes_max,
          .on_fatal = [](const absl::Status& /*status*/) { Scheduler::Current().Die(); }},
      setup_.store, &metrics_);
  const auto claim = setup_.journal->Claim();
  if (!claim.ok()) return claim.status();
  const auto end = tallyd::Recover(*setup_.directory, *claim, *setup_.watermark, setup_.journal,
                                   {.polls = &polls_,
                                    .voters = voters_.get(),
                                    .tallies = &tallies_,
                                    .ballots = setup_.store,
                                    .audit = &audit_});
  if (!end.ok()) return end.status();
  StartLoop(end->term, end->last, end->last_hash, end->last_time);
  return absl::OkStatus();
}

void Machine::StartLoop(Term term, Position last, const ChainHash& last_hash, TimeUs last_time) {
  materialiser_.stored = setup_.store->position();
  board_ = std::make_unique<SnapshotBoard>([this] { loop_->NudgeCommitter(); });
  decider_ = std::make_unique<Decider>(
      Decider::State{.polls = &polls_, .voters = voters_.get(), .metrics = &metrics_}, last,
      last_time);
  using Commits = BasicCommitter<SimulatedRuntime>;
  committer_ = std::make_unique<Commits>(
      Commits::Options{.epoch = kSimulatedEpoch,
                       .term = term,
                       .publish_interval_us_min = 2'000,
                       .publish_interval_us = 20'000,
                       .checkpoint_interval_us = 50'000,
                       .checkpoint = last,
                       // As in production: the process ends, there and then.
                       .on_fatal = [](const absl::Status&) { Scheduler::Current().Die(); }},
      Commits::Parts{.journal = setup_.journal,
                     .tallies = &tallies_,
                     .audit = &audit_,
                     .directory = &directory_,
                     .board = board_.get(),
                     .materialiser = &materialiser_,
                     .keeper = &keeper_,
                     .metrics = &metrics_,
                     .clock = setup_.clock},
      last, last_hash);
  for (std::size_t i = 0; i < kSimulatedSinks; ++i) {
    committer_->SetSink(static_cast<SinkId>(i), setup_.sinks[i]);
  }
  for (auto& view : polls_.MakeAllViews()) {
    tallies_.SetView(view);
    directory_.Publish(view);
    board_->Publish(tallies_.MakeSnapshot(view->number, kSimulatedEpoch));
  }
  using Loop = BasicIngestLoop<SimulatedRuntime>;
  loop_ = std::make_unique<Loop>(Loop::Options{.batch_commands_max = setup_.batch_commands_max,
                                               .tail_bytes_max = setup_.tail_bytes_max,
                                               .commit_overlap = setup_.commit_overlap},
                                 Loop::Parts{.queue = &queue_,
                                             .polls = &polls_,
                                             .voters = voters_.get(),
                                             .decider = decider_.get(),
                                             .committer = committer_.get(),
                                             .materialiser = &materialiser_,
                                             .clock = setup_.clock});
  loop_->Start();
}

bool Machine::Submit(Command&& command, QueueLane lane) {
  if (!queue_.TryPush(std::move(command), lane)) return false;
  loop_->NudgeWriter();
  return true;
}

absl::Status Machine::Store(std::size_t count, bool flush) {
  for (; count > 0 && !materialiser_.items.empty(); --count) {
    const auto [position, block] = materialiser_.items.front();
    materialiser_.items.pop_front();
    std::vector<const BallotVersion*> versions;
    if (block != nullptr) {
      for (const BallotVersion& version : block->versions) versions.push_back(&version);
    }
    absl::Status written = setup_.store->WriteGathered(versions, position);
    if (!written.ok()) return written;
    materialiser_.stored = position;
    loop_->NudgeWriter();
  }
  return flush ? setup_.store->Flush() : absl::OkStatus();
}

absl::Status Machine::Stop() {
  loop_->Stop();
  if (Scheduler::Current().died()) return absl::AbortedError("died while it stopped");
  if (Scheduler::Current().stuck()) return absl::InternalError("never stops");
  if (queue_.ApproximateDepth() > 0) return absl::InternalError("stopped over a full queue");
  committer_->PublishAll();
  board_->ReleaseAll();
  committer_->FinishCheckpoint();
  return Store(materialiser_.items.size(), /*flush=*/true);
}

}  // namespace tallyd
