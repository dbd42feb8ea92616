#include "tests/sim/election_simulation.h"

#include <array>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "engine/recount.h"
#include "tests/sim/simulated_machine.h"
#include "tests/sim/simulated_voters.h"

namespace tallyd {
namespace {

constexpr std::size_t kVoters = 24;
constexpr int kFaultySteps = 2'000;
constexpr int kQuietStepsMax = 60'000;
constexpr std::uint64_t kActCookie = 1'000'000;

// Kinds of faults. Each run leaves some out, so that the others come further.
enum Fault : unsigned { kJump, kCrash, kFailedButThere, kFailedAndGone, kStop };
// Ways a machine can be set up, drawn with each run too.
enum SetupBit : unsigned { kLittleMemory = 8, kLittleTail, kOverlap, kLargeBatches };

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : random_(seed),
        swarm_(static_cast<std::uint32_t>(random_())),
        scheduler_([this](std::uint64_t sides) { return Dice(sides); }),
        voters_(kVoters, [this](std::uint64_t sides) { return Dice(sides); }) {
    journal_.choose_fate = [this] { return FateOfAppend(); };
    scheduler_.when_idle = [this] { Check(machine_->Store(1, /*flush=*/false)); };
  }
  ~Simulation() { scheduler_.KillAll(); }
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  SimulationResult Run() {
    Start();
    if (machine_ != nullptr) CreatePolls();
    faulty_ = true;
    for (int i = 0; i < kFaultySteps && Fine(); ++i) Step();
    faulty_ = false;
    for (int quiet = 0; Fine() && !voters_.AllDone(); ++quiet) {
      Step();
      if (quiet > kQuietStepsMax) Violate("voters wait for ever although nothing fails");
    }
    if (Fine()) StopProperly();
    if (Fine()) CheckEnd();
    if (result_.violation.empty()) result_.violation = voters_.violation();
    result_.acknowledged = voters_.acknowledged_count();
    result_.duplicates = voters_.duplicates_count();
    return result_;
  }

 private:
  class Sink final : public OutcomeSink {
   public:
    explicit Sink(Simulation* of) : of_(*of) {}
    void Deliver(std::vector<Outcome> outcomes) override {
      Scheduler::Current().Point();  // the power may go between the answers of two threads
      for (const Outcome& outcome : outcomes) of_.Answer(outcome);
    }

   private:
    Simulation& of_;
  };

  std::uint64_t Dice(std::uint64_t sides) { return random_() % sides; }
  bool Has(unsigned bit) const { return (swarm_ >> bit & 1U) != 0; }
  bool Happens(Fault fault, std::uint64_t odds) { return faulty_ && Has(fault) && Dice(odds) == 0; }
  bool Fine() const { return result_.violation.empty() && voters_.violation().empty(); }
  void Violate(const std::string& what) {
    if (result_.violation.empty()) result_.violation = what;
  }
  void Trace(std::uint64_t value) { result_.trace = (result_.trace ^ value) * 0x100000001b3ULL; }

  AppendFate FateOfAppend() {
    AppendFate fate = AppendFate::kDurable;
    if (Happens(kFailedButThere, 40)) fate = AppendFate::kFailsButIsThere;
    if (Happens(kFailedAndGone, 40)) fate = AppendFate::kFailsAndIsGone;
    result_.failed_appends += fate == AppendFate::kDurable ? 0 : 1;
    return fate;
  }

