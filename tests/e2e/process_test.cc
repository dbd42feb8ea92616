// The server as a process: how it starts, refuses to start, ends, and what is there afterwards.

#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "boost/json/array.hpp"
#include "boost/json/serialize.hpp"
#include "gtest/gtest.h"

#include "tests/support/api_contract.h"
#include "tests/support/http_client.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr int kExitBadData = 65;
constexpr int kExitLocked = 75;
constexpr int kExitBadConfig = 78;

class Process : public ::testing::Test {
 protected:
  std::string Data(const std::string& name = "data") const { return directory_.File(name); }

  std::string WriteConfig(const std::string& text) {
    const std::string path = directory_.File("tallyd.toml");
    std::ofstream(path) << text;
    return path;
  }

  static void CreatePoll(std::uint16_t admin_port, const std::string& id,
                         const boost::json::object& body = PollBody()) {
    HttpClient admin(admin_port);
    const HttpAnswer answer = admin.Send(
        JsonCall("PUT", "/v1/polls/" + id, boost::json::serialize(body), {{"If-None-Match", "*"}}));
    ASSERT_EQ(answer.status, 201) << answer.body;
  }

  static HttpAnswer Ranking(std::uint16_t port, const std::string& poll) {
    HttpClient client(port);
    return client.Send({"GET", "/v1/polls/" + poll + "/ranking", {}, {}});
  }

  static std::int64_t Ballots(const HttpAnswer& ranking) {
    return ranking.Json().at("totals").at("ballots").to_number<std::int64_t>();
  }

  // Serves, casts `votes` votes in poll "town" (created if `create`), ends by SIGTERM.
  void ServeAndVote(const TallydOptions& options, int first, int votes, bool create) {
    TallydProcess server(options);
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    if (create) CreatePoll(server.admin_port(), "town");
    HttpClient client(server.public_port());
    for (int i = first; i < first + votes; ++i) {
      ASSERT_EQ(
          client.Send(VoteCall("town", ChoicesBody("v" + std::to_string(i), {"beta"}))).status,
          201);
    }
    server.Terminate();
    ASSERT_EQ(server.Wait(), 0) << server.Log();
  }

  TempDirectory directory_;
};

TEST_F(Process, ASecondOneOnTheSameDataExits75) {
  TallydProcess first({.data_directory = Data()});
  ASSERT_TRUE(first.WaitReady()) << first.Log();
  TallydProcess second({.data_directory = Data()});
  EXPECT_EQ(second.Wait(), kExitLocked);
  EXPECT_NE(second.Log().find(Data()), std::string::npos) << second.Log();
  const ToolResult verify = RunTallyctl({"verify", "--data-dir=" + Data()});
  EXPECT_EQ(verify.exit, kExitLocked) << verify.out << verify.err;
  EXPECT_TRUE(first.Running());
  HttpClient client(first.public_port());
  EXPECT_EQ(client.Send({"GET", "/readyz", {}, {}}).status, 200);
}

TEST_F(Process, AnUnknownConfigKeyExits78AndIsNamed) {
  const std::string config = WriteConfig("listn = \"127.0.0.1:0\"\n");
  TallydProcess server({.data_directory = Data(), .arguments = {"--config=" + config}});
  EXPECT_EQ(server.Wait(), kExitBadConfig);
  EXPECT_NE(server.Log().find("listn"), std::string::npos) << server.Log();
  EXPECT_FALSE(std::filesystem::exists(Data())) << "nothing was touched";
  const ToolResult check = RunTallyd({"check-config", "--config=" + config});
  EXPECT_EQ(check.exit, kExitBadConfig);
  EXPECT_NE((check.out + check.err).find("listn"), std::string::npos);
}

TEST_F(Process, AnUnknownVariableExits78) {
  TallydProcess server({.data_directory = Data(), .environment = {{"TALLYD_QUEUE_SLOT", "1024"}}});
  EXPECT_EQ(server.Wait(), kExitBadConfig);
  EXPECT_NE(server.Log().find("TALLYD_QUEUE_SLOT"), std::string::npos) << server.Log();
}

