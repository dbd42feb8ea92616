#pragma once

// Fills the ballot store behind the journal: one background thread that writes what was committed,
// in large sorted batches, and says how far it came.
//
// The larger a batch, the less a ballot costs (storage/ballot_store.h makes a file of many), and
// nobody waits for it: it gathers until there is enough, or for `gather_ms_max`. It runs at a lower
// priority than the threads that answer voters; if it falls behind, the bound of the tail stops the
// writer, not memory.
//
// Threads: Submit by the committing thread, the rest from any.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "engine/voter_register.h"
#include "engine/wakeup.h"
#include "storage/ballot_store.h"

namespace tallyd {

class Materialiser {
 public:
  struct Options {
    std::size_t batch_versions_min = 524'288;  // gathered before a write ...
    std::size_t batch_versions_max = 1'048'576;
    std::size_t batch_bytes_min = 0;     // ... or so many bytes: a part of the tail's bound
    std::int64_t gather_ms_max = 2'000;  // ... or as long
    std::function<void(const absl::Status&)> on_fatal;
    std::function<void()> on_progress;  // the writer may wait for room in the tail
  };
  Materialiser(Options options, BallotStore* store);
  ~Materialiser();  // writes what is left, then flushes

  // Everything up to `position` is durable in the journal; `block` (or null) holds its versions and
  // stays valid until stored_through() reaches it.
  void Submit(Position position, const TailBlock* block);

  // Writes what there is up to `position` without gathering more, and waits for it. False: not in
  // time. Any thread that may wait.
  bool AwaitStored(Position position, absl::Duration patience);

  Position stored_through() const { return stored_through_.load(std::memory_order_acquire); }

 private:
  struct Item {
    Position position;
    const TailBlock* block;
  };
  void Run();
  void Gather();
  bool HasEnough() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool WriteSome();

  Options options_;
  BallotStore* store_;
  std::atomic<Position> stored_through_;
  absl::Mutex mutex_;
  std::deque<Item> items_ ABSL_GUARDED_BY(mutex_);
  Position wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // somebody waits for it
  std::size_t waiting_versions_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Wakeup enough_wakeup_;  // by the steady clock: see engine/keeper.h
  std::thread thread_;
};

}  // namespace tallyd
