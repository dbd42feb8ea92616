#pragma once

// Runs a small concurrent program in every order its threads could take, up to a bound, and under
// every value a weak memory could show them.
//
//   Explorer explorer({.preemptions_max = 2});
//   explorer.Explore([&](Explorer& run) {
//     Queue<ExploredAtomic> queue;                       // made anew for every run
//     run.Thread([&] { ... }); run.Thread([&] { ... });
//     run.RunThreads();                                  // until all have ended
//     if (...) run.Fail("lost a value");
//   });
//   EXPECT_EQ(explorer.failure(), "");
//
// Threads are fibers on one real thread; before every operation on an ExploredAtomic another may be
// scheduled. Choices are enumerated depth first and replayed: switching away from a thread that
// could go on costs one of `preemptions_max`; a load may return any older value that its thread is
// not forbidden to see (by coherence or by what happened before), which costs one of
// `stale_loads_max`. Happens-before is followed with vector clocks along release and acquire
// operations only, and every access to shared plain memory that is announced with Access() is
// checked against it: what is not ordered is a data race and fails, whatever the values were. (The
// method is that of CHESS, Musuvathi and Qadeer 2007, and of Relacy, 1024cores.net.)
//
// Bounds: three or four threads of a dozen operations. Not modelled: release sequences that go on
// through a relaxed store, seq_cst fences. One Explorer at a time and thread.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/explore/fiber.h"

namespace tallyd {

inline constexpr std::size_t kExploredThreadsMax = 5;  // the first is the one that explores

// How far each thread had come.
using VectorClock = std::array<std::uint32_t, kExploredThreadsMax>;

// A weakening of the program under test, to see that exploring would notice it.
struct Weakening {
  int atomic = -1;              // number of the ExploredAtomic, in the order they are made ...
  bool atomics_after = false;   // ... and all made after it
  bool stores_relaxed = false;  // release is lost
  bool loads_relaxed = false;   // acquire is lost
  bool exchange_torn = false;   // compare, then another thread, then exchange
};

class Explorer {
 public:
  struct Options {
    int preemptions_max = 2;
    int stale_loads_max = 1;
    Weakening weakening = {};
    std::uint64_t runs_max = 50'000'000;
  };
  explicit Explorer(Options options) : options_(options) {}

  void Explore(const std::function<void(Explorer&)>& program);

  // Within a run.
  void Thread(std::function<void()> body);
  void RunThreads();
  void Fail(const std::string& what);

  // The first failure with the number of its run, "" = none; and how many runs there were.
  const std::string& failure() const { return failure_; }
  std::uint64_t runs() const { return runs_; }
  bool complete() const { return complete_; }

  // For ExploredAtomic and for values: the Explorer whose run this is.
  static Explorer* Current();
  int NewAtomic() { return atomics_++; }
  // Another thread may come first.
  void Point();
  // One of `count` ways to go on; 0 is the ordinary one, each other costs a stale load.
  std::size_t ChooseStale(std::size_t count);
  std::size_t thread() const { return current_; }
  VectorClock& clock() { return threads_[current_].clock; }
  // A plain read or write of shared memory at `address`.
  void Access(const void* address, bool write);
  // What begins at `address` is new and nobody else knows of it; what was there before is gone.
  void Forget(const void* address) { accesses_.erase(address); }
  const Weakening* WeakeningOf(int atomic) const;

 private:
  struct ExploredThread {
    std::unique_ptr<Fiber> fiber;
    VectorClock clock{};
  };
  struct Choice {
    std::size_t taken;
    std::size_t count;
  };
  struct Accesses {
    VectorClock reads{};
    VectorClock writes{};
  };

  std::size_t Choose(std::size_t count);
  bool NextRun();
  std::size_t NextThread();

  const Options options_;
  std::array<ExploredThread, kExploredThreadsMax> threads_;
  std::size_t threads_count_ = 1;
  std::size_t next_ = 0;  // who goes on
  std::size_t current_ = 0;
  int atomics_ = 0;
  int preemptions_left_ = 0;
  int stale_left_ = 0;
  std::vector<Choice> choices_;
  std::size_t next_choice_ = 0;
  std::map<const void*, Accesses> accesses_;
  std::uint64_t runs_ = 0;
  bool complete_ = false;
  bool failed_ = false;
  std::string failure_;
};

// Stands in for std::atomic: every operation is a scheduling point, and all stores are remembered.
template <class T>
class ExploredAtomic {
 public:
  ExploredAtomic() : ExploredAtomic(T{}) {}
  explicit ExploredAtomic(T value) : explorer_(*Explorer::Current()) {
    number_ = explorer_.NewAtomic();
    stores_.push_back({value, Tick(), explorer_.clock(), explorer_.thread()});
  }

  T load(std::memory_order order) const {
    explorer_.Point();
    const Weakening* weak = explorer_.WeakeningOf(number_);
    Tick();
    const std::size_t oldest = OldestVisible();
    const std::size_t index = stores_.size() - 1 - explorer_.ChooseStale(stores_.size() - oldest);
    seen_[explorer_.thread()] = index;
    if (order == std::memory_order_acquire && !(weak != nullptr && weak->loads_relaxed)) {
      Acquire(stores_[index]);
    }
    return stores_[index].value;
  }

  void store(T value, std::memory_order order) {
    explorer_.Point();
    Append(value, order == std::memory_order_release);
  }

  // As the relaxed one of the queue: the newest value, and no order for anything else.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order /*order*/) {
    explorer_.Point();
    const Weakening* weak = explorer_.WeakeningOf(number_);
    Tick();
    seen_[explorer_.thread()] = stores_.size() - 1;
    if (stores_.back().value != expected) {
      expected = stores_.back().value;
      return false;
    }
    if (weak != nullptr && weak->exchange_torn) explorer_.Point();
    // It reads what the store before it released, and so passes it on.
    const VectorClock released = stores_.back().released;
    Append(desired, false);
    stores_.back().released = released;
    return true;
  }

 private:
  struct Store {
    T value;
    std::uint32_t tick;      // of the thread that made it
    VectorClock released{};  // what an acquire of it gets to know
    std::size_t thread = 0;
  };

  std::uint32_t Tick() const { return ++explorer_.clock()[explorer_.thread()]; }

  void Acquire(const Store& store) const {
    VectorClock& clock = explorer_.clock();
    for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], store.released[i]);
  }

  void Append(T value, bool release) {
    const Weakening* weak = explorer_.WeakeningOf(number_);
    const std::uint32_t tick = Tick();
    if (weak != nullptr && weak->stores_relaxed) release = false;
    stores_.push_back(
        {value, tick, release ? explorer_.clock() : VectorClock{}, explorer_.thread()});
    seen_[explorer_.thread()] = stores_.size() - 1;
    Tick();  // what comes next is not part of what was released
  }

  // Nothing older than what this thread has seen of it, or knows to have happened.
  std::size_t OldestVisible() const {
    std::size_t index = stores_.size() - 1;
    const std::size_t seen = seen_[explorer_.thread()];
    while (index > seen && explorer_.clock()[stores_[index].thread] < stores_[index].tick) {
      --index;
    }
    return index;
  }

  Explorer& explorer_;
  int number_ = 0;
  std::vector<Store> stores_;
  mutable std::array<std::size_t, kExploredThreadsMax> seen_{};
};

}  // namespace tallyd