TEST_F(Process, WithoutAuthenticationOnlyOnLoopback) {
  TallydProcess server({.data_directory = Data(), .address = "0.0.0.0"});
  EXPECT_EQ(server.Wait(), kExitBadConfig);
  EXPECT_NE(server.Log().find("loopback"), std::string::npos) << server.Log();
}

TEST_F(Process, WithoutTokensNobodyVotes) {
  ServeAndVote({.data_directory = Data()}, 0, 3, true);
  TallydProcess server({.data_directory = Data(), .insecure_no_auth = false});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient client(server.public_port());
  ExpectProblem(client.Send(VoteCall("town", ChoicesBody("x", {"beta"}))), "unauthorized");
  ExpectProblem(client.Send(BatchCall("town", ChoicesBody("x", {"beta"}))), "unauthorized");
  HttpClient admin(server.admin_port());
  ExpectProblem(admin.Send(JsonCall("POST", "/v1/polls/town/transitions", R"({"to":"closed"})")),
                "unauthorized");
  EXPECT_EQ(Ballots(Ranking(server.public_port(), "town")), 3) << "reading stays public";
}

TEST_F(Process, AMissingOrWrongKeyTakesNoVotesButShowsTheRanking) {
  ServeAndVote({.data_directory = Data()}, 0, 3, true);
  const std::string key = Data() + ".key";
  ASSERT_TRUE(std::filesystem::exists(key));
  std::filesystem::rename(key, key + ".away");
  for (const bool wrong : {false, true}) {
    SCOPED_TRACE(wrong ? "wrong key" : "no key");
    if (wrong) {
      std::ofstream(key) << std::string(64, 'a') << '\n';
      std::filesystem::permissions(key, std::filesystem::perms(0600));
    }
    TallydProcess server({.data_directory = Data()});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    HttpClient client(server.public_port());
    ExpectProblem(client.Send(VoteCall("town", ChoicesBody("v0", {"beta"}))), "key_missing");
    ExpectProblem(client.Send(VoteCall("town", ChoicesBody("new", {"alpha"}))), "key_missing");
    EXPECT_EQ(Ballots(Ranking(server.public_port(), "town")), 3);
    server.Terminate();
    EXPECT_EQ(server.Wait(), 0);
  }
  std::filesystem::rename(key + ".away", key);
  TallydProcess server({.data_directory = Data()});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient client(server.public_port());
  EXPECT_EQ(client.Send(VoteCall("town", ChoicesBody("v0", {"beta"}))).status, 200) << "duplicate";
}

TEST_F(Process, LessThanTheWatermarkIsNotServed) {
  const std::string watermark = directory_.File("watermark");
  const TallydOptions options{.data_directory = Data(),
                              .arguments = {"--watermark-file=" + watermark}};
  ServeAndVote(options, 0, 5, true);
  std::filesystem::copy(Data(), Data("older"), std::filesystem::copy_options::recursive);
  std::filesystem::copy(Data() + ".key", Data("older") + ".key");
  ServeAndVote(options, 5, 5, false);
  TallydProcess rolled_back(
      {.data_directory = Data("older"), .arguments = {"--watermark-file=" + watermark}});
  EXPECT_EQ(rolled_back.Wait(), kExitBadData);
  EXPECT_NE(rolled_back.Log().find("watermark"), std::string::npos) << rolled_back.Log();
}

TEST_F(Process, AMissingWatermarkBesideAJournalIsNotServed) {
  ServeAndVote({.data_directory = Data()}, 0, 5, true);
  ASSERT_TRUE(std::filesystem::remove(Data() + "/watermark"));
  TallydProcess server({.data_directory = Data()});
  EXPECT_EQ(server.Wait(), kExitBadData);
  EXPECT_NE(server.Log().find("watermark"), std::string::npos) << server.Log();
}

