#include "net/ranking_feed.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "net/asio.h"
#include "storage/check.h"

namespace tallyd {
namespace {

// How late somebody may be told that the time is over.
constexpr auto kSweepInterval = std::chrono::milliseconds(100);

}  // namespace

struct RankingFeed::SweepTimer {
  explicit SweepTimer(asio::io_context& context) : timer(context) {}
  SteadyTimer timer;
  bool armed = false;
};

RankingFeed::RankingFeed(SnapshotBoard& board, IoThread& io_thread, std::size_t waiters_max)
    : board_(board),
      io_thread_(io_thread),
      waiters_max_(waiters_max),
      sweep_timer_(std::make_unique<SweepTimer>(io_thread.context())) {
  board_.AddListener(this);
}

RankingFeed::~RankingFeed() {
  board_.RemoveListener(this);
}

template <typename Goes>
void RankingFeed::MoveOut(std::vector<Waiter>& from, Goes goes, std::vector<Waiter>& to) {
  const auto middle =
      std::partition(from.begin(), from.end(), [&](const Waiter& waiter) { return !goes(waiter); });
  std::move(middle, from.end(), std::back_inserter(to));
  from.erase(middle, from.end());
}

void RankingFeed::Wait(PollNumber poll, Position since, std::chrono::milliseconds longest,
                       Callback callback) {
  if (draining_) {
    callback(nullptr);
    return;
  }
  TALLYD_CHECK(HasRoom());
  // Counted before the board is asked: whoever publishes after that sees the count.
  waiting_count_.fetch_add(1, std::memory_order_seq_cst);
  SnapshotBoard::SnapshotPtr newest = board_.Newest(poll);
  if (newest != nullptr && newest->position > since) {
    waiting_count_.fetch_sub(1, std::memory_order_relaxed);
    callback(std::move(newest));
    return;
  }
  waiters_[poll].push_back(
      {since, std::chrono::steady_clock::now() + longest, std::move(callback)});
  ScheduleSweep();
}

// Counted before the follower asks the board: whoever publishes after that sees the count.
void RankingFeed::Follow(PollNumber poll) {
  if (followed_.insert(poll).second) followed_count_.fetch_add(1, std::memory_order_seq_cst);
}

void RankingFeed::Unfollow(PollNumber poll) {
  if (followed_.erase(poll) > 0) followed_count_.fetch_sub(1, std::memory_order_relaxed);
}

void RankingFeed::OnPublish(PollNumber poll) {
  if (waiting_count_.load(std::memory_order_seq_cst) == 0 &&
      followed_count_.load(std::memory_order_seq_cst) == 0) {
    return;
  }
  bool first = false;
  {
    absl::MutexLock lock(&mutex_);
    first = published_.empty();
    published_.insert(poll);
  }
  if (first) io_thread_.Post([this] { Refresh(); });
}

void RankingFeed::Refresh() {
  absl::flat_hash_set<PollNumber> published;
  {
    absl::MutexLock lock(&mutex_);
    published.swap(published_);
  }
  for (const PollNumber poll : published) {
    RefreshPoll(poll);
    if (followed_.contains(poll)) follower_->OnPublished(poll);
  }
}

void RankingFeed::RefreshPoll(PollNumber poll) {
  const auto found = waiters_.find(poll);
  if (found == waiters_.end()) return;
  const SnapshotBoard::SnapshotPtr newest = board_.Newest(poll);
  if (newest == nullptr) return;
  std::vector<Waiter> ready;
  MoveOut(
      found->second, [&](const Waiter& waiter) { return waiter.since < newest->position; }, ready);
  if (found->second.empty()) waiters_.erase(found);
  Finish(std::move(ready), newest);
}

void RankingFeed::ScheduleSweep() {
  if (sweep_timer_->armed) return;
  sweep_timer_->armed = true;
  sweep_timer_->timer.expires_after(kSweepInterval);
  sweep_timer_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    sweep_timer_->armed = false;
    Sweep();
  });
}

void RankingFeed::Sweep() {
  const TimePoint now = std::chrono::steady_clock::now();
  std::vector<Waiter> over;
  for (auto poll = waiters_.begin(); poll != waiters_.end();) {
    MoveOut(
        poll->second, [&](const Waiter& waiter) { return draining_ || waiter.until <= now; }, over);
    if (poll->second.empty()) {
      waiters_.erase(poll++);
    } else {
      ++poll;
    }
  }
  Finish(std::move(over), nullptr);
  if (!waiters_.empty()) ScheduleSweep();
}

void RankingFeed::Finish(std::vector<Waiter> waiters, const SnapshotBoard::SnapshotPtr& snapshot) {
  waiting_count_.fetch_sub(waiters.size(), std::memory_order_relaxed);
  for (Waiter& waiter : waiters) waiter.callback(snapshot);
}

void RankingFeed::BeginDrain() {
  draining_ = true;
  Sweep();
}

}  // namespace tallyd
