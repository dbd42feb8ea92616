#pragma once

// What became of the votes of an option that was withdrawn or merged into another.
//
//   kept      they stay with the option; it takes no new ones
//   moved     they count for another option of the same question, from here on
//   released  they count for nothing, and whoever gave them may vote again
//
// Ballots stay as they were cast; what they count for follows from the fates (engine/ballot.h).
// Bytes: docs/data_formats.md.

#include <cstdint>
#include <string>

#include "storage/records.h"

namespace tallyd {

enum class OptionFate : std::uint8_t { kKept = 0, kMoved = 1, kReleased = 2 };

// What both options got from the same ballots and the one that is left must not get twice. Carried
// by the entry, so that a tally can be built from any position on without reading ballots.
struct FateOverlap {
  std::uint64_t ballots = 0;
  std::int64_t online = 0;  // score
  std::int64_t paper = 0;
  friend bool operator==(const FateOverlap&, const FateOverlap&) = default;
};

struct OptionFateEntry {
  PollNumber poll = 0;
  OptionIndex option = 0;
  OptionFate fate = OptionFate::kKept;
  OptionIndex into = 0;      // moved
  FateOverlap overlap = {};  // moved
  std::string reason = {};
  std::string actor = {};  // who did it; "" = nobody named
};

}  // namespace tallyd
