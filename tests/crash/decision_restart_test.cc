// kill -9 while an operator decides about flagged ballots and their voters change them: what was
// acknowledged stays, what was not is there or not, and the count is that of the group's state.
//
// TALLYD_TEST_SEED repeats a run, TALLYD_KILLS makes it longer.

#include <atomic>
#include <chrono>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include "gtest/gtest.h"

#include "tests/support/environment.h"
#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr int kBots = 12;
constexpr std::chrono::seconds kRecountWaitMax{60};

HttpCall Json(std::string method, std::string target, std::string body,
              std::vector<std::pair<std::string, std::string>> headers = {}) {
  headers.emplace_back("Content-Type", "application/json");
  return {std::move(method), std::move(target), std::move(headers), std::move(body)};
}

HttpCall VoteOf(int bot, const std::string& option) {
  return Json("POST", "/v1/polls/p/votes",
              R"({"voter":"bot)" + std::to_string(bot) + R"(","choices":[")" + option + R"("]})",
              {{"X-Forwarded-For", "198.51.100.7"}});
}

// One may still be running, which is 503 until it has ended; the caller looks at the status.
HttpAnswer Recount(HttpClient& admin) {
  const auto deadline = std::chrono::steady_clock::now() + kRecountWaitMax;
  for (;;) {
    HttpAnswer answer = admin.Send({"POST", "/v1/admin/verify", {}, ""});
    if (answer.status != 503) return answer;
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "no recount was begun in " << kRecountWaitMax.count() << " s";
      return answer;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// Decides and votes until the server is gone.
struct Operator {
  void Run(std::uint16_t admin_port, std::uint16_t public_port, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    HttpClient admin(admin_port, false);
    HttpClient citizens(public_port, false);
    for (;;) {
      const bool second = random() % 2 == 0;
      citizens.Send(VoteOf(static_cast<int>(random() % kBots), second ? "b" : "a"));
      constexpr const char* kDecisions[] = {"quarantine", "release", "void"};
      constexpr const char* kStates[] = {"quarantined", "released", "voided"};
      const std::size_t next = random() % 3;
      unanswered = kStates[next];
      const HttpAnswer answer = admin.Send(
          Json("POST", "/v1/polls/p/flags/1/decision",
               R"({"decision":")" + std::string(kDecisions[next]) + R"(","reason":"test"})"));
      if (answer.status == 0) return;
      EXPECT_EQ(answer.status, 200) << answer.body;
      acknowledged = unanswered;
      ++decisions;
    }
  }
  std::string acknowledged = "flagged";
  std::string unanswered;
  int decisions = 0;
};

TEST(DecisionRestart, DecisionsAndCountsSurviveKills) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t kills = EnvironmentNumber("TALLYD_KILLS", 8);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_KILLS=" << kills << std::endl;
  std::mt19937_64 random(seed);
  TempDirectory directory;
  const TallydOptions options{
      .data_directory = directory.File("data"),
      .arguments = {"--watermark-interval-us=20000", "--checkpoint-interval-us=100000"}};
  Operator chief;
  for (std::uint64_t kill = 0; kill <= kills && !testing::Test::HasFailure(); ++kill) {
    TallydProcess server(options);
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    HttpClient admin(server.admin_port());
    HttpClient citizens(server.public_port());
    if (kill == 0) {
      const std::string poll =
          R"({"title":{"en":"P"},"project":"t","state":"open","revote":"replace",
              "changes_max":1000000,"ballot":{"type":"choose","max":1},
              "options":[{"id":"a"},{"id":"b"}],
              "fraud":{"network_burst":{"ballots":12,"window_s":3600}}})";
      ASSERT_EQ(admin.Send(Json("PUT", "/v1/polls/p", poll, {{"If-None-Match", "*"}})).status, 201);
      for (int bot = 0; bot < kBots; ++bot) {
        ASSERT_EQ(citizens.Send(VoteOf(bot, "a")).status, 201);
      }
    }
    const auto group = admin.Send({"GET", "/v1/polls/p/flags/1", {}, {}}).Json();
    const std::string state(group.at("state").as_string());
    EXPECT_TRUE(state == chief.acknowledged || state == chief.unanswered)
        << state << " was neither acknowledged (" << chief.acknowledged << ") nor asked for ("
        << chief.unanswered << ")";
    chief.acknowledged = state;
    EXPECT_EQ(group.at("voters").as_int64(), kBots);
    EXPECT_EQ(group.at("ballots").as_int64(), kBots);
    const auto ranking = citizens.Send({"GET", "/v1/polls/p/ranking", {}, {}}).Json();
    const bool counts = state == "flagged" || state == "released";
    EXPECT_EQ(ranking.at("totals").at("ballots").as_int64(), counts ? kBots : 0);
    const std::int64_t score = ranking.at("options").at("a").at("score").as_int64() +
                               ranking.at("options").at("b").at("score").as_int64();
    EXPECT_EQ(score, counts ? kBots : 0);
    const HttpAnswer verified = Recount(admin);
    ASSERT_EQ(verified.status, 200) << verified.body;
    EXPECT_EQ(verified.Json().at("ok"), true) << verified.body;
    if (kill == kills) break;
    std::thread deciding([&] { chief.Run(server.admin_port(), server.public_port(), random()); });
    // The random moment is the point of the test, not a wait for something.
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + kill * 37 % 200));
    server.Kill();
    deciding.join();
    server.Wait();
  }
  std::cout << kills << " kills, " << chief.decisions << " decisions acknowledged\n";
  EXPECT_GT(chief.decisions, 0);
}

}  // namespace
}  // namespace tallyd
