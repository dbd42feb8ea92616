// Clients that send or take a byte now and then, as many as slowhttptest opens, against the real
// server: who votes meanwhile is served, and nobody keeps a connection longer than its deadline.
//
// TALLYD_SLOW_CLIENTS connections of each kind (default 500).

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What slowhttptest is asked for, and what it reaches at least once it has thousands. The
// deadlines, all the same, leave it the time to have them all open at once.
constexpr int kAskedPerSecond = 400;
constexpr int kOpenedPerSecond = 100;

constexpr seconds kProbeP99Max{1};
constexpr int kProbesLeast = 200;

int SlowClients() {
  const char* given = std::getenv("TALLYD_SLOW_CLIENTS");
  return given == nullptr ? 500 : std::atoi(given);
}

int OpeningSeconds() {
  return std::max(5, SlowClients() / kOpenedPerSecond);
}
int DeadlineSeconds() {
  return OpeningSeconds() + 5;
}
// As long as it would go on if nobody ended it.
int AttackSeconds() {
  return OpeningSeconds() + 3 * DeadlineSeconds();
}

struct Attack {
  const char* name;
  std::vector<std::string> arguments;
};

// The value of an unlabelled gauge or of the sample that begins with `sample`.
double Metric(std::uint16_t admin_port, const std::string& sample) {
  HttpClient client(admin_port, /*record=*/false);
  const std::string text = client.Send({"GET", "/metrics", {}, {}}).body;
  const std::size_t at = text.find("\n" + sample + " ");
  if (at == std::string::npos) return -1;
  return std::atof(text.c_str() + at + sample.size() + 2);
}

class SlowClientsTest : public testing::TestWithParam<Attack> {
 protected:
  void SetUp() override {
    if (RunTool("/usr/bin/env", {"which", "slowhttptest"}).exit != 0) {
      GTEST_SKIP() << "slowhttptest is not installed (tools/install-packages test)";
    }
    const std::string most = std::to_string(2 * SlowClients() + 100);
    const std::string deadline = std::to_string(1000 * DeadlineSeconds());
    server_ = std::make_unique<TallydProcess>(TallydOptions{
        .data_directory = temp_.File("data"),
        .arguments = {"--connections-max=" + most, "--network-connections-max=" + most,
                      "--idle-ms-max=" + deadline, "--header-ms-max=" + deadline,
                      "--body-ms-max=" + deadline, "--write-ms-max=" + deadline}});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
    HttpClient admin(server_->admin_port(), /*record=*/false);
    const HttpAnswer made = admin.Send(JsonCall(
        "PUT", "/v1/polls/town", boost::json::serialize(OpenPoll()), {{"If-None-Match", "*"}}));
    ASSERT_EQ(made.status, 201) << made.body;
  }

  static boost::json::object OpenPoll() {
    boost::json::object poll = PollBody();
    poll["state"] = "open";
    return poll;
  }
  double Connections() {
    ++looks_;
    return Metric(server_->admin_port(), "tallyd_http_connections");
  }

  // Slow ones that have been there, those of the probes and of this look left out.
  double Opened() {
    return Metric(server_->admin_port(), "tallyd_http_connections_opened_total") - probes_ -
           ++looks_;
  }

  int probes_ = 0;
  int looks_ = 0;
  TempDirectory temp_;
  std::unique_ptr<TallydProcess> server_;
};

TEST_P(SlowClientsTest, VotersAreServedAndTheSlowAreGone) {
  const int clients = SlowClients();
  std::vector<std::string> arguments = GetParam().arguments;
  for (const std::string& word :
       {std::string("-c"), std::to_string(clients), std::string("-r"),
        std::to_string(kAskedPerSecond), std::string("-l"), std::to_string(AttackSeconds()),
        std::string("-i"), std::string("2"), std::string("-p"), std::string("20")}) {
    arguments.push_back(word);
  }
  const std::size_t url = std::find(arguments.begin(), arguments.end(), "-u") - arguments.begin();
  arguments.at(url + 1) =
      "http://127.0.0.1:" + std::to_string(server_->public_port()) + arguments.at(url + 1);
  ToolResult tool;
  const auto begun = Clock::now();
  std::thread attack(
      [&] { tool = RunTool("/usr/bin/slowhttptest", arguments, seconds(2 * AttackSeconds())); });

  std::vector<milliseconds> latencies;
  double open_most = 0;
  while ((Opened() < clients || probes_ < kProbesLeast) &&
         Clock::now() - begun < seconds(AttackSeconds())) {
    HttpClient probe(server_->public_port(), /*record=*/false);
    const auto sent = Clock::now();
    const HttpAnswer answer =
        probe.Send(VoteCall("town", ChoicesBody("probe-" + std::to_string(probes_++), {"alpha"})));
    EXPECT_EQ(answer.status, 201) << answer.body;
    if (answer.status != 201) break;
    latencies.push_back(std::chrono::duration_cast<milliseconds>(Clock::now() - sent));
    if (probes_ % 10 == 0) open_most = std::max(open_most, Connections());
    std::this_thread::sleep_for(milliseconds(10));  // a voter now and then, not a load
  }
  open_most = std::max(open_most, Connections());
  // All were there by now. A server that is busy with thousands may be late by some seconds.
  const auto deadline = Clock::now() + seconds(DeadlineSeconds() + 5);
  while (Clock::now() < deadline && Connections() > 3) {
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_LE(Connections(), 3) << "slow connections outlive their deadline";
  EXPECT_LT(Clock::now() - begun, seconds(AttackSeconds())) << "ended by the tool, not by us";
  attack.join();
  EXPECT_EQ(tool.exit, 0) << tool.out << tool.err;

  std::sort(latencies.begin(), latencies.end());
  ASSERT_GE(latencies.size(), static_cast<std::size_t>(kProbesLeast));
  const milliseconds p99 = latencies[latencies.size() * 99 / 100];
  EXPECT_LT(p99, kProbeP99Max);
  EXPECT_GE(open_most, 0.9 * clients) << "the slow were never there";
  std::printf(
      "%s: %d slow clients, at most %.0f open at once; %zu probes, p50 %lld ms, p99 %lld ms, "
      "max %lld ms\n",
      GetParam().name, clients, open_most, latencies.size(),
      static_cast<long long>(latencies[latencies.size() / 2].count()),
      static_cast<long long>(p99.count()), static_cast<long long>(latencies.back().count()));
}

// Slowloris: a header that never ends. R-U-Dead-Yet: a body that does not. And readers that take
// a few bytes of a large answer at a time.
INSTANTIATE_TEST_SUITE_P(
    Kinds, SlowClientsTest,
    testing::Values(Attack{"headers", {"-H", "-t", "GET", "-x", "24", "-u", "/livez"}},
                    Attack{"bodies",
                           {"-B", "-t", "POST", "-s", "8192", "-x", "10", "-f", "application/json",
                            "-u", "/v1/polls/town/votes"}},
                    Attack{"readers",
                           {"-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3", "-u",
                            "/openapi.json"}}),
    [](const testing::TestParamInfo<Attack>& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace tallyd
