#pragma once

// The heart: drain -> decide -> commit -> apply -> acknowledge -> publish, for ever.
//
// Group commit is natural: a round takes what is there, and what comes while it syncs waits for the
// next; no timer delays a lone vote. With commit_overlap the writer's thread decides round n+1
// while the commit thread syncs round n; two batches exist, so a third round waits for the first to
// be released, and releases are strictly in order. Without, one thread does both in turn, which
// costs one wake-up less per commit where cores are scarce.
//
// Threads: Start/Stop by the owner; Nudge*, WaitDelivered from any. `Runtime`:
// engine/system_runtime.h.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "engine/clock.h"
#include "engine/command.h"
#include "engine/committer.h"
#include "engine/decided_batch.h"
#include "engine/decider.h"
#include "engine/ingest_queue.h"
#include "engine/system_runtime.h"
#include "engine/voter_register.h"

namespace tallyd {

template <class Runtime>
class BasicIngestLoop {
 public:
  struct Options {
    std::size_t batch_commands_max = 4'096;
    std::size_t tail_bytes_max = 0;
    bool commit_overlap = true;
  };
  struct Parts {
    IngestQueue<Command>* queue;
    PollRegistry* polls;
    VoterRegister* voters;
    Decider* decider;
    BasicCommitter<Runtime>* committer;
    typename Runtime::Materialiser* materialiser;
    const Clock* clock;
  };
  BasicIngestLoop(Options options, Parts parts);
  ~BasicIngestLoop();  // Stop()

  void Start();
  // Decides and delivers everything that is in the queue, then ends the threads. Nobody may push.
  void Stop();

  void NudgeWriter() { writer_wakeup_.Notify(); }
  void NudgeCommitter();

  // Until every command pushed before `cursor` (IngestQueue::PushedCursor) has been delivered.
  void WaitDelivered(std::uint64_t cursor);

 private:
  void RunWriter();
  void RunCommitter();
  bool RunRound(DecidedBatch* batch);
  void WaitForWork(std::optional<std::int64_t> committer_due_us);
  bool ScheduleIsDue() const;
  void Take(TimeUs now);
  void WaitForTail();
  DecidedBatch* TakeFreeBatch();
  void HandOver(DecidedBatch* batch);
  void ReturnUnused(DecidedBatch* batch);
  void Release(DecidedBatch* batch);
  bool CommitAndRelease(DecidedBatch* batch);

  Options options_;
  Parts parts_;
  std::array<DecidedBatch, 2> batches_;

  // Taken from the queue, not decided yet: more than a record could hold.
  std::vector<Command> pending_;
  std::size_t pending_begin_ = 0;
  // A poll's time to close has come: what was pushed before this cursor still counts.
  std::optional<std::uint64_t> closing_cursor_;

  typename Runtime::Wakeup writer_wakeup_;
  typename Runtime::Wakeup committer_wakeup_;
  typename Runtime::template Atomic<bool> stopping_{false};
  typename Runtime::template Atomic<bool> committer_nudged_{false};

  typename Runtime::Mutex mutex_;
  std::vector<DecidedBatch*> free_ ABSL_GUARDED_BY(mutex_);
  std::deque<DecidedBatch*> decided_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t delivered_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writer_done_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;

  typename Runtime::Thread writer_;
  typename Runtime::Thread committer_;
};

extern template class BasicIngestLoop<SystemRuntime>;
using IngestLoop = BasicIngestLoop<SystemRuntime>;

}  // namespace tallyd
