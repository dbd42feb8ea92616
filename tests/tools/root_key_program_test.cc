// The root key rotates and polls' keys end, with the real programs: what an operator does, what
// voters notice of it (nothing), and what nobody finds out afterwards.

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/parse.hpp"
#include "boost/json/serialize.hpp"
#include "gtest/gtest.h"

#include "tests/support/api_contract.h"
#include "tests/support/key_search.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using Polls = std::set<std::string>;

class RootKeyProgramTest : public testing::Test {
 protected:
  void Start(const std::string& name = "data") {
    server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = temp_.File(name)});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
    client_ = std::make_unique<HttpClient>(server_->public_port());
    admin_ = std::make_unique<HttpClient>(server_->admin_port());
  }
  void Stop() {
    server_->Terminate();
    ASSERT_EQ(server_->Wait(), 0) << server_->Log();
  }
  HttpAnswer Act(const std::string& method, const std::string& target, const json::object& body) {
    Headers headers{{"Tallyd-Actor", "anna"}};
    if (method == "PUT") headers.emplace_back("If-None-Match", "*");
    return admin_->Send(JsonCall(method, target, json::serialize(body), headers));
  }
  void MakePoll(const std::string& id, const std::string& project = "tests") {
    json::object poll = PollBody();
    poll["project"] = project;
    poll["revote"] = "replace";
    poll["withdraw"] = true;
    ASSERT_EQ(Act("PUT", "/v1/polls/" + id, poll).status, 201);
  }
  void Move(const std::string& poll, std::vector<std::string> states) {
    for (const std::string& to : states) {
      const HttpAnswer moved = Act("POST", "/v1/polls/" + poll + "/transitions", {{"to", to}});
      ASSERT_EQ(moved.status, 200) << moved.body;
    }
  }
  HttpAnswer Vote(const std::string& poll, const std::string& voter, const std::string& option,
                  const Headers& headers = {}) {
    return client_->Send(VoteCall(poll, ChoicesBody(voter, {option}), headers));
  }
  std::string Receipt(const HttpAnswer& voted) {
    return std::string(voted.Json().at("receipt").as_string());
  }
  HttpAnswer Get(const std::string& target) { return client_->Send({"GET", target, {}, {}}); }
  HttpAnswer Export(const std::string& poll, const std::string& what = "ballots.ndjson") {
    return admin_->Send({"GET", "/v1/polls/" + poll + "/export/" + what, {}, {}});
  }
  ToolResult Keys(std::vector<std::string> arguments, const std::string& name = "data") const {
    arguments.insert(arguments.begin(), "keys");
    arguments.push_back("--data-dir=" + temp_.File(name));
    return RunTallyctl(arguments);
  }
  ToolResult Destroy(const std::vector<std::string>& polls) const {
    std::vector<std::string> arguments = {"destroy", "--reason=objection period over",
                                          "--actor=anna", "--json"};
    arguments.insert(arguments.end(), polls.begin(), polls.end());
    return Keys(arguments);
  }
  Polls PollsOf(const std::string& voter, const std::string& key = "data.key") const {
    const auto polls = FindPollsOf(voter, temp_.File("data"), temp_.File(key));
    EXPECT_TRUE(polls.ok()) << polls.status();
    return polls.ok() ? *polls : Polls{"error"};
  }
  // The public document says since when, as the audit log does, and is another one than before.
  void ExpectKeyEnded(const std::string& poll, const HttpAnswer& before, const std::string& audit) {
    const HttpAnswer now = Get("/v1/polls/" + poll);
    const json::object shown = now.Json().as_object();
    ASSERT_TRUE(shown.contains("voter_key_destroyed")) << now.body;
    const std::string time(shown.at("voter_key_destroyed").as_string());
    const std::string last_act = audit.substr(audit.rfind("\n{") + 1);
    EXPECT_NE(last_act.find("\"at\":\"" + time + "\""), std::string::npos) << time << audit;
    EXPECT_NE(now.Header("etag"), before.Header("etag"));
    EXPECT_GT(shown.at("revision").as_int64(), before.Json().at("revision").as_int64());
  }
  std::string KeyText() const { return FileText(temp_.File("data.key")); }
  void KeepKey(const std::string& as) const {
    std::filesystem::copy_file(temp_.File("data.key"), temp_.File(as));
  }

  TempDirectory temp_;
  std::unique_ptr<TallydProcess> server_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<HttpClient> admin_;
};

