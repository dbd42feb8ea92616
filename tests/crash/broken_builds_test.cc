// Can the crash tests fail? tallyd_broken is tallyd with one wrong behaviour at a time, chosen by
// the environment variable TALLYD_BROKEN; each must be caught by the scenario that is there for it.
// The unbroken program must pass every one of them, and must hold no trace of the broken ones.
//
// TALLYD_BROKEN_BUILDS=all tries every one, else three of them.

#include <functional>
#include <iostream>

#include "gtest/gtest.h"

#include "tests/crash/power_cut.h"
#include "tests/crash/scenarios.h"
#include "tests/support/environment.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

using Scenario = std::function<std::string(const ScenarioSetup&)>;

struct BrokenBuild {
  const char* name;
  const char* scenario_name;
  Scenario scenario;
  bool always = false;  // tried in every run, not only with TALLYD_BROKEN_BUILDS=all
};

const std::vector<BrokenBuild>& BrokenBuilds() {
  static const std::vector<BrokenBuild> builds = {
      {"M1-acknowledge-first", "HeldDeath", HeldDeath, true},
      {"M2-sync-error-ignored", "FailedSync", FailedSync, true},
      {"M3-pending-not-deduplicated", "CleanRestart", CleanRestart},
      {"M4-only-keys-deduplicate", "CleanRestart", CleanRestart},
      {"M5-saved-tally-apart", "CleanRestart", CleanRestart},
      {"M6-publish-before-sync", "HeldDeath", HeldDeath},
      {"M7-watermark-off", "LostEnd", LostEnd, true},
      {"M8-point-in-time-recovery", "FlippedByte", FlippedByte},
      {"M9-closed-by-the-clock", "TimedClosing", TimedClosing},
      {"M10-full-queue-answers-counted", "FullQueue", FullQueue},
      {"M11-unknown-called-refused", "FailedSync", FailedSync},
      {"M12-watermark-before-sync", "HeldDeath", HeldDeath},
      {"M13-duplicate-answered-early", "HeldDeath", HeldDeath},
  };
  return builds;
}

bool TryAll() {
  return EnvironmentText("TALLYD_BROKEN_BUILDS") == "all";
}

std::string RunScenario(const Scenario& scenario, const std::string& program,
                        const std::string& broken) {
  TempDirectory directory;
  ScenarioSetup setup{
      .directory = directory.path(), .program = program, .seed = TestSeed(), .environment = {}};
  if (!broken.empty()) setup.environment.emplace_back("TALLYD_BROKEN", broken);
  return scenario(setup);
}

TEST(BrokenBuilds, EachIsCaught) {
  for (const BrokenBuild& build : BrokenBuilds()) {
    if (!build.always && !TryAll()) continue;
    std::string found;
    int attempts = 0;
    // What needs two requests to meet may need another try.
    while (found.empty() && attempts < 3) {
      ++attempts;
      found = RunScenario(build.scenario, TALLYD_BROKEN_PROGRAM, build.name);
    }
    EXPECT_FALSE(found.starts_with(kCannotRun)) << found;
    EXPECT_FALSE(found.empty()) << build.name << " was not caught by " << build.scenario_name;
    std::cout << build.name << ": caught by " << build.scenario_name << ", attempt " << attempts
              << ": " << found.substr(0, found.find('\n', found.find('\n') + 1)) << "\n";
  }
}

TEST(BrokenBuilds, TheUnbrokenProgramPassesTheSameScenarios) {
  for (const BrokenBuild& build : BrokenBuilds()) {
    if (!build.always && !TryAll()) continue;
    EXPECT_EQ(RunScenario(build.scenario, TALLYD_BROKEN_PROGRAM, ""), "") << build.scenario_name;
    EXPECT_EQ(RunScenario(build.scenario, "", build.name), "")
        << build.scenario_name << " with tallyd";
  }
}

TEST(BrokenBuilds, TheShippedProgramHoldsNoneOfThem) {
  const std::string shipped = FileText(TALLYD_SHIPPED_PROGRAM);
  const std::string broken = FileText(TALLYD_BROKEN_PROGRAM);
  ASSERT_GT(shipped.size(), 100'000U);
  for (const BrokenBuild& build : BrokenBuilds()) {
    EXPECT_NE(broken.find(build.name), std::string::npos) << build.name;
    EXPECT_EQ(shipped.find(build.name), std::string::npos) << build.name;
  }
  EXPECT_NE(broken.find("M1-no-sync"), std::string::npos);
  EXPECT_EQ(shipped.find("M1-no-sync"), std::string::npos);
  EXPECT_EQ(shipped.find("TALLYD_BROKEN"), std::string::npos);
}

// A missing sync shows only when the power goes.
TEST(BrokenBuildsPower, TheOneThatDoesNotSyncIsCaught) {
  for (const char* broken : {"M1-no-sync", ""}) {
    TempDirectory directory;
    std::string why;
    const auto disk = CuttableDisk::Make(directory.File("disk"), 256, &why);
    if (disk == nullptr) GTEST_SKIP() << "no power can be cut here: " << why;
    const std::string found = PowerCuts({.directory = disk->path(),
                                         .program = TALLYD_BROKEN_PROGRAM,
                                         .seed = TestSeed(),
                                         .environment = {{"TALLYD_BROKEN", broken}}},
                                        disk.get(), 5);
    EXPECT_EQ(found.empty(), std::string(broken).empty()) << broken << found;
    std::cout << (*broken == '\0' ? "unbroken" : broken) << ": " << found.substr(0, 200) << "\n";
  }
}

}  // namespace
}  // namespace tallyd
