// What it costs to hand a vote to the writer: engine/ingest_queue.h beside its two alternatives, a
// mutex around a std::deque and boost::lockfree::queue. ADR 0005 quotes these figures.
//
// All three carry values of a command's size and refuse beyond the same number of slots. Each does
// what it does best: ours claims a run with one compare-and-swap, the deque takes a run under one
// lock and is swapped out whole, the lock-free list has no runs. `Stream` has one consumer and
// 1 ... 4 producers, who yield when the queue is full or empty; nobody sleeps, so what a wake-up
// costs is not in it. Counters: `per_value` is wall time; `push_p999_us` and `push_max_us` are how
// long a push of a run kept its producer (a sample of one push in eight), which is the time an io
// thread does nothing else.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include <boost/lockfree/queue.hpp>

#include "engine/command.h"
#include "engine/ingest_queue.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::size_t kSlots = 32'768;
constexpr std::size_t kDrainMax = 4'096;

// boost::lockfree::queue wants trivial values, so all three get one.
struct Value {
  std::uint64_t number;
  unsigned char rest[sizeof(Command) - sizeof(std::uint64_t)];
};

class Ours {
 public:
  std::size_t Push(absl::Span<Value> run) { return queue_.TryPushMany(run, QueueLane::kVote); }
  template <class Take>
  std::size_t Drain(Take take) {
    return queue_.PopMany([&](Value&& value) { take(value); }, kDrainMax);
  }

 private:
  IngestQueue<Value> queue_{kSlots, 0};
};

class MutexAndDeque {
 public:
  std::size_t Push(absl::Span<Value> run) {
    absl::MutexLock lock(&mutex_);
    const std::size_t count = std::min(run.size(), kSlots - queue_.size());
    for (std::size_t i = 0; i < count; ++i) queue_.push_back(run[i]);
    return count;
  }
  template <class Take>
  std::size_t Drain(Take take) {
    {
      absl::MutexLock lock(&mutex_);
      queue_.swap(taken_);
    }
    const std::size_t count = taken_.size();
    for (const Value& value : taken_) take(value);
    taken_.clear();
    return count;
  }

 private:
  absl::Mutex mutex_;
  std::deque<Value> queue_ ABSL_GUARDED_BY(mutex_);
  std::deque<Value> taken_;
};

class BoostLockfree {
 public:
  std::size_t Push(absl::Span<Value> run) {
    std::size_t count = 0;
    while (count < run.size() && queue_.push(run[count])) ++count;
    return count;
  }
  template <class Take>
  std::size_t Drain(Take take) {
    std::size_t count = 0;
    Value value;
    for (; count < kDrainMax && queue_.pop(value); ++count) take(value);
    return count;
  }

 private:
  boost::lockfree::queue<Value, boost::lockfree::fixed_sized<true>> queue_{kSlots};
};

void SetPerValue(benchmark::State& state, std::int64_t values) {
  state.SetItemsProcessed(state.iterations() * values);
  state.counters["per_value"] =
      benchmark::Counter(static_cast<double>(state.iterations() * values),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// One thread pushes a run and takes it out again: the price without any contention.
template <class Queue>
void BM_Alone(benchmark::State& state) {
  const auto run_length = static_cast<std::size_t>(state.range(0));
  Queue queue;
  std::vector<Value> run(run_length);
  std::uint64_t sum = 0;
  for (auto _ : state) {
    TALLYD_CHECK(queue.Push(absl::MakeSpan(run)) == run_length);
    const std::size_t count = queue.Drain([&](const Value& value) { sum += value.number; });
    TALLYD_CHECK(count == run_length);
  }
  benchmark::DoNotOptimize(sum);
  SetPerValue(state, state.range(0));
}
BENCHMARK(BM_Alone<Ours>)->ArgName("run")->Arg(1)->Arg(16)->Arg(256);
BENCHMARK(BM_Alone<MutexAndDeque>)->ArgName("run")->Arg(1)->Arg(16)->Arg(256);
BENCHMARK(BM_Alone<BoostLockfree>)->ArgName("run")->Arg(1)->Arg(16)->Arg(256);

using SteadyClock = std::chrono::steady_clock;

// Pushes `count` values in runs and says how long the sampled pushes took.
template <class Queue>
void Produce(Queue* queue, std::size_t count, std::size_t run_length,
             std::vector<std::int64_t>* sampled_ns) {
  std::vector<Value> run(run_length);
  std::size_t runs = 0;
  for (std::size_t sent = 0; sent < count; sent += run_length, ++runs) {
    for (std::size_t i = 0; i < run_length; ++i) run[i].number = sent + i;
    absl::Span<Value> rest = absl::MakeSpan(run);
    while (!rest.empty()) {
      const bool sample = runs % 8 == 0;
      const auto start = sample ? SteadyClock::now() : SteadyClock::time_point();
      const std::size_t pushed = queue->Push(rest);
      if (sample && pushed > 0) {
        sampled_ns->push_back(
            std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - start)
                .count());
      }
      rest.remove_prefix(pushed);
      if (pushed == 0) std::this_thread::yield();
    }
  }
}

template <class Queue>
void BM_Stream(benchmark::State& state) {
  const auto producers = static_cast<std::size_t>(state.range(0));
  const auto run_length = static_cast<std::size_t>(state.range(1));
  const std::size_t each = 131'072 / producers;
  const std::size_t total = each * producers;
  const std::uint64_t sum_expected = producers * (each * (each - 1) / 2);
  std::vector<std::int64_t> pushes_ns;
  for (auto _ : state) {
    Queue queue;
    std::vector<std::vector<std::int64_t>> sampled(producers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < producers; ++i) {
      sampled[i].reserve(each);
      threads.emplace_back(Produce<Queue>, &queue, each, run_length, &sampled[i]);
    }
    std::uint64_t sum = 0;
    for (std::size_t taken = 0; taken < total;) {
      const std::size_t count = queue.Drain([&](const Value& value) { sum += value.number; });
      if (count == 0) std::this_thread::yield();
      taken += count;
    }
    for (std::thread& thread : threads) thread.join();
    TALLYD_CHECK(sum == sum_expected);  // nothing lost, nothing doubled
    for (const auto& one : sampled) pushes_ns.insert(pushes_ns.end(), one.begin(), one.end());
  }
  SetPerValue(state, static_cast<std::int64_t>(total));
  std::sort(pushes_ns.begin(), pushes_ns.end());
  state.counters["push_p999_us"] =
      static_cast<double>(pushes_ns[pushes_ns.size() * 999 / 1000]) / 1e3;
  state.counters["push_max_us"] = static_cast<double>(pushes_ns.back()) / 1e3;
}
void Streams(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"producers", "run"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int producers : {1, 2, 4}) {
    for (const int run : {1, 16}) bench->Args({producers, run});
  }
}
BENCHMARK(BM_Stream<Ours>)->Apply(Streams);
BENCHMARK(BM_Stream<MutexAndDeque>)->Apply(Streams);
BENCHMARK(BM_Stream<BoostLockfree>)->Apply(Streams);

}  // namespace
}  // namespace tallyd
