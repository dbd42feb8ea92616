#pragma once

// Lets one thread sleep until others have something for it, without a system call while it is
// awake.
//
//   producer:  queue.TryPush(x);   wakeup.Notify();
//   consumer:  wakeup.WaitFor(sleep_us_max, [&] { return !queue.empty(); });
//
// Notify() costs a fence and a load when nobody sleeps. No wake-up is lost: the consumer announces
// that it is going to sleep before it looks a last time, the producer publishes before it looks
// whether anyone sleeps, and sequentially consistent fences order the two. Threads: Notify from
// any, WaitFor by one at a time.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace tallyd {

class Wakeup {
 public:
  void Notify() {
    // Pairs with the fence in WaitFor: either we see the sleeper, or it sees what we published.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_relaxed) == 0) return;
    if (sleeping_.exchange(0, std::memory_order_acq_rel) == 0) return;  // another notifier woke it
    Futex(FUTEX_WAKE_PRIVATE, 1, nullptr);
  }

  // Returns when `ready()` holds or about `sleep_us_max` have passed; now and then for nothing (a
  // signal, a notification that came late), so callers look again.
  template <class Ready>
  void WaitFor(std::int64_t sleep_us_max, Ready ready) {
    if (ready() || sleep_us_max <= 0) return;
    sleeping_.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!ready()) {
      const timespec timeout{.tv_sec = sleep_us_max / 1'000'000,
                             .tv_nsec = sleep_us_max % 1'000'000 * 1'000};
      Futex(FUTEX_WAIT_PRIVATE, 1, &timeout);  // at once if somebody notified meanwhile
    }
    sleeping_.store(0, std::memory_order_relaxed);
  }

 private:
  void Futex(int operation, std::uint32_t value, const timespec* timeout) {
    static_assert(sizeof(sleeping_) == sizeof(std::uint32_t));
    syscall(SYS_futex, &sleeping_, operation, value, timeout, nullptr, 0);
  }

  alignas(64) std::atomic<std::uint32_t> sleeping_{0};
};

}  // namespace tallyd