TEST_F(RootKeyProgramTest, VotersNoticeNothingOfARotation) {
  Start();
  MakePoll("p");
  const HttpAnswer first = Vote("p", "v1", "alpha", {{"Idempotency-Key", "k1"}});
  ASSERT_EQ(first.status, 201) << first.body;
  ASSERT_EQ(Vote("p", "v2", "beta").status, 201);
  const std::string ballots = Export("p").body;
  const std::string ranking = Get("/v1/polls/p/ranking").body;
  Stop();
  const std::string key = KeyText();
  for (int rotation = 0; rotation < 3; ++rotation) {
    const ToolResult rotated = Keys({"rotate"});
    ASSERT_EQ(rotated.exit, 0) << rotated.err;
    EXPECT_EQ(rotated.err, "");
    EXPECT_NE(KeyText(), key);
    EXPECT_EQ(KeyText().size(), key.size());
    Start();
    EXPECT_EQ(Get("/v1/polls/p/ranking").body, ranking);
    EXPECT_TRUE(Export("p").body.starts_with(ballots)) << "other pseudonyms";
    const HttpAnswer again = Vote("p", "v1", "alpha", {{"Idempotency-Key", "k1"}});
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.Json().at("status").as_string(), "duplicate");
    EXPECT_EQ(Receipt(again), Receipt(first));
    ExpectProblem(Vote("p", "v1", "beta", {{"Idempotency-Key", "k1"}}), "key_reused");
    EXPECT_EQ(Get("/v1/receipts/" + Receipt(first)).status, 200);
    // What is made under the new root is carried over by the next rotation.
    const std::string later = "later-" + std::to_string(rotation);
    MakePoll(later, "project-" + later);
    ASSERT_EQ(Vote(later, "v1", "alpha").status, 201);
    for (int earlier = 0; earlier <= rotation; ++earlier) {
      EXPECT_EQ(Vote("later-" + std::to_string(earlier), "v1", "alpha").status, 200);
    }
    Stop();
    const ToolResult verified = RunTallyctl({"verify", "--data-dir=" + temp_.File("data")});
    EXPECT_EQ(verified.exit, 0) << verified.out << verified.err;
  }
  const ToolResult rebuilt = RunTallyctl({"rebuild", "--data-dir=" + temp_.File("data")});
  EXPECT_EQ(rebuilt.exit, 0) << rebuilt.err;
  Start();
  EXPECT_EQ(Vote("p", "v2", "beta").status, 200);
  EXPECT_EQ(Vote("p", "v2", "alpha").Json().at("status").as_string(), "replaced");
  EXPECT_EQ(Get("/v1/receipts/" + Receipt(first)).Json().at("status").as_string(), "counted");
}

