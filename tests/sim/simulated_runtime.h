#pragma once

// The world of a simulated engine (see engine/system_runtime.h for the real one): threads are
// fibers, and whoever holds the Scheduler says which of them goes on. Every lock, wait, load of an
// atomic and step of the disk is a point at which another may.
//
//   Scheduler scheduler;                          // one at a time and real thread
//   loop.Start();                                 // its threads exist now, none has run
//   scheduler.RunOne();                           // one of those that can go on, to its next point
//   scheduler.KillAll();                          // the process is gone: all are unwound
//
// Outside of any fiber a wait runs the others until it is over. A crash from within (the product
// ends its process) is Scheduler::Die(), which does not return.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "engine/clock.h"
#include "engine/voter_register.h"
#include "storage/tally_checkpoint.h"
#include "storage/watermark.h"
#include "tests/explore/fiber.h"

namespace tallyd {

class Scheduler {
 public:
  using Dice = std::function<std::uint64_t(std::uint64_t sides)>;

  explicit Scheduler(Dice dice);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  static Scheduler& Current();

  std::size_t Add(std::function<void()> body);  // number of the new thread
  bool Ended(std::size_t thread) const {
    return thread >= tasks_.size() || tasks_[thread].fiber->ended();
  }
  // False: nobody can go on before something comes from outside.
  bool RunOne();
  void KillAll();
  bool died() const { return died_; }
  // A wait from outside was given up: nobody could go on for a long time.
  bool stuck() const { return stuck_; }

  // By the simulated threads.
  void Point();
  void WaitUntil(std::function<bool()> ready);
  [[noreturn]] void Die();

  std::int64_t steady_us = 0;
  // While a wait from outside lasts and nobody can go on: what other parts of the machine do then.
  std::function<void()> when_idle;

 private:
  struct Task {
    std::unique_ptr<Fiber> fiber;
    std::function<bool()> ready;  // empty: it can go on
  };
  bool CanGoOn(const Task& task) const {
    return !task.fiber->ended() && (task.ready == nullptr || task.ready());
  }

  const Dice dice_;
  std::vector<Task> tasks_;
  std::size_t running_ = 0;
  bool died_ = false;
  bool stuck_ = false;
};

class ABSL_LOCKABLE SimulatedMutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION();
  void Unlock() ABSL_UNLOCK_FUNCTION() { locked_ = false; }
  void Await(const absl::Condition& condition);

 private:
  bool locked_ = false;
};

class ABSL_SCOPED_LOCKABLE SimulatedMutexLock {
 public:
  explicit SimulatedMutexLock(SimulatedMutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(*mutex) {
    mutex_.Lock();
  }
  ~SimulatedMutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  SimulatedMutexLock(const SimulatedMutexLock&) = delete;
  SimulatedMutexLock& operator=(const SimulatedMutexLock&) = delete;

 private:
  SimulatedMutex& mutex_;
};

// As engine/wakeup.h: a notification that finds nobody asleep is gone.
class SimulatedWakeup {
 public:
  void Notify() { sleeping_ = false; }

  template <class Ready>
  void WaitFor(std::int64_t sleep_us_max, Ready ready) {
    if (ready() || sleep_us_max <= 0) return Scheduler::Current().Point();
    Scheduler& scheduler = Scheduler::Current();
    sleeping_ = true;
    if (!ready()) {
      const std::int64_t until_us = scheduler.steady_us + sleep_us_max;
      scheduler.WaitUntil([&] { return !sleeping_ || scheduler.steady_us >= until_us; });
    }
    sleeping_ = false;
  }

 private:
  bool sleeping_ = false;
};

template <class T>
class SimulatedAtomic {
 public:
  explicit SimulatedAtomic(T value) : value_(value) {}
  T load(std::memory_order /*order*/) const {
    Scheduler::Current().Point();
    return value_;
  }
  void store(T value, std::memory_order /*order*/) { value_ = value; }

 private:
  T value_;
};

class SimulatedThread {
 public:
  SimulatedThread() = default;
  explicit SimulatedThread(std::size_t number) : number_(number) {}
  bool joinable() const { return number_.has_value(); }
  void join();

 private:
  std::optional<std::size_t> number_;
};

// Holds what is to be written until the simulation says so.
class SimulatedMaterialiser {
 public:
  struct Item {
    Position position;
    const TailBlock* block;
  };
  void Submit(Position position, const TailBlock* block) { items.push_back({position, block}); }
  Position stored_through() const { return stored; }

  std::deque<Item> items;
  Position stored = 0;
};

class SimulatedKeeper {
 public:
  void NoteDurable(const Watermark& watermark) { durable = watermark; }
  void OfferCheckpoint(TallyCheckpoint /*checkpoint*/) { ++checkpoints_count; }

  std::optional<Watermark> durable;  // the newest that may be written
  int checkpoints_count = 0;
};

class SimulatedClock final : public Clock {
 public:
  TimeUs WallUs() const override { return wall_us; }
  std::int64_t SteadyUs() const override { return Scheduler::Current().steady_us; }
  TimeUs wall_us = 1'777'000'000'000'000;
};

struct SimulatedRuntime {
  template <class T>
  using Atomic = SimulatedAtomic<T>;
  using Mutex = SimulatedMutex;
  using MutexLock = SimulatedMutexLock;
  using Wakeup = SimulatedWakeup;
  using Keeper = SimulatedKeeper;
  using Materialiser = SimulatedMaterialiser;
  using Thread = SimulatedThread;

  template <class Body>
  static Thread StartThread(const char* /*name*/, Body body) {
    return Thread(Scheduler::Current().Add(std::move(body)));
  }
};

}  // namespace tallyd
