#include "engine/recovery.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include "engine/voter_index_filler.h"
#include "storage/absl_view.h"
#include "storage/broken_build.h"
#include "storage/journal_record.h"
#include "storage/tally_checkpoint.h"

namespace tallyd {
namespace {

// Enough for table files of their own (storage/ballot_store.h).
constexpr std::size_t kStoreBatchVersions = 262'144;

BallotVersion ToVersion(const BallotEntry& entry, Position position) {
  BallotVersion version;
  version.poll = entry.poll;
  version.tag = entry.tag;
  version.seq = entry.seq;
  version.channel = entry.channel;
  version.box = entry.box;
  version.version_no = entry.version_no;
  version.idempotency_print = entry.idempotency_print;
  version.supersedes = entry.supersedes ? entry.supersedes->seq : 0;
  version.position = position;
  version.payload.assign(entry.payload);
  return version;
}

BallotVersion ToVersion(const WithdrawalEntry& entry, Position position) {
  BallotVersion version;
  version.poll = entry.poll;
  version.tag = entry.tag;
  version.seq = entry.seq;
  version.channel = entry.supersedes.channel;
  version.box = entry.supersedes.box;
  version.withdrawn = true;
  version.version_no = entry.version_no;
  version.idempotency_print = entry.idempotency_print;
  version.supersedes = entry.supersedes.seq;
  version.position = position;
  return version;
}

// Feeds each record to the consumers that do not have it yet.
class Replay {
 public:
  Replay(RecoveryTargets targets, Epoch epoch, Position tallies_have)
      : targets_(targets),
        epoch_(epoch),
        tallies_have_(tallies_have),
        store_has_(targets.ballots->position()),
        voters_(targets.voters) {}

  absl::Status Apply(const RecordView& record) {
    const RecordHeader& header = record.header();
    const auto visit = [&](const Entry& entry) { return ApplyEntry(entry, header); };
    if (absl::Status entries = record.ForEach(visit); !entries.ok()) return entries;
    if (absl::Status acts = targets_.audit->Apply(record); !acts.ok()) return acts;
    if (header.position > tallies_have_) {
      if (absl::Status counted = targets_.tallies->Apply(record); !counted.ok()) return counted;
    }
    // Also when the store has them already: memory has its bound.
    if (ballots_ - ballots_trimmed_ >= kStoreBatchVersions) return WriteVersions(header.position);
    return absl::OkStatus();
  }

  absl::Status Finish(Position last) { return WriteVersions(last); }
  std::uint64_t ballots() const { return ballots_; }

