#pragma once

// The paper side of the journal: what was counted at an opening of a ballot box, who confirmed it,
// and what was taken back.
//
// A batch is entered once and never changes; a correction is a void and a new batch. Whatever makes
// figures count or takes them out again carries them itself, so that a tally can be built from any
// position on without looking back. Bytes: docs/data_formats.md.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/records.h"

namespace tallyd {

struct PaperCount {
  OptionIndex option = 0;
  std::uint32_t ballots = 0;  // cards that name the option; at least 1
  std::int64_t score = 0;     // what they add to its score
  friend bool operator==(const PaperCount&, const PaperCount&) = default;
};

struct PaperFigures {
  std::uint32_t cards = 0;              // in the box, all of them
  std::uint32_t invalid = 0;            // of these: could not be counted
  std::uint32_t blank = 0;              // of these: valid, name nothing
  std::vector<PaperCount> counts = {};  // by rising option
  friend bool operator==(const PaperFigures&, const PaperFigures&) = default;
};

struct PaperBatch {
  std::string id = {};
  BoxIndex box = 0;
  std::optional<TimeUs> opened_at = {};
  std::vector<std::string> counted_by = {};
  std::string seal = {};
  PaperFigures figures = {};
  friend bool operator==(const PaperBatch&, const PaperBatch&) = default;
};

struct PaperBatchEntry {
  PollNumber poll = 0;
  PaperBatch batch = {};
  bool counts = false;     // at once, without a second person
  std::string actor = {};  // who did it; "" = nobody named
};

// From here on the figures count; they are those of the batch.
struct PaperConfirmEntry {
  PollNumber poll = 0;
  std::string batch = {};
  bool blind = false;  // the second person entered all figures again
  PaperFigures figures = {};
  std::string actor = {};
};

struct PaperVoidEntry {
  PollNumber poll = 0;
  std::string batch = {};
  std::string reason = {};
  std::optional<PaperFigures> reverses = {};  // of a batch that counted
  std::string actor = {};
};

}  // namespace tallyd
