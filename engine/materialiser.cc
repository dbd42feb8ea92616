#include "engine/materialiser.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tallyd {
namespace {

constexpr int kNiceness = 10;

// Linux keeps niceness by thread. Without the right to change it the thread is as it was.
void LowerPriorityOfThisThread() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness);
}

}  // namespace

Materialiser::Materialiser(Options options, BallotStore* store)
    : options_(std::move(options)), store_(store), stored_through_(store->position()) {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "tallyd-ballots");
}

Materialiser::~Materialiser() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  enough_wakeup_.Notify();
  thread_.join();
}

void Materialiser::Submit(Position position, const TailBlock* block) {
  bool enough = false;
  {
    absl::MutexLock lock(&mutex_);
    items_.push_back({position, block});
    if (block == nullptr) return;
    waiting_versions_ += block->versions.size();
    waiting_bytes_ += block->bytes;
    enough = HasEnough();
  }
  if (enough) enough_wakeup_.Notify();
}

bool Materialiser::AwaitStored(Position position, absl::Duration patience) {
  const auto stored = [this, position] { return stored_through() >= position; };
  absl::MutexLock lock(&mutex_);
  wanted_ = std::max(wanted_, position);
  return mutex_.AwaitWithTimeout(absl::Condition(&stored), patience);
}

bool Materialiser::HasEnough() const {
  return stopping_ || wanted_ > stored_through() ||
         waiting_versions_ >= options_.batch_versions_min ||
         waiting_bytes_ >= options_.batch_bytes_min;
}

void Materialiser::Run() {
  LowerPriorityOfThisThread();
  for (;;) {
    {
      const auto something_to_do = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !items_.empty();
      };
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&something_to_do));
      if (items_.empty()) break;
    }
    Gather();
    if (!WriteSome()) return;
  }
  if (const absl::Status flushed = store_->Flush(); !flushed.ok()) options_.on_fatal(flushed);
}

void Materialiser::Gather() {
  enough_wakeup_.WaitFor(options_.gather_ms_max * 1'000, [this] {
    absl::MutexLock lock(&mutex_);
    return HasEnough();
  });
}

bool Materialiser::WriteSome() {
  std::vector<const BallotVersion*> versions;
  Position through = 0;
  {
    absl::MutexLock lock(&mutex_);
    while (!items_.empty() && versions.size() < options_.batch_versions_max) {
      const Item item = items_.front();
      items_.pop_front();
      through = item.position;
      if (item.block == nullptr) continue;
      waiting_versions_ -= item.block->versions.size();
      waiting_bytes_ -= item.block->bytes;
      for (const BallotVersion& version : item.block->versions) versions.push_back(&version);
    }
  }
  if (const absl::Status written = store_->WriteGathered(versions, through); !written.ok()) {
    options_.on_fatal(written);
    return false;
  }
  {
    absl::MutexLock lock(&mutex_);  // so that who waits looks again
    stored_through_.store(through, std::memory_order_release);
  }
  options_.on_progress();
  return true;
}

}  // namespace tallyd
