#include "engine/paper_ledger.h"

#include <algorithm>

#include "engine/limits.h"

namespace tallyd {
namespace {

PaperRecord WithoutCounts(const PaperRecord& record) {
  PaperRecord summary = record;
  summary.batch.figures.counts.clear();
  return summary;
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
  return records_.size() < kPaperBatchesPerPollMax &&
         counts_count_ + batch.figures.counts.size() <= kPaperCountsPerPollMax;
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

bool PaperLedger::Apply(const PaperBatchEntry& entry, TimeUs time) {
  PaperRecord record{.batch = entry.batch,
                     .counts = entry.counts,
                     .entered = {.actor = entry.actor, .time = time},
                     .confirmed = std::nullopt,
                     .blind = false,
                     .voided = std::nullopt,
                     .void_reason = {}};
  if (!records_.emplace(entry.batch.id, std::move(record)).second) return false;
  counts_count_ += entry.batch.figures.counts.size();
  return true;
}

bool PaperLedger::Apply(const PaperConfirmEntry& entry, TimeUs time) {
  PaperRecord* record = FindOpen(entry.batch);
  if (record == nullptr || record->counts || !(record->batch.figures == entry.figures)) {
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
  if (entry.reverses && !(*entry.reverses == record->batch.figures)) return false;
  record->counts = false;
  record->voided = PaperSignature{.actor = entry.actor, .time = time};
  record->void_reason = entry.reason;
  return true;
}

// A batch that was not voided.
PaperRecord* PaperLedger::FindOpen(std::string_view id) {
  const auto found = records_.find(id);
  return found == records_.end() || found->second.voided ? nullptr : &found->second;
}

}  // namespace tallyd