TEST_F(Process, TheSameBytesAfterEveryRestart) {
  ServeAndVote({.data_directory = Data()}, 0, 20, true);
  std::string first;
  for (int round = 0; round < 3; ++round) {
    TallydProcess server({.data_directory = Data()});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    const HttpAnswer ranking = Ranking(server.public_port(), "town");
    EXPECT_EQ(Ballots(ranking), 20);
    if (round == 0) first = ranking.body;
    EXPECT_EQ(ranking.body, first);
    if (round == 1) {
      server.Kill();
    } else {
      server.Terminate();
      EXPECT_EQ(server.Wait(), 0);
    }
  }
}

// RFC 3339, UTC, of now + `later_ms`.
std::string TimeAfter(std::int64_t later_ms) {
  const auto at = std::chrono::system_clock::now() + std::chrono::milliseconds(later_ms);
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
  const std::time_t seconds = count.count() / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string ms = std::to_string(1000 + count.count() % 1000).substr(1);
  return std::string(text) + "." + ms + "Z";
}

TEST_F(Process, WindowsOpenAndCloseByThemselves) {
  TallydProcess server({.data_directory = Data()});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  boost::json::object body = PollBody();
  body["opens"] = TimeAfter(3000);  // long enough for a busy machine to ask before and between
  body["closes"] = TimeAfter(6000);
  CreatePoll(server.admin_port(), "window", body);
  HttpClient client(server.public_port());
  HttpClient often(server.public_port(), /*record=*/false);
  ExpectProblem(client.Send(VoteCall("window", ChoicesBody("early", {"alpha"}))), "poll_not_open");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  HttpAnswer answer;
  do {
    answer = often.Send(VoteCall("window", ChoicesBody("early", {"alpha"})));
  } while (answer.status == 409 && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(answer.status, 201) << answer.body;
  int counted = 1;
  for (int i = 0; std::chrono::steady_clock::now() < deadline; ++i) {
    answer = often.Send(VoteCall("window", ChoicesBody("v" + std::to_string(i), {"beta"})));
    if (answer.status != 201) break;
    ++counted;
  }
  ExpectProblem(answer, "poll_not_open");
  const HttpAnswer ranking = Ranking(server.public_port(), "window");
  EXPECT_EQ(ranking.Json().at("state").as_string(), "closed");
  EXPECT_EQ(Ballots(ranking), counted);
  EXPECT_EQ(client.Send(VoteCall("window", ChoicesBody("early", {"alpha"}))).status, 200)
      << "a retry is never an error";
}

TEST_F(Process, SigtermUnderLoadKeepsEveryAcknowledgedVote) {
  std::map<std::string, std::int64_t> acknowledged;  // voter -> seq
  {
    TallydProcess server({.data_directory = Data()});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    CreatePoll(server.admin_port(), "town");
    constexpr int kThreads = 8;
    std::atomic<int> total{0};
    std::vector<std::map<std::string, std::int64_t>> seqs(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        HttpClient client(server.public_port(), /*record=*/false);
        for (int i = 0;; ++i) {
          const std::string voter = "t" + std::to_string(t) + "-" + std::to_string(i);
          const HttpAnswer answer = client.Send(VoteCall("town", ChoicesBody(voter, {"beta"})));
          if (answer.status != 201) break;  // draining, or gone
          seqs[static_cast<std::size_t>(t)][voter] =
              answer.Json().at("seq").to_number<std::int64_t>();
          if (++total == 400) server.Terminate();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(server.Wait(), 0) << server.Log();
    for (auto& part : seqs) acknowledged.merge(part);
  }
  ASSERT_GE(acknowledged.size(), 400u);
  TallydProcess server({.data_directory = Data()});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  EXPECT_GE(Ballots(Ranking(server.public_port(), "town")),
            static_cast<std::int64_t>(acknowledged.size()));
  HttpClient client(server.public_port(), /*record=*/false);
  for (const auto& [voter, seq] : acknowledged) {
    const HttpAnswer answer = client.Send(VoteCall("town", ChoicesBody(voter, {"beta"})));
    ASSERT_EQ(answer.status, 200) << voter << answer.body;
    EXPECT_EQ(answer.Json().at("seq").to_number<std::int64_t>(), seq);
  }
}

TEST_F(Process, WhoDrainsIsNotReady) {
  TallydProcess server({.data_directory = Data()});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient slow(server.public_port());
  ASSERT_TRUE(
      slow.SendBytes("POST /v1/polls/x/votes HTTP/1.1\r\nHost: x\r\n"
                     "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{"));
  HttpClient begun(server.public_port());
  ASSERT_TRUE(begun.SendBytes("GET /readyz HTTP/1.1\r\nHost: x\r\n"));
  HttpClient other(server.public_port());
  ASSERT_EQ(other.Send({"GET", "/readyz", {}, {}}).status, 200);
  server.Terminate();
  while (server.Log().find("stopping") == std::string::npos) {
    ASSERT_TRUE(server.Running()) << server.Log();
    std::this_thread::yield();
  }
  ASSERT_TRUE(begun.SendBytes("\r\n"));
  ExpectProblem(begun.ReadAnswer(), "draining");
  ASSERT_TRUE(slow.SendBytes("}"));  // what had begun is answered
  ExpectProblem(slow.ReadAnswer(), "poll_not_found");
  EXPECT_EQ(server.Wait(), 0) << server.Log();
}

TEST_F(Process, ASecondSignalEndsTheDrainAtOnce) {
  TallydProcess server({.data_directory = Data()});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient slow(server.public_port());
  // A request that never becomes complete keeps the drain waiting.
  ASSERT_TRUE(
      slow.SendBytes("POST /v1/polls/x/votes HTTP/1.1\r\nHost: x\r\n"
                     "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"));
  HttpClient other(server.public_port());
  ASSERT_EQ(other.Send({"GET", "/livez", {}, {}}).status, 200);
  const auto began = std::chrono::steady_clock::now();
  server.Terminate();
  const auto draining = [&] { return server.Log().find("stopping") != std::string::npos; };
  while (!draining() && server.Running() &&
         std::chrono::steady_clock::now() - began < std::chrono::seconds(10)) {
    std::this_thread::yield();
  }
  server.Terminate();
  EXPECT_NE(server.Wait(), -1000);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10)) << server.Log();
}

constexpr int kFloodThreads = 16;
constexpr int kFloodVotesEach = 128;

// 2,048 votes in flight, sent again until all are counted; how many were refused on the way.
int FloodOnce(std::uint16_t port, int round) {
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kFloodThreads; ++t) {
    threads.emplace_back([&, t] {
      HttpClient client(port, /*record=*/t == 0);
      std::vector<HttpCall> calls;
      for (int i = 0; i < kFloodVotesEach; ++i) {
        const std::string voter =
            std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i);
        calls.push_back(VoteCall("town", ChoicesBody(voter, {"alpha"})));
      }
      while (!calls.empty()) {
        const std::vector<HttpAnswer> answers = client.Pipeline(calls);
        ASSERT_EQ(answers.size(), calls.size());
        std::vector<HttpCall> again;
        for (std::size_t i = 0; i < answers.size(); ++i) {
          if (answers[i].status == 201) continue;
          ExpectProblem(answers[i], "overloaded");  // nothing happened: the repeat is counted
          ++refused;
          again.push_back(calls[i]);
        }
        calls = std::move(again);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return refused;
}

// A queue of 1,024 that is emptied one commit at a time. Whether the clients ever run ahead of it
// is the scheduler's choice, so they get some rounds.
TEST_F(Process, AFullQueueSaysSoAndTakesTheRepeat) {
  TallydProcess server(
      {.data_directory = Data(), .arguments = {"--queue-slots=1024", "--batch-commands-max=1"}});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  CreatePoll(server.admin_port(), "town");
  int rounds = 0;
  int refused = 0;
  while (refused == 0 && rounds < 20) refused = FloodOnce(server.public_port(), rounds++);
  EXPECT_GT(refused, 0) << "the queue was never full";
  EXPECT_EQ(Ballots(Ranking(server.public_port(), "town")),
            rounds * kFloodThreads * kFloodVotesEach);
}

}  // namespace
}  // namespace tallyd
