#include "engine/ingest_queue.h"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

constexpr QueueLane kVote = QueueLane::kVote;
constexpr QueueLane kReserved = QueueLane::kReserved;

std::vector<int> PopAll(IngestQueue<int>* queue, std::size_t max = 1'000'000) {
  std::vector<int> values;
  const std::size_t count = queue->PopMany([&](int&& value) { values.push_back(value); }, max);
  EXPECT_EQ(count, values.size());
  return values;
}

std::size_t PushMany(IngestQueue<int>* queue, std::vector<int> values, QueueLane lane) {
  return queue->TryPushMany(absl::MakeSpan(values), lane);
}

TEST(IngestQueueTest, RefusesWhenFull) {
  IngestQueue<int> queue(4, 0);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.TryPush(int(i), kVote));
  EXPECT_FALSE(queue.TryPush(4, kVote));
  EXPECT_FALSE(queue.TryPush(4, kReserved));
  EXPECT_EQ(queue.ApproximateDepth(), 4u);
  EXPECT_EQ(PopAll(&queue, 1), std::vector<int>{0});
  EXPECT_TRUE(queue.TryPush(4, kVote));
  EXPECT_EQ(PopAll(&queue), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_TRUE(PopAll(&queue).empty());
}

TEST(IngestQueueTest, VotesLeaveTheReservedSlotsFree) {
  IngestQueue<int> queue(8, 3);
  EXPECT_EQ(PushMany(&queue, {1, 2, 3, 4, 5, 6, 7, 8}, kVote), 5u);
  EXPECT_FALSE(queue.TryPush(6, kVote));
  EXPECT_TRUE(queue.TryPush(-1, kReserved));
  EXPECT_EQ(PushMany(&queue, {-2, -3, -4}, kReserved), 2u);
  EXPECT_FALSE(queue.TryPush(-5, kReserved));
  EXPECT_EQ(PopAll(&queue, 3), (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(queue.TryPush(6, kVote)) << "five are still in: no vote's slot is free";
  EXPECT_EQ(PopAll(&queue, 1), (std::vector<int>{4}));
  EXPECT_TRUE(queue.TryPush(6, kVote));
  EXPECT_EQ(PopAll(&queue), (std::vector<int>{5, -1, -2, -3, 6}));
}

TEST(IngestQueueTest, TakesTheFrontOfARunAndLeavesTheRest) {
  IngestQueue<std::unique_ptr<int>> queue(4, 0);
  std::vector<std::unique_ptr<int>> values;
  for (int i = 0; i < 6; ++i) values.push_back(std::make_unique<int>(i));
  EXPECT_EQ(queue.TryPushMany(absl::MakeSpan(values), kVote), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(values[i], nullptr);
  ASSERT_NE(values[4], nullptr);
  EXPECT_EQ(*values[4], 4);
  ASSERT_NE(values[5], nullptr);
  EXPECT_EQ(queue.TryPushMany(absl::MakeSpan(values).subspan(4), kVote), 0u);
  EXPECT_NE(values[4], nullptr) << "a refused value is not touched";
  EXPECT_EQ(queue.TryPushMany({}, kVote), 0u);
}

TEST(IngestQueueTest, GoesRoundManyTimes) {
  Random random(TestSeed());
  IngestQueue<int> queue(16, 2);
  int next_in = 0;
  int next_out = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<int> values(Below(&random, 20));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = next_in + static_cast<int>(i);
    const QueueLane lane = Below(&random, 4) == 0 ? kReserved : kVote;
    next_in += static_cast<int>(queue.TryPushMany(absl::MakeSpan(values), lane));
    for (const int value : PopAll(&queue, Below(&random, 20))) ASSERT_EQ(value, next_out++);
    ASSERT_EQ(queue.ApproximateDepth(), static_cast<std::size_t>(next_in - next_out));
    ASSERT_EQ(queue.PushedCursor(), static_cast<std::uint64_t>(next_in));
    ASSERT_EQ(queue.PoppedCursor(), static_cast<std::uint64_t>(next_out));
    ASSERT_LE(queue.ApproximateDepth(), queue.capacity());
  }
  EXPECT_GT(next_out, 16 * 1'000);
}

TEST(IngestQueueTest, DestroysWhatIsTakenAndWhatIsLeft) {
  const auto alive = std::make_shared<int>();
  {
    IngestQueue<std::shared_ptr<int>> queue(8, 0);
    for (int lap = 0; lap < 3; ++lap) {
      for (int i = 0; i < 5; ++i) EXPECT_TRUE(queue.TryPush(std::shared_ptr<int>(alive), kVote));
      EXPECT_EQ(alive.use_count(), 6);
      queue.PopMany([](std::shared_ptr<int>&&) {}, 5);  // the consumer need not take it
      EXPECT_EQ(alive.use_count(), 1);
    }
    for (int i = 0; i < 7; ++i) EXPECT_TRUE(queue.TryPush(std::shared_ptr<int>(alive), kVote));
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(IngestQueueDeathTest, SlotsAreAPowerOfTwoAndNotAllReserved) {
  EXPECT_DEATH(IngestQueue<int>(6, 0), "broken invariant");
  EXPECT_DEATH(IngestQueue<int>(8, 8), "broken invariant");
}

struct Numbered {
  std::uint32_t producer = 0;
  std::uint32_t number = 0;
  std::unique_ptr<std::uint32_t> owned;  // a value lost or doubled shows in the leak checks, too
};

// Pushes numbers 0 ... count - 1, singly and in runs, until all are in.
void Produce(IngestQueue<Numbered>* queue, std::uint32_t producer, std::uint32_t count,
             std::uint64_t seed) {
  Random random(seed);
  std::uint32_t next = 0;
  while (next < count) {
    std::vector<Numbered> run(1 + Below(&random, 40));
    if (next + run.size() > count) run.resize(count - next);
    for (Numbered& value : run) {
      value = {producer, next, std::make_unique<std::uint32_t>(next)};
      ++next;
    }
    const QueueLane lane = producer == 0 ? kReserved : kVote;
    std::size_t pushed = 0;
    while (pushed < run.size()) {
      if (run.size() == 1) {
        pushed += queue->TryPush(std::move(run[0]), lane) ? 1 : 0;
      } else {
        pushed += queue->TryPushMany(absl::MakeSpan(run).subspan(pushed), lane);
      }
      if (pushed < run.size()) std::this_thread::yield();
    }
  }
}

TEST(IngestQueueTest, FourProducersLoseAndDoubleNothing) {
  constexpr std::uint32_t kProducers = 4;
  constexpr std::uint32_t kEach = 60'000;
  const std::uint64_t seed = TestSeed();
  IngestQueue<Numbered> queue(256, 16);  // small: full and empty often
  std::vector<std::thread> producers;
  for (std::uint32_t i = 0; i < kProducers; ++i) {
    producers.emplace_back(Produce, &queue, i, kEach, seed + i);
  }
  std::array<std::uint32_t, kProducers> next{};
  bool in_order = true;
  std::uint64_t taken = 0;
  Random random(seed + kProducers);
  while (taken < kProducers * kEach) {
    const std::size_t count = queue.PopMany(
        [&](Numbered&& value) {
          in_order =
              in_order && value.number == next[value.producer] && *value.owned == value.number;
          ++next[value.producer];
        },
        1 + Below(&random, 100));
    if (count == 0) std::this_thread::yield();
    taken += count;
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(in_order);
  for (const std::uint32_t count : next) EXPECT_EQ(count, kEach);
  EXPECT_EQ(queue.PopMany([](Numbered&&) {}, 1), 0u);
  EXPECT_EQ(queue.PushedCursor(), kProducers * kEach);
}

// As the writer does before it closes a poll: read the cursor, drain up to it, and everything whose
// push had returned by then is out.
TEST(IngestQueueTest, DrainingToTheCursorMissesNothingPushedBefore) {
  constexpr std::uint64_t kCount = 100'000;
  IngestQueue<std::uint64_t> queue(256, 0);
  std::atomic<std::uint64_t> returned{0};
  std::thread producer([&] {
    for (std::uint64_t number = 1; number <= kCount; ++number) {
      while (!queue.TryPush(std::uint64_t{number}, kVote)) std::this_thread::yield();
      returned.store(number, std::memory_order_release);  // pairs with the acquire below
    }
  });
  std::uint64_t last = 0;
  bool all_out = true;
  while (last < kCount && all_out) {
    const std::uint64_t before = returned.load(std::memory_order_acquire);
    const std::uint64_t cursor = queue.PushedCursor();
    while (queue.PoppedCursor() < cursor) {
      queue.PopMany([&](std::uint64_t&& number) { last = number; }, cursor - queue.PoppedCursor());
    }
    all_out = cursor >= before && last >= before && queue.PoppedCursor() == cursor;
    if (last == before) std::this_thread::yield();
  }
  while (returned.load(std::memory_order_acquire) < kCount) {  // let it end, whatever we found
    queue.PopMany([](std::uint64_t&&) {}, kCount);
  }
  EXPECT_TRUE(all_out);
  producer.join();
}

// Stands in for std::atomic and counts what is dear.
struct AtomicCosts {
  int compare_and_swaps = 0;
  int release_stores = 0;
};
AtomicCosts costs;

template <class T>
class CountingAtomic {
 public:
  CountingAtomic() = default;
  explicit CountingAtomic(T value) : value_(value) {}
  T load(std::memory_order order) const { return value_.load(order); }
  void store(T value, std::memory_order order) {
    if (order == std::memory_order_release) ++costs.release_stores;
    value_.store(value, order);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order) {
    ++costs.compare_and_swaps;
    return value_.compare_exchange_strong(expected, desired, order);
  }

 private:
  std::atomic<T> value_{};
};

TEST(IngestQueueTest, ARunCostsOneCompareAndSwap) {
  IngestQueue<int, CountingAtomic> queue(64, 0);
  std::array<int, 32> run{};
  costs = {};
  EXPECT_EQ(queue.TryPushMany(absl::MakeSpan(run), kVote), run.size());
  EXPECT_EQ(costs.compare_and_swaps, 1);
  EXPECT_EQ(costs.release_stores, 32);
  costs = {};
  EXPECT_EQ(queue.PopMany([](int&&) {}, 64), run.size());
  EXPECT_EQ(costs.compare_and_swaps, 0);
  EXPECT_EQ(costs.release_stores, 1);
}

}  // namespace
}  // namespace tallyd
