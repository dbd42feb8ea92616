#pragma once

// The real engine behind a synchronous face: commands in, their outcomes out, in the same order.
// Reopens on the same directory as often as a test likes. One thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"

#include "engine/engine.h"
#include "tests/model/election_oracle.h"
#include "tests/support/manual_clock.h"

namespace tallyd {

class EngineDriver {
 public:
  struct Setting {
    bool commit_overlap = true;
    // Nothing stays in memory that the ballot store holds: every voter is looked up there.
    bool forgetful = false;
    FlagLimits flags = {};
  };
  EngineDriver(std::string directory, Setting setting, ManualClock* clock);
  ~EngineDriver();

  // Opens, after Close() or for the first time; a test failure and false if the engine refuses.
  bool Open();
  void Close();
  // Throws away what is derived from the journal. Only while closed.
  void RemoveDerived();

  // One Submit(), so the engine decides them in this order.
  std::vector<Outcome> Run(std::vector<Command> commands, Engine::Lane lane = Engine::Lane::kVote);
  // The same; `meanwhile` runs when all are enqueued and perhaps none is decided.
  std::vector<Outcome> RunWhile(std::vector<Command> commands,
                                const std::function<void()>& meanwhile,
                                Engine::Lane lane = Engine::Lane::kVote);
  Outcome RunAct(Act act, PollNumber poll = 0);

  // The newest ranking, with everything acknowledged in it.
  std::shared_ptr<const RankingSnapshot> Ranking(PollNumber poll);
  // Waits until the poll has that state; false (and a test failure) if it does not come.
  bool AwaitState(PollNumber poll, PollState state);

  Engine& engine() { return *engine_; }
  // Reads of the ballot store since the first opening.
  std::uint64_t ballot_store_reads() const;

 private:
  class Collector;

  EngineOptions options_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<Engine> engine_;
  SinkId sink_ = 0;
  std::uint64_t reads_before_ = 0;  // of the engines closed already
};

// For the name of a test with that setting.
inline std::string NameOf(const EngineDriver::Setting& setting) {
  if (setting.forgetful) return "Forgetful";
  return setting.commit_overlap ? "Overlapping" : "InTurn";
}

// What the ranking shows, best first, as the oracle says it.
std::vector<ExpectedRow> RowsOf(const RankingSnapshot& snapshot);

}  // namespace tallyd
