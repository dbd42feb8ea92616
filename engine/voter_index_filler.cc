#include "engine/voter_index_filler.h"

#include <pthread.h>

#include <utility>

namespace tallyd {

VoterIndexFiller::VoterIndexFiller(VoterRegister* voters)
    : voters_(voters), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "tallyd-recover");
}

VoterIndexFiller::~VoterIndexFiller() {
  HandOver();
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void VoterIndexFiller::Add(PollNumber poll, const VoterTag& tag, Seq seq, Seq supersedes) {
  if (filling_.empty()) filling_.reserve(kChunkVersions);
  filling_.push_back({poll, tag, seq, supersedes});
  if (filling_.size() == kChunkVersions) HandOver();
}

void VoterIndexFiller::HandOver() {
  if (filling_.empty()) return;
  const auto has_room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return waiting_.size() < kChunksMax;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&has_room));
  waiting_.push_back(std::exchange(filling_, Chunk()));
}

void VoterIndexFiller::Drain() {
  HandOver();
  const auto done = [this]()
                        ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return waiting_.empty() && !busy_; };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&done));
}

void VoterIndexFiller::Run() {
  const auto something_to_do = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  for (;;) {
    Chunk chunk;
    {
      absl::MutexLock lock(&mutex_);
      busy_ = false;
      mutex_.Await(absl::Condition(&something_to_do));
      if (waiting_.empty()) return;
      chunk = std::move(waiting_.front());
      waiting_.erase(waiting_.begin());
      busy_ = true;
    }
    for (const Version& version : chunk) {
      voters_->RecordStored(version.poll, version.tag, version.seq, version.supersedes);
    }
  }
}

}  // namespace tallyd
