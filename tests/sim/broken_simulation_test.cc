// Can the simulation fail? It is built a second time with the deliberately broken behaviours
// (storage/broken_build.h) that lie in the engine; each must be found within a number of seeds, and
// with none of them the same build must pass.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "gtest/gtest.h"

#include "tests/sim/election_simulation.h"

namespace tallyd {
namespace {

constexpr std::uint64_t kSeedsMax = 200;

// Runs seeds in a process of its own, where one behaviour is broken; the number of the first seed
// that notices, 0 = none does. What is broken cannot be changed once it was asked for.
int FirstSeedThatNotices(const std::string& broken) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("TALLYD_BROKEN", broken.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
    for (std::uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
      const std::string violation = Simulate(seed).violation;
      if (violation.empty()) continue;
      std::cout << broken << ": seed " << seed << ": " << violation << std::endl;
      _exit(static_cast<int>(seed));
    }
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << broken << ": ended by signal " << WTERMSIG(status);
  return WEXITSTATUS(status);
}

TEST(BrokenSimulation, EachIsNoticed) {
  for (const char* broken :
       {"M1-acknowledge-first", "M3-pending-not-deduplicated", "M4-only-keys-deduplicate",
        "M6-publish-before-sync", "M9-closed-by-the-clock", "M11-unknown-called-refused",
        "M12-watermark-before-sync", "M13-duplicate-answered-early"}) {
    EXPECT_GT(FirstSeedThatNotices(broken), 0) << broken;
  }
}

TEST(BrokenSimulation, WithNothingBrokenNothingIsNoticed) {
  EXPECT_EQ(FirstSeedThatNotices(""), 0);
}

}  // namespace
}  // namespace tallyd
