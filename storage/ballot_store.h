#pragma once

// The ballot store: who voted what, by (poll, seq), and an index of it by (poll, voter tag).
// Derived from the journal; filled in the background in large sorted batches without a write-ahead
// log, its journal position in the same column family, so that after a crash it holds exactly the
// commits up to a position it names. Used to verify repeats, for voters that memory no longer
// holds, for receipts, status and export.
//
// Ballots come by rising seq: their files follow each other, are never merged, and finding one
// reads one block. Only the index, whose keys are random, is merged in the background.
//
// Threads: Write by one background thread; Get*, FindTag and Scan from any. A Get costs some
// microseconds, GetNewest twice that (a bloom filter answers most misses from memory). Rebuilt from
// the journal by `tallyctl rebuild`.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "storage/records.h"

namespace tallyd {

// One version of a voter's ballot, as kept. A withdrawal is a version, too.
struct BallotVersion {
  PollNumber poll = 0;
  VoterTag tag;
  Seq seq = 0;
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  bool withdrawn = false;
  std::uint32_t version_no = 1;
  std::uint64_t idempotency_print = 0;
  Seq supersedes = 0;     // 0 = first version
  Position position = 0;  // commit that decided it
  std::string payload;    // packed ballot; empty for a withdrawal
};

struct BallotStoreOptions {
  std::string directory;
  Epoch epoch = 0;  // a store of another epoch is refused
  // Half of it for ballots on their way to a file, half for what is read.
  std::uint64_t memory_bytes_max = 128ull << 20;
  // From so many versions on, a write becomes table files of its own: fewer would leave many small
  // ones.
  std::size_t file_versions_min = 131'072;
  std::function<void(const absl::Status&)> on_background_error;
};

class BallotStore {
 public:
  // Creates an empty one. FailedPrecondition: of another epoch. DataLoss: damaged. Unimplemented:
  // newer format. OutOfRange: older format. The answer to all is a rebuild.
  static absl::StatusOr<std::unique_ptr<BallotStore>> Open(const BallotStoreOptions& options);
  virtual ~BallotStore() = default;

  // Everything up to this commit is in the store (and readable; durable only after Flush or when
  // the store's own flush came by). 0 = empty.
  virtual Position position() const = 0;
  // Everything up to this commit would survive a power cut now.
  virtual Position durable_position() const = 0;

  // Adds versions of commits (position(), through]; sorts them itself. Atomic with the position.
  // The same again changes nothing; the position never goes back.
  // Many at once become table files directly, which are then durable; a few go into memory first.
  virtual absl::Status WriteGathered(absl::Span<const BallotVersion* const> versions,
                                     Position through) = 0;
  absl::Status Write(absl::Span<const BallotVersion> versions, Position through);
  virtual absl::Status Flush() = 0;

  virtual absl::StatusOr<std::optional<BallotVersion>> Get(PollNumber poll, const VoterTag& tag,
                                                           Seq seq) const = 0;
  // The voter's version with the highest seq.
  virtual absl::StatusOr<std::optional<BallotVersion>> GetNewest(PollNumber poll,
                                                                 const VoterTag& tag) const = 0;
  // Whose version `seq` is.
  virtual absl::StatusOr<std::optional<VoterTag>> FindTag(PollNumber poll, Seq seq) const = 0;
  // All versions of a poll, ordered by tag (from `begin` on) and then newest first, as of the call.
  // Ends with the first status of `visit` that is not OK. Reads some ahead, and each where it lies:
  // a few microseconds a version.
  virtual absl::Status ScanFrom(
      PollNumber poll, const VoterTag& begin,
      absl::FunctionRef<absl::Status(const BallotVersion&)> visit) const = 0;
  absl::Status Scan(PollNumber poll,
                    absl::FunctionRef<absl::Status(const BallotVersion&)> visit) const {
    return ScanFrom(poll, VoterTag(), visit);
  }
};

}  // namespace tallyd
