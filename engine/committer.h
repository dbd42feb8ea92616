#pragma once

// Commits: makes a decided batch durable, counts it, lets its answers go, publishes rankings.
//
//   append (one record, one sync) -> apply to the tallies -> acknowledge -> publish
//
// This order is tallyd's promise: nothing is counted, shown or acknowledged before it is durable,
// and nothing durable stays uncounted. A failed append ends the process; it is never retried.
//
// One thread at a time: the commit thread, or the writer itself when commits do not overlap.
// `Runtime`: engine/system_runtime.h.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

#include "engine/audit_index.h"
#include "engine/clock.h"
#include "engine/decided_batch.h"
#include "engine/metrics.h"
#include "engine/poll_directory.h"
#include "engine/snapshot_board.h"
#include "engine/system_runtime.h"
#include "engine/tally_book.h"
#include "storage/journal.h"

namespace tallyd {

template <class Runtime>
class BasicCommitter {
 public:
  struct Parts {
    Journal* journal;
    TallyBook* tallies;
    AuditIndex* audit;
    PollDirectory* directory;
    SnapshotBoard* board;
    typename Runtime::Materialiser* materialiser;
    typename Runtime::Keeper* keeper;
    EngineMetrics* metrics;
    const Clock* clock;
  };
  struct Options {
    Epoch epoch = 0;
    Term term = 0;
    std::int64_t publish_interval_us_min = 0;
    std::int64_t publish_interval_us = 0;
    std::int64_t checkpoint_interval_us = 0;
    Position checkpoint = 0;  // of the saved tallies this start could use; 0 = none
    std::function<void(const absl::Status&)> on_fatal;
  };
  BasicCommitter(Options options, Parts parts, Position last, const ChainHash& last_hash);

  // Grows with Engine::RegisterSink(); set before the first batch names the sink.
  void SetSink(SinkId id, OutcomeSink* sink);

  // False after a failed append: the process is ending, nothing was acknowledged.
  bool Commit(DecidedBatch* batch);

  // How long votes wait for rankings at most, but for the one that is being made: of thousands of
  // polls that are due at once, the rest comes after the next commit.
  static constexpr std::int64_t kPublishTurnUs = 2'000;

  // Publishes what is due, runs errands, offers a checkpoint; returns the steady time of the next
  // call that has something to do, if any.
  std::optional<std::int64_t> Tick();
  // Publishes every poll that changed, regardless of intervals (start, drain).
  void PublishAll();

  // `errand` runs on the committing thread at the next Tick(), between two commits.
  using Errand = absl::AnyInvocable<void(Position last, const TallyBook&)>;
  void AddErrand(Errand errand);
  void FinishCheckpoint();  // at the end: the last position in the checkpoint

 private:
  struct PublishPlan {
    std::int64_t published_us = 0;       // steady
    std::optional<std::int64_t> due_us;  // of the next one, if anything is new
  };
  bool Append(DecidedBatch* batch);
  void Apply(const DecidedBatch& batch, std::string_view record);
  void Acknowledge(DecidedBatch* batch);
  // The poll is due that long after it was last published, or earlier if it is due already.
  void PlanPublish(PollNumber poll, std::int64_t interval_us);
  void Publish(PollNumber poll, std::int64_t now_us);
  // Until kPublishTurnUs are over: then a commit comes first.
  void PublishDue(std::int64_t now_us);
  TallyCheckpoint MakeCheckpoint() const;

  Options options_;
  Parts parts_;
  Position last_;
  ChainHash last_hash_;
  std::array<std::atomic<OutcomeSink*>, 64> sinks_{};
  absl::flat_hash_map<PollNumber, PublishPlan> plans_;
  absl::btree_set<std::pair<std::int64_t, PollNumber>> due_;  // of plans_: what to publish when
  std::int64_t checkpoint_us_ = 0;
  Position checkpoint_position_ = 0;
  absl::Mutex errands_mutex_;
  std::deque<Errand> errands_ ABSL_GUARDED_BY(errands_mutex_);
};

extern template class BasicCommitter<SystemRuntime>;
using Committer = BasicCommitter<SystemRuntime>;

}  // namespace tallyd
