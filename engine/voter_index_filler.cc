#include "engine/voter_index_filler.h"

#include <pthread.h>

#include <utility>

#include "absl/types/span.h"

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
  if (filling_.versions == nullptr) filling_ = TakeEmpty();
  // The bits by which the index chooses a shard.
  const std::size_t bucket = tag.high() % kBuckets;
  std::uint32_t& count = filling_.counts[bucket];
  filling_.versions[bucket * kBucketVersions + count] = {poll, tag, seq, supersedes};
  if (++count == kBucketVersions) HandOver();
}

VoterIndexFiller::Chunk VoterIndexFiller::TakeEmpty() {
  {
    absl::MutexLock lock(&mutex_);
    if (!empty_.empty()) {
      Chunk chunk = std::move(empty_.back());
      empty_.pop_back();
      return chunk;
    }
  }
  return {.versions = std::make_unique_for_overwrite<Version[]>(kBuckets * kBucketVersions)};
}

void VoterIndexFiller::HandOver() {
  if (filling_.versions == nullptr) return;
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

void VoterIndexFiller::Record(const Chunk& chunk) {
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    const Version* const first = chunk.versions.get() + bucket * kBucketVersions;
    for (const Version& version : absl::MakeSpan(first, chunk.counts[bucket])) {
      voters_->RecordStored(version.poll, version.tag, version.seq, version.supersedes);
    }
  }
}

void VoterIndexFiller::Run() {
  const auto something_to_do = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  Chunk chunk;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      busy_ = false;
      if (chunk.versions != nullptr) empty_.push_back(std::exchange(chunk, Chunk()));
      mutex_.Await(absl::Condition(&something_to_do));
      if (waiting_.empty()) return;
      chunk = std::move(waiting_.front());
      waiting_.erase(waiting_.begin());
      busy_ = true;
    }
    Record(chunk);
    chunk.counts.fill(0);
  }
}

}  // namespace tallyd
