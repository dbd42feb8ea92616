// Many simulated elections (election_simulation.h). TALLYD_SEEDS says how many, TALLYD_TEST_SEED is
// the first; one seed in twenty runs twice and must be the same run.

#include <iostream>

#include "gtest/gtest.h"

#include "tests/sim/election_simulation.h"
#include "tests/support/environment.h"

namespace tallyd {
namespace {

TEST(Simulation, EveryPromiseHoldsInEveryElection) {
  const std::uint64_t first = TestSeed();
  const std::uint64_t seeds = EnvironmentNumber("TALLYD_SEEDS", 200);
  std::cout << "TALLYD_TEST_SEED=" << first << " TALLYD_SEEDS=" << seeds << std::endl;
  SimulationResult all;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const SimulationResult result = Simulate(first + i);
    ASSERT_EQ(result.violation, "") << "TALLYD_TEST_SEED=" << first + i << " TALLYD_SEEDS=1";
    if (i % 20 == 0) {
      ASSERT_EQ(Simulate(first + i).trace, result.trace) << "seed " << first + i << " is two runs";
    }
    all.crashes += result.crashes;
    all.failed_appends += result.failed_appends;
    all.acknowledged += result.acknowledged;
    all.duplicates += result.duplicates;
    all.stops += result.stops;
    all.rankings += result.rankings;
    all.full_queues += result.full_queues;
  }
  std::cout << seeds << " elections, " << all.acknowledged << " ballots acknowledged, "
            << all.duplicates << " duplicates, " << all.crashes << " crashes, "
            << all.failed_appends << " failed appends, " << all.stops << " stops, " << all.rankings
            << " rankings read, " << all.full_queues << " times the queue was full\n";
  // The faults must have happened, or nothing was shown.
  EXPECT_GT(all.crashes, static_cast<int>(seeds));
  EXPECT_GT(all.failed_appends, static_cast<int>(seeds) / 4);
  EXPECT_GT(all.duplicates, static_cast<int>(seeds));
  EXPECT_GT(all.stops, static_cast<int>(seeds));
  EXPECT_GT(all.rankings, static_cast<int>(seeds));
  EXPECT_GT(all.full_queues, 0);
}

}  // namespace
}  // namespace tallyd
