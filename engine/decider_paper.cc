// The acts of the people who count paper: enter a batch, confirm it, take it back.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "engine/decider.h"
#include "engine/limits.h"
#include "storage/check.h"

namespace tallyd {
namespace {

bool SameAs(const PaperRecord& first, const ConfirmPaperBatch::SecondEntry& second) {
  const PaperBatch& batch = first.batch;
  return second.box.value_or(batch.box) == batch.box &&
         second.seal.value_or(batch.seal) == batch.seal && second.figures == first.figures();
}

// Why this person may not be the second one; nullptr: they may.
const char* FindFourEyesFault(const PaperRecord& record, const std::string& actor) {
  const PaperSignature* cards = record.cards_entered ? &*record.cards_entered : nullptr;
  if (record.entered.actor.empty() || (cards != nullptr && cards->actor.empty())) {
    return "nobody is named who entered the batch: void it and enter it again";
  }
  if (actor.empty()) return "nobody is named who confirms the batch";
  if (actor == record.entered.actor || (cards != nullptr && actor == cards->actor)) {
    return "who entered a batch cannot confirm it";
  }
  return nullptr;
}

bool FitsPoll(const PollDefinition& poll, const PaperBatch& batch) {
  const std::vector<PaperCount>& counts = batch.figures.counts;
  return batch.box >= 1 && batch.box <= poll.boxes.size() &&
         counts.size() <= kPaperCountsPerBatchMax &&
         (counts.empty() || counts.back().option < poll.options.size());
}

// An option that the figures count although it was merged into another that the same card may name.
const OptionDefinition* FindMerged(const PollRecord& poll, const PaperFigures& figures) {
  for (const PaperCount& count : figures.counts) {
    const OptionDefinition& option = poll.definition.options[count.option];
    if (option.fate == OptionFate::kMoved &&
        MayNameTwo(RulesOfQuestion(poll.rules, option.question))) {
      return &option;
    }
  }
  return nullptr;
}

void Add(EngineMetrics::Counter& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// An outcome that shows the batch as it is now.
Outcome Decider::AboutPaper(OutcomeCode code, const PollRecord& poll, const PaperRecord& record) {
  Outcome outcome;
  outcome.code = code;
  outcome.paper = std::make_unique<PaperPage>();
  outcome.paper->batches.push_back(record);
  outcome.paper->batches.back().online_after = poll.paper.CardsTriedOnline(record);
  if (record.cards_entered && record.outcomes.empty() && !record.voided) {
    for (const CardFate& fate : FatesOf(poll, record.cards)) {
      outcome.paper->batches.back().outcomes.push_back({.result = fate.result, .seq = 0});
    }
  }
  return outcome;
}

Outcome Decider::DecidePaper(PollNumber number, const Act& act, DecidedBatch* batch) {
  PollRecord* poll = state_.polls->Find(number);
  if (poll == nullptr) return Refused(OutcomeCode::kNotFound);
  if (const auto* put = std::get_if<PutPaperBatch>(&act)) return DecidePut(*poll, *put, batch);
  if (const auto* put = std::get_if<PutPaperCards>(&act)) return DecideCards(*poll, *put, batch);
  if (const auto* put = std::get_if<PutRoll>(&act)) return DecideRoll(*poll, *put, batch);
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
                             : AboutPaper(OutcomeCode::kFound, *poll, *record);
  }
  Outcome outcome;
  outcome.code = OutcomeCode::kFound;
  if (read.by_box) {
    outcome.paper = std::make_unique<PaperPage>();
    outcome.paper->boxes = poll->paper.SumByBox(poll->definition.boxes.size());
  } else {
    outcome.paper = std::make_unique<PaperPage>(poll->paper.List(read.after, read.limit));
  }
  return outcome;
}

Outcome Decider::DecidePut(PollRecord& poll, const PutPaperBatch& put, DecidedBatch* batch) {
  // First of all: sending the same again is harmless, whatever became of the poll meanwhile.
  if (const PaperRecord* present = poll.paper.Find(put.batch.id)) {
    const bool same = present->batch == put.batch;
    return AboutPaper(same ? OutcomeCode::kUnchanged : OutcomeCode::kBatchExists, poll, *present);
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
    return RefuseMorePaper("the poll has as many paper batches as it may");
  }
  const PaperBatchEntry entry{.poll = poll.number,
                              .batch = put.batch,
                              .counts = !poll.definition.paper_confirm && !put.batch.by_cards,
                              .actor = put.actor};
  batch->record.AddPaperBatch(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  Add(state_.metrics->paper_entered);
  return AboutPaper(OutcomeCode::kCreated, poll, *poll.paper.Find(put.batch.id));
}

Outcome Decider::DecideConfirm(PollRecord& poll, const ConfirmPaperBatch& confirm,
                               DecidedBatch* batch) {
  const PaperRecord* record = poll.paper.Find(confirm.batch);
  if (record == nullptr) return Refused(OutcomeCode::kBatchNotFound);
  if (record->voided) return AboutPaper(OutcomeCode::kBatchVoided, poll, *record);
  if (record->counts && !record->confirmed) {
    return AboutPaper(OutcomeCode::kUnchanged, poll, *record);
  }
  if (const char* fault = FindFourEyesFault(*record, confirm.actor)) {
    return Refused(OutcomeCode::kFourEyes, fault);
  }
  if (record->waits_for_cards()) return Refused(OutcomeCode::kCardsMissing);
  const bool blind = confirm.second.has_value();
  if (blind && !SameAs(*record, *confirm.second)) {
    return AboutPaper(OutcomeCode::kEntriesDiffer, poll, *record);
  }
  if (record->counts) return AboutPaper(OutcomeCode::kUnchanged, poll, *record);
  if (poll.definition.paper_blind && !blind) return Refused(OutcomeCode::kBlindEntryRequired);
  if (!poll.TakesPaperBatches()) return Refused(OutcomeCode::kPollNotOpen);
  if (record->batch.by_cards) return ConfirmCards(poll, confirm, batch);
  const PaperConfirmEntry entry{.poll = poll.number,
                                .batch = confirm.batch,
                                .blind = blind,
                                .figures = record->batch.figures,
                                .actor = confirm.actor};
  batch->record.AddPaperConfirm(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  Add(state_.metrics->paper_confirmed);
  return AboutPaper(OutcomeCode::kUpdated, poll, *record);
}

Outcome Decider::DecideVoid(PollRecord& poll, const VoidPaperBatch& taken, DecidedBatch* batch) {
  const PaperRecord* record = poll.paper.Find(taken.batch);
  if (record == nullptr) return Refused(OutcomeCode::kBatchNotFound);
  if (record->voided) {
    const bool same = record->void_reason == taken.reason;
    return AboutPaper(same ? OutcomeCode::kUnchanged : OutcomeCode::kBatchVoided, poll, *record);
  }
  if (!poll.TakesPaperBatches()) return Refused(OutcomeCode::kPollNotOpen);
  PaperVoidEntry entry{.poll = poll.number,
                       .batch = taken.batch,
                       .reason = taken.reason,
                       .reverses = std::nullopt,
                       .actor = taken.actor};
  if (record->counts) entry.reverses = record->FiguresInTally();
  if (record->counts && !TakeCardsBack(poll, *record, batch)) {
    return Refused(OutcomeCode::kTooLarge, "too many ballots for one commit");
  }
  batch->record.AddPaperVoid(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  Add(state_.metrics->paper_voided);
  return AboutPaper(OutcomeCode::kUpdated, poll, *record);
}

}  // namespace tallyd
