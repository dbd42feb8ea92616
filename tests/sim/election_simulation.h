#pragma once

// One run of an election on one thread: the engine's own loop, queue, decisions, commits, board and
// recovery over a simulated runtime, clock and disk, with voters that retry as real frontends do
// and readers that watch the ranking. Everything that could be otherwise in another run (who comes
// next, which thread goes on and how far, when the store and the watermark are written, what fails,
// when the machine dies or is told to stop, where the clock jumps) comes from one seed; the same
// seed gives the same run.
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
  int stops = 0;  // proper ones
  int acknowledged = 0;
  int duplicates = 0;  // repeats that found their ballot
  int rankings = 0;    // read
  int full_queues = 0;
};

SimulationResult Simulate(std::uint64_t seed);

}  // namespace tallyd