 private:
  absl::Status ApplyEntry(const Entry& entry, const RecordHeader& header) {
    if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
      return ApplyVersion(*ballot, ballot->supersedes ? ballot->supersedes->seq : 0, header);
    }
    if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
      return ApplyVersion(*withdrawal, withdrawal->supersedes.seq, header);
    }
    if (const auto* project = std::get_if<ProjectEntry>(&entry)) {
      targets_.polls->Apply(*project, header.position);
    } else if (const auto* poll = std::get_if<PollEntry>(&entry)) {
      targets_.polls->Apply(*poll, header.position);
    } else if (const auto* state = std::get_if<PollStateEntry>(&entry)) {
      if (targets_.polls->Find(state->poll) == nullptr) return UnknownPoll(state->poll, header);
      targets_.polls->Apply(*state, header.position, header.time);
    } else if (const auto* quota = std::get_if<ProjectQuotaEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*quota, header.position), "a quota", header);
    } else if (const auto* use = std::get_if<QuotaUseEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*use), "the use of a quota", header);
    } else if (const auto* idea = std::get_if<IdeaEntry>(&entry)) {
      return Follows(targets_.polls->ideas().Apply(*idea, header.position, header.time), "an idea",
                     header);
    } else if (const auto* decided = std::get_if<IdeaDecisionEntry>(&entry)) {
      return Follows(targets_.polls->ideas().Apply(*decided, header.position, header.time),
                     "the decision on an idea", header);
    } else if (const auto* fate = std::get_if<OptionFateEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*fate, header.position), "the fate of an option",
                     header);
    } else if (const auto* batch = std::get_if<PaperBatchEntry>(&entry)) {
      return ApplyPaper(*batch, batch->batch.id, header);
    } else if (const auto* confirm = std::get_if<PaperConfirmEntry>(&entry)) {
      return ApplyPaper(*confirm, confirm->batch, header);
    } else if (const auto* taken = std::get_if<PaperVoidEntry>(&entry)) {
      return ApplyPaper(*taken, taken->batch, header);
    } else if (const auto* cards = std::get_if<PaperCardsEntry>(&entry)) {
      return ApplyPaper(*cards, cards->batch, header);
    } else if (const auto* count = std::get_if<PaperCardsCountEntry>(&entry)) {
      return ApplyPaper(*count, count->batch, header);
    } else if (const auto* tried = std::get_if<OnlineAfterPaperEntry>(&entry)) {
      PollRecord* const tried_in = targets_.polls->Find(tried->poll);
      if (tried_in == nullptr) return UnknownPoll(tried->poll, header);
      return Follows(tried_in->paper.Apply(*tried), "an online try after paper", header);
    } else if (const auto* sealed = std::get_if<KeySealedEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*sealed), "a sealed key", header);
    } else if (const auto* destroyed = std::get_if<KeyDestroyedEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*destroyed, header.position, header.time),
                     "the end of a key", header);
    } else if (const auto* opened = std::get_if<FlagOpenedEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*opened, header.time), "a group of flags", header);
    } else if (const auto* joined = std::get_if<FlagJoinedEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*joined, header.time), "a flag", header);
    } else if (const auto* decided_on = std::get_if<FlagDecisionEntry>(&entry)) {
      return Follows(targets_.polls->Apply(*decided_on, header.time), "the decision on a group",
                     header);
    } else if (const auto* roll = std::get_if<RollEntry>(&entry)) {
      if (!targets_.polls->Apply(*roll)) return UnknownPoll(roll->poll, header);
    }
    return absl::OkStatus();
  }

  static absl::Status Follows(bool applied, std::string_view what, const RecordHeader& header) {
    if (applied) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("journal record ", header.position, ": ",
                                            AbslView(what),
                                            " does not follow from what came before"));
  }

  template <class PaperEntry>
  absl::Status ApplyPaper(const PaperEntry& entry, const std::string& batch,
                          const RecordHeader& header) {
    PollRecord* poll = targets_.polls->Find(entry.poll);
    if (poll == nullptr) return UnknownPoll(entry.poll, header);
    if (poll->paper.Apply(entry, header.time)) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("journal record ", header.position, ": paper batch ",
                                            batch, " of poll ", entry.poll,
                                            " does not follow from what came before"));
  }

  template <class VersionEntry>
  absl::Status ApplyVersion(const VersionEntry& entry, Seq supersedes, const RecordHeader& header) {
    const PollRecord* poll = targets_.polls->Find(entry.poll);
    if (poll == nullptr) return UnknownPoll(entry.poll, header);
    if (poll->next_seq != entry.seq) {
      return absl::DataLossError(absl::StrCat("journal record ", header.position, ": poll ",
                                              entry.poll, " has seq ", entry.seq, " where ",
                                              poll->next_seq, " is next"));
    }
    if (header.epoch == epoch_) {
      targets_.polls->ApplySeq(entry.poll, entry.seq);
    } else {
      targets_.polls->ApplyPastSeq(entry.poll, entry.seq, header.epoch);
    }
    voters_.Add(entry.poll, entry.tag, entry.seq, supersedes);
    if (header.position > store_has_) versions_.push_back(ToVersion(entry, header.position));
    ++ballots_;
    return absl::OkStatus();
  }

  static absl::Status UnknownPoll(PollNumber poll, const RecordHeader& header) {
    return absl::DataLossError(absl::StrCat("journal record ", header.position, ": poll number ",
                                            poll, " was never created"));
  }

  absl::Status WriteVersions(Position through) {
    if (through > store_has_ && through > targets_.ballots->position()) {
      if (absl::Status written = targets_.ballots->Write(versions_, through); !written.ok()) {
        return written;
      }
    }
    versions_.clear();
    ballots_trimmed_ = ballots_;
    voters_.Drain();
    targets_.voters->Trim(through);
    return absl::OkStatus();
  }

  RecoveryTargets targets_;
  const Epoch epoch_;  // the present one; records of before a restore carry theirs
  Position tallies_have_;
  Position store_has_;
  VoterIndexFiller voters_;
  std::vector<BallotVersion> versions_;
  std::uint64_t ballots_ = 0;
  std::uint64_t ballots_trimmed_ = 0;
};

