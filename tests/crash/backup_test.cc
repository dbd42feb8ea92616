// Backup under load, the machine lost, restore, verify, go on; and everything a restore must
// refuse.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "boost/json/parse.hpp"
#include "gtest/gtest.h"

#include "tests/crash/crash_harness.h"
#include "tests/support/api_contract.h"
#include "tests/support/environment.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

class Backup : public ::testing::Test {
 protected:
  // A server that has some ballots, and a backup made while more came in.
  void MakeBackup() {
    ASSERT_TRUE(harness_.Start()) << harness_.server().Log();
    harness_.LoadFor(milliseconds(100));
    const ToolResult made = RunTallyctl(
        {"backup", "--json",
         "--server=http://127.0.0.1:" + std::to_string(harness_.server().admin_port())});
    ASSERT_EQ(made.exit, 0) << made.err;
    report_ = json::parse(made.out);
    path_ = std::string(report_.at("path").as_string());
    std::this_thread::sleep_for(milliseconds(200));  // ballots that the backup must not have
    harness_.EndLoad();
  }

  ToolResult Restore(const std::string& to, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"restore", "--json", path_,
                                          "--data-dir=" + directory_.File(to)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunTallyctl(arguments);
  }
  void BringKey(const std::string& to) {
    std::filesystem::copy_file(directory_.File("data.key"), directory_.File(to + ".key"));
  }

  // After a restore to `kept` ballots of the poll `fixed`: the receipts of ballots that were kept
  // say so, and their voters get them again; those of ballots that were cut off are gone, also when
  // somebody else has their seq now.
  static void CheckReceipts(HttpClient& client, const std::vector<AcknowledgedBallot>& known,
                            std::int64_t kept) {
    int gone = 0;
    for (const AcknowledgedBallot& ballot : known) {
      if (ballot.poll != "fixed") continue;
      const HttpCall look_up{"GET", "/v1/receipts/" + ballot.receipt, {}, {}};
      const HttpCall vote = VoteCall("fixed", ChoicesBody(ballot.voter, {ballot.option}));
      const HttpAnswer found = client.Send(look_up);
      const HttpAnswer voted = client.Send(vote);
      if (ballot.seq <= kept) {
        ASSERT_EQ(found.status, 200) << found.body;
        EXPECT_EQ(found.Json().at("status").as_string(), "counted");
        EXPECT_EQ(found.Json().at("seq").to_number<std::int64_t>(), ballot.seq);
        EXPECT_EQ(voted.status, 200) << voted.body;
        EXPECT_EQ(voted.Json().at("receipt").as_string(), ballot.receipt);
        continue;
      }
      ++gone;
      ExpectProblem(found, "epoch_changed");
      ASSERT_EQ(voted.status, 201) << voted.body;
      const std::string receipt(voted.Json().at("receipt").as_string());
      EXPECT_NE(receipt, ballot.receipt);
      EXPECT_EQ(client.Send({"GET", "/v1/receipts/" + receipt, {}, {}}).status, 200);
      ExpectProblem(client.Send(look_up), "epoch_changed");
    }
    EXPECT_GT(gone, 0);
  }

  TempDirectory directory_;
  CrashHarness harness_{{.data_directory = directory_.File("data"),
                         .seed = TestSeed(),
                         .arguments = {"--watermark-file=" + directory_.File("watermark"),
                                       "--watermark-interval-us=10000"}}};
  std::string path_;
  json::value report_;
};

