// The power goes while people vote, again and again (power_cut.h): everything acknowledged is there
// afterwards. A kill cannot find a missing fsync, this can: the broken build that does not sync is
// caught here (broken_builds_test.cc).
//
// TALLYD_CUTS says how often. Skipped, and said so, without root and a loop device.

#include "tests/crash/power_cut.h"

#include <filesystem>
#include <iostream>

#include "gtest/gtest.h"

#include "tests/crash/crash_harness.h"
#include "tests/support/environment.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

TEST(PowerCut, EveryAcknowledgedVoteSurvives) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t cuts = EnvironmentNumber("TALLYD_CUTS", 5);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_CUTS=" << cuts << std::endl;
  std::mt19937_64 random(seed);
  TempDirectory directory;
  std::string why;
  const auto disk = CuttableDisk::Make(directory.File("disk"), 256, &why);
  if (disk == nullptr) GTEST_SKIP() << "no power can be cut here: " << why;
  // On the disk that keeps its power.
  const std::string oracle = directory.File("oracle");
  std::filesystem::create_directory(oracle);
  CrashHarness harness({.data_directory = disk->path() + "/data",
                        .log_file = directory.File("log"),
                        .seed = random(),
                        .oracle_directory = oracle,
                        .arguments = {"--watermark-interval-us=20000",
                                      "--checkpoint-interval-us=100000", "--free-bytes-min=0"}});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  int stopped_by_itself = 0;
  std::uint64_t made = 0;
  for (; made < cuts && harness.violations().empty() && !HasFailure(); ++made) {
    harness.LoadFor(std::chrono::milliseconds(5 + random() % 300));
    harness.crowd().StopListening();
    ASSERT_TRUE(disk->Cut());
    // In half of the rounds the machine is gone with its power; in the others tallyd lives on for a
    // moment and has to notice that its disk does not answer.
    if (made % 2 == 0) {
      harness.Kill();
    } else {
      const int exit = harness.server().Wait(std::chrono::seconds(120));
      EXPECT_EQ(exit, 74) << "in cut " << made << ": " << harness.server().Log();
      stopped_by_itself += exit == 74;
    }
    harness.EndLoad();
    ASSERT_TRUE(disk->Restore());
    if (!harness.Recover()) break;
  }
  if (harness.violations().empty()) harness.Finish();
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
  std::cout << made << " cuts, " << harness.acknowledged_count() << " acknowledged, "
            << harness.crowd().unknown_count() << " unanswered and sent again, "
            << stopped_by_itself << " times it stopped by itself\n";
  EXPECT_GT(harness.acknowledged_count(), cuts);
}

}  // namespace
}  // namespace tallyd
