// What a caller without the right learns of others: the answers about somebody who voted and about
// somebody who did not are the same bytes, and take the same time.
//
// TALLYD_ENUMERATION_PAIRS=100000 is the long form. Time is compared by a sign test over pairs: a
// coin decides which of the two is asked first, so how often one takes longer is a fair coin too,
// however the machine's own pace drifts. Both requests of a pair are written before either is sent:
// what the client does in between is time in which the server falls asleep.
// Texts take different times by themselves (a header that was seen before is not read again), so
// there are two polls with the same people, and who voted in one did not in the other.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

// With as many comparisons a fair one is beyond this once in 15,000 runs.
constexpr double kZMax = 4.5;
constexpr int kVoters = 256;

int Pairs() {
  const char* const text = std::getenv("TALLYD_ENUMERATION_PAIRS");
  return text == nullptr ? 2'000 : std::atoi(text);
}

// How far from chance it is how often `a` is more than `b` of the same pair, in standard
// deviations.
double SignTestZ(const std::vector<double>& a, const std::vector<double>& b) {
  double more = 0;
  double differ = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    more += a[i] > b[i] ? 1 : 0;
    differ += a[i] != b[i] ? 1 : 0;
  }
  return (more - differ / 2) / std::sqrt(differ / 4);
}

class EnumerationTest : public ServiceTest {
 protected:
  void SetUp() override {
    mint_.WriteFiles(directory_.path());
    Serve([&](ServiceOptions& options, EngineOptions&) {
      options.auth.insecure_no_auth = false;
      options.auth.files.issuers_file = directory_.File("issuers.json");
      options.budgets = {.address = {}, .token = {}, .refused_token = {}};
    });
    ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/p", PollBody(R"(,"state":"open")"),
                                {{"If-None-Match", "*"}, Token("anna", "admin")}))
                  .status,
              201);
    ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/q", PollBody(R"(,"state":"open")"),
                                {{"If-None-Match", "*"}, Token("anna", "admin")}))
                  .status,
              201);
    for (int i = 0; i < 2 * kVoters; ++i) {
      const HttpAnswer cast = Ask(JsonCall("POST", Poll(i) + "/votes", R"({"choices":["a"]})",
                                           {Token(Person(i, true), "vote")}));
      ASSERT_EQ(cast.status, 201) << cast.body;
      receipts_.push_back(Text(cast, "receipt"));
    }
  }
  std::pair<std::string, std::string> Token(const std::string& subject, const std::string& scope) {
    return {"Authorization",
            "Bearer " + mint_.Sign("hmac", TokenMint::Header("HS256", "hmac"),
                                   TokenMint::Claims(subject, R"(,"scope":")" + scope + "\""))};
  }
  // Even numbers ask about one poll, odd ones about the other.
  static std::string Poll(int i) { return i % 2 == 0 ? "/v1/polls/p" : "/v1/polls/q"; }
  static std::string Person(int i, bool voted) {
    const bool first = (i % 2 == 0) == voted;
    return (first ? "first-" : "other-") + std::to_string(1000 + i / 2);
  }

  // `ask(i, voted)` about the i-th person who voted, or did not.
  void Compare(const std::string& what, const std::function<HttpCall(int, bool)>& ask) {
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    std::vector<double> times[2];
    const HttpAnswer first = Ask(ask(0, true));
    for (int i = 0; i < Pairs(); ++i) {
      const HttpCall calls[2] = {ask(i % (2 * kVoters), false), ask(i % (2 * kVoters), true)};
      const bool order = (random() & 1) != 0;
      for (const bool voted : {order, !order}) {
        const HttpCall& call = calls[voted ? 1 : 0];
        const auto begin = std::chrono::steady_clock::now();
        const HttpAnswer answer = Ask(call);
        const auto end = std::chrono::steady_clock::now();
        times[voted ? 1 : 0].push_back(std::chrono::duration<double>(end - begin).count());
        ASSERT_EQ(answer.status, first.status);
        ASSERT_EQ(answer.body, first.body);
        for (const char* header : {"www-authenticate", "content-type", "cache-control", "etag"}) {
          ASSERT_EQ(answer.Header(header), first.Header(header)) << header;
        }
      }
    }
    const double z = SignTestZ(times[1], times[0]);
    std::cout << what << ": status " << first.status << ", " << Pairs() << " pairs, z = " << z
              << ", seed " << seed << "\n";
    EXPECT_LT(std::abs(z), kZMax) << what << ", seed " << seed;
  }

  TokenMint mint_;
  std::vector<std::string> receipts_;
};

TEST_F(EnumerationTest, TheSignTestSeesADifference) {
  std::mt19937 random(7);
  std::exponential_distribution<double> noise(1);
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> later;
  for (int i = 0; i < 2'000; ++i) {
    a.push_back(noise(random));
    b.push_back(noise(random));
    later.push_back(noise(random) + 0.2);
  }
  EXPECT_LT(std::abs(SignTestZ(a, b)), kZMax);
  EXPECT_GT(std::abs(SignTestZ(a, later)), kZMax);
}

TEST_F(EnumerationTest, WithoutATokenNobodyIsDifferent) {
  Compare("votes/me, no token", [](int i, bool voted) {
    return Call("GET", Poll(i) + "/votes/me", {{"Tallyd-Voter", Person(i, voted)}});
  });
  Compare("vote, no token", [](int i, bool voted) {
    return JsonCall("POST", Poll(i) + "/votes",
                    R"({"voter":")" + Person(i, voted) + R"(","choices":["a"]})");
  });
}

TEST_F(EnumerationTest, WithOnesOwnTokenOthersAreTheSame) {
  const auto token = Token("mallory", "vote");
  Compare("votes/me of another", [&](int i, bool voted) {
    return Call("GET", Poll(i) + "/votes/me", {token, {"Tallyd-Voter", Person(i, voted)}});
  });
  Compare("vote as another", [&](int i, bool voted) {
    return JsonCall("POST", Poll(i) + "/votes",
                    R"({"voter":")" + Person(i, voted) + R"(","choices":["a"]})", {token});
  });
  const auto scopeless = Token("mallory", "openid");
  Compare("votes/me of another, no scope", [&](int i, bool voted) {
    return Call("GET", Poll(i) + "/votes/me", {scopeless, {"Tallyd-Voter", Person(i, voted)}});
  });
}

// A receipt that is nearly one that was given says as little as one that is not.
TEST_F(EnumerationTest, GuessedReceiptsAreTheSame) {
  std::mt19937 random(11);
  Compare("receipts", [&](int i, bool near) {
    std::string receipt = receipts_[static_cast<std::size_t>(i)];
    const std::size_t at = 1 + random() % (receipt.size() - 2);
    if (near) receipt[at] = receipt[at] == 'a' ? 'e' : 'a';
    if (!near) std::shuffle(receipt.begin(), receipt.end() - 1, random);
    return Call("GET", "/v1/receipts/" + receipt);
  });
}

}  // namespace
}  // namespace tallyd
