// kill -9 under load, again and again: what was acknowledged stays counted, nobody counts twice.
//
// TALLYD_TEST_SEED repeats a run, TALLYD_KILLS makes it longer: docs/durability.md has the figures.

#include <chrono>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

#include "gtest/gtest.h"

#include "tests/crash/crash_harness.h"
#include "tests/support/environment.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

TEST(KillRestart, EveryAcknowledgedVoteStaysAndNobodyCountsTwice) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t kills = EnvironmentNumber("TALLYD_KILLS", 8);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_KILLS=" << kills << std::endl;
  std::mt19937_64 random(seed);
  TempDirectory directory;
  const std::string oracle = directory.File("oracle");
  std::filesystem::create_directory(oracle);
  CrashHarness harness(
      {.data_directory = directory.File("data"),
       .seed = random(),
       .oracle_directory = oracle,
       // Short intervals, so that kills also meet the watermark and the tallies.
       .arguments = {"--watermark-interval-us=20000", "--checkpoint-interval-us=100000"},
       .environment = {{"TALLYD_COMMIT_OVERLAP", random() % 2 == 0 ? "true" : "false"}}});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  std::uint64_t made = 0;
  for (; made < kills && harness.violations().empty(); ++made) {
    // The random moment is the point of the test, not a wait for something.
    harness.LoadFor(std::chrono::milliseconds(5 + random() % 300));
    harness.Kill();
    harness.EndLoad();
    if (!harness.Recover()) break;
  }
  if (harness.violations().empty()) harness.Finish();
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
  std::cout << made << " kills, " << harness.acknowledged_count() << " acknowledged, "
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

// A sanitizer's runtime wants to be loaded first, which a preloaded clock cannot grant.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The wall clock jumps by up to a year, back and forth, many times a second: nothing changes but
// labels. The watermark goes on being written, which only a steady clock can pace.
TEST(KillRestart, JumpsOfTheClockChangeNothingButLabels) {
  const std::uint64_t seed = TestSeed();
  std::cout << "TALLYD_TEST_SEED=" << seed << std::endl;
  TempDirectory directory;
  CrashHarness harness(
      {.data_directory = directory.File("data"),
       .seed = seed,
       .arguments = {"--watermark-interval-us=20000"},
       .environment = {{"LD_PRELOAD", TALLYD_CLOCK_JUMPS}, {"TALLYD_CLOCK_JUMP_READINGS", "97"}}});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  for (int round = 0; round < 3 && harness.violations().empty(); ++round) {
    harness.LoadFor(std::chrono::milliseconds(400));
    const std::string before = FileText(directory.File("data/watermark"));
    harness.EndLoad();
    harness.LoadFor(std::chrono::milliseconds(400));
    EXPECT_NE(FileText(directory.File("data/watermark")), before)
        << "the watermark stands still although votes come in";
    harness.Kill();
    harness.EndLoad();
    if (!harness.Recover()) break;
  }
  if (harness.violations().empty()) harness.Finish();
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
}
#endif

}  // namespace
}  // namespace tallyd
