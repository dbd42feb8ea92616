#pragma once

// Who has voted, and what: the newest ballot version of a (poll, voter), exactly.
//
// Three places, asked in this order: the dedup index in memory (a candidate's seq), the tail
// (versions decided but not yet in the ballot store), the ballot store. A candidate is verified
// against the full tag, so a collision of remainders never costs a voter the vote. Memory may
// forget a poll once all its versions are in the ballot store; from then on misses are looked up
// there.
//
// The writer's thread only, but for the two counters. A miss costs a probe of the index; a hit
// costs that and a look into the tail or one read of the store.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

#include "engine/dedup_index.h"
#include "engine/metrics.h"
#include "storage/ballot_store.h"

namespace tallyd {

// The ballot versions of one commit, in seq order per poll. Written by the writer, then immutable
// and lent to the materialiser until the ballot store holds it.
struct TailBlock {
  Position position = 0;
  std::size_t bytes = 0;
  std::vector<BallotVersion> versions;
};

class VoterRegister {
 public:
  struct Options {
    std::size_t memory_bytes_max = 0;
    // The store could not be read: ends the process.
    std::function<void(const absl::Status&)> on_fatal;
  };
  VoterRegister(Options options, const BallotStore* store, EngineMetrics* metrics);

  void Prefetch(PollNumber poll, const VoterTag& tag) { index_.Prefetch(poll, tag); }

  // The voter's newest version, a withdrawal included.
  std::optional<BallotVersion> FindNewest(PollNumber poll, const VoterTag& tag);
  // That version of that voter; nullopt if there is none.
  std::optional<BallotVersion> FindVersion(PollNumber poll, const VoterTag& tag, Seq seq);
  // The newest version of every voter of the poll, withdrawals included, in no order. Reads the
  // store through: about a second per million versions.
  void ForEachNewest(PollNumber poll, absl::FunctionRef<void(const BallotVersion&)> visit);
  // Whose version it is.
  std::optional<VoterTag> FindTag(PollNumber poll, Seq seq);

  // A block for at most `versions_max` versions of the commit at `position`.
  TailBlock* BeginBlock(Position position, std::size_t versions_max);
  // Adds a decided version to the block begun last and makes it the voter's newest.
  void Record(TailBlock* block, BallotVersion version);

  // Recovery, before the poll's first RecordStored(): about so many voters will be told. Saves
  // growing; nothing is made ready beyond the memory budget.
  void Expect(PollNumber poll, std::size_t voters);
  // Recovery: the version is in the ballot store, or will be before serving. The index is told some
  // versions later, when their places have come into the cache; Trim() tells it all.
  void RecordStored(PollNumber poll, const VoterTag& tag, Seq seq, Seq supersedes);

  // Lets go of blocks that the store holds, and of polls beyond the memory budget.
  void Trim(Position stored_through);

  std::size_t tail_bytes() const { return tail_bytes_; }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }
  std::size_t voters() const { return voters_.load(std::memory_order_relaxed); }

 private:
  // Versions of one poll that are in the tail, by seq: first_seq, first_seq + 1 ...
  struct PollTail {
    Seq first_seq = 0;
    std::deque<const BallotVersion*> versions;
  };

  const BallotVersion* FindInTail(PollNumber poll, Seq seq) const;
  void Index(PollNumber poll, const VoterTag& tag, Seq seq, Seq supersedes);
  void IndexRecovered(std::size_t keep);
  void KeepBudget(Position stored_through);

  struct Recovered {
    PollNumber poll;
    VoterTag tag;
    Seq seq;
    Seq supersedes;
  };

  Options options_;
  const BallotStore* store_;
  EngineMetrics* metrics_;
  DedupIndex index_;
  std::deque<Recovered> recovered_;  // not yet in the index
  absl::flat_hash_map<PollNumber, PollTail> tails_;
  std::deque<std::unique_ptr<TailBlock>> blocks_;
  std::size_t tail_bytes_ = 0;
  // Polls whose voters are not all in the index: a miss must ask the store.
  absl::flat_hash_map<PollNumber, bool> incomplete_;
  // Position of the last version of each poll in the index; tells which poll is coldest.
  absl::flat_hash_map<PollNumber, Position> last_vote_;
  std::atomic<std::size_t> memory_bytes_{0};
  std::atomic<std::size_t> voters_{0};
};

}  // namespace tallyd
