#pragma once

// The bodies of engine/ingest_loop.h, for those who instantiate them: engine/shell.cc, tests/sim.

#include <algorithm>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

#include "engine/ingest_loop.h"
#include "storage/broken_build.h"
#include "storage/check.h"

namespace tallyd {

// An upper bound for every sleep: schedules follow the wall clock, which may jump.
inline constexpr std::int64_t kIngestSleepUsMax = 200'000;

template <class Runtime>
BasicIngestLoop<Runtime>::BasicIngestLoop(Options options, Parts parts)
    : options_(options), parts_(parts) {
  typename Runtime::MutexLock lock(&mutex_);
  for (DecidedBatch& batch : batches_) free_.push_back(&batch);
}

template <class Runtime>
BasicIngestLoop<Runtime>::~BasicIngestLoop() {
  Stop();
}

template <class Runtime>
void BasicIngestLoop<Runtime>::Start() {
  writer_ = Runtime::StartThread("tallyd-writer", [this] { RunWriter(); });
  if (!options_.commit_overlap) return;
  committer_ = Runtime::StartThread("tallyd-commit", [this] { RunCommitter(); });
}

template <class Runtime>
void BasicIngestLoop<Runtime>::Stop() {
  stopping_.store(true, std::memory_order_release);
  writer_wakeup_.Notify();
  if (writer_.joinable()) writer_.join();
  NudgeCommitter();
  if (committer_.joinable()) committer_.join();
}

template <class Runtime>
void BasicIngestLoop<Runtime>::NudgeCommitter() {
  committer_nudged_.store(true, std::memory_order_release);
  (options_.commit_overlap ? committer_wakeup_ : writer_wakeup_).Notify();
}

template <class Runtime>
void BasicIngestLoop<Runtime>::WaitDelivered(std::uint64_t cursor) {
  NudgeWriter();
  const auto delivered = [this, cursor]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return delivered_ >= cursor || failed_;
  };
  typename Runtime::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&delivered));
}

template <class Runtime>
bool BasicIngestLoop<Runtime>::ScheduleIsDue() const {
  const auto due = parts_.polls->NextDue();
  return due && *due <= parts_.clock->WallUs();
}

template <class Runtime>
void BasicIngestLoop<Runtime>::WaitForWork(std::optional<std::int64_t> committer_due_us) {
  std::int64_t sleep_us = kIngestSleepUsMax;
  if (const auto due = parts_.polls->NextDue()) {
    sleep_us = std::clamp<std::int64_t>(*due - parts_.clock->WallUs(), 0, sleep_us);
  }
  if (committer_due_us) {
    sleep_us = std::clamp<std::int64_t>(*committer_due_us - parts_.clock->SteadyUs(), 0, sleep_us);
  }
  writer_wakeup_.WaitFor(sleep_us, [this] {
    return pending_begin_ < pending_.size() || parts_.queue->ApproximateDepth() > 0 ||
           stopping_.load(std::memory_order_acquire) || ScheduleIsDue() ||
           (!options_.commit_overlap && committer_nudged_.load(std::memory_order_acquire));
  });
}

// Takes the next commands out of the queue, unless some are left over.
template <class Runtime>
void BasicIngestLoop<Runtime>::Take(TimeUs now) {
  if (pending_begin_ < pending_.size()) return;
  pending_.clear();
  pending_begin_ = 0;
  std::size_t room = options_.batch_commands_max;
  const auto due = parts_.polls->NextDue();
  if (due && *due <= now) {
    if (!closing_cursor_) closing_cursor_ = parts_.queue->PushedCursor();
    room = std::min<std::size_t>(
        room, *closing_cursor_ - std::min(*closing_cursor_, parts_.queue->PoppedCursor()));
  }
  if (room > 0) {
    parts_.queue->PopMany([this](Command&& command) { pending_.push_back(std::move(command)); },
                          room);
  }
}

// Decides one round into `batch`; true if it has anything to commit or to say.
template <class Runtime>
bool BasicIngestLoop<Runtime>::RunRound(DecidedBatch* batch) {
  const TimeUs now = parts_.clock->WallUs();
  if (ScheduleIsDue()) {
    const bool let_in = closing_cursor_ && parts_.queue->PoppedCursor() >= *closing_cursor_ &&
                        pending_begin_ == pending_.size();
    parts_.decider->DecideSchedule(now, let_in, batch);
    if (let_in) closing_cursor_.reset();
  }
  Take(now);
  const auto commands = absl::MakeSpan(pending_).subspan(pending_begin_);
  pending_begin_ += parts_.decider->Decide(commands, now, batch);
  batch->popped_through = parts_.queue->PoppedCursor() - (pending_.size() - pending_begin_);
  parts_.decider->Finish(batch);
  return batch->HasWork();
}

