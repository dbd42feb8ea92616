#pragma once

// One run of an election on one thread: the engine's own deciding, dedup, tallies and recovery over
// a simulated disk, clock and queue, with voters that retry as real frontends do. Everything that
// could be otherwise in another run (who comes next, how much is decided at once, how many batches
// wait for the disk, when the store and the watermark are written, what fails, when the machine
// dies, where the clock jumps) comes from one seed; the same seed gives the same run.
//
//   SimulationResult result = Simulate(seed);
//   EXPECT_EQ(result.violation, "");
//
// Faults stop after a while; then every voter must be answered within a bound (liveness), and the
// tallies, the recount of the journal and what the voters were told must be the same.

#include <cstdint>
#include <string>

namespace tallyd {

struct SimulationResult {
  std::string violation;    // "" = all promises held
  std::uint64_t trace = 0;  // a hash over everything anybody was told, in order
  int crashes = 0;
  int failed_appends = 0;
  int acknowledged = 0;
  int duplicates = 0;  // repeats that found their ballot
};

SimulationResult Simulate(std::uint64_t seed);

}  // namespace tallyd