TEST_F(Backup, TheDrill) {
  ASSERT_NO_FATAL_FAILURE(MakeBackup());
  const std::vector<AcknowledgedBallot> known = harness_.crowd().acknowledged();
  const ToolResult looked = RunTallyctl({"verify", "--data-dir=" + path_});
  EXPECT_EQ(looked.exit, 0) << looked.out << looked.err;
  harness_.Kill();
  std::filesystem::remove_all(directory_.File("data"));  // the machine is lost

  // The watermark lay on another disk and knows better: the end is missing.
  const ToolResult refused = Restore("new", {"--watermark-file=" + directory_.File("watermark")});
  EXPECT_EQ(refused.exit, 65) << refused.err;
  EXPECT_NE(refused.err.find("--accept-loss"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(directory_.File("new")));

  const ToolResult restored =
      Restore("new", {"--watermark-file=" + directory_.File("watermark"), "--accept-loss"});
  ASSERT_EQ(restored.exit, 0) << restored.err;
  const json::value said = json::parse(restored.out);
  EXPECT_GT(said.at("epoch").to_number<std::int64_t>(),
            report_.at("epoch").to_number<std::int64_t>());
  EXPECT_EQ(said.at("ballots"), report_.at("ballots"));
  EXPECT_FALSE(said.at("key_present").as_bool());

  BringKey("new");
  TallydProcess server({.data_directory = directory_.File("new"),
                        .arguments = {"--watermark-file=" + directory_.File("watermark")}});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient client(server.public_port(), /*record=*/false);
  HttpClient admin(server.admin_port(), /*record=*/false);
  const HttpAnswer verified = admin.Send({"POST", "/v1/admin/verify", {}, std::string()});
  EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
  // Whoever was in the backup is known, whoever was not votes now; nobody counts twice.
  int again = 0;
  for (const AcknowledgedBallot& ballot : known) {
    if (ballot.poll != "fixed") continue;
    const HttpAnswer answer =
        client.Send(VoteCall("fixed", ChoicesBody(ballot.voter, {ballot.option})));
    ASSERT_TRUE(answer.status == 200 || answer.status == 201) << answer.body;
    again += answer.status == 201;
  }
  EXPECT_GT(again, 0) << "the backup was not made under load";
  std::int64_t distinct = 0;
  for (const AcknowledgedBallot& ballot : known) distinct += ballot.poll == "fixed";
  const json::value ranking = client.Send({"GET", "/v1/polls/fixed/ranking", {}, {}}).Json();
  EXPECT_GE(ranking.at("totals").at("ballots").to_number<std::int64_t>(), distinct);
  // The crowd's unanswered ballots may be in the backup, at most one a thread.
  EXPECT_LE(ranking.at("totals").at("ballots").to_number<std::int64_t>(), distinct + 8);
  server.Terminate();
  EXPECT_EQ(server.Wait(), 0);
}

TEST_F(Backup, RestoringWithoutTheKeyOrWithAnotherOneLetsNobodyVoteAgain) {
  ASSERT_NO_FATAL_FAILURE(MakeBackup());
  harness_.Kill();
  ASSERT_EQ(Restore("keyless").exit, 0);
  ASSERT_EQ(Restore("other").exit, 0);
  std::ofstream(directory_.File("other.key")) << std::string(64, '5') << "\n";
  std::filesystem::permissions(directory_.File("other.key"), std::filesystem::perms::owner_read);
  for (const char* name : {"keyless", "other"}) {
    TallydProcess server({.data_directory = directory_.File(name)});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    HttpClient client(server.public_port(), /*record=*/false);
    ExpectProblem(client.Send(VoteCall("fixed", ChoicesBody("t0-0", {"alpha"}))), "key_missing");
    EXPECT_EQ(client.Send({"GET", "/v1/polls/fixed/ranking", {}, {}}).status, 200);
    EXPECT_FALSE(std::filesystem::exists(directory_.File("keyless.key")));
  }
}

TEST_F(Backup, RestoresToAPointInTime) {
  ASSERT_NO_FATAL_FAILURE(MakeBackup());
  harness_.Kill();
  const std::vector<AcknowledgedBallot> known = harness_.crowd().acknowledged();
  std::int64_t middle = 0;
  for (const AcknowledgedBallot& ballot : known) {
    if (ballot.poll == "fixed" && ballot.seq >= 10) {
      middle = ballot.seq;
      break;
    }
  }
  ASSERT_GT(middle, 0);
  const ToolResult restored = Restore("then", {"--to-seq=fixed:" + std::to_string(middle)});
  ASSERT_EQ(restored.exit, 0) << restored.err;
  BringKey("then");
  const json::value said = json::parse(restored.out);
  EXPECT_LT(said.at("position").to_number<std::int64_t>(),
            report_.at("position").to_number<std::int64_t>());
  TallydProcess server({.data_directory = directory_.File("then")});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient client(server.public_port(), /*record=*/false);
  const json::value ranking = client.Send({"GET", "/v1/polls/fixed/ranking", {}, {}}).Json();
  const auto ballots = ranking.at("totals").at("ballots").to_number<std::int64_t>();
  // Exactly up to the commit with that seq: at least that many, and no more than a commit more.
  EXPECT_GE(ballots, middle);
  EXPECT_LE(ballots, middle + 16);
  CheckReceipts(client, known, ballots);
}

TEST_F(Backup, RefusesWhatItMustNotDo) {
  ASSERT_NO_FATAL_FAILURE(MakeBackup());
  EXPECT_EQ(Restore("data").exit, 78) << "over an existing directory";
  EXPECT_EQ(Restore("new", {"--to-seq=fixed:99999999"}).exit, 78);
  EXPECT_EQ(Restore("new", {"--to-seq=nonsense"}).exit, 2);
  // A damaged backup is found out.
  for (const auto& file : std::filesystem::directory_iterator(path_ + "/journal")) {
    if (file.path().extension() != ".sst" || file.file_size() < 4'000) continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(2'000);
    bytes.write("damage", 6);
  }
  EXPECT_EQ(Restore("new").exit, 65);
  EXPECT_FALSE(std::filesystem::exists(directory_.File("new")));
}

}  // namespace
}  // namespace tallyd
