// The acts of the people who count paper: enter a batch, confirm it, take it back.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "engine/decider.h"
#include "engine/limits.h"
#include "storage/check.h"

namespace tallyd {
namespace {

Outcome Refused(OutcomeCode code, std::string detail = {}) {
  Outcome outcome;
  outcome.code = code;
  outcome.detail = std::move(detail);
  return outcome;
}

// An outcome that shows the batch as it is now.
Outcome About(OutcomeCode code, const PaperRecord& record) {
  Outcome outcome;
  outcome.code = code;
  outcome.paper = std::make_unique<PaperPage>();
  outcome.paper->batches.push_back(record);
  return outcome;
}

bool SameAs(const PaperBatch& first, const ConfirmPaperBatch::SecondEntry& second) {
  return second.box.value_or(first.box) == first.box &&
         second.seal.value_or(first.seal) == first.seal && second.figures == first.figures;
}

bool FitsPoll(const PollDefinition& poll, const PaperBatch& batch) {
  const std::vector<PaperCount>& counts = batch.figures.counts;
  return batch.box >= 1 && batch.box <= poll.boxes.size() &&
         counts.size() <= kPaperCountsPerBatchMax &&
         (counts.empty() || counts.back().option < poll.options.size());
}

// An option that the figures count although it was merged into another that the same card may name.
const OptionDefinition* FindMerged(const PollRecord& poll, const PaperFigures& figures) {
  if (!MayNameTwo(poll.rules)) return nullptr;
  for (const PaperCount& count : figures.counts) {
    const OptionDefinition& option = poll.definition.options[count.option];
    if (option.fate == OptionFate::kMoved) return &option;
  }
  return nullptr;
}

}  // namespace

Outcome Decider::DecidePaper(PollNumber number, const Act& act, DecidedBatch* batch) {
  PollRecord* poll = state_.polls->Find(number);
  if (poll == nullptr) return Refused(OutcomeCode::kNotFound);
  if (const auto* put = std::get_if<PutPaperBatch>(&act)) return DecidePut(*poll, *put, batch);
  if (const auto* confirm = std::get_if<ConfirmPaperBatch>(&act)) {
    return DecideConfirm(*poll, *confirm, batch);
  }
  if (const auto* taken = std::get_if<VoidPaperBatch>(&act)) {
    return DecideVoid(*poll, *taken, batch);
  }
  const auto& read = std::get<ReadPaper>(act);
  if (!read.batch.empty()) {
    const PaperRecord* record = poll->paper.Find(read.batch);
    return record == nullptr ? Refused(OutcomeCode::kBatchNotFound)
                             : About(OutcomeCode::kFound, *record);
  }
  Outcome outcome;
  outcome.code = OutcomeCode::kFound;
  outcome.paper = std::make_unique<PaperPage>(poll->paper.List(read.after, read.limit));
  return outcome;
}

Outcome Decider::DecidePut(PollRecord& poll, const PutPaperBatch& put, DecidedBatch* batch) {
  // First of all: sending the same again is harmless, whatever became of the poll meanwhile.
  if (const PaperRecord* present = poll.paper.Find(put.batch.id)) {
    return About(present->batch == put.batch ? OutcomeCode::kUnchanged : OutcomeCode::kBatchExists,
                 *present);
  }
  if (!poll.definition.paper) return Refused(OutcomeCode::kChannelNotAllowed);
  if (!poll.TakesPaperBatches()) return Refused(OutcomeCode::kPollNotOpen);
  if (!FitsPoll(poll.definition, put.batch)) return Refused(OutcomeCode::kOptionUnknown);
  if (const OptionDefinition* merged = FindMerged(poll, put.batch.figures)) {
    return Refused(OutcomeCode::kFateNotPossible,
                   absl::StrCat(merged->id, " was merged into ",
                                poll.definition.options[merged->counts_for].id,
                                ": count cards that name either once, for that one"));
  }
  if (!poll.paper.HasRoomFor(put.batch)) {
    return Refused(OutcomeCode::kTooLarge, "the poll has as many paper batches as it may");
  }
  const PaperBatchEntry entry{.poll = poll.number,
                              .batch = put.batch,
                              .counts = !poll.definition.paper_confirm,
                              .actor = put.actor};
  batch->record.AddPaperBatch(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  return About(OutcomeCode::kCreated, *poll.paper.Find(put.batch.id));
}

Outcome Decider::DecideConfirm(PollRecord& poll, const ConfirmPaperBatch& confirm,
                               DecidedBatch* batch) {
  const PaperRecord* record = poll.paper.Find(confirm.batch);
  if (record == nullptr) return Refused(OutcomeCode::kBatchNotFound);
  if (record->voided) return About(OutcomeCode::kBatchVoided, *record);
  if (record->counts && !record->confirmed) return About(OutcomeCode::kUnchanged, *record);
  if (record->entered.actor.empty()) {
    return Refused(OutcomeCode::kFourEyes,
                   "nobody is named who entered the batch: void it and enter it again");
  }
  if (confirm.actor.empty()) {
    return Refused(OutcomeCode::kFourEyes, "nobody is named who confirms the batch");
  }
  if (confirm.actor == record->entered.actor) {
    return Refused(OutcomeCode::kFourEyes, "who entered a batch cannot confirm it");
  }
  const bool blind = confirm.second.has_value();
  if (blind && !SameAs(record->batch, *confirm.second)) {
    return About(OutcomeCode::kEntriesDiffer, *record);
  }
  if (record->counts) return About(OutcomeCode::kUnchanged, *record);
  if (!poll.TakesPaperBatches()) return Refused(OutcomeCode::kPollNotOpen);
  const PaperConfirmEntry entry{.poll = poll.number,
                                .batch = confirm.batch,
                                .blind = blind,
                                .figures = record->batch.figures,
                                .actor = confirm.actor};
  batch->record.AddPaperConfirm(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  return About(OutcomeCode::kUpdated, *record);
}

Outcome Decider::DecideVoid(PollRecord& poll, const VoidPaperBatch& taken, DecidedBatch* batch) {
  const PaperRecord* record = poll.paper.Find(taken.batch);
  if (record == nullptr) return Refused(OutcomeCode::kBatchNotFound);
  if (record->voided) {
    const bool same = record->void_reason == taken.reason;
    return About(same ? OutcomeCode::kUnchanged : OutcomeCode::kBatchVoided, *record);
  }
  if (!poll.TakesPaperBatches()) return Refused(OutcomeCode::kPollNotOpen);
  PaperVoidEntry entry{.poll = poll.number,
                       .batch = taken.batch,
                       .reason = taken.reason,
                       .reverses = std::nullopt,
                       .actor = taken.actor};
  if (record->counts) entry.reverses = record->batch.figures;
  batch->record.AddPaperVoid(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  return About(OutcomeCode::kUpdated, *record);
}

}  // namespace tallyd
