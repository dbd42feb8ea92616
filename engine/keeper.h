#pragma once

// Keeps what shortens or guards a restart: the watermark (often) and the tally checkpoint (now and
// then), on a thread of its own, so that neither sync is ever waited for by a vote. The same thread
// looks four times a second how much space is left. It sleeps by the steady clock
// (engine/wakeup.h): a timed wait of absl::Mutex follows the wall clock, and one that is set back
// an hour would stop the watermark for as long.
//
// Threads: NoteDurable and OfferCheckpoint by the committing thread; storage_full and free_bytes
// from any.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "engine/wakeup.h"
#include "storage/tally_checkpoint.h"
#include "storage/watermark.h"

namespace tallyd {

class Keeper {
 public:
  struct Options {
    std::string checkpoint_path;
    std::int64_t watermark_interval_us = 250'000;
    std::string space_path;  // of the file system that must not become full
    std::uint64_t free_bytes_min = 0;
    std::function<void(const absl::Status&)> on_fatal;
  };
  Keeper(Options options, WatermarkFile* watermark);
  ~Keeper();  // writes the newest of both

  void NoteDurable(const Watermark& durable);
  void OfferCheckpoint(TallyCheckpoint checkpoint);  // replaces one that waits

  // Full below the floor, and until a sixteenth more than the floor is free again.
  bool storage_full() const { return storage_full_.load(std::memory_order_relaxed); }
  std::uint64_t free_bytes() const { return free_bytes_.load(std::memory_order_relaxed); }

 private:
  void Run();
  // Until there is work, at most for the interval at which space is looked at.
  void WaitForWork();
  // The interval between two watermarks; at once when it ends.
  void Pace();
  void LookAtSpace();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || durable_.has_value() || checkpoint_.has_value();
  }

  Options options_;
  WatermarkFile* watermark_;
  std::atomic<bool> storage_full_{false};
  std::atomic<std::uint64_t> free_bytes_{0};
  absl::Mutex mutex_;
  std::optional<Watermark> durable_ ABSL_GUARDED_BY(mutex_);
  std::optional<TallyCheckpoint> checkpoint_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Wakeup work_wakeup_;
  Wakeup stop_wakeup_;
  std::thread thread_;
};

}  // namespace tallyd
