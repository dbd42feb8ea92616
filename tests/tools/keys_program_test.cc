// API keys from making to revoking, with the real programs: what an operator does.

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class KeysProgramTest : public testing::Test {
 protected:
  ToolResult Keys(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "keys");
    arguments.push_back("--file=" + file_);
    return RunTallyctl(arguments);
  }
  // The text of a new key, without the line's end.
  std::string Make(const std::string& name, const std::string& scope) const {
    const ToolResult made = Keys({"add", name, "--scope=" + scope});
    EXPECT_EQ(made.exit, 0) << made.err;
    return made.out.substr(0, made.out.find('\n'));
  }
  TallydOptions Options() const {
    return {.data_directory = temp_.File("data"),
            .insecure_no_auth = false,
            .arguments = {"--api-keys-file=" + file_}};
  }
  // Sends SIGHUP and waits until the server has said what came of it, `count` times in all.
  static void Reload(TallydProcess& server, int count) {
    server.Reload();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto said = [&] {
      const std::string log = server.Log();
      int lines = 0;
      for (std::size_t at = 0; (at = log.find("API keys", at)) != std::string::npos; ++at) ++lines;
      return lines;
    };
    while (said() < count && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_EQ(said(), count) << server.Log();
  }
  static HttpCall VoteCall(const std::string& key, const std::string& voter) {
    return {"POST",
            "/v1/polls/summer/votes",
            {{"Authorization", "Bearer " + key}, {"Content-Type", "application/json"}},
            R"({"voter":")" + voter + R"(","choices":["a"]})"};
  }

  TempDirectory temp_;
  const std::string file_ = temp_.File("api-keys");
};

TEST_F(KeysProgramTest, KeysAreMadeListedAndRevoked) {
  const ToolResult made = Keys(
      {"add", "town", "--scope=vote:on-behalf", "--scope=analyse", "--expires-days=30", "--json"});
  ASSERT_EQ(made.exit, 0) << made.err;
  const boost::json::value key = boost::json::parse(made.out);
  EXPECT_TRUE(key.at("key").as_string().starts_with("tallyd_"));
  struct stat status = {};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(FileText(file_).find(std::string(key.at("key").as_string()).substr(18)),
            std::string::npos);

  const ToolResult list = Keys({"list"});
  EXPECT_EQ(list.exit, 0);
  EXPECT_NE(list.out.find("town  [vote:on-behalf analyse]"), std::string::npos) << list.out;
  const std::string id(key.at("id").as_string());
  EXPECT_EQ(Keys({"revoke", "aaaaaaaaaa"}).exit, 1);
  EXPECT_EQ(Keys({"revoke", id}).exit, 0);
  EXPECT_EQ(boost::json::parse(Keys({"list", "--json"}).out).at("keys").as_array().size(), 0U);
}

TEST_F(KeysProgramTest, WrongUseHasItsExitCode) {
  EXPECT_EQ(Keys({"add", "town"}).exit, 2);
  EXPECT_EQ(Keys({"add", "town", "--scope=vote"}).exit, 2);
  EXPECT_EQ(Keys({"add", "town", "--scope=root"}).exit, 2);
  EXPECT_EQ(Keys({"list"}).exit, 74);
  std::ofstream(file_) << "nonsense";
  chmod(file_.c_str(), 0600);
  EXPECT_EQ(Keys({"list"}).exit, 65);
  chmod(file_.c_str(), 0644);
  EXPECT_EQ(Keys({"list"}).exit, 74);
}

TEST_F(KeysProgramTest, AServerWithKeysFromFirstToLast) {
  const std::string admin = Make("anna", "admin");
  TallydProcess server(Options());
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  const std::string token_file = temp_.File("token");
  std::ofstream(token_file) << admin << "\n";
  const std::string poll = temp_.File("summer.json");
  std::ofstream(poll) << R"({"title":{"en":"Summer"},"project":"town","state":"open",
      "ballot":{"type":"choose","max":1},"options":[{"id":"a"},{"id":"b"}]})";
  const auto create = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "poll", "create", poll, "--server=http://127.0.0.1:" + std::to_string(server.admin_port())};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunTallyctl(arguments);
  };
  const ToolResult without = create({});
  EXPECT_EQ(without.exit, 1);
  EXPECT_NE(without.err.find("401 unauthorized"), std::string::npos) << without.err;
  chmod(token_file.c_str(), 0644);
  EXPECT_EQ(create({"--token-file=" + token_file}).exit, 78);
  chmod(token_file.c_str(), 0600);
  const ToolResult with = create({"--token-file=" + token_file});
  EXPECT_EQ(with.exit, 0) << with.err;

  const std::string frontend = Make("frontend", "vote:on-behalf");
  HttpClient client(server.public_port());
  EXPECT_EQ(client.Send(VoteCall(frontend, "f:1")).status, 401);
  Reload(server, 1);
  EXPECT_EQ(client.Send(VoteCall(frontend, "f:1")).status, 201);

  std::ofstream(file_, std::ios::trunc) << "nonsense";
  Reload(server, 2);
  EXPECT_NE(server.Log().find("WARNING: the old token issuers and API keys stay in force"),
            std::string::npos);
  EXPECT_EQ(client.Send(VoteCall(frontend, "f:2")).status, 201);

  std::ofstream(file_, std::ios::trunc) << "{\"keys\":[]}";
  Reload(server, 3);
  EXPECT_EQ(client.Send(VoteCall(frontend, "f:3")).status, 401);
  server.Terminate();
  EXPECT_EQ(server.Wait(), 0);
  // Nobody's key stands in the log.
  EXPECT_EQ(server.Log().find(frontend.substr(18)), std::string::npos);
  EXPECT_EQ(server.Log().find(admin.substr(18)), std::string::npos);
}

TEST_F(KeysProgramTest, AServerWithFaultyFilesDoesNotStart) {
  std::ofstream(file_) << "nonsense";
  chmod(file_.c_str(), 0600);
  TallydProcess server(Options());
  EXPECT_FALSE(server.WaitReady());
  EXPECT_EQ(server.Wait(), 78);
  EXPECT_NE(server.Log().find(file_), std::string::npos) << server.Log();
  EXPECT_EQ(RunTallyd({"check-config", "--api-keys-file=" + file_}).exit, 78);
  const ToolResult both =
      RunTallyd({"check-config", "--insecure-no-auth", "--api-keys-file=" + file_});
  EXPECT_EQ(both.exit, 78);
  EXPECT_NE(both.err.find("insecure_no_auth"), std::string::npos) << both.err;
}

}  // namespace
}  // namespace tallyd
