#pragma once

// The tallies of all polls: a fold over durable records, and the rankings made of them.
//
// Apply() takes exactly what the journal holds, in the running server and in recovery alike; so the
// tally is the recount of the log by construction, and Verify() checks it by other code.
//
// The committing thread only (recovery before it starts).

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "engine/poll_view.h"
#include "engine/ranking.h"
#include "engine/snapshot.h"
#include "engine/tally.h"
#include "engine/visibility.h"
#include "storage/journal_record.h"
#include "storage/tally_checkpoint.h"

namespace tallyd {

class TallyBook {
 public:
  // Adds what the record decided. Polls it touched are in touched() until the next Apply().
  absl::Status Apply(const RecordView& record);
  const std::vector<PollNumber>& touched() const { return touched_; }

  // What readers see of a poll besides its counts; call before MakeSnapshot() after it changed.
  void SetView(std::shared_ptr<const PollView> view);

  // The version that MakeSnapshot() would make: that of the last commit that touched the poll, or
  // an older one where the poll's visibility holds the newest back.
  Position ShownPosition(PollNumber poll) const;
  // The poll's ranking as far as it may be shown. Cost: what changed since the last call; all that
  // exists after options came, on the first call, and at each step of a coarse poll.
  std::shared_ptr<const RankingSnapshot> MakeSnapshot(PollNumber poll, Epoch epoch);

  bool Contains(PollNumber poll) const { return polls_.contains(poll); }
  std::vector<PollNumber> Polls() const;
  const PollTally& tally(PollNumber poll) const { return polls_.at(poll)->tally; }

  // The counts of every poll as of `position`; and back. Views are not part of it.
  std::vector<TallyCheckpoint::Poll> Encode() const;
  absl::Status Decode(const std::vector<TallyCheckpoint::Poll>& polls);

 private:
  struct PollPage {
    PollTally tally;
    Ranking ranking;
    BallotRules rules;
    PollState state = PollState::kDraft;
    OptionIndex options_shown = 0;  // how many the last snapshot had
    bool ranking_is_whole = false;  // false: options came or the page was loaded; order everything
    Position position = 0;          // last commit that touched the poll
    TimeUs as_of = 0;
    std::shared_ptr<const PollView> view;
    VisibilityGate gate;
    SharedRows rows_shown;  // by the last snapshot
    std::shared_ptr<const PollView> view_shown;

    VisibilityGate::Stamp newest() const { return {position, as_of}; }
  };

  PollPage* Touch(PollNumber poll, const RecordHeader& header);
  absl::Status ApplyEntry(const Entry& entry, const RecordHeader& header);
  static void FillOpen(PollPage& page, RankingSnapshot* snapshot);
  static void FillGated(PollPage& page, RankingSnapshot* snapshot);
  absl::Status ApplyPaper(const Entry& entry, const RecordHeader& header);
  absl::Status ApplyFate(const OptionFateEntry& fate, const RecordHeader& header);
  absl::Status ApplyFraud(const Entry& entry, const RecordHeader& header);

  absl::flat_hash_map<PollNumber, std::unique_ptr<PollPage>> polls_;
  std::vector<PollNumber> touched_;
};

}  // namespace tallyd