TEST_F(RootKeyProgramTest, ADestroyedKeyTellsNobodyWhoTookPart) {
  Start();
  for (const char* poll : {"over", "going"}) {
    MakePoll(poll);
    ASSERT_EQ(Vote(poll, "v1", "alpha").status, 201);
  }
  const HttpAnswer other = Vote("over", "v2", "beta");
  ASSERT_EQ(Vote("over", "v1", "beta").Json().at("status").as_string(), "replaced");
  Move("over", {"closed", "final"});
  const std::string ranking = Get("/v1/polls/over/ranking").body;
  const HttpCall past_ranking{"GET", "/v1/polls/over/ranking?as_of_seq=1", {}, {}};
  const std::string past = admin_->Send(past_ranking).body;
  ASSERT_NE(past.find("alpha"), std::string::npos) << past;
  const HttpAnswer document = Get("/v1/polls/over");
  EXPECT_FALSE(document.Json().as_object().contains("voter_key_destroyed"));
  Stop();
  ASSERT_EQ(PollsOf("v1"), (Polls{"over", "going"}));
  KeepKey("old.key");

  const ToolResult destroyed = Destroy({"over"});
  ASSERT_EQ(destroyed.exit, 0) << destroyed.err;
  EXPECT_EQ(json::parse(destroyed.out).at("destroyed"), (json::array{"over"}));
  EXPECT_EQ(PollsOf("v1"), Polls{"going"});
  EXPECT_EQ(PollsOf("v2"), Polls{});
  EXPECT_EQ(PollsOf("v1", "old.key"), (Polls{"over", "going"})) << "why copies must go too";

  Start();
  EXPECT_EQ(server_->Log().find("WARNING: the key"), std::string::npos) << server_->Log();
  EXPECT_EQ(Get("/v1/polls/over/ranking").body, ranking);
  EXPECT_EQ(admin_->Send(past_ranking).body, past);
  EXPECT_EQ(Export("over", "history.ndjson").status, 200);
  EXPECT_EQ(Get("/v1/receipts/" + Receipt(other)).Json().at("status").as_string(), "counted");
  ExpectProblem(Vote("over", "v1", "beta"), "key_destroyed");
  ExpectProblem(Vote("over", "new", "beta"), "key_destroyed");
  const Headers voter{{"Tallyd-Voter", "v1"}};
  ExpectProblem(client_->Send({"GET", "/v1/polls/over/votes/me", voter, {}}), "key_destroyed");
  ExpectProblem(client_->Send({"DELETE", "/v1/polls/over/votes/me", voter, {}}), "key_destroyed");
  ExpectProblem(client_->Send(BatchCall("over", ChoicesBody("v1", {"beta"}) + "\n")),
                "key_destroyed");
  for (const char* what : {"ballots.ndjson", "ballots.csv", "pabulib.pb"}) {
    ExpectProblem(Export("over", what), "key_destroyed");
  }
  EXPECT_EQ(Vote("going", "v1", "alpha").status, 200);
  EXPECT_EQ(Vote("going", "v2", "alpha").status, 201);
  const HttpAnswer audit = admin_->Send({"GET", "/v1/polls/over/audit", {}, {}});
  EXPECT_NE(
      audit.body.find(R"("act":"key_destroyed","by":"anna","reason":"objection period over")"),
      std::string::npos)
      << audit.body;
  ExpectKeyEnded("over", document, audit.body);
  EXPECT_FALSE(Get("/v1/polls/going").Json().as_object().contains("voter_key_destroyed"));
  const ToolResult online =
      RunTallyctl({"verify", "--server=http://127.0.0.1:" + std::to_string(server_->admin_port())});
  EXPECT_EQ(online.exit, 0) << online.out << online.err;
  Stop();
  const ToolResult verified = RunTallyctl({"verify", "--data-dir=" + temp_.File("data")});
  EXPECT_EQ(verified.exit, 0) << verified.out << verified.err;
  // The old key file beside the new data: the end stands in the journal, and nothing is taken.
  std::filesystem::rename(temp_.File("old.key"), temp_.File("data.key"));
  server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = temp_.File("data")});
  client_.reset();
  ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  client_ = std::make_unique<HttpClient>(server_->public_port());
  ExpectProblem(Vote("over", "v1", "beta"), "key_destroyed");
  ExpectProblem(Vote("going", "v1", "alpha"), "key_missing");
  EXPECT_NE(server_->Log().find("not the one that belongs to this data"), std::string::npos);
}

TEST_F(RootKeyProgramTest, OnlyFinalPollsAndForAReason) {
  Start();
  MakePoll("p");
  Move("p", {"closed"});
  const ToolResult locked = Keys({"rotate"});
  EXPECT_EQ(locked.exit, 75) << locked.err;
  Stop();
  const std::string key = KeyText();
  const auto refused = [&](const ToolResult& result, int exit, const char* word) {
    EXPECT_EQ(result.exit, exit) << result.err;
    EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_EQ(KeyText(), key);
  };
  refused(Destroy({"p"}), 1, "not final");
  refused(Destroy({"q"}), 1, "there is no poll q");
  refused(Keys({"destroy", "p", "--actor=anna"}), 2, "--reason");
  refused(Keys({"destroy", "p", "--reason=over"}), 2, "--actor");
  refused(Keys({"destroy", "--reason=over", "--actor=anna"}), 2, "POLL");
  refused(Keys({"rotate"}, "none"), 78, "does not exist");
  std::filesystem::copy(temp_.File("data"), temp_.File("twin"),
                        std::filesystem::copy_options::recursive);
  refused(Keys({"rotate"}, "twin"), 1, "the key file is missing");
  std::ofstream(temp_.File("twin.key")) << std::string(64, '5') << "\n";
  std::filesystem::permissions(temp_.File("twin.key"), std::filesystem::perms::owner_read);
  refused(Keys({"rotate"}, "twin"), 1, "not the one that belongs to this data");
}

