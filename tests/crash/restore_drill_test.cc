// The drill an operator should have done before it is needed, with as many votes as are asked for:
// load, back up while more votes come in, lose the machine, restore, verify, go on. Every step is
// timed. Without the key file and with another one the same restore lets nobody vote.
//
// TALLYD_DRILL_VOTES says how many; docs/durability.md has the figures of ten million.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "boost/json/parse.hpp"
#include "gtest/gtest.h"

#include "tests/support/api_contract.h"
#include "tests/support/environment.h"
#include "tests/support/http_client.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint64_t kBatchLines = 1'000;

class RestoreDrill : public ::testing::Test {
 protected:
  // Does something and says how long it took.
  static void Timed(const std::string& what, const std::function<void()>& step) {
    const auto began = std::chrono::steady_clock::now();
    step();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::cout << what << ": " << took.count() << " s" << std::endl;
  }

  TallydOptions OptionsOf(const std::string& name) const {
    return {.data_directory = directory_.File(name), .arguments = {"--free-bytes-min=0"}};
  }

  // Sends votes of voters from `first` on in batches, and waits for the last answer.
  void Load(TallydProcess& server, std::uint64_t votes, std::uint64_t first) {
    const ToolResult loaded =
        RunTool(TALLYLOAD_PROGRAM,
                {"--json", "--create=10", "--poll=load", "--connections=4",
                 "--batch=" + std::to_string(kBatchLines),
                 "--requests=" + std::to_string(votes / kBatchLines),
                 "--first-voter=" + std::to_string(first), "--seconds=3000",
                 "--url=http://127.0.0.1:" + std::to_string(server.public_port()),
                 "--admin=http://127.0.0.1:" + std::to_string(server.admin_port())},
                std::chrono::seconds(3'000));
    ASSERT_EQ(loaded.exit, 0) << loaded.out << loaded.err;
    const json::value report = json::parse(loaded.out);
    EXPECT_EQ(report.at("counted").to_number<std::uint64_t>(), votes / kBatchLines * kBatchLines)
        << loaded.out;
  }

  static std::uint64_t Ballots(TallydProcess& server) {
    HttpClient client(server.public_port(), /*record=*/false);
    const json::value ranking = client.Send({"GET", "/v1/polls/load/ranking", {}, {}}).Json();
    return ranking.at("totals").at("ballots").to_number<std::uint64_t>();
  }

  // A backup while votes come in; where it lies.
  void BackUpUnderLoad(TallydProcess& server, std::uint64_t votes) {
    std::thread load([&] { Load(server, votes / 10, /*first=*/votes); });
    ToolResult made;
    Timed("backup under load, read again", [&] {
      made = RunTool(
          TALLYCTL_PROGRAM,
          {"backup", "--json", "--server=http://127.0.0.1:" + std::to_string(server.admin_port())},
          std::chrono::seconds(3'000));
    });
    load.join();
    ASSERT_EQ(made.exit, 0) << made.err;
    const json::value report = json::parse(made.out);
    backup_ = std::string(report.at("path").as_string());
    backed_up_ = report.at("ballots").to_number<std::uint64_t>();
    std::cout << "in the backup: " << backed_up_ << " ballots" << std::endl;
    EXPECT_GE(backed_up_, votes / kBatchLines * kBatchLines);
  }

  void Restore(const std::string& name) {
    const ToolResult restored =
        RunTool(TALLYCTL_PROGRAM, {"restore", backup_, "--data-dir=" + directory_.File(name)},
                std::chrono::seconds(3'000));
    ASSERT_EQ(restored.exit, 0) << restored.err;
  }

  // Whoever has voted cannot vote again, and is not told that he could.
  void ExpectNobodyVotes(const std::string& name) {
    TallydProcess server(OptionsOf(name));
    Timed("start without its key",
          [&] { ASSERT_TRUE(server.WaitReady(std::chrono::seconds(600))) << server.Log(); });
    HttpClient client(server.public_port(), /*record=*/false);
    ExpectProblem(client.Send(VoteCall("load", ChoicesBody("somebody", {"option-0"}))),
                  "key_missing");
    EXPECT_EQ(Ballots(server), backed_up_);
  }

  TempDirectory directory_;
  std::string backup_;
  std::uint64_t backed_up_ = 0;
};

TEST_F(RestoreDrill, LoadBackUpLoseRestoreVerifyGoOn) {
  const std::uint64_t votes = EnvironmentNumber("TALLYD_DRILL_VOTES", 20'000);
  std::cout << "TALLYD_DRILL_VOTES=" << votes << std::endl;
  {
    TallydProcess server(OptionsOf("data"));
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    Timed("load in batches of " + std::to_string(kBatchLines),
          [&] { Load(server, votes, /*first=*/0); });
    ASSERT_NO_FATAL_FAILURE(BackUpUnderLoad(server, votes));
    server.Kill();
  }
  fs::remove_all(directory_.File("data"));  // the machine is lost, its key was kept elsewhere

  Timed("restore, read again", [&] { Restore("new"); });
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_NO_FATAL_FAILURE(ExpectNobodyVotes("new"));
  std::ofstream(directory_.File("new.key")) << std::string(64, '5') << "\n";
  fs::permissions(directory_.File("new.key"), fs::perms::owner_read);
  ASSERT_NO_FATAL_FAILURE(ExpectNobodyVotes("new"));

  fs::remove(directory_.File("new.key"));
  fs::copy_file(directory_.File("data.key"), directory_.File("new.key"));
  Timed("independent recount of the restored directory", [&] {
    const ToolResult verified =
        RunTool(TALLYCTL_PROGRAM, {"verify", "--data-dir=" + directory_.File("new")},
                std::chrono::seconds(3'000));
    EXPECT_EQ(verified.exit, 0) << verified.out << verified.err;
  });
  TallydProcess server(OptionsOf("new"));
  Timed("start", [&] { ASSERT_TRUE(server.WaitReady(std::chrono::seconds(600))) << server.Log(); });
  EXPECT_EQ(Ballots(server), backed_up_);
  Timed("go on", [&] { Load(server, votes / 10, /*first=*/10 * votes); });
  const std::uint64_t now = Ballots(server);
  EXPECT_EQ(now, backed_up_ + votes / 10 / kBatchLines * kBatchLines);
  // Voters of the first load come again: they are known.
  const ToolResult again = RunTool(
      TALLYLOAD_PROGRAM, {"--json", "--poll=load", "--batch=" + std::to_string(kBatchLines),
                          "--requests=10", "--first-voter=0", "--connections=1", "--seconds=3000",
                          "--url=http://127.0.0.1:" + std::to_string(server.public_port())});
  EXPECT_EQ(json::parse(again.out).at("duplicate").to_number<std::uint64_t>(), 10 * kBatchLines)
      << again.out;
  EXPECT_EQ(Ballots(server), now);
  server.Terminate();
  EXPECT_EQ(server.Wait(std::chrono::seconds(300)), 0);
}

}  // namespace
}  // namespace tallyd