// Decided ballots wait in memory until the ballot store has them; beyond the bound the queue fills
// and its pushers are told to come again.
template <class Runtime>
void BasicIngestLoop<Runtime>::WaitForTail() {
  parts_.voters->Trim(parts_.materialiser->stored_through());
  while (parts_.voters->tail_bytes() > options_.tail_bytes_max) {
    const Position seen = parts_.materialiser->stored_through();
    writer_wakeup_.WaitFor(kIngestSleepUsMax,
                           [this, seen] { return parts_.materialiser->stored_through() != seen; });
    parts_.voters->Trim(parts_.materialiser->stored_through());
    typename Runtime::MutexLock lock(&mutex_);
    if (failed_) return;
  }
}

template <class Runtime>
DecidedBatch* BasicIngestLoop<Runtime>::TakeFreeBatch() {
  const auto is_free = [this]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !free_.empty() || failed_; };
  typename Runtime::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&is_free));
  if (failed_) return nullptr;
  DecidedBatch* batch = free_.back();
  free_.pop_back();
  return batch;
}

template <class Runtime>
void BasicIngestLoop<Runtime>::HandOver(DecidedBatch* batch) {
  if (TALLYD_BROKEN("M13-duplicate-answered-early")) {
    DecidedBatch early;
    for (std::size_t sink = 0; sink < batch->outcomes_by_sink.size(); ++sink) {
      std::erase_if(batch->outcomes_by_sink[sink], [&](Outcome& outcome) {
        if (outcome.code != OutcomeCode::kDuplicate) return false;
        early.Answer(static_cast<SinkId>(sink), std::move(outcome));
        return true;
      });
    }
    parts_.committer->Commit(&early);
  }
  {
    typename Runtime::MutexLock lock(&mutex_);
    decided_.push_back(batch);
  }
  committer_wakeup_.Notify();
}

// A round that found nothing says nothing about what was delivered: an earlier one may be syncing.
template <class Runtime>
void BasicIngestLoop<Runtime>::ReturnUnused(DecidedBatch* batch) {
  batch->Clear();
  typename Runtime::MutexLock lock(&mutex_);
  free_.push_back(batch);
}

template <class Runtime>
void BasicIngestLoop<Runtime>::Release(DecidedBatch* batch) {
  const std::uint64_t popped_through = batch->popped_through;
  batch->Clear();
  typename Runtime::MutexLock lock(&mutex_);
  TALLYD_CHECK(popped_through >= delivered_);  // released strictly in order
  delivered_ = popped_through;
  free_.push_back(batch);
}

template <class Runtime>
bool BasicIngestLoop<Runtime>::CommitAndRelease(DecidedBatch* batch) {
  if (!parts_.committer->Commit(batch)) {
    typename Runtime::MutexLock lock(&mutex_);
    failed_ = true;
    return false;
  }
  Release(batch);
  return true;
}

template <class Runtime>
void BasicIngestLoop<Runtime>::RunWriter() {
  std::optional<std::int64_t> committer_due_us;
  for (;;) {
    WaitForWork(committer_due_us);
    WaitForTail();
    DecidedBatch* batch = TakeFreeBatch();
    if (batch == nullptr) break;
    // Read before the round: what is pushed afterwards is not ours to drain.
    const bool stopping = stopping_.load(std::memory_order_acquire);
    const bool has_work = RunRound(batch);
    if (!has_work) {
      ReturnUnused(batch);
    } else if (options_.commit_overlap) {
      HandOver(batch);
    } else if (!CommitAndRelease(batch)) {
      break;
    }
    if (!options_.commit_overlap) {
      committer_nudged_.store(false, std::memory_order_relaxed);
      committer_due_us = parts_.committer->Tick();
    }
    if (stopping && !has_work && pending_begin_ == pending_.size() &&
        parts_.queue->ApproximateDepth() == 0) {
      break;
    }
  }
  typename Runtime::MutexLock lock(&mutex_);
  writer_done_ = true;
}

template <class Runtime>
void BasicIngestLoop<Runtime>::RunCommitter() {
  std::optional<std::int64_t> due_us;
  for (;;) {
    std::int64_t sleep_us = kIngestSleepUsMax;
    if (due_us) {
      sleep_us = std::clamp<std::int64_t>(*due_us - parts_.clock->SteadyUs(), 0, sleep_us);
    }
    const auto has_work = [this] {
      if (committer_nudged_.load(std::memory_order_acquire)) return true;
      typename Runtime::MutexLock lock(&mutex_);
      return !decided_.empty() || writer_done_;
    };
    committer_wakeup_.WaitFor(sleep_us, has_work);
    committer_nudged_.store(false, std::memory_order_relaxed);
    DecidedBatch* batch = nullptr;
    {
      typename Runtime::MutexLock lock(&mutex_);
      if (!decided_.empty()) {
        batch = decided_.front();
        decided_.pop_front();
      } else if (writer_done_) {
        return;
      }
    }
    if (batch != nullptr && !CommitAndRelease(batch)) return;
    due_us = parts_.committer->Tick();
  }
}

}  // namespace tallyd
