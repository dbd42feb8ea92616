#include "engine/snapshot_board.h"

#include <algorithm>
#include <utility>

#include "storage/check.h"

namespace tallyd {

SnapshotBoard::SnapshotBoard(std::function<void()> wake_committer)
    : wake_committer_(std::move(wake_committer)) {}

SnapshotBoard::Cell* SnapshotBoard::FindCell(PollNumber poll) const {
  absl::ReaderMutexLock lock(&mutex_);
  return poll < cells_.size() ? cells_[poll].get() : nullptr;
}

SnapshotBoard::Cell& SnapshotBoard::EnsureCell(PollNumber poll) {
  if (Cell* cell = FindCell(poll)) return *cell;
  absl::MutexLock lock(&mutex_);
  if (cells_.size() <= poll) cells_.resize(poll + 1);
  if (cells_[poll] == nullptr) cells_[poll] = std::make_unique<Cell>();
  return *cells_[poll];
}

SnapshotBoard::SnapshotPtr SnapshotBoard::Newest(PollNumber poll) const {
  const Cell* cell = FindCell(poll);
  if (cell == nullptr) return nullptr;
  absl::MutexLock lock(&cell->mutex);
  return cell->newest;
}

bool SnapshotBoard::IsCurrent(const Cell& cell) {
  // Pairs with the release in MarkApplied: whoever saw an acknowledgement sees its position here.
  const Position applied = cell.applied.load(std::memory_order_acquire);
  return cell.newest != nullptr && cell.newest->position >= applied;
}

SnapshotBoard::SnapshotPtr SnapshotBoard::NewestIfCurrent(PollNumber poll) const {
  const Cell* cell = FindCell(poll);
  if (cell == nullptr) return nullptr;
  absl::MutexLock lock(&cell->mutex);
  return IsCurrent(*cell) ? cell->newest : nullptr;
}

void SnapshotBoard::WhenCurrent(PollNumber poll, Reader reader) {
  Cell* cell = FindCell(poll);
  if (cell == nullptr) {
    reader(nullptr);
    return;
  }
  SnapshotPtr ready;
  Reader answer_now;
  bool first_waiter = false;
  {
    absl::MutexLock lock(&cell->mutex);
    if (IsCurrent(*cell) || cell->waiting.size() >= kWaitersMax) {
      ready = cell->newest;
      answer_now = std::move(reader);
    } else {
      first_waiter = cell->waiting.empty();
      cell->waiting.push_back(std::move(reader));
    }
  }
  if (answer_now) {
    answer_now(std::move(ready));
    return;
  }
  if (first_waiter) {
    {
      absl::MutexLock lock(&wanted_mutex_);
      wanted_.push_back(poll);
    }
    wake_committer_();
  }
}

SnapshotBoard::Changes SnapshotBoard::ChangesSince(PollNumber poll, Position since) const {
  const Cell* cell = FindCell(poll);
  if (cell == nullptr) return {};
  Changes changes;
  {
    absl::MutexLock lock(&cell->mutex);
    changes = {.newest = cell->newest, .options = cell->changes.Since(since)};
  }
  // Not under the lock: the committing thread publishes under it.
  if (changes.options) ChangeLog::SortOnce(*changes.options);
  return changes;
}

void SnapshotBoard::AddListener(PublishListener* listener) {
  absl::MutexLock lock(&listeners_mutex_);
  listeners_.push_back(listener);
}

void SnapshotBoard::RemoveListener(PublishListener* listener) {
  absl::MutexLock lock(&listeners_mutex_);
  listeners_.erase(std::remove(listeners_.begin(), listeners_.end(), listener), listeners_.end());
}

void SnapshotBoard::MarkApplied(PollNumber poll, Position position) {
  EnsureCell(poll).applied.store(position, std::memory_order_release);
}

void SnapshotBoard::Publish(SnapshotPtr snapshot) {
  Cell& cell = EnsureCell(snapshot->poll);
  std::vector<Reader> waiting;
  {
    absl::MutexLock lock(&cell.mutex);
    TALLYD_CHECK(cell.newest == nullptr || cell.newest->position <= snapshot->position);
    // The same position again: somebody waited although nothing was new.
    if (cell.newest == nullptr || cell.newest->position < snapshot->position) {
      cell.changes.Add(snapshot->position, snapshot->changed);
    }
    cell.newest = snapshot;
    waiting.swap(cell.waiting);
  }
  for (Reader& reader : waiting) reader(snapshot);
  absl::ReaderMutexLock lock(&listeners_mutex_);
  for (PublishListener* listener : listeners_) listener->OnPublish(snapshot->poll);
}

std::vector<PollNumber> SnapshotBoard::TakeWanted() {
  absl::MutexLock lock(&wanted_mutex_);
  return std::exchange(wanted_, {});
}

void SnapshotBoard::ReleaseAll() {
  std::vector<Cell*> cells;
  {
    absl::ReaderMutexLock lock(&mutex_);
    for (const auto& cell : cells_) {
      if (cell != nullptr) cells.push_back(cell.get());
    }
  }
  for (Cell* cell : cells) {
    std::vector<Reader> waiting;
    SnapshotPtr newest;
    {
      absl::MutexLock lock(&cell->mutex);
      waiting.swap(cell->waiting);
      newest = cell->newest;
    }
    for (Reader& reader : waiting) reader(newest);
  }
}

}  // namespace tallyd
