// Budgets of clients from outside: who pays, what a client that asks too often is told, and that
// others do not suffer for it.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/auth.h"
#include "net/client_gate.h"
#include "net/wire_json_api_keys.h"
#include "tests/net/raw_client.h"
#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

// So slow that nothing comes back while a test runs, however loaded the machine is.
constexpr std::int64_t kPerSecond = 1;
constexpr std::int64_t kHour = 3'600;

class ClientLimitsTest : public ServiceTest {
 protected:
  void ServeWithTokens(const std::function<void(ServiceOptions&)>& adjust) {
    SharedMint().WriteFiles(directory_.path());
    const ApiKeys::Made made =
        ApiKeys::Make("town", ScopeBits(Scope::kVoteOnBehalf, Scope::kAdmin), TokenMint::Now(), {});
    key_ = made.text;
    ApiKeys keys;
    ASSERT_TRUE(keys.Add(made.key));
    std::ofstream(directory_.File("keys")) << keys.ToJson();
    std::filesystem::permissions(directory_.File("keys"),
                                 static_cast<std::filesystem::perms>(0600));
    Serve([&](ServiceOptions& options, EngineOptions&) {
      options.auth.insecure_no_auth = false;
      options.auth.files.issuers_file = directory_.File("issuers.json");
      options.auth.files.api_keys_file = directory_.File("keys");
      options.budgets.address = {kPerSecond, kHour};
      options.budgets.token = {kPerSecond, kHour};
      options.budgets.refused_token = {kPerSecond, kHour};
      adjust(options);
    });
    const HttpAnswer poll =
        AskAdmin(JsonCall("PUT", "/v1/polls/p", PollBody(R"(,"state":"open")"),
                          {{"If-None-Match", "*"}, {"Authorization", "Bearer " + key_}}));
    ASSERT_EQ(poll.status, 201) << poll.body;
  }
  HttpAnswer Get(const std::string& client, const std::string& token = "") {
    Headers headers = {{"X-Forwarded-For", client}};
    if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
    return Ask(Call("GET", "/v1/polls/p/ranking", std::move(headers)));
  }
  HttpAnswer VoteWith(const std::string& client, const std::string& token,
                      const std::string& body = R"({"choices":["a"]})") {
    return Ask(JsonCall("POST", "/v1/polls/p/votes", body,
                        {{"X-Forwarded-For", client}, {"Authorization", "Bearer " + token}}));
  }
  std::string Metric(const std::string& series) {
    const std::string text = "\n" + AskAdmin(Call("GET", "/metrics")).body;
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "none";
    const std::size_t value = at + series.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }

  std::string key_;
};

TEST_F(ClientLimitsTest, AnAddressThatAsksTooOftenIsToldWhenToComeBack) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.address = {kPerSecond, 10}; });
  for (int i = 0; i < 8; ++i) {
    const HttpAnswer answer = Get("203.0.113.9");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.Header("ratelimit"), "") << "not before little is left";
  }
  const HttpAnswer near = Get("203.0.113.9");
  EXPECT_EQ(near.status, 200);
  EXPECT_EQ(near.Header("ratelimit-policy"), R"("address";q=10;w=10)");
  EXPECT_EQ(near.Header("ratelimit").substr(0, 14), R"("address";r=1;)");
  HttpAnswer last = Get("203.0.113.9");
  // A second may have passed since the first.
  for (int i = 0; i < 60 && last.status == 200; ++i) last = Get("203.0.113.9");
  ASSERT_EQ(last.status, 429);
  EXPECT_EQ(Code(last), "too_many_requests");
  EXPECT_EQ(last.Header("retry-after"), "1");
  EXPECT_EQ(last.Header("ratelimit").substr(0, 14), R"("address";r=0;)");
  EXPECT_EQ(last.Header("ratelimit-policy"), R"("address";q=10;w=10)");
  EXPECT_EQ(Get("203.0.113.10").status, 200) << "the neighbour";
  EXPECT_NE(Metric(R"(tallyd_client_refusals_total{budget="address"})"), "0");
}

TEST_F(ClientLimitsTest, TheNetworkOfAnIpv6ClientPays) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.address = {kPerSecond, 2}; });
  std::vector<int> statuses;
  for (int i = 0; i < 40; ++i) {
    statuses.push_back(Get("2001:db8:1:2::" + std::to_string(i)).status);
  }
  EXPECT_GE(std::count(statuses.begin(), statuses.end(), 429), 20);
  EXPECT_EQ(Get("2001:db8:1:3::1").status, 200);
}

TEST_F(ClientLimitsTest, ASharedAddressIsNotLockedOut) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.address = {kPerSecond, 1}; });
  for (int i = 0; i < 20; ++i) Get("203.0.113.9");
  ASSERT_EQ(Get("203.0.113.9").status, 429);
  // A thousand pupils with a token each behind that address.
  for (int i = 0; i < 1'000; ++i) {
    const HttpAnswer vote =
        VoteWith("203.0.113.9", SharedMint().Vote("pupil-" + std::to_string(i)));
    ASSERT_EQ(vote.status, 201) << i << vote.body;
  }
}

