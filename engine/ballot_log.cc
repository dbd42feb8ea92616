#include "engine/ballot_log.h"

#include <algorithm>
#include <variant>

namespace tallyd {
namespace {

bool HasBallotsOf(const RecordView& record, PollNumber poll) {
  return std::any_of(record.polls().begin(), record.polls().end(),
                     [poll](const PollSpan& span) { return span.poll == poll; });
}

absl::Status CollectBallots(const RecordView& record, PollNumber poll, const VoterKey& key,
                            std::vector<LoggedBallot>* ballots) {
  ballots->clear();
  absl::Status read = record.ForEach([&](const Entry& entry) {
    if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
      if (ballot->poll != poll) return absl::OkStatus();
      const bool replaces = ballot->supersedes && !ballot->supersedes->payload.empty();
      ballots->push_back({.act = replaces ? BallotAct::kReplace : BallotAct::kCast,
                          .pseudonym = key.MakePseudonym(ballot->tag),
                          .version_no = ballot->version_no,
                          .channel = ballot->channel,
                          .box = ballot->box,
                          .payload = ballot->payload});
    } else if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
      if (withdrawal->poll != poll) return absl::OkStatus();
      ballots->push_back({.act = BallotAct::kWithdraw,
                          .pseudonym = key.MakePseudonym(withdrawal->tag),
                          .version_no = withdrawal->version_no,
                          .channel = withdrawal->supersedes.channel,
                          .box = withdrawal->supersedes.box,
                          .payload = {}});
    }
    return absl::OkStatus();
  });
  std::sort(ballots->begin(), ballots->end(), [](const LoggedBallot& a, const LoggedBallot& b) {
    return a.pseudonym != b.pseudonym ? a.pseudonym < b.pseudonym : a.version_no < b.version_no;
  });
  return read;
}

}  // namespace

bool MayConcern(const RecordView& record, PollNumber poll) {
  std::size_t ballots = 0;
  for (const PollSpan& span : record.polls()) {
    if (span.poll == poll) return true;
    ballots += span.ballots;
  }
  return ballots < record.entries_count();
}

absl::StatusOr<BallotLogEnd> WalkBallotLog(
    JournalCursor* cursor, PollNumber poll, const VoterKey& key, Position after, Position last,
    const BallotLogLimits& limits,
    absl::FunctionRef<bool(Position, absl::Span<const LoggedBallot>)> visit,
    absl::FunctionRef<bool()> keep_on) {
  BallotLogEnd end{.through = after};
  std::vector<LoggedBallot> ballots;
  std::size_t visited = 0;
  std::size_t scanned_bytes = 0;
  while (end.through < last) {
    if (!keep_on()) return absl::CancelledError("the walk was given up");
    const auto bytes = cursor->Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return absl::DataLossError("the journal is shorter than it was");
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    end.through = record->header().position;
    scanned_bytes += bytes->size();
    bool enough = false;
    if (HasBallotsOf(*record, poll)) {
      if (absl::Status read = CollectBallots(*record, poll, key, &ballots); !read.ok()) return read;
      visited += ballots.size();
      enough = !visit(end.through, ballots);
    }
    end.limited =
        enough || visited >= limits.ballots_max || scanned_bytes >= limits.scanned_bytes_max;
    if (end.limited) break;
  }
  return end;
}

}  // namespace tallyd
