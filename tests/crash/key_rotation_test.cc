// `tallyctl keys destroy` dies at the k-th write, sync, create, rename or remove, or that fails,
// for every k until it gets through. After each: the server comes up with the data and the key file
// as they lie there, voters are who they were; the same command again ends what was begun; and then
// nobody finds out who took part, with all that is left.
//
// TALLYD_FAULT_STEP: of the operations of the database every so manieth (those of key file and
// watermark: each). TALLYD_FAULT_ACTIONS: for example "kill,after,torn,cut,eio".

#include <chrono>
#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "gtest/gtest.h"

#include "tests/crash/fault_plan.h"
#include "tests/support/api_contract.h"
#include "tests/support/environment.h"
#include "tests/support/key_search.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::int64_t kOperationsMax = 2'000;
constexpr std::size_t kOneRootBytes = 65;
constexpr std::chrono::seconds kStartMax(120);  // on a machine that is busy with other tests

std::vector<std::string> Words(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream text(list);
  for (std::string word; std::getline(text, word, ',');) words.push_back(word);
  return words;
}

class KeyRotationFaults : public testing::Test {
 protected:
  // Two polls, one of them over; what was acknowledged in the other.
  void Prepare() {
    TallydProcess server({.data_directory = prepared_.File("data")});
    ASSERT_TRUE(server.WaitReady(kStartMax)) << server.Log();
    HttpClient client(server.public_port(), /*record=*/false);
    HttpClient admin(server.admin_port(), /*record=*/false);
    for (const char* poll : {"over", "going"}) {
      const HttpAnswer made =
          admin.Send(JsonCall("PUT", std::string("/v1/polls/") + poll, json::serialize(PollBody()),
                              {{"If-None-Match", "*"}}));
      ASSERT_EQ(made.status, 201) << made.body;
      const HttpAnswer voted = client.Send(VoteCall(poll, ChoicesBody("v1", {"alpha"})));
      ASSERT_EQ(voted.status, 201) << voted.body;
      receipt_ = voted.Json().at("receipt").as_string();
    }
    for (const char* to : {"closed", "final"}) {
      const HttpAnswer moved = admin.Send(
          JsonCall("POST", "/v1/polls/over/transitions", std::string(R"({"to":")") + to + R"("})"));
      ASSERT_EQ(moved.status, 200) << moved.body;
    }
    server.Terminate();
    ASSERT_EQ(server.Wait(), 0);
  }

  static ToolResult Destroy(const std::string& directory,
                            const std::vector<std::pair<std::string, std::string>>& environment) {
    std::vector<std::string> arguments;
    for (const auto& [name, value] : environment) arguments.push_back(name + "=" + value);
    for (const std::string& word :
         {std::string(TALLYCTL_PROGRAM), std::string("keys"), std::string("destroy"),
          std::string("over"), "--data-dir=" + directory + "/data", std::string("--actor=anna"),
          std::string("--reason=over")}) {
      arguments.push_back(word);
    }
    return RunTool("/usr/bin/env", arguments);
  }

  // Whoever voted is known, whoever did not votes.
  void CheckServing(const std::string& directory, const std::string& newcomer, bool destroyed) {
    TallydProcess server({.data_directory = directory + "/data"});
    ASSERT_TRUE(server.WaitReady(kStartMax)) << server.Log();
    HttpClient client(server.public_port(), /*record=*/false);
    const HttpAnswer again = client.Send(VoteCall("going", ChoicesBody("v1", {"alpha"})));
    ASSERT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.Json().at("receipt").as_string(), receipt_);
    EXPECT_EQ(client.Send({"GET", "/v1/receipts/" + receipt_, {}, {}}).status, 200);
    EXPECT_EQ(client.Send(VoteCall("going", ChoicesBody(newcomer, {"beta"}))).status, 201);
    const HttpAnswer of_the_other = client.Send(VoteCall("over", ChoicesBody("v1", {"alpha"})));
    if (destroyed) {
      ExpectProblem(of_the_other, "key_destroyed");
    } else {
      EXPECT_TRUE(of_the_other.status == 200 || of_the_other.status == 410) << of_the_other.body;
    }
    server.Terminate();
    EXPECT_EQ(server.Wait(), 0);
  }

  // False: the fault was never met.
  bool Live(const std::string& action, const std::string& operation, const std::string& path,
            std::int64_t number) {
    TempDirectory directory;
    fs::copy(prepared_.path(), directory.path(), fs::copy_options::recursive);
    const FaultPlan plan{.action = action,
                         .operation = operation,
                         .number = number,
                         .directory = directory.File("data"),
                         .path = path,
                         .mark = directory.File("mark")};
    const ToolResult result = Destroy(directory.path(), plan.Environment());
    const std::string fired = FileText(plan.mark);
    SCOPED_TRACE(action + " at " + operation + " " + std::to_string(number) + " of " + path + ": " +
                 fired + result.err);
    if (fired.empty()) {
      EXPECT_EQ(result.exit, 0);
    } else if (action == "eio") {
      // What only tidies up may fail without harm.
      EXPECT_TRUE(result.exit == 74 || result.exit == 0) << result.exit;
    } else {
      EXPECT_EQ(result.exit, -9);
    }
    CheckServing(directory.path(), "n1", /*destroyed=*/result.exit == 0);
    const ToolResult ended = Destroy(directory.path(), {});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_EQ(FileText(directory.File("data.key")).size(), kOneRootBytes);
    const auto polls = FindPollsOf("v1", directory.File("data"), directory.File("data.key"));
    EXPECT_TRUE(polls.ok()) << polls.status();
    EXPECT_TRUE(polls.ok() && *polls == std::set<std::string>{"going"});
    CheckServing(directory.path(), "n2", /*destroyed=*/true);
    const ToolResult verified = RunTallyctl({"verify", "--data-dir=" + directory.File("data")});
    EXPECT_EQ(verified.exit, 0) << verified.out << verified.err;
    return !fired.empty();
  }

  TempDirectory prepared_;
  std::string receipt_;
};

TEST_F(KeyRotationFaults, EveryDeathIsSurvivedAndTheNextRunEndsIt) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  ASSERT_EQ(*FindPollsOf("v1", prepared_.File("data"), prepared_.File("data.key")),
            (std::set<std::string>{"going", "over"}));
  const auto step = static_cast<std::int64_t>(EnvironmentNumber("TALLYD_FAULT_STEP", 23));
  int lives = 0;
  for (const std::string& action : Words(EnvironmentText("TALLYD_FAULT_ACTIONS", "kill"))) {
    for (const char* path : {"data.key", "watermark", "journal"}) {
      const std::int64_t stride = std::string(path) == "journal" ? step : 1;
      for (const char* operation : {"write", "sync", "create", "rename", "remove"}) {
        if (action == "torn" && std::string(operation) != "write") continue;
        std::int64_t number = 1;
        while (number < kOperationsMax && Live(action, operation, path, number)) {
          number += stride;
          ++lives;
          ASSERT_FALSE(HasFailure());
        }
        EXPECT_LT(number, kOperationsMax);
      }
    }
  }
  std::cout << lives << " deaths and failures of a rotation\n";
  EXPECT_GT(lives, 10);
}

}  // namespace
}  // namespace tallyd
