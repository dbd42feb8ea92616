// What a caller without the right learns of others: the answers about somebody who voted and about
// somebody who did not are the same bytes, and take the same time.
//
// TALLYD_ENUMERATION_PAIRS=100000 is the long form. Time is compared by a rank-sum test (Mann and
// Whitney, normal approximation with correction for ties) over pairs whose order a coin decides.
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

// How far the ranks of `a` among all are from chance, in standard deviations.
double RankSumZ(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<std::pair<double, bool>> all;
  for (const double value : a) all.emplace_back(value, true);
  for (const double value : b) all.emplace_back(value, false);
  std::sort(all.begin(), all.end());
  const double n = static_cast<double>(all.size());
  const double n_a = static_cast<double>(a.size());
  const double n_b = static_cast<double>(b.size());
  double rank_sum = 0;
  double ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    while (end < all.size() && all[end].first == all[i].first) ++end;
    const double rank = (static_cast<double>(i + 1) + static_cast<double>(end)) / 2;
    for (std::size_t k = i; k < end; ++k) rank_sum += all[k].second ? rank : 0;
    const double tied = static_cast<double>(end - i);
    ties += tied * tied * tied - tied;
    i = end;
  }
  const double u = rank_sum - n_a * (n_a + 1) / 2;
  const double variance = n_a * n_b / 12 * ((n + 1) - ties / (n * (n - 1)));
  return (u - n_a * n_b / 2) / std::sqrt(variance);
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
      const bool order = (random() & 1) != 0;
      for (const bool voted : {order, !order}) {
        const HttpCall call = ask(i % (2 * kVoters), voted);
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
    const double z = RankSumZ(times[1], times[0]);
    std::cout << what << ": status " << first.status << ", " << Pairs() << " pairs, z = " << z
              << ", seed " << seed << "\n";
    EXPECT_LT(std::abs(z), kZMax) << what << ", seed " << seed;
  }

  TokenMint mint_;
  std::vector<std::string> receipts_;
};

TEST_F(EnumerationTest, TheRankSumSeesADifference) {
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
  EXPECT_LT(std::abs(RankSumZ(a, b)), kZMax);
  EXPECT_GT(std::abs(RankSumZ(a, later)), kZMax);
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
