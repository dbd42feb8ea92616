#pragma once

// A ranking at one version: immutable, shared by everyone who reads it.
//
// Version = epoch and the position of the last commit that is in it; the same version has the same
// content, also after a restart or a rebuild. Any thread.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/poll_view.h"
#include "engine/tally.h"
#include "storage/records.h"

namespace tallyd {

struct RankedOption {
  std::uint32_t rank = 0;
  std::int64_t score = 0;
  std::uint64_t ballots = 0;
  std::int64_t online = 0;
  std::int64_t paper = 0;
  // Not shown: rank and figures, or online and paper alone. What is not shown is not here either.
  bool suppressed = false;
  bool split_hidden = false;
  friend bool operator==(const RankedOption&, const RankedOption&) = default;
};

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
  std::vector<RankedOption> rows;        // by option index
  std::vector<OptionIndex> order;        // best first; equal scores by option id
  std::vector<OptionIndex> changed;      // since the snapshot made before, new options too
  std::shared_ptr<const PollView> view;  // ids and definition as of this version
};

}  // namespace tallyd
