// kill -9 under load, again and again: what was acknowledged stays counted, nobody counts twice.
//
// TALLYD_TEST_SEED repeats a run, TALLYD_KILLS makes it longer: docs/durability.md has the figures.

#include <chrono>
#include <iostream>
#include <random>
#include <thread>

#include "gtest/gtest.h"

#include "tests/crash/crash_harness.h"
#include "tests/crash/environment.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

TEST(KillRestart, EveryAcknowledgedVoteStaysAndNobodyCountsTwice) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t kills = EnvironmentNumber("TALLYD_KILLS", 8);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_KILLS=" << kills << std::endl;
  std::mt19937_64 random(seed);
  TempDirectory directory;
  CrashHarness harness(
      {.data_directory = directory.File("data"),
       .seed = random(),
       // Short intervals, so that kills also meet the watermark and the tallies.
       .arguments = {"--watermark-interval-us=20000", "--checkpoint-interval-us=100000"},
       .environment = {{"TALLYD_COMMIT_OVERLAP", random() % 2 == 0 ? "true" : "false"}}});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  for (std::uint64_t round = 0; round < kills && harness.violations().empty(); ++round) {
    // The random moment is the point of the test, not a wait for something.
    harness.LoadFor(std::chrono::milliseconds(5 + random() % 300));
    harness.Kill();
    harness.EndLoad();
    if (!harness.Recover()) break;
  }
  if (harness.violations().empty()) harness.Finish();
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
  std::cout << kills << " kills, " << harness.acknowledged_count() << " acknowledged, "
            << harness.crowd().unknown_count() << " unanswered and sent again\n";
  EXPECT_GT(harness.acknowledged_count(), kills);
}

TEST(KillRestart, TerminatingUnderLoadLosesNothing) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t rounds = EnvironmentNumber("TALLYD_TERMINATIONS", 3);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_TERMINATIONS=" << rounds << std::endl;
  std::mt19937_64 random(seed);
  TempDirectory directory;
  CrashHarness harness({.data_directory = directory.File("data"), .seed = random()});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  for (std::uint64_t round = 0; round < rounds && harness.violations().empty(); ++round) {
    harness.LoadFor(std::chrono::milliseconds(5 + random() % 200));
    harness.server().Terminate();
    EXPECT_EQ(harness.server().Wait(), 0) << harness.server().Log();
    harness.EndLoad();
    if (!harness.Recover()) break;
  }
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
}

}  // namespace
}  // namespace tallyd
