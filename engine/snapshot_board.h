#pragma once

// The newest ranking of each poll, for everybody who reads.
//
// The committing thread applies a commit, marks the poll (MarkApplied), acknowledges, and publishes
// a new immutable snapshot now and then. A reader takes the newest; one who must see what was
// acknowledged before it asked (read your writes) calls WhenCurrent(): at once if the newest
// snapshot is up to date, else after the committer has published, at most once per
// publish_interval_us_min. One who has a version already asks for ChangesSince() it, and is told of
// newer ones as a PublishListener.
//
// Threads: MarkApplied, Publish, TakeWanted by the committing thread; the rest from any.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

#include "engine/change_log.h"
#include "engine/snapshot.h"
#include "storage/records.h"

namespace tallyd {

// Is told of every publish, on the committing thread, after the snapshot can be read. Must be quick
// and must neither publish nor add or remove listeners.
class PublishListener {
 public:
  virtual ~PublishListener() = default;
  virtual void OnPublish(PollNumber poll) = 0;
};

class SnapshotBoard {
 public:
  using SnapshotPtr = std::shared_ptr<const RankingSnapshot>;
  using Reader = absl::AnyInvocable<void(SnapshotPtr)>;

  // `wake_committer` is called when a reader waits for a newer snapshot.
  explicit SnapshotBoard(std::function<void()> wake_committer);

  // The newest published, or null if the poll is unknown.
  SnapshotPtr Newest(PollNumber poll) const;
  // The newest, if it holds every commit applied before this call; else null.
  SnapshotPtr NewestIfCurrent(PollNumber poll) const;
  // Calls `reader` with a snapshot that holds every commit applied before this call: inline if
  // there is one, else later from the committing thread (the reader re-posts to its own executor).
  // Bounded: beyond kWaitersMax per poll the reader gets the newest there is.
  void WhenCurrent(PollNumber poll, Reader reader);

  struct Changes {
    SnapshotPtr newest;  // null if the poll is unknown
    // Options that may differ between the version asked for and `newest`, ascending; nothing if
    // that is not known any more.
    std::optional<std::vector<OptionIndex>> options;
  };
  Changes ChangesSince(PollNumber poll, Position since) const;

  void AddListener(PublishListener* listener);
  // No call to it is running or will come once this has returned.
  void RemoveListener(PublishListener* listener);

  void MarkApplied(PollNumber poll, Position position);
  void Publish(SnapshotPtr snapshot);
  // Polls for which a reader waits.
  std::vector<PollNumber> TakeWanted();
  // Lets every waiting reader go with what there is (shut-down).
  void ReleaseAll();

  static constexpr std::size_t kWaitersMax = 65'536;

 private:
  struct Cell {
    std::atomic<Position> applied{0};
    mutable absl::Mutex mutex;
    SnapshotPtr newest ABSL_GUARDED_BY(mutex);
    ChangeLog changes ABSL_GUARDED_BY(mutex);
    std::vector<Reader> waiting ABSL_GUARDED_BY(mutex);
  };
  Cell* FindCell(PollNumber poll) const;
  // Whether `newest` holds what was applied.
  static bool IsCurrent(const Cell& cell) ABSL_EXCLUSIVE_LOCKS_REQUIRED(cell.mutex);
  Cell& EnsureCell(PollNumber poll);

  std::function<void()> wake_committer_;
  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Cell>> cells_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex wanted_mutex_;
  std::vector<PollNumber> wanted_ ABSL_GUARDED_BY(wanted_mutex_);
  absl::Mutex listeners_mutex_;
  std::vector<PublishListener*> listeners_ ABSL_GUARDED_BY(listeners_mutex_);
};

}  // namespace tallyd
