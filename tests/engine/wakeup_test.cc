#include "engine/wakeup.h"

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tallyd {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::int64_t kForeverUs = 20'000'000;  // longer than any scheduling delay

std::int64_t MicrosecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start).count();
}

// Waits until ready(); false if a sleep ran into its timeout, that is, a wake-up was lost.
template <class Ready>
bool Await(Wakeup* wakeup, Ready ready) {
  while (!ready()) {
    const auto start = SteadyClock::now();
    wakeup->WaitFor(kForeverUs, ready);
    if (MicrosecondsSince(start) >= kForeverUs) return false;
  }
  return true;
}

TEST(WakeupTest, PingPongLosesNoWakeUp) {
  constexpr std::uint64_t kRounds = 30'000;
  Wakeup ping;
  Wakeup pong;
  std::atomic<std::uint64_t> pinged{0};
  std::atomic<std::uint64_t> ponged{0};
  bool answered = true;
  std::thread other([&] {
    for (std::uint64_t round = 1; round <= kRounds && answered; ++round) {
      answered = Await(&ping, [&] { return pinged.load(std::memory_order_relaxed) >= round; });
      ponged.store(round, std::memory_order_relaxed);
      pong.Notify();
    }
  });
  bool heard = true;
  for (std::uint64_t round = 1; round <= kRounds && heard; ++round) {
    pinged.store(round, std::memory_order_relaxed);
    ping.Notify();
    heard = Await(&pong, [&] { return ponged.load(std::memory_order_relaxed) >= round; });
  }
  pinged.store(kRounds, std::memory_order_relaxed);
  ping.Notify();
  other.join();
  EXPECT_TRUE(heard);
  EXPECT_TRUE(answered);
}

TEST(WakeupTest, ManyNotifiersWakeOneSleeper) {
  constexpr std::uint64_t kEach = 20'000;
  constexpr int kNotifiers = 3;
  Wakeup wakeup;
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> notifiers;
  for (int i = 0; i < kNotifiers; ++i) {
    notifiers.emplace_back([&] {
      for (std::uint64_t n = 0; n < kEach; ++n) {
        sum.fetch_add(1, std::memory_order_relaxed);
        wakeup.Notify();
        if (n % 64 == 0) std::this_thread::yield();
      }
    });
  }
  bool heard = true;
  for (std::uint64_t seen = 0; heard && seen < kNotifiers * kEach;) {
    heard = Await(&wakeup, [&] { return sum.load(std::memory_order_relaxed) != seen; });
    seen = sum.load(std::memory_order_relaxed);
  }
  for (std::thread& notifier : notifiers) notifier.join();
  EXPECT_TRUE(heard);
}

TEST(WakeupTest, SleepsUntilTheTimeout) {
  Wakeup wakeup;
  const auto start = SteadyClock::now();
  wakeup.WaitFor(20'000, [] { return false; });
  const std::int64_t slept_us = MicrosecondsSince(start);
  EXPECT_GE(slept_us, 19'000);
  EXPECT_LT(slept_us, kForeverUs);
}

TEST(WakeupTest, DoesNotSleepWhenReadyOrWithoutTime) {
  Wakeup wakeup;
  const auto start = SteadyClock::now();
  wakeup.WaitFor(kForeverUs, [] { return true; });
  wakeup.WaitFor(0, [] { return false; });
  wakeup.WaitFor(-5, [] { return false; });
  // Becomes ready between the announcement and the last look: no sleep either.
  int looks = 0;
  wakeup.WaitFor(kForeverUs, [&] { return ++looks == 2; });
  EXPECT_EQ(looks, 2);
  EXPECT_LT(MicrosecondsSince(start), kForeverUs);
}

TEST(WakeupTest, ANotificationWithoutASleeperIsNotKept) {
  Wakeup wakeup;
  wakeup.Notify();
  const auto start = SteadyClock::now();
  wakeup.WaitFor(5'000, [] { return false; });
  EXPECT_GE(MicrosecondsSince(start), 4'500);
}

}  // namespace
}  // namespace tallyd
