#pragma once

// Ways to die, each with what must hold afterwards. What comes back is what did not hold: "" if all
// is well. The same scenarios run against tallyd, which must pass, and against tallyd_broken, one
// wrong behaviour at a time, each of which must be caught by the scenario that is there for it.
// The main thread only.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tallyd {

// What a result begins with that says nothing about the program: the scenario could not be played.
inline const std::string kCannotRun = "cannot run: ";

struct ScenarioSetup {
  std::string directory;     // empty, on a disk of the scenario's choice unless said otherwise
  std::string program = {};  // "" = tallyd
  std::uint64_t seed = 0;
  std::vector<std::pair<std::string, std::string>> environment = {};
};

// Journal writes are held for a while and then the process is killed: whatever was told to voters
// or readers meanwhile was told too early.
std::string HeldDeath(const ScenarioSetup& setup);

// A sync of the journal fails once: it ends with 74, and nobody was told anything definite.
std::string FailedSync(const ScenarioSetup& setup);

// Terminated and started again, with saved tallies.
std::string CleanRestart(const ScenarioSetup& setup);

// The end of the journal is cut off after a clean stop, the derived stores are gone: it must
// refuse.
std::string LostEnd(const ScenarioSetup& setup);

// One byte in the middle of the journal's log is another: it must refuse.
std::string FlippedByte(const ScenarioSetup& setup);

// A poll's time is over: the journal must say so, too.
std::string TimedClosing(const ScenarioSetup& setup);

// Far more votes at once than the queue holds: each is counted or gets a 503, never both or
// neither.
std::string FullQueue(const ScenarioSetup& setup);

// The power goes under load; `setup.directory` lies on a CuttableDisk that the caller owns.
class CuttableDisk;
std::string PowerCuts(const ScenarioSetup& setup, CuttableDisk* disk, int cuts);

}  // namespace tallyd