TEST_F(ClientLimitsTest, ATokenHasItsOwnBudgetWhereverItComesFrom) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.token = {kPerSecond, 3}; });
  const std::string token = SharedMint().Vote("anna");
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    const HttpAnswer answer = VoteWith("203.0.113." + std::to_string(i), token);
    if (answer.status != 429) continue;
    ++refused;
    EXPECT_EQ(answer.Header("ratelimit-policy"), R"("token";q=3;w=3)");
  }
  EXPECT_GE(refused, 20);
  EXPECT_EQ(VoteWith("203.0.113.1", SharedMint().Vote("berta")).status, 201);
}

TEST_F(ClientLimitsTest, AFrontendHasNoLimitUnlessOneIsSet) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.address = {kPerSecond, 1}; });
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(VoteWith("203.0.113.9", key_,
                       R"({"voter":"f:)" + std::to_string(i) + R"(","choices":["a"]})")
                  .status,
              201);
  }
}

TEST_F(ClientLimitsTest, AFrontendsLimitIsItsOwn) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.frontend = {kPerSecond, 2}; });
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string voter = "f:" + std::to_string(i);
    const HttpAnswer answer = VoteWith("203.0.113." + std::to_string(i), key_,
                                       R"({"voter":")" + voter + R"(","choices":["a"]})");
    if (answer.status == 429) ++refused;
  }
  EXPECT_GE(refused, 20);
}

TEST_F(ClientLimitsTest, TokensThatAreNotBelievedHaveASmallBudget) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.refused_token = {kPerSecond, 5}; });
  const std::string seen = SharedMint().Sign("rsa", TokenMint::Header("RS256", "rsa"),
                                             TokenMint::Claims("seen", R"(,"scope":"vote")"));
  EXPECT_EQ(VoteWith("203.0.113.9", seen).status, 201);
  const std::string forged = seen.substr(0, seen.size() - 8) + "AAAAAAAA";
  int unauthorized = 0;
  HttpAnswer answer;
  for (int i = 0; i < 100; ++i) {
    answer = VoteWith("203.0.113.9", forged);
    ASSERT_TRUE(answer.status == 401 || answer.status == 429) << answer.status;
    if (answer.status == 401) ++unauthorized;
  }
  EXPECT_GE(unauthorized, 5);
  EXPECT_LE(unauthorized, 70);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.Header("ratelimit-policy"), R"("refused-token";q=5;w=5)");
  EXPECT_NE(Metric(R"(tallyd_token_verifications_total{result="put_off"})"), "0");
  // Cheap to check, or checked before: these go on.
  EXPECT_EQ(VoteWith("203.0.113.9", seen).status, 200);
  EXPECT_EQ(VoteWith("203.0.113.9", SharedMint().Vote("hmac-voter")).status, 201);
  EXPECT_EQ(VoteWith("203.0.113.9", key_, R"({"voter":"f:1","choices":["a"]})").status, 201);
  EXPECT_EQ(VoteWith("203.0.113.10", forged).status, 401) << "the neighbour";
}

TEST_F(ClientLimitsTest, WhoIsNoProxyIsNotBelievedAboutItsAddress) {
  ServeWithTokens([](ServiceOptions& options) {
    options.http.proxies.believed.clear();
    options.budgets.address = {kPerSecond, 2};
  });
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    if (Get("203.0.113." + std::to_string(i)).status == 429) ++refused;
  }
  EXPECT_GE(refused, 20);
}

TEST_F(ClientLimitsTest, TheProxysOwnRequestsAreInNoBudget) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.address = {kPerSecond, 1}; });
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Ask(Call("GET", "/livez")).status, 200);
}

TEST_F(ClientLimitsTest, ARequestIsChargedOnceAlsoIfItsBodyComesLater) {
  ServeWithTokens([](ServiceOptions& options) { options.budgets.address = {kPerSecond, 110}; });
  RawClient client(server_->public_port());
  const std::string head =
      "POST /v1/polls/p/votes HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 203.0.113.9\r\n"
      "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.Send(head));
    ASSERT_EQ(client.Read()->status, 100);
    ASSERT_TRUE(client.Send("{}"));
    ASSERT_EQ(client.Read()->status, 401);
  }
  EXPECT_EQ(Metric(R"(tallyd_client_refusals_total{budget="address"})"), "0");
}

