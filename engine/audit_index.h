#pragma once

// Where in the journal the acts of each poll are: the positions of their records, in order.
//
// An act is every entry of a poll that is no ballot and no withdrawal: definitions, states, paper.
// The index is made of durable records only, in the running server and in recovery alike, so it is
// the same after a rebuild. Eight bytes an act; acts are made by people with a name, not by voters.
//
// Apply() by the committing thread (recovery before it starts); everything else from any thread.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "storage/entries.h"
#include "storage/journal_record.h"

namespace tallyd {

// The poll whose audit log an entry belongs to; 0 = to none.
PollNumber AuditedPoll(const Entry& entry);

class AuditIndex {
 public:
  absl::Status Apply(const RecordView& record);

  std::uint64_t acts_count(PollNumber poll) const;
  std::uint64_t acts_count() const;

  // One record and which of the poll's acts in it are asked for.
  struct Span {
    Position position = 0;
    std::size_t skip = 0;   // acts of the poll in the record before the first asked for
    std::size_t count = 0;  // how many from there
  };
  // The acts number `after` + 1 to `after` + `limit` of a poll, as far as there are.
  std::vector<Span> Find(PollNumber poll, std::uint64_t after, std::size_t limit) const;

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<PollNumber, std::vector<Position>> positions_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t acts_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tallyd
