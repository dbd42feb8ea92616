#pragma once

// Recovery on two cores: one thread reads and checks the journal, this one tells the dedup index
// who has voted, which takes as long.
//
// Versions are handed over in chunks, and a chunk lies in buckets, each of which is of a few shards
// of the index: in the order of the journal every version would be a miss of the cache and of the
// TLB, which took longer than all the rest. What one voter said keeps its order. At most kChunksMax
// chunks wait, then Add() waits; all chunks there can be are 40 MiB. The register belongs to the
// filler's thread from the first Add() until Drain() returns. Used by recovery only; one thread
// calls.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "engine/voter_register.h"
#include "storage/records.h"

namespace tallyd {

class VoterIndexFiller {
 public:
  explicit VoterIndexFiller(VoterRegister* voters);
  ~VoterIndexFiller();  // drains
  VoterIndexFiller(const VoterIndexFiller&) = delete;
  VoterIndexFiller& operator=(const VoterIndexFiller&) = delete;

  // In the order of the journal.
  void Add(PollNumber poll, const VoterTag& tag, Seq seq, Seq supersedes);
  // All that was added is in the register, which is the caller's until the next Add().
  void Drain();

 private:
  static constexpr std::size_t kBuckets = 256;
  static constexpr std::size_t kBucketVersions = 1'024;
  static constexpr std::size_t kChunksMax = 2;

  struct Version {
    PollNumber poll;
    VoterTag tag;
    Seq seq;
    Seq supersedes;
  };
  // Full when one of its buckets is.
  struct Chunk {
    std::unique_ptr<Version[]> versions;  // kBucketVersions for each bucket
    std::array<std::uint32_t, kBuckets> counts{};
  };

  Chunk TakeEmpty();
  void HandOver();
  void Record(const Chunk& chunk);
  void Run();

  VoterRegister* const voters_;
  Chunk filling_;
  absl::Mutex mutex_;
  std::vector<Chunk> waiting_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::vector<Chunk> empty_ ABSL_GUARDED_BY(mutex_);
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tallyd
