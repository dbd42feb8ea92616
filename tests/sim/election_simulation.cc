#include "tests/sim/election_simulation.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "engine/decider.h"
#include "engine/recount.h"
#include "engine/recovery.h"
#include "tests/sim/simulated_disk.h"

namespace tallyd {
namespace {

constexpr int kVoters = 24;
constexpr int kBallotsPerVoter = 4;
constexpr int kFaultySteps = 600;
constexpr int kQuietStepsMax = 20'000;
constexpr std::size_t kQueueMax = 32;
constexpr PollNumber kFixed = 1;     // the first ballot counts
constexpr PollNumber kChanging = 2;  // the last one counts

struct Voter {
  VoterTag tag;
  PollNumber poll = 0;
  int ballot = 0;          // how many are acknowledged
  int option = 0;          // of the one under way
  bool refusal = false;    // ... which must be refused
  std::optional<Seq> seq;  // told for it by any answer so far
  int counted = 0;         // answers that called it new
  int in_flight = 0;       // copies that may still be answered
  int in_force = -1;       // option of the last acknowledged ballot
  bool done() const { return ballot == kBallotsPerVoter; }
};

// What dies with a crash.
struct Machine {
  explicit Machine(const SimulatedDirectory& directory) : polls(&directory.root_key()) {}
  EngineMetrics metrics;
  PollRegistry polls;
  TallyBook tallies;
  std::unique_ptr<VoterRegister> voters;
  std::unique_ptr<Decider> decider;
  Term term = 0;
  Position last = 0;
  ChainHash last_hash;
  std::deque<Command> queue;
  std::deque<std::unique_ptr<DecidedBatch>> decided;
  std::deque<std::pair<Position, const TailBlock*>> to_store;
  Position stored = 0;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {}

  SimulationResult Run() {
    swarm_ = static_cast<std::uint32_t>(random_());
    MakeVoters();
    Restart();
    CreatePolls();
    for (int i = 0; i < kFaultySteps && result_.violation.empty(); ++i) Step(true);
    int quiet = 0;
    while (result_.violation.empty() && !AllDone()) {
      Step(false);
      if (++quiet > kQuietStepsMax) Violate("voters wait for ever although nothing fails");
    }
    if (result_.violation.empty()) CheckEnd();
    return result_;
  }

 private:
  std::uint64_t Dice(std::uint64_t sides) { return random_() % sides; }
  // Swarm: each run leaves some kinds of faults out, so that the others come further.
  bool Fault(int kind, std::uint64_t odds) { return (swarm_ >> kind & 1U) != 0 && Dice(odds) == 0; }
  void Violate(const std::string& what) {
    if (result_.violation.empty()) result_.violation = what;
  }
  void Trace(std::uint64_t value) { result_.trace = (result_.trace ^ value) * 0x100000001b3ULL; }

  void MakeVoters() {
    for (int i = 0; i < kVoters; ++i) {
      Voter voter;
      for (auto& byte : voter.tag.bytes) byte = static_cast<std::uint8_t>(random_());
      voter.poll = i % 2 == 0 ? kFixed : kChanging;
      voters_.push_back(voter);
      Choose(voters_.back());
    }
  }

  void Choose(Voter& voter) {
    voter.seq.reset();
    voter.counted = 0;
    voter.refusal = voter.poll == kFixed && voter.ballot > 0;
    voter.option = static_cast<int>(Dice(4));
    if (voter.option == voter.in_force) voter.option = (voter.option + 1) % 4;
  }

  void CreatePolls() {
    for (const PollNumber number : {kFixed, kChanging}) {
      Command command;
      command.kind = CommandKind::kAct;
      command.cookie = kVoters;
      PutPoll put;
      put.definition.id = number == kFixed ? "fixed" : "changing";
      put.definition.project = "simulated";
      put.definition.ballot.max = 1;
      put.definition.revote = number == kFixed ? RevoteRule::kRefuse : RevoteRule::kReplace;
      for (const char* id : {"a", "b", "c", "d"}) put.definition.options.emplace_back().id = id;
      put.initial_state = PollState::kOpen;
      command.act = std::make_unique<Act>(std::move(put));
      machine_->queue.push_back(std::move(command));
      DecideSome();
      CommitOne(false);
    }
  }

