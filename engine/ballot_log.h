#pragma once

// The ballots of one poll as they were accepted: a log of versions, read commit by commit.
//
// A walk from a given position with given limits always ends at the same commit and visits the same
// ballots, as long as the journal reaches that far: what was read once never changes. Voters appear
// as pseudonyms (engine/voter_key.h). Within a commit the ballots are ordered by pseudonym: nobody
// learns an order finer than that.
//
// Any thread that may wait for the disk. Memory: the ballots of one record. Cost: reading and
// checking every record on the way, about 1 GB/s; records without the poll are not decoded.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/voter_key.h"
#include "storage/journal.h"
#include "storage/journal_record.h"
#include "storage/records.h"

namespace tallyd {

enum class BallotAct : std::uint8_t {
  kCast,      // the voter's first ballot, or the first after a withdrawal
  kReplace,   // takes the place of the voter's ballot before
  kWithdraw,  // the voter has no ballot in force any more
};

struct LoggedBallot {
  BallotAct act = BallotAct::kCast;
  VoterTag pseudonym;
  std::uint32_t version_no = 1;
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  std::string_view payload;  // packed ballot; empty for a withdrawal; lives during the visit
};

// A walk ends after the first commit that reaches one of these.
struct BallotLogLimits {
  std::size_t ballots_max = 0;
  std::size_t scanned_bytes_max = 0;  // of records, whoever's they are
};

struct BallotLogEnd {
  Position through = 0;  // everything up to this commit was visited
  bool limited = false;  // by one of the limits; else by `last`
};

// `cursor` begins after `after`. Visits up to `last`; `visit` returns false when it has enough and
// `keep_on` when the walk should be given up (Cancelled).
absl::StatusOr<BallotLogEnd> WalkBallotLog(
    JournalCursor* cursor, PollNumber poll, const VoterKey& key, Position after, Position last,
    const BallotLogLimits& limits,
    absl::FunctionRef<bool(Position, absl::Span<const LoggedBallot>)> visit,
    absl::FunctionRef<bool()> keep_on);

// Whether the record holds anything but ballots of other polls.
bool MayConcern(const RecordView& record, PollNumber poll);

}  // namespace tallyd
