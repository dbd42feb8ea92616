#pragma once

// A ranking at one version: immutable, shared by everyone who reads it.
//
// Version = epoch and the position of the last commit that is in it; the same version has the same
// content, also after a restart or a rebuild. Any thread.
//
// Rows and order are shared, block by block, with the versions before and after. A rank is in
// neither, because one vote may change the ranks of all that it overtook: ForEachRanked() counts
// them while it goes through the order.

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "engine/poll_view.h"
#include "engine/shared_order.h"
#include "engine/shared_rows.h"
#include "engine/tally.h"
#include "storage/records.h"

namespace tallyd {

struct RankingSnapshot {
  PollNumber poll = 0;
  Epoch epoch = 0;
  Position position = 0;
  TimeUs as_of = 0;  // journaled time of that commit
  PollState state = PollState::kDraft;
  PollTotals totals;
  // What engine/visibility.h held back, and so is 0 here.
  bool sealed = false;                   // every row
  bool turnout_hidden = false;           // totals
  bool blank_hidden = false;             // totals.blank
  bool held_hidden = false;              // totals.quarantined and totals.voided
  SharedRows rows;                       // by option index
  SharedOrder order;                     // best first, equal scores by option id; none if sealed
  std::vector<OptionIndex> changed;      // since the snapshot made before, new options too
  std::shared_ptr<const PollView> view;  // ids and definition as of this version
};

inline RankedOption RowOf(const OptionTally& tally) {
  return {.score = tally.score(),
          .ballots = tally.ballots,
          .online = tally.online,
          .paper = tally.paper};
}

// The rank of an option that is not shown.
inline constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

// Calls visit(option, row, rank), question by question, best first. Equal scores share a rank
// (1, 1, 3); each question ranks its own.
template <typename Visitor>
void ForEachRanked(const RankingSnapshot& snapshot, Visitor visit) {
  const std::vector<OptionDefinition>& options = snapshot.view->definition.options;
  QuestionIndex question = 0;
  std::int64_t score = 0;
  std::uint32_t rank = 0;
  std::uint32_t place = 0;  // in the question
  for (const OptionIndex option : snapshot.order) {
    const RankedOption& row = snapshot.rows[option];
    if (options[option].question != question) {
      question = options[option].question;
      place = 0;
    }
    if (++place == 1 || row.score != score) rank = place;
    score = row.score;
    visit(option, row, row.suppressed ? kNoRank : rank);
  }
}

}  // namespace tallyd
