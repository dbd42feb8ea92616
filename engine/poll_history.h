#pragma once

// How the counts of a poll grew: what had changed at the end of each step of time in which anything
// did, folded from the journal.
//
// Time is that of the commits, so the same journal gives the same steps. A step is over once a
// commit of any poll lies after it; the last one may not be, and says so. Memory: one poll's
// counts. Any thread that may wait for the disk.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "engine/poll_fold.h"
#include "storage/journal.h"

namespace tallyd {

struct HistoryStep {
  std::int64_t number = 0;  // time divided by the step
  bool over = true;
  Position position = 0;                       // last commit of the poll in it
  absl::Span<const OptionIndex> changed = {};  // ascending; their counts are in the fold
};

struct HistoryAsk {
  std::int64_t step_us = 60'000'000;
  std::int64_t after_step = 0;  // steps up to it are not visited
  Position last = 0;
  std::uint64_t scanned_bytes_max = 0;  // OutOfRange beyond
};

// `cursor` begins at the first record. `visit` returns false when it has enough. Cancelled when
// `keep_on` says no.
absl::Status WalkHistory(JournalCursor* cursor, const HistoryAsk& ask, PollFold* fold,
                         absl::FunctionRef<bool(const HistoryStep&)> visit,
                         absl::FunctionRef<bool()> keep_on);

// The fold of everything up to `last`, or to its seq. The same bounds.
absl::Status FoldThrough(JournalCursor* cursor, Position last, std::uint64_t scanned_bytes_max,
                         PollFold* fold, absl::FunctionRef<bool()> keep_on);

}  // namespace tallyd
