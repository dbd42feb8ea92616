#include "engine/paper_ledger.h"

#include <algorithm>

namespace tallyd {
namespace {

PaperRecord WithoutCounts(const PaperRecord& record) {
  PaperRecord summary;
  summary.batch = record.batch;
  summary.batch.figures.counts.clear();
  summary.counts = record.counts;
  summary.entered = record.entered;
  summary.confirmed = record.confirmed;
  summary.blind = record.blind;
  summary.voided = record.voided;
  summary.void_reason = record.void_reason;
  summary.cards_entered = record.cards_entered;
  summary.card_figures = record.card_figures;
  summary.card_figures.counts.clear();
  return summary;
}

void Add(const PaperFigures& figures, PaperBoxSummary::Sum* sum) {
  ++sum->batches;
  sum->cards += figures.cards;
  sum->invalid += figures.invalid;
  sum->blank += figures.blank;
}

}  // namespace

const PaperRecord* PaperLedger::Find(std::string_view id) const {
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : &found->second;
}

PaperPage PaperLedger::List(std::string_view after, std::size_t limit) const {
  PaperPage page;
  for (auto it = records_.upper_bound(after); it != records_.end(); ++it) {
    if (page.batches.size() == limit) {
      page.is_last = false;
      break;
    }
    page.batches.push_back(WithoutCounts(it->second));
  }
  return page;
}

bool PaperLedger::HasRoomFor(const PaperBatch& batch) const {
  return records_.size() < limits_.batches_max &&
         counts_count_ + batch.figures.counts.size() <= limits_.counts_max;
}

bool PaperLedger::Names(OptionIndex option) const {
  return std::any_of(records_.begin(), records_.end(), [option](const auto& entry) {
    const PaperRecord& record = entry.second;
    const std::vector<PaperCount>& counts = record.batch.figures.counts;
    return !record.voided &&
           std::any_of(counts.begin(), counts.end(),
                       [option](const PaperCount& count) { return count.option == option; });
  });
}

bool PaperLedger::HasRoomForCards(std::size_t cards_count) const {
  return cards_count_ + cards_count <= limits_.cards_max;
}

std::vector<PaperBoxSummary> PaperLedger::SumByBox(std::size_t boxes_count) const {
  std::vector<PaperBoxSummary> boxes(boxes_count);
  for (const auto& [id, record] : records_) {
    if (record.batch.box == 0 || record.batch.box > boxes_count) continue;
    PaperBoxSummary& box = boxes[record.batch.box - 1];
    Add(record.figures(), record.voided   ? &box.voided
                          : record.counts ? &box.counted
                                          : &box.entered);
    if (!record.counts) continue;
    for (const CardOutcome& outcome : record.outcomes) {
      ++box.cards_by_result[static_cast<std::size_t>(outcome.result)];
      if (outcome.seq != 0 && tried_online_.contains(outcome.seq)) ++box.online_after;
    }
  }
  return boxes;
}

bool PaperLedger::Apply(const PaperBatchEntry& entry, TimeUs time) {
  if (entry.batch.by_cards && entry.counts) return false;
  PaperRecord record;
  record.batch = entry.batch;
  record.counts = entry.counts;
  record.entered = {.actor = entry.actor, .time = time};
  if (!records_.emplace(entry.batch.id, std::move(record)).second) return false;
  counts_count_ += entry.batch.figures.counts.size();
  return true;
}

bool PaperLedger::Apply(const PaperConfirmEntry& entry, TimeUs time) {
  PaperRecord* record = FindOpen(entry.batch);
  if (record == nullptr || record->counts || record->batch.by_cards ||
      !(record->batch.figures == entry.figures)) {
    return false;
  }
  record->counts = true;
  record->confirmed = PaperSignature{.actor = entry.actor, .time = time};
  record->blind = entry.blind;
  return true;
}

bool PaperLedger::Apply(const PaperVoidEntry& entry, TimeUs time) {
  PaperRecord* record = FindOpen(entry.batch);
  if (record == nullptr || record->counts != entry.reverses.has_value()) return false;
  if (entry.reverses && !(*entry.reverses == record->FiguresInTally())) return false;
  record->counts = false;
  record->voided = PaperSignature{.actor = entry.actor, .time = time};
  record->void_reason = entry.reason;
  return true;
}

bool PaperLedger::Apply(const PaperCardsEntry& entry, TimeUs time) {
  PaperRecord* record = FindOpen(entry.batch);
  if (record == nullptr || !record->waits_for_cards()) return false;
  record->cards_entered = PaperSignature{.actor = entry.actor, .time = time};
  record->cards = entry.cards;
  record->card_figures = entry.figures;
  cards_count_ += entry.cards.size();
  return true;
}

bool PaperLedger::Apply(const PaperCardsCountEntry& entry, TimeUs time) {
  PaperRecord* record = FindOpen(entry.batch);
  if (record == nullptr || record->counts || !record->cards_entered ||
      entry.outcomes.size() != record->cards.size() || !(entry.rest == record->FiguresInTally())) {
    return false;
  }
  record->counts = true;
  record->outcomes = entry.outcomes;
  if (!entry.at_once) record->confirmed = PaperSignature{.actor = entry.actor, .time = time};
  record->blind = entry.blind;
  return true;
}

bool PaperLedger::HasRoomForOnlineTry() const {
  return tried_online_.size() < limits_.cards_max;
}

bool PaperLedger::Apply(const OnlineAfterPaperEntry& entry) {
  return tried_online_.insert(entry.on_paper).second;
}

std::vector<bool> PaperLedger::CardsTriedOnline(const PaperRecord& record) const {
  std::vector<bool> tried;
  if (tried_online_.empty()) return tried;
  for (std::size_t i = 0; i < record.outcomes.size(); ++i) {
    if (record.outcomes[i].seq == 0 || !tried_online_.contains(record.outcomes[i].seq)) continue;
    tried.resize(record.outcomes.size());
    tried[i] = true;
  }
  return tried;
}

// A batch that was not voided.
PaperRecord* PaperLedger::FindOpen(std::string_view id) {
  const auto found = records_.find(id);
  return found == records_.end() || found->second.voided ? nullptr : &found->second;
}

}  // namespace tallyd