TEST_F(ClientLimitsTest, ConnectionsOfOneAddressAreBounded) {
  ServeWithTokens([](ServiceOptions& options) {
    options.http.proxies.believed.clear();
    options.http.public_listener.network_connections_max = 3;
  });
  public_->Close();
  std::vector<RawClient> open;
  const std::string get = "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n";
  for (int i = 0; i < 3; ++i) {
    RawClient& client = open.emplace_back(server_->public_port());
    ASSERT_TRUE(client.Send(get));
    ASSERT_EQ(client.Read()->status, 200);
  }
  RawClient one_more(server_->public_port());
  const auto answer = one_more.Read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->Header("Connection"), "close");
  EXPECT_NE(answer->body.find("too_many_requests"), std::string::npos);
  EXPECT_EQ(Metric(R"(tallyd_http_rejected_total{reason="network_connections"})"), "1");
}

TEST(HandshakeBudgetTest, AnAddressHasOneAndWhoStandsForManyHasNone) {
  const Authenticator auth{AuthOptions()};
  ProxyOptions proxies;
  proxies.believed = {*AddressRange::Parse("10.0.0.0/8")};
  ClientBudgetOptions budgets;
  budgets.handshake = {1, 3};
  ClientGate gate(auth, proxies, budgets);
  IoThread::TimePoint now = IoThread::TimePoint() + std::chrono::hours(1);
  const auto admitted = [&](const ClientAddress& peer) {
    int count = 0;
    for (int i = 0; i < 10; ++i) count += gate.AdmitHandshake(peer, now) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(admitted(*ClientAddress::Parse("192.0.2.1")), 3);
  EXPECT_EQ(admitted(*ClientAddress::Parse("192.0.2.2")), 3) << "the neighbour";
  EXPECT_EQ(admitted(*ClientAddress::Parse("2001:db8:1:2::1")), 3);
  EXPECT_EQ(admitted(*ClientAddress::Parse("2001:db8:1:2::2")), 0) << "of the same /64";
  EXPECT_EQ(admitted(*ClientAddress::Parse("10.1.2.3")), 10) << "a proxy";
  EXPECT_EQ(admitted(ClientAddress::Unix()), 10);
  EXPECT_EQ(admitted(ClientAddress()), 10);
  EXPECT_EQ(gate.budgets().refused(BudgetKind::kHandshake), 7u + 7u + 7u + 10u);
  now += std::chrono::seconds(2);
  EXPECT_EQ(admitted(*ClientAddress::Parse("192.0.2.1")), 2) << "as much as was given back";

  budgets.handshake = {0, 1};
  ClientGate open(auth, proxies, budgets);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(open.AdmitHandshake(*ClientAddress::Parse("192.0.2.1"), now));
  }
}

TEST_F(ClientLimitsTest, HandshakesOfOneAddressAreBoundedAndCounted) {
  signal(SIGPIPE, SIG_IGN);  // as the program does
  ServeWithTokens([](ServiceOptions& options) {
    options.http.proxies.believed.clear();
    options.http.public_listener.tls = TestTlsFiles();
    options.budgets.handshake = {kPerSecond, 5};
  });
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    RawClient client(server_->public_port());
    client.UseTls();
    refused += client.ShakeHands() ? 0 : 1;
  }
  EXPECT_GE(refused, 20);
  EXPECT_EQ(Metric(R"(tallyd_tls_handshakes_total{result="over_budget"})"),
            std::to_string(refused));
  EXPECT_EQ(Metric(R"(tallyd_client_refusals_total{budget="handshake"})"), std::to_string(refused));
}

// Who comes by a Unix socket is one client, unless the operator says that it is a proxy.
TEST_F(ClientLimitsTest, AProxyOnAUnixSocketIsBelievedOnlyIfItIsTrusted) {
  for (const bool trusted : {false, true}) {
    SCOPED_TRACE(trusted);
    const std::string path = directory_.File(trusted ? "trusted.sock" : "other.sock");
    ServeWithTokens([&](ServiceOptions& options) {
      options.http.public_listener.unix_path = path;
      options.budgets.address = {kPerSecond, 3};
      if (trusted) options.http.proxies.believed.push_back(*AddressRange::Parse("unix"));
    });
    RawClient client(path);
    int refused = 0;
    for (int i = 0; i < 6; ++i) {
      ASSERT_TRUE(client.Send("GET /livez HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 203.0.113." +
                              std::to_string(i) + "\r\n\r\n"));
      refused += client.Read()->status == 429 ? 1 : 0;
    }
    EXPECT_EQ(refused, trusted ? 0 : 3);
    StopServing();
    std::filesystem::remove_all(directory_.File("data"));
  }
}

TEST_F(ClientLimitsTest, VotesOverAUnixSocket) {
  const std::string path = directory_.File("public.sock");
  ServeWithTokens([&](ServiceOptions& options) { options.http.public_listener.unix_path = path; });
  RawClient client(path);
  for (int i = 0; i < 20; ++i) {
    const std::string body = R"({"voter":"v)" + std::to_string(i) + R"(","choices":["a"]})";
    ASSERT_TRUE(client.Send("POST /v1/polls/p/votes HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " +
                            key_ + "\r\nContent-Type: application/json\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body));
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 201) << answer->body;
  }
}

}  // namespace
}  // namespace tallyd