TEST_F(RootKeyProgramTest, PollsUnderAQuotaEndTogether) {
  Start();
  ASSERT_EQ(Act("PUT", "/v1/projects/town", {{"title", {{"en", "Town"}}}, {"ballots_per_voter", 3}})
                .status,
            201);
  for (const char* poll : {"one", "two", "unused"}) MakePoll(poll, "town");
  for (const char* poll : {"one", "two"}) ASSERT_EQ(Vote(poll, "v1", "alpha").status, 201);
  const HttpCall idea =
      JsonCall("POST", "/v1/projects/town/ideas", R"({"voter":"v9","title":{"en":"A tree"}})",
               {{"Idempotency-Key", "i1"}});
  ASSERT_EQ(client_->Send(idea).status, 201);
  Move("one", {"closed", "final"});
  Stop();
  ASSERT_EQ(Keys({"rotate"}).exit, 0);
  Start();
  EXPECT_EQ(client_->Send(idea).status, 200) << "the project's key was carried over";
  ASSERT_EQ(Vote("unused", "v2", "alpha").status, 201);
  ASSERT_EQ(Vote("unused", "v2", "beta").Json().at("status").as_string(), "replaced");
  Stop();
  const ToolResult refused = Destroy({"one"});
  EXPECT_EQ(refused.exit, 1) << refused.out;
  EXPECT_NE(refused.err.find("two, unused"), std::string::npos) << refused.err;
  Start();
  for (const char* poll : {"two", "unused"}) Move(poll, {"closed", "final"});
  Stop();
  const ToolResult destroyed = Destroy({"one", "two", "unused"});
  ASSERT_EQ(destroyed.exit, 0) << destroyed.err;
  EXPECT_EQ(json::parse(destroyed.out).at("projects_redrawn"), (json::array{"town"}));
  EXPECT_EQ(PollsOf("v1"), Polls{});
  Start();
  MakePoll("next", "town");
  for (const char* voter : {"v1", "v2"}) EXPECT_EQ(Vote("next", voter, "alpha").status, 201);
  EXPECT_EQ(Vote("next", "v1", "alpha").status, 200);
  const HttpAnswer audit = admin_->Send({"GET", "/v1/projects/town/audit", {}, {}});
  EXPECT_NE(audit.body.find(R"("act":"key_destroyed","by":"anna")"), std::string::npos)
      << audit.body;
  Stop();
  EXPECT_EQ(PollsOf("v1"), Polls{"next"});
  // Again: nothing is left to be done, and nothing is done.
  const std::string key = KeyText();
  const ToolResult again = Destroy({"one", "two"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(json::parse(again.out).at("destroyed_before"), (json::array{"one", "two"}));
  EXPECT_FALSE(json::parse(again.out).at("rotated").as_bool());
  EXPECT_EQ(KeyText(), key);
}

// A backup is read with the key file of its time.
TEST_F(RootKeyProgramTest, ABackupOfBeforeNeedsTheOldKeyFile) {
  Start();
  MakePoll("p");
  ASSERT_EQ(Vote("p", "v1", "alpha").status, 201);
  const ToolResult made = RunTallyctl(
      {"backup", "--json", "--server=http://127.0.0.1:" + std::to_string(server_->admin_port())});
  ASSERT_EQ(made.exit, 0) << made.err;
  const std::string backup(json::parse(made.out).at("path").as_string());
  Stop();
  KeepKey("old.key");
  ASSERT_EQ(Keys({"rotate"}).exit, 0);
  for (const char* key : {"data.key", "old.key"}) {
    const std::string name = std::string("restored-") + key[0];
    std::filesystem::copy_file(temp_.File(key), temp_.File(name + ".key"));
    const ToolResult restored = RunTallyctl({"restore", backup, "--data-dir=" + temp_.File(name)});
    ASSERT_EQ(restored.exit, 0) << restored.err;
    const bool fits = std::string(key) == "old.key";
    EXPECT_EQ(restored.err.find("key_missing") == std::string::npos, fits) << restored.err;
    Start(name);
    const HttpAnswer again = Vote("p", "v1", "alpha");
    if (fits) {
      EXPECT_EQ(again.status, 200) << again.body;
    } else {
      ExpectProblem(again, "key_missing");
    }
    Stop();
  }
}

}  // namespace
}  // namespace tallyd