  void Step(bool faults) {
    switch (Dice(8)) {
      case 0:
      case 1:
      case 2:
        return Send();
      case 3:
        return DecideSome();
      case 4:
      case 5:
        return CommitOne(faults);
      case 6:
        return StoreSome();
      default:
        break;
    }
    now_ += static_cast<TimeUs>(Dice(1'000));
    if (faults && Fault(0, 8)) now_ += static_cast<TimeUs>(Dice(7'200'000'000)) - 3'600'000'000;
    if (Dice(4) == 0) watermark_ = {kSimulatedEpoch, machine_->last, machine_->last_hash};
    if (faults && Fault(1, 12)) Crash();
  }

  // A voter sends the ballot under way, once or more, or sends it again.
  void Send() {
    const std::size_t number = Dice(voters_.size());
    Voter& voter = voters_[number];
    if (voter.done()) return;
    for (std::uint64_t copies = 1 + Dice(3); copies > 0; --copies) {
      if (machine_->queue.size() == kQueueMax) return;  // 503: nothing happened
      Command command;
      command.cookie = number;
      command.poll = voter.poll;
      command.tag = voter.tag;
      if (voter.poll == kChanging) {
        command.idempotency_print = static_cast<std::uint64_t>(voter.ballot) + 1;
      }
      const char packed[] = {1, static_cast<char>(voter.option)};
      command.ballot = PackedBallot(std::string_view(packed, sizeof packed));
      command.seq = 0;
      machine_->queue.push_back(std::move(command));
      ++voter.in_flight;
    }
  }

  void DecideSome() {
    if (machine_->queue.empty() || machine_->decided.size() == 2) return;
    const std::size_t count = 1 + Dice(machine_->queue.size());
    std::vector<Command> commands;
    for (std::size_t i = 0; i < count; ++i) {
      commands.push_back(std::move(machine_->queue.front()));
      machine_->queue.pop_front();
    }
    auto batch = std::make_unique<DecidedBatch>();
    machine_->decider->Decide(absl::MakeSpan(commands), now_, batch.get());
    machine_->decider->Finish(batch.get());
    machine_->decided.push_back(std::move(batch));
  }

  // Sync, apply, acknowledge: in the order of engine/committer.cc.
  void CommitOne(bool faults) {
    if (machine_->decided.empty()) return;
    const std::unique_ptr<DecidedBatch> batch = std::move(machine_->decided.front());
    machine_->decided.pop_front();
    if (!batch->record.empty()) {
      const SealedRecord sealed = batch->record.Seal({.epoch = kSimulatedEpoch,
                                                      .term = machine_->term,
                                                      .position = batch->position,
                                                      .time = batch->time,
                                                      .previous_hash = machine_->last_hash});
      journal_.next_fate = AppendFate::kDurable;
      if (faults && Fault(2, 12)) journal_.next_fate = AppendFate::kFailsButIsThere;
      if (faults && Fault(3, 12)) journal_.next_fate = AppendFate::kFailsAndIsGone;
      if (!journal_.Append(machine_->last, sealed.bytes).ok()) {
        ++result_.failed_appends;
        return Crash();  // the process stops; nobody is told anything
      }
      machine_->last = batch->position;
      machine_->last_hash = sealed.hash;
      const absl::Status applied = machine_->tallies.Apply(*RecordView::Parse(sealed.bytes));
      if (!applied.ok()) return Violate("apply: " + applied.ToString());
      machine_->to_store.emplace_back(batch->position, batch->block);
      // The power goes between the sync and the answers.
      if (faults && Fault(4, 16)) return Crash();
    }
    for (const auto& outcomes : batch->outcomes_by_sink) {
      for (const Outcome& outcome : outcomes) Answer(outcome);
    }
  }

  void StoreSome() {
    const std::size_t count = Dice(machine_->to_store.size() + 1);
    for (std::size_t i = 0; i < count; ++i) {
      const auto [position, block] = machine_->to_store.front();
      machine_->to_store.pop_front();
      std::vector<const BallotVersion*> versions;
      if (block != nullptr) {
        for (const BallotVersion& version : block->versions) versions.push_back(&version);
      }
      if (!store_.WriteGathered(versions, position).ok()) return Violate("store");
      machine_->stored = position;
    }
    if (Dice(3) == 0 && !store_.Flush().ok()) return Violate("flush");
    machine_->voters->Trim(machine_->stored);
  }

  void Answer(const Outcome& outcome) {
    Trace(outcome.cookie * 1'000'003 + outcome.seq * 31 + static_cast<std::uint64_t>(outcome.code));
    if (outcome.cookie == kVoters) {
      if (outcome.code != OutcomeCode::kCreated) Violate("a poll was not created");
      return;
    }
    Voter& voter = voters_[outcome.cookie];
    --voter.in_flight;
    const bool fresh =
        outcome.code == OutcomeCode::kCounted || outcome.code == OutcomeCode::kReplaced;
    if (outcome.code == OutcomeCode::kDuplicate) ++result_.duplicates;
    if (stale_[outcome.cookie] > 0) {  // a copy of a ballot that was answered before
      --stale_[outcome.cookie];
      if (fresh) Violate("a repeat was counted anew");
      return;
    }
    if (voter.refusal) {
      if (outcome.code != OutcomeCode::kAlreadyVoted) Violate("a second vote was not refused");
      return Next(voter, outcome.cookie);
    }
    if (!fresh && outcome.code != OutcomeCode::kDuplicate)
      return Violate("an honest vote was refused");
    voter.in_force = voter.option;
    ++result_.acknowledged;
    Next(voter, outcome.cookie);
  }

  // The voter was answered and goes on; further copies of the ballot are stale.
  void Next(Voter& voter, std::uint64_t number) {
    stale_[number] = voter.in_flight;
    ++voter.ballot;
    Choose(voter);
  }

  void Crash() {
    ++result_.crashes;
    for (std::size_t i = 0; i < voters_.size(); ++i) {
      voters_[i].in_flight = 0;
      stale_[i] = 0;
    }
    Restart();
  }

  void Restart() {
    machine_ = std::make_unique<Machine>(directory_);
    store_.FallBack();
    Machine& machine = *machine_;
    machine.voters = std::make_unique<VoterRegister>(
        VoterRegister::Options{
            // Nothing stays in memory that the store holds, in half of the runs.
            .memory_bytes_max = (swarm_ >> 8 & 1U) != 0 ? std::size_t{1} : std::size_t{1} << 20,
            .on_fatal = [this](const absl::Status& status) { Violate(status.ToString()); }},
        &store_, &machine.metrics);
    const auto claim = journal_.Claim();
    if (watermark_.position > claim->last) return Violate("the journal is behind its watermark");
    const auto end = Recover(directory_, *claim, watermark_, &journal_,
                             {.polls = &machine.polls,
                              .voters = machine.voters.get(),
                              .tallies = &machine.tallies,
                              .ballots = &store_});
    if (!end.ok()) return Violate("recovery: " + end.status().ToString());
    machine.term = end->term;
    machine.last = end->last;
    machine.last_hash = end->last_hash;
    machine.stored = store_.position();
    machine.decider = std::make_unique<Decider>(Decider::State{.polls = &machine.polls,
                                                               .voters = machine.voters.get(),
                                                               .root_key = &directory_.root_key(),
                                                               .metrics = &machine.metrics},
                                                end->last, end->last_time);
  }

  bool AllDone() const {
    return std::all_of(voters_.begin(), voters_.end(),
                       [](const Voter& voter) { return voter.done(); });
  }

  void CheckEnd() {
    while (!machine_->queue.empty() || !machine_->decided.empty()) {
      DecideSome();
      CommitOne(false);
    }
    const auto recount = RecountJournal(&journal_, journal_.last());
    if (!recount.ok()) return Violate("recount: " + recount.status().ToString());
    for (const PollNumber number : {kFixed, kChanging}) {
      const PollTally& tally = machine_->tallies.tally(number);
      for (const std::string& difference : CompareWithRecount(tally, recount->polls.at(number))) {
        Violate("recount: " + difference);
      }
      std::vector<std::int64_t> told(4);
      for (const Voter& voter : voters_) {
        if (voter.poll == number && voter.in_force >= 0)
          ++told[static_cast<std::size_t>(voter.in_force)];
      }
      for (std::size_t i = 0; i < told.size(); ++i) {
        const std::int64_t shown = i < tally.options().size() ? tally.options()[i].online : 0;
        Trace(static_cast<std::uint64_t>(shown));
        if (shown != told[i]) Violate("the tally is not what the voters were told");
      }
    }
  }

  std::mt19937_64 random_;
  std::uint32_t swarm_ = 0;
  TimeUs now_ = 1'777'000'000'000'000;
  SimulatedDirectory directory_;
  SimulatedJournal journal_;
  SimulatedBallotStore store_;
  Watermark watermark_{.epoch = kSimulatedEpoch, .position = 0, .hash = {}};
  std::vector<Voter> voters_;
  std::vector<int> stale_ = std::vector<int>(kVoters);
  std::unique_ptr<Machine> machine_;
  SimulationResult result_;
};

}  // namespace

SimulationResult Simulate(std::uint64_t seed) {
  return Simulation(seed).Run();
}

}  // namespace tallyd