// The checkpoint, if it belongs to this history and is not ahead of it. Whether it stands on the
// same record is found out when the replay comes by.
std::optional<TallyCheckpoint> ReadUsableCheckpoint(const DataDirectory& directory, Position last) {
  auto checkpoint = ReadTallyCheckpoint(directory.checkpoint_path());
  if (!checkpoint.ok()) return std::nullopt;  // derived: counted anew from the journal
  if (checkpoint->epoch != directory.epoch() || checkpoint->position > last) return std::nullopt;
  return *std::move(checkpoint);
}

}  // namespace

absl::Status CheckWatermarkRecord(const Watermark& watermark, const RecordView& record) {
  if (record.header().position != watermark.position || record.Hash() == watermark.hash) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat("journal record ", watermark.position,
                   " is not the one the watermark was set on: this is another history. Refusing to "
                   "serve; restore the data directory that belongs to this watermark"));
}

absl::StatusOr<std::unique_ptr<WatermarkFile>> OpenWatermark(const DataDirectory& directory,
                                                             const JournalClaim& claim) {
  auto file = WatermarkFile::Open(directory.watermark_path());
  if (absl::IsNotFound(file.status()) && claim.last == 0) {
    return WatermarkFile::Create(directory.watermark_path(),
                                 {.epoch = directory.epoch(), .position = 0, .hash = {}});
  }
  if (absl::IsNotFound(file.status())) {
    return absl::DataLossError(absl::StrCat(
        "no watermark at ", directory.watermark_path(), " beside a journal of ", claim.last,
        " records: whether the journal is whole cannot be told. Refusing to "
        "serve; bring the watermark file back"));
  }
  if (!file.ok()) return file.status();
  const Watermark& mark = (*file)->newest();
  if (mark.epoch != directory.epoch()) {
    return absl::DataLossError(absl::StrCat("the watermark is of epoch ", mark.epoch,
                                            ", the data directory of epoch ", directory.epoch(),
                                            ": they do not belong together"));
  }
  if (mark.position > claim.last && !TALLYD_BROKEN("M7-watermark-off") &&
      !TALLYD_BROKEN("M8-point-in-time-recovery")) {
    return absl::DataLossError(
        absl::StrCat("the journal ends at record ", claim.last, " but the watermark says ",
                     mark.position, " were durable: at least ", mark.position - claim.last,
                     " records are lost. Refusing to serve; restore the data directory"));
  }
  return file;
}

absl::StatusOr<RecoveredEnd> Recover(const DataDirectory& directory, const JournalClaim& claim,
                                     const Watermark& watermark, Journal* journal,
                                     RecoveryTargets targets) {
  if (targets.ballots->position() > claim.last) {
    return absl::DataLossError(absl::StrCat(
        "the ballot store is at record ", targets.ballots->position(), " but the journal ends at ",
        claim.last, ": the journal lost its end. Refusing to serve; restore the data directory"));
  }
  RecoveredEnd end{.term = claim.term, .last = claim.last, .last_hash = claim.last_hash};
  auto checkpoint = ReadUsableCheckpoint(directory, claim.last);
  if (checkpoint && !targets.tallies->Decode(checkpoint->polls).ok()) {
    *targets.tallies = TallyBook();
    checkpoint.reset();
  }
  end.checkpoint = checkpoint ? checkpoint->position : 0;
  if (claim.last == 0) return end;
  for (const PollNumber poll : targets.tallies->Polls()) {
    targets.voters->Expect(poll, targets.tallies->tally(poll).totals().online);
  }
  const Position already = TALLYD_BROKEN("M5-saved-tally-apart") ? 1 : 0;
  Replay replay(targets, claim.epoch, end.checkpoint - std::min(already, end.checkpoint));
  auto cursor = journal->Read(journal->first());
  if (!cursor.ok()) return cursor.status();
  for (;;) {
    const auto bytes = (*cursor)->Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) break;
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    if (absl::Status mark = CheckWatermarkRecord(watermark, *record); !mark.ok()) return mark;
    if (checkpoint && record->header().position == checkpoint->position &&
        record->Hash() != checkpoint->hash) {
      return absl::DataLossError(absl::StrCat(
          "the tally checkpoint at ", directory.checkpoint_path(),
          " is of another history; `tallyctl rebuild` makes it anew from the journal"));
    }
    if (absl::Status applied = replay.Apply(*record); !applied.ok()) return applied;
    end.last_time = record->header().time;
  }
  if (absl::Status finished = replay.Finish(claim.last); !finished.ok()) return finished;
  end.ballots = replay.ballots();
  return end;
}

}  // namespace tallyd
