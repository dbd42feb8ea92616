#pragma once

// From what is on disk to what serves: replays the journal into polls, voters, tallies and the
// ballot store, each from its own position, and refuses rather than serve less than was promised.
//
// Order: lock (the caller) -> watermark -> journal -> derived stores -> replay. Refusals are
// DataLoss with a message that says what was found, what was expected, and what an operator can do.
// One thread; about a second per five million ballots.

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "engine/audit_index.h"
#include "engine/poll_registry.h"
#include "engine/tally_book.h"
#include "engine/voter_register.h"
#include "storage/ballot_store.h"
#include "storage/data_directory.h"
#include "storage/journal.h"
#include "storage/journal_record.h"
#include "storage/watermark.h"

namespace tallyd {

struct RecoveredEnd {
  Term term = 0;
  Position last = 0;
  ChainHash last_hash;
  TimeUs last_time = 0;
  std::uint64_t ballots = 0;  // ballot versions replayed
  Position checkpoint = 0;    // tallies were taken from there; 0 = counted from the start
};

// Opens the watermark, or makes it beside an empty journal. DataLoss: it is missing beside a
// journal that is not empty, or ahead of the journal, or of another history.
absl::StatusOr<std::unique_ptr<WatermarkFile>> OpenWatermark(const DataDirectory& directory,
                                                             const JournalClaim& claim);

// Of every record that is read again: DataLoss if the watermark was set on another one.
absl::Status CheckWatermarkRecord(const Watermark& watermark, const RecordView& record);

struct RecoveryTargets {
  PollRegistry* polls;
  VoterRegister* voters;
  TallyBook* tallies;
  BallotStore* ballots;
  AuditIndex* audit;
};
absl::StatusOr<RecoveredEnd> Recover(const DataDirectory& directory, const JournalClaim& claim,
                                     const Watermark& watermark, Journal* journal,
                                     RecoveryTargets targets);

}  // namespace tallyd
