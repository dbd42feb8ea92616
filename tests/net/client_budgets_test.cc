// Budgets against a naive bucket, a full table, and many threads.

#include "net/client_budgets.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

ClientBudgetOptions Options(std::int64_t per_s, std::int64_t burst) {
  ClientBudgetOptions options;
  options.address = {per_s, burst};
  return options;
}

TEST(ClientBudgetsTest, TheBurstPassesThenTheRate) {
  ClientBudgets budgets(Options(10, 5));
  std::int64_t now_us = 77 * kSecondUs;
  for (std::uint32_t left = 5; left-- > 0;) {
    const auto verdict = budgets.Charge(BudgetKind::kAddress, "a", now_us);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.remaining, left);
  }
  const auto refused = budgets.Charge(BudgetKind::kAddress, "a", now_us);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.wait_s, 1u);
  EXPECT_EQ(budgets.refused(BudgetKind::kAddress), 1u);
  EXPECT_TRUE(budgets.IsSpent(BudgetKind::kAddress, "a", now_us));
  EXPECT_TRUE(budgets.Charge(BudgetKind::kAddress, "b", now_us).allowed);
  EXPECT_TRUE(budgets.Charge(BudgetKind::kToken, "a", now_us).allowed) << "another kind of client";
  now_us += kSecondUs / 10;
  EXPECT_FALSE(budgets.IsSpent(BudgetKind::kAddress, "a", now_us));
  EXPECT_TRUE(budgets.Charge(BudgetKind::kAddress, "a", now_us).allowed);
  EXPECT_FALSE(budgets.Charge(BudgetKind::kAddress, "a", now_us).allowed);
}

TEST(ClientBudgetsTest, EveryKindHasANameABudgetAndACountOfItsOwn) {
  const ClientBudgetOptions options{.address = {1, 1},
                                    .token = {1, 2},
                                    .frontend = {1, 3},
                                    .refused_token = {1, 4},
                                    .handshake = {1, 5}};
  ClientBudgets budgets(options);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kBudgetKindCount; ++i) {
    const auto kind = static_cast<BudgetKind>(i);
    names.insert(BudgetName(kind));
    std::size_t allowed = 0;
    while (budgets.Charge(kind, "a", 0).allowed) ++allowed;
    EXPECT_EQ(allowed, i + 1) << BudgetName(kind);
    EXPECT_EQ(budgets.refused(kind), 1u) << BudgetName(kind);
  }
  EXPECT_EQ(names.size(), kBudgetKindCount);
  EXPECT_EQ(names.count("handshake"), 1u);
}

TEST(ClientBudgetsTest, NoLimitMeansNone) {
  ClientBudgets budgets(Options(0, 1));
  for (int i = 0; i < 1000; ++i) {
    const auto verdict = budgets.Charge(BudgetKind::kAddress, "a", 0);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_FALSE(verdict.limited);
  }
  EXPECT_FALSE(budgets.IsSpent(BudgetKind::kAddress, "a", 0));
}

// A bucket of coins as anybody would write it, in millionths of a coin.
struct Bucket {
  std::int64_t coins = 0;
  std::int64_t at_us = 0;
};

TEST(ClientBudgetsTest, AgreesWithANaiveBucket) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr std::int64_t kPerSecond = 50;
  constexpr std::int64_t kBurst = 20;
  ClientBudgets budgets(Options(kPerSecond, kBurst));
  std::map<std::string, Bucket> buckets;
  std::int64_t now_us = 1;
  int refused = 0;
  for (int i = 0; i < 200'000; ++i) {
    now_us += static_cast<std::int64_t>(random() % 1'000);
    const std::string client = std::to_string(random() % 16);
    Bucket& bucket = buckets.try_emplace(client, Bucket{kBurst * kSecondUs, now_us}).first->second;
    bucket.coins =
        std::min(kBurst * kSecondUs, bucket.coins + (now_us - bucket.at_us) * kPerSecond);
    bucket.at_us = now_us;
    const bool expected = bucket.coins >= kSecondUs;
    if (expected) bucket.coins -= kSecondUs;
    refused += expected ? 0 : 1;
    ASSERT_EQ(budgets.Charge(BudgetKind::kAddress, client, now_us).allowed, expected) << i;
  }
  EXPECT_GT(refused, 1'000);
  EXPECT_EQ(budgets.forgotten(), 0u);
}

TEST(ClientBudgetsTest, AFullTableForgetsWhoOwesLeastAndSaysSo) {
  ClientBudgetOptions options = Options(1, 100);
  options.clients_max = 512;
  ClientBudgets budgets(options);
  EXPECT_EQ(budgets.places(), 512u);
  // One client that has spent everything, then a crowd that owes one request each.
  for (int i = 0; i < 100; ++i) budgets.Charge(BudgetKind::kAddress, "glutton", 0);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(budgets.Charge(BudgetKind::kAddress, "c" + std::to_string(i), 0).allowed)
        << "nobody is locked out because the table is full";
  }
  EXPECT_GE(budgets.forgotten(), 100'000u - 512u);
  EXPECT_FALSE(budgets.Charge(BudgetKind::kAddress, "glutton", 0).allowed)
      << "who owes most is remembered";
}

TEST(ClientBudgetsTest, WhoHasPaidBackMakesRoomWithoutAWord) {
  ClientBudgetOptions options = Options(1000, 1);
  options.clients_max = 512;
  ClientBudgets budgets(options);
  for (int i = 0; i < 100'000; ++i) {
    budgets.Charge(BudgetKind::kAddress, "c" + std::to_string(i), i * 1'000);
  }
  EXPECT_EQ(budgets.forgotten(), 0u);
}

TEST(ClientBudgetsTest, ThreadsShareABudget) {
  ClientBudgets budgets(Options(1, 10'000));
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) {
        if (budgets.Charge(BudgetKind::kAddress, "a", 0).allowed) allowed.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed.load(), 10'000);
}

}  // namespace
}  // namespace tallyd
