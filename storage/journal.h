#pragma once

// The journal: the ordered, durable log of everything decided. It is the truth; all else is
// derived.
//
// This is the seam between the engine and where the log lives. The adapter that ships is embedded
// RocksDB (storage/rocks_journal.h); a replicated log can take its place without the engine
// noticing. A log has one writer at a time: Claim() makes the caller that writer and fences all
// earlier ones; Append() carries the position it builds upon, so that a fenced or confused writer
// is refused.
//
// Threads: Claim, Append and Trim by the one thread that holds the writer's role; Read and CopyTo
// from any.

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/records.h"

namespace tallyd {

// Walks records in order. `bytes` of Next() is valid until the next call.
class JournalCursor {
 public:
  virtual ~JournalCursor() = default;
  // The next record, or an empty view at the end. DataLoss if a record is missing or damaged.
  virtual absl::StatusOr<std::string_view> Next() = 0;
};

struct JournalClaim {
  Term term = 0;  // higher than that of every claim before
  Epoch epoch = 0;
  Position last = 0;    // last record that exists; 0 = none
  ChainHash last_hash;  // its hash; all zero when there is none
};

class Journal {
 public:
  virtual ~Journal() = default;

  virtual absl::StatusOr<JournalClaim> Claim() = 0;

  // Makes the record durable as position `expected_last + 1`, then returns. Aborted: another writer
  // has claimed the journal. Any other error: whether the record is there is unknown, and the
  // caller must stop the process; recovery finds out. Never retried, never ignored.
  virtual absl::Status Append(Position expected_last, std::string_view record) = 0;

  // From `from` (at least first()) to what was last when the cursor was made. Every record is
  // checked: CRC, dense positions, unbroken hash chain.
  virtual absl::StatusOr<std::unique_ptr<JournalCursor>> Read(Position from) = 0;

  // A second journal with everything durable at the moment of the call, and perhaps more, in a new
  // directory; synced. Appends go on meanwhile. Unimplemented where the log lives elsewhere.
  virtual absl::Status CopyTo(const std::string& directory) = 0;

  // Forgets records below `below`. The caller answers for having them elsewhere.
  virtual absl::Status Trim(Position below) = 0;

  virtual Position first() const = 0;
  virtual Position last() const = 0;
};

}  // namespace tallyd
