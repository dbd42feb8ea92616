#pragma once

// In memory: for each voter of a poll, the seq of the newest ballot version, in about 20 bytes a
// voter.
//
// A slot holds 64 bits of the tag, 24 more, and the seq (40 bits); what is found is only a
// candidate that the caller verifies against the ballot itself, so a collision costs a look, never
// a vote. Per poll it is extendible hashing (Fagin et al., 1979): a directory over the high bits of
// the tag points to shards of at most kShardVotersMax; a full shard splits in two, so growing never
// stalls for longer than that takes. Within a shard slots are ordered by their 64 bits (ordered
// linear probing, Amble and Knuth, 1974): a miss ends at the first larger one, and growing or
// splitting is one pass.
//
// One thread. Insert and look-up cost one or two cache misses; the longest insert, a
// split, some hundred microseconds (dedup_index_bench). Not bounded by itself:
// engine/voter_register.h drops polls beyond the memory budget.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

#include "storage/records.h"

namespace tallyd {

class DedupIndex {
 public:
  static constexpr std::size_t kShardVotersMax = 4'096;
  static constexpr std::size_t kVoterBytesMax = 24;  // of a poll of many

  DedupIndex();
  ~DedupIndex();
  DedupIndex(const DedupIndex&) = delete;
  DedupIndex& operator=(const DedupIndex&) = delete;

  // Calls `visit(seq)` for each candidate until it returns true.
  void ForEachCandidate(PollNumber poll, const VoterTag& tag,
                        absl::FunctionRef<bool(Seq)> visit) const;
  void Insert(PollNumber poll, const VoterTag& tag, Seq seq);
  // Makes the poll, which must have no voter yet, ready for so many: filling it then neither splits
  // nor grows a shard, but for a few. A hint; more voters or fewer are right as well.
  void Reserve(PollNumber poll, std::size_t voters);
  // What Reserve() takes at most.
  static std::size_t BytesFor(std::size_t voters) { return voters * kVoterBytesMax + 4'096; }
  // The voter's candidate `old_seq` becomes `new_seq`; false if there is none.
  bool Replace(PollNumber poll, const VoterTag& tag, Seq old_seq, Seq new_seq);
  // Starts to bring the place of the tag into the cache.
  void Prefetch(PollNumber poll, const VoterTag& tag) const;
  // Forgets the poll.
  void DropPoll(PollNumber poll);
  void ForEachPoll(absl::FunctionRef<void(PollNumber)> visit) const;

  std::size_t voters(PollNumber poll) const;
  std::size_t TotalVoters() const { return voters_; }
  std::size_t MemoryBytes() const { return bytes_; }

 private:
  class Shard;
  struct PollIndex;

  const PollIndex* Find(PollNumber poll) const;
  PollIndex& Ensure(PollNumber poll);
  void Split(PollIndex* index, std::size_t at);

  absl::flat_hash_map<PollNumber, std::unique_ptr<PollIndex>> polls_;
  std::size_t voters_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tallyd
