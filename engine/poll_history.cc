#include "engine/poll_history.h"

#include <algorithm>
#include <optional>

namespace tallyd {
namespace {

// Hands records to `take` until it returns false, `last` was taken or a bound is met.
absl::Status ForEachRecord(JournalCursor* cursor, Position last, std::uint64_t scanned_bytes_max,
                           absl::FunctionRef<bool()> keep_on,
                           absl::FunctionRef<absl::StatusOr<bool>(const RecordView&)> take) {
  std::uint64_t scanned_bytes = 0;
  for (Position position = 0; position < last;) {
    if (!keep_on()) return absl::CancelledError("the walk was given up");
    const auto bytes = cursor->Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return absl::DataLossError("the journal is shorter than it was");
    scanned_bytes += bytes->size();
    if (scanned_bytes > scanned_bytes_max) return absl::OutOfRangeError("the journal is too long");
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    position = record->header().position;
    const auto more = take(*record);
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WalkHistory(JournalCursor* cursor, const HistoryAsk& ask, PollFold* fold,
                         absl::FunctionRef<bool(const HistoryStep&)> visit,
                         absl::FunctionRef<bool()> keep_on) {
  std::optional<std::int64_t> open;  // the step of the last change, not yet visited
  const auto finish = [&](bool over) {
    const std::int64_t number = *open;
    open.reset();
    std::vector<OptionIndex> changed = fold->tally().TakeChanged();
    if (number <= ask.after_step) return true;
    std::sort(changed.begin(), changed.end());
    return visit(
        {.number = number, .over = over, .position = fold->position(), .changed = changed});
  };
  absl::Status walked = ForEachRecord(cursor, ask.last, ask.scanned_bytes_max, keep_on,
                                      [&](const RecordView& record) -> absl::StatusOr<bool> {
                                        const std::int64_t now = record.header().time / ask.step_us;
                                        if (open && now > *open && !finish(true)) return false;
                                        const Position before = fold->position();
                                        if (absl::Status taken = fold->Take(record); !taken.ok())
                                          return taken;
                                        if (fold->position() != before) open = now;
                                        return true;
                                      });
  if (walked.ok() && open) finish(false);
  return walked;
}

absl::Status FoldThrough(JournalCursor* cursor, Position last, std::uint64_t scanned_bytes_max,
                         PollFold* fold, absl::FunctionRef<bool()> keep_on) {
  return ForEachRecord(cursor, last, scanned_bytes_max, keep_on,
                       [fold](const RecordView& record) -> absl::StatusOr<bool> {
                         if (absl::Status taken = fold->Take(record); !taken.ok()) return taken;
                         return !fold->reached();
                       });
}

}  // namespace tallyd
