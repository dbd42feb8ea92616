#pragma once

// What of a poll gets built: the options selected by its rule, and for each the reason.
//
// Options are considered by score, higher first; among equal scores the one with the smaller id in
// byte order comes first, and the result says where that order decided. Withdrawn options and those
// below the threshold are never selected.
//   top               the first `count`
//   greedy            down the list, each that still fits into the budget
//   greedy-no-skip    the same, ending at the first that does not fit
//   greedy-threshold  greedy among those with at least the threshold
// The names and meanings are PabuLib's (arXiv 2012.06539).
//
// A pure function of the snapshot; any thread. Cost: one pass over the order.

#include <cstdint>
#include <vector>

#include "engine/snapshot.h"

namespace tallyd {

enum class SelectionReason : std::uint8_t {
  kInCount,         // in: among the first `count`
  kFits,            // in: fits into what is left of the budget
  kWithdrawn,       // out
  kBelowThreshold,  // out: its score is less than the threshold
  kBeyondCount,     // out: `count` are selected
  kTooExpensive,    // out: costs more than is left of the budget
  kAfterEnd,        // out: greedy-no-skip ended before it
};

struct ConsideredOption {
  OptionIndex option = 0;
  bool selected = false;
  SelectionReason reason = SelectionReason::kWithdrawn;
  std::int64_t budget_left = 0;  // before it was considered; 0 where there is no budget
  bool tie_decided = false;      // the order among equal scores decided whether it is in
};

struct Selection {
  std::vector<ConsideredOption> options;  // in the order in which they were considered
  std::int64_t spent = 0;                 // cost of what is selected
  bool tie_decided = false;               // for any of them
};

// The snapshot's poll must have a rule, must be no survey, and no row may be suppressed.
Selection Select(const RankingSnapshot& snapshot);

}  // namespace tallyd
