// A disk that becomes full: below the floor votes are refused and everything else goes on; beyond
// it the process ends as with any other error of the disk; nothing is lost either way.
//
// Needs root and a loop device for a small disk of its own; says "skipped" without.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "gtest/gtest.h"

#include "tests/crash/crash_harness.h"
#include "tests/crash/power_cut.h"
#include "tests/support/api_contract.h"
#include "tests/support/environment.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr std::uintmax_t kMebibyte = 1 << 20;

// Takes space until only `leave` bytes are free.
void Fill(const std::string& directory, std::uintmax_t leave) {
  std::ofstream file(directory + "/filler", std::ios::binary | std::ios::app);
  const std::string block(64 << 10, 'x');
  while (std::filesystem::space(directory).available > leave && file) {
    file.write(block.data(), static_cast<std::streamsize>(block.size())).flush();
  }
}

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    disk_ = CuttableDisk::Make(directory_.File("disk"), 192, &why);
    if (disk_ == nullptr) GTEST_SKIP() << "no small disk can be made here: " << why;
  }
  void Free() { std::filesystem::remove(disk_->path() + "/filler"); }

  TempDirectory directory_;
  std::unique_ptr<CuttableDisk> disk_;
};

TEST_F(FullDisk, BelowTheFloorVotesWaitAndReadingGoesOn) {
  CrashHarness harness({.data_directory = disk_->path() + "/data",
                        .seed = TestSeed(),
                        .arguments = {"--free-bytes-min=" + std::to_string(48 * kMebibyte)}});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  harness.LoadFor(std::chrono::milliseconds(50));
  Fill(disk_->path(), 30 * kMebibyte);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));  // it looks four times a second
  harness.EndLoad();

  HttpClient client(harness.server().public_port());
  const std::string body = ChoicesBody("late", {"alpha"});
  ExpectProblem(client.Send(VoteCall("fixed", body)), "storage_full");
  ExpectProblem(client.Send({"DELETE", "/v1/polls/fixed/votes/me", {{"Tallyd-Voter", "late"}}, {}}),
                "storage_full");
  ExpectProblem(client.Send({"GET", "/readyz", {}, {}}), "storage_full");
  EXPECT_EQ(client.Send({"GET", "/v1/polls/fixed/ranking", {}, {}}).status, 200);
  EXPECT_EQ(client.Send({"GET", "/livez", {}, {}}).status, 200);
  ASSERT_TRUE(harness.server().Running());

  Free();
  HttpAnswer answer;
  for (int i = 0; i < 100 && answer.status != 201; ++i) {
    answer = client.Send(VoteCall("fixed", ChoicesBody("t0-late", {"alpha"})));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(answer.status, 201) << "votes are not taken again: " << answer.body;
  harness.server().Terminate();
  EXPECT_EQ(harness.server().Wait(), 0);
  EXPECT_TRUE(harness.CheckStopped());
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
}

TEST_F(FullDisk, ARealFullDiskEndsTheServerAndLosesNothing) {
  CrashHarness harness({.data_directory = disk_->path() + "/data",
                        .seed = TestSeed(),
                        .arguments = {"--free-bytes-min=0"}});
  ASSERT_TRUE(harness.Start()) << harness.server().Log();
  for (int round = 0; round < 3 && harness.violations().empty(); ++round) {
    harness.BeginLoad();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    Fill(disk_->path(), 0);
    // RocksDB has taken space for its log in advance; a restart with a full disk has none of it.
    if (harness.server().Running()) harness.server().Terminate();
    const int exit = harness.server().Wait();
    harness.EndLoad();
    EXPECT_TRUE(exit == 74 || exit == 0) << exit << "\n" << harness.server().Log();
    EXPECT_FALSE(harness.Start()) << "serves on a full disk";
    EXPECT_EQ(harness.server().Wait(), 74) << harness.server().Log();
    Free();
    if (!harness.Recover()) break;
  }
  EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
}

}  // namespace
}  // namespace tallyd
