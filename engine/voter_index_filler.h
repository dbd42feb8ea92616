#pragma once

// Recovery on two cores: one thread reads and checks the journal, this one tells the dedup index
// who has voted, which takes as long.
//
// Versions are handed over some thousand at a time; at most kChunksMax such chunks wait, then Add()
// waits. The register belongs to the filler's thread from the first Add() until Drain() returns.
// Used by recovery only; one thread calls.

#include <cstddef>
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
  static constexpr std::size_t kChunkVersions = 8'192;
  static constexpr std::size_t kChunksMax = 4;

  struct Version {
    PollNumber poll;
    VoterTag tag;
    Seq seq;
    Seq supersedes;
  };
  using Chunk = std::vector<Version>;

  void HandOver();
  void Run();

  VoterRegister* const voters_;
  Chunk filling_;
  absl::Mutex mutex_;
  std::vector<Chunk> waiting_ ABSL_GUARDED_BY(mutex_);  // oldest first
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tallyd