  void Start() {
    std::string why;
    if (watermark_.position > journal_.last()) {
      return Violate("the journal is behind its watermark");
    }
    machine_ = Machine::Start(
        {.directory = &directory_,
         .journal = &journal_,
         .store = &store_,
         .watermark = &watermark_,
         .clock = &clock_,
         .sinks = {&sinks_[0], &sinks_[1]},
         .batch_commands_max = Has(kLargeBatches) ? std::size_t{64} : std::size_t{4},
         // Nothing stays in memory that the store holds.
         .memory_bytes_max = Has(kLittleMemory) ? std::size_t{1} : std::size_t{1} << 20,
         .tail_bytes_max = Has(kLittleTail) ? std::size_t{2'000} : std::size_t{1} << 20,
         .commit_overlap = Has(kOverlap)},
        &why);
    if (machine_ == nullptr) Violate("recovery: " + why);
  }

  void CreatePolls() {
    const TimeUs closes = clock_.wall_us + static_cast<TimeUs>(Dice(150'000));
    for (const PollNumber number : kSimulatedPolls) {
      PutPoll put;
      put.definition.id = "poll" + std::to_string(number);
      put.definition.project = "simulated";
      put.definition.ballot.max = 1;
      put.definition.revote = number == kChangingPoll ? RevoteRule::kReplace : RevoteRule::kRefuse;
      if (number == kTimedPoll) put.definition.closes = closes;
      for (const char* id : {"a", "b", "c", "d"}) put.definition.options.emplace_back().id = id;
      put.initial_state = PollState::kOpen;
      Command command;
      command.kind = CommandKind::kAct;
      command.cookie = kActCookie;
      command.act = std::make_unique<Act>(std::move(put));
      machine_->Submit(std::move(command), QueueLane::kReserved);
      scheduler_.WaitUntil([this, number] { return polls_created_ == number; });
    }
  }

  void Step() {
    switch (Dice(20)) {
      case 0:
      case 1:
      case 2:
        return Send();
      case 3:
        return Check(machine_->Store(Dice(machine_->waiting() + 1), Dice(3) == 0));
      case 4:
        if (machine_->durable()) watermark_ = *machine_->durable();
        return;
      case 5:
        return Read(kSimulatedPolls[Dice(std::size(kSimulatedPolls))]);
      case 6:
      case 7:
        scheduler_.steady_us += static_cast<std::int64_t>(Dice(1'000));
        clock_.wall_us += static_cast<TimeUs>(Dice(1'000));
        if (Happens(kJump, 40)) {
          clock_.wall_us += static_cast<TimeUs>(Dice(7'200'000'000)) - 3'600'000'000;
        }
        return;
      case 8:
        if (Happens(kCrash, 12)) Crash();
        if (Happens(kStop, 60)) StopProperly();
        return;
      default:
        // Nobody can go on: they sleep, and time passes.
        if (!scheduler_.RunOne()) scheduler_.steady_us += static_cast<std::int64_t>(Dice(20'000));
        if (scheduler_.died()) Crash();
    }
  }

  void Check(const absl::Status& status) {
    if (!status.ok()) Violate(status.ToString());
  }

  // A voter sends the ballot under way, once or more, or sends it again.
  void Send() {
    const std::size_t number = Dice(voters_.count());
    for (std::uint64_t copies = 1 + Dice(3); copies > 0; --copies) {
      auto command = voters_.Vote(number);
      if (!command) return;
      if (!machine_->Submit(*std::move(command), QueueLane::kVote)) {
        ++result_.full_queues;  // 503: nothing happened
        return;
      }
      voters_.Sent(number);
    }
  }

  void Answer(const Outcome& outcome) {
    Trace(outcome.cookie * 1'000'003 + outcome.seq * 31 + static_cast<std::uint64_t>(outcome.code));
    if (outcome.cookie == kActCookie) {
      if (outcome.code != OutcomeCode::kCreated) Violate("a poll was not created");
      ++polls_created_;
      return;
    }
    const auto timed = machine_->directory().Find(kTimedPoll);
    voters_.Take(outcome, timed->state == PollState::kClosed, journal_.last());
  }

  // One who reads after an acknowledgement finds that vote; nobody sees a version go back, nor
  // anything that is not durable.
  void Read(PollNumber poll) {
    Look(*machine_->board().Newest(poll));
    std::int64_t told = 0;
    for (const std::int64_t count : voters_.Told(poll)) told += count;
    ++reads_waiting_;
    machine_->board().WhenCurrent(poll, [this, told](SnapshotBoard::SnapshotPtr snapshot) {
      --reads_waiting_;
      Look(*snapshot);
      if (static_cast<std::int64_t>(snapshot->totals.ballots()) < told) {
        Violate("a ranking without a vote that was acknowledged before it was asked for");
      }
    });
  }

  void Look(const RankingSnapshot& snapshot) {
    ++result_.rankings;
    if (snapshot.position > journal_.last()) Violate("a ranking shows what is not durable");
    std::vector<std::int64_t> scores;
    for (const RankedOption& row : snapshot.rows) scores.push_back(row.score);
    Trace(snapshot.position);
    Seen& seen = seen_[snapshot.poll];
    if (snapshot.position < seen.position) Violate("a version went back");
    if (snapshot.position == seen.position && scores != seen.scores) {
      Violate("two rankings of one version");
    }
    seen = {snapshot.position, std::move(scores)};
  }

  void Crash() {
    ++result_.crashes;
    scheduler_.KillAll();
    machine_.reset();
    reads_waiting_ = 0;
    store_.FallBack();
    voters_.Crash();
    Start();
  }

  // SIGTERM: everything that was taken is answered, every reader let go, nothing left to replay.
  void StopProperly() {
    const absl::Status stopped = machine_->Stop();
    if (absl::IsAborted(stopped)) return Crash();
    Check(stopped);
    ++result_.stops;
    if (!voters_.NothingInFlight()) Violate("stopped, and a vote was not answered");
    if (reads_waiting_ != 0) Violate("stopped, and a reader was not answered");
    if (store_.durable_position() != journal_.last()) Violate("stopped with work left to replay");
    if (machine_->durable()) watermark_ = *machine_->durable();
    scheduler_.KillAll();
    machine_.reset();
    Start();
  }

  void CheckEnd() {
    const auto recount = RecountJournal(&journal_, journal_.last());
    if (!recount.ok()) return Violate("recount: " + recount.status().ToString());
    for (const PollNumber number : kSimulatedPolls) {
      const PollTally& tally = machine_->tallies().tally(number);
      for (const std::string& difference : CompareWithRecount(tally, recount->polls.at(number))) {
        Violate("recount: " + difference);
      }
      const std::vector<std::int64_t> told = voters_.Told(number);
      for (std::size_t i = 0; i < told.size(); ++i) {
        const std::int64_t shown = i < tally.options().size() ? tally.options()[i].online : 0;
        Trace(static_cast<std::uint64_t>(shown));
        if (shown != told[i]) Violate("the tally is not what the voters were told");
      }
    }
  }

  struct Seen {
    Position position = 0;
    std::vector<std::int64_t> scores;
  };

  std::mt19937_64 random_;
  const std::uint32_t swarm_;
  Scheduler scheduler_;
  bool faulty_ = false;
  SimulatedClock clock_;
  SimulatedDirectory directory_;
  SimulatedJournal journal_;
  SimulatedBallotStore store_;
  Watermark watermark_{.epoch = kSimulatedEpoch, .position = 0, .hash = {}};
  SimulatedVoters voters_;
  std::array<Sink, kSimulatedSinks> sinks_{Sink(this), Sink(this)};
  std::unique_ptr<Machine> machine_;
  PollNumber polls_created_ = 0;
  int reads_waiting_ = 0;
  std::map<PollNumber, Seen> seen_;
  SimulationResult result_;
};

}  // namespace

SimulationResult Simulate(std::uint64_t seed) {
  return Simulation(seed).Run();
}

}  // namespace tallyd
