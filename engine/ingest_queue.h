#pragma once

// The bounded, lock-free queue from the io threads to the writer.
//
// A ring of slots, each with a sequence number that says whose turn it is (Vyukov, "Bounded MPMC
// queue", 1024cores.net; here with one consumer). Pushing never waits: when the ring is full the
// caller is told and answers "busy", so overload is visible to clients instead of growing memory.
// Votes leave `slots_reserved` slots free for the acts of administrators. Order: slots are claimed
// in one global order; the commands of one producer keep theirs. Threads: TryPush* from any;
// PopMany by one consumer; the cursors from any. Cost: one compare-and-swap and one release store a
// push (one CAS for a whole run of commands); no allocation after construction.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/types/span.h"

#include "storage/check.h"

namespace tallyd {

enum class QueueLane : std::uint8_t { kVote, kReserved };

// `Atomic` is std::atomic but for a test that explores interleavings.
template <class T, template <class> class Atomic = std::atomic>
class IngestQueue {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

 public:
  IngestQueue(std::size_t slots, std::size_t slots_reserved)
      : mask_(slots - 1), reserved_(slots_reserved), slots_(std::make_unique<Slot[]>(slots)) {
    TALLYD_CHECK(std::has_single_bit(slots) && slots >= 2 && slots_reserved < slots);
    for (std::size_t i = 0; i < slots; ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
  }
  IngestQueue(const IngestQueue&) = delete;
  IngestQueue& operator=(const IngestQueue&) = delete;
  ~IngestQueue() {
    PopRun([](T&&) {}, mask_ + 1);
  }

  bool TryPush(T&& value, QueueLane lane) {
    return TryPushMany(absl::MakeSpan(&value, 1), lane) == 1;
  }

  // Moves values from the front of the span while there is room; returns how many.
  std::size_t TryPushMany(absl::Span<T> values, QueueLane lane) {
    const std::size_t usable = capacity() - (lane == QueueLane::kVote ? reserved_ : 0);
    std::uint64_t at = pushed_.load(std::memory_order_relaxed);
    std::size_t run = 0;
    do {
      // Pairs with the release in PopRun: slots below popped_ are empty and may be written again.
      const std::uint64_t popped = popped_.load(std::memory_order_acquire);
      const std::uint64_t depth = at > popped ? at - popped : 0;
      if (depth >= usable) return 0;
      run = std::min<std::size_t>(values.size(), usable - depth);
      if (run == 0) return 0;
    } while (!pushed_.compare_exchange_weak(at, at + run, std::memory_order_relaxed));
    for (std::size_t i = 0; i < run; ++i) {
      Slot& slot = slots_[(at + i) & mask_];
      new (&slot.storage) T(std::move(values[i]));
      // Pairs with the acquire in PopRun: the consumer sees the value whole.
      slot.turn.store(at + i + 1, std::memory_order_release);
    }
    return run;
  }

  // Calls `take(T&&)` for up to `max` values in order; returns how many there were.
  template <class Take>
  std::size_t PopMany(Take take, std::size_t max) {
    return PopRun(take, max);
  }

  // How many values were pushed since the start, counting claims in flight: everything whose push
  // returned before this call lies below.
  std::uint64_t PushedCursor() const { return pushed_.load(std::memory_order_acquire); }
  std::uint64_t PoppedCursor() const { return popped_.load(std::memory_order_acquire); }
  std::size_t ApproximateDepth() const {
    const std::uint64_t popped = PoppedCursor();
    const std::uint64_t pushed = PushedCursor();
    return pushed > popped ? pushed - popped : 0;
  }
  std::size_t capacity() const { return mask_ + 1; }

 private:
  struct Slot {
    Atomic<std::uint64_t> turn;  // position + 1 once the value of that position is in
    alignas(T) unsigned char storage[sizeof(T)];
  };

  template <class Take>
  std::size_t PopRun(Take take, std::size_t max) {
    std::uint64_t at = popped_.load(std::memory_order_relaxed);  // only we write it
    std::size_t count = 0;
    while (count < max) {
      Slot& slot = slots_[at & mask_];
      if (slot.turn.load(std::memory_order_acquire) != at + 1) break;  // empty, or not written yet
      T* value = std::launder(reinterpret_cast<T*>(&slot.storage));
      take(std::move(*value));
      value->~T();
      ++at;
      ++count;
    }
    if (count > 0) popped_.store(at, std::memory_order_release);
    return count;
  }

  alignas(64) Atomic<std::uint64_t> pushed_{0};
  alignas(64) Atomic<std::uint64_t> popped_{0};
  alignas(64) std::size_t mask_;
  std::size_t reserved_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace tallyd
