#pragma once

// Readers of one io thread that wait for a newer version of a ranking, and one who follows many.
//
//   feed.Wait(poll, since, wait, [...](SnapshotBoard::SnapshotPtr newer) { ... });
//
// The callback runs on the io thread, once: with a snapshot newer than `since` as soon as there is
// one, or with null when the time is over or the server drains. A publish costs the committing
// thread one atomic load while nobody waits, else at most one wake-up of the io thread, however
// many wait: they all get the newest version, and what was published in between is skipped.
//
// Bounded: waiters_max per io thread. OnPublish is the engine's; everything else belongs to the io
// thread, also construction and destruction while that thread does not run.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

#include "engine/snapshot_board.h"
#include "net/io_thread.h"

namespace tallyd {

class RankingFeed final : public PublishListener {
 public:
  // Is told of every publish of the polls it follows, on the io thread; several at once are one.
  class Follower {
   public:
    virtual ~Follower() = default;
    virtual void OnPublished(PollNumber poll) = 0;
  };
  using Callback = absl::AnyInvocable<void(SnapshotBoard::SnapshotPtr)>;

  RankingFeed(SnapshotBoard& board, IoThread& io_thread, std::size_t waiters_max);
  ~RankingFeed() override;
  RankingFeed(const RankingFeed&) = delete;
  RankingFeed& operator=(const RankingFeed&) = delete;

  // False: too many wait already.
  bool HasRoom() const { return waiting() < waiters_max_; }
  // Only while there is room. `callback` may be called before this returns.
  void Wait(PollNumber poll, Position since, std::chrono::milliseconds longest, Callback callback);
  void SetFollower(Follower* follower) { follower_ = follower; }
  // A publish after this returned is told.
  void Follow(PollNumber poll);
  void Unfollow(PollNumber poll);
  // Lets everybody go with null, now and from now on.
  void BeginDrain();
  // Any thread.
  std::size_t waiting() const { return waiting_count_.load(std::memory_order_relaxed); }

  void OnPublish(PollNumber poll) override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Waiter {
    Position since = 0;
    TimePoint until;
    Callback callback;
  };
  struct SweepTimer;

  // Those of `from` that `goes` is true of.
  template <typename Goes>
  static void MoveOut(std::vector<Waiter>& from, Goes goes, std::vector<Waiter>& to);
  void Refresh();
  void RefreshPoll(PollNumber poll);
  void ScheduleSweep();
  void Sweep();
  void Finish(std::vector<Waiter> waiters, const SnapshotBoard::SnapshotPtr& snapshot);

  SnapshotBoard& board_;
  IoThread& io_thread_;
  const std::size_t waiters_max_;
  absl::flat_hash_map<PollNumber, std::vector<Waiter>> waiters_;
  std::unique_ptr<SweepTimer> sweep_timer_;
  bool draining_ = false;

  Follower* follower_ = nullptr;
  absl::flat_hash_set<PollNumber> followed_;

  std::atomic<std::size_t> waiting_count_{0};
  std::atomic<std::size_t> followed_count_{0};
  absl::Mutex mutex_;
  absl::flat_hash_set<PollNumber> published_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tallyd
