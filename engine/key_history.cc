#include "engine/key_history.h"

#include <variant>

#include "absl/strings/str_cat.h"

#include "engine/recovery.h"
#include "storage/journal_record.h"

namespace tallyd {
namespace {

// False: does not follow from what came before.
bool ApplyEntry(const Entry& entry, const RecordHeader& header, KeyHistory* history) {
  PollRegistry& registry = history->registry;
  if (const auto* project = std::get_if<ProjectEntry>(&entry)) {
    registry.Apply(*project, header.position);
  } else if (const auto* poll = std::get_if<PollEntry>(&entry)) {
    registry.Apply(*poll, header.position);
  } else if (const auto* state = std::get_if<PollStateEntry>(&entry)) {
    if (registry.Find(state->poll) == nullptr) return false;
    registry.Apply(*state, header.position, header.time);
  } else if (const auto* use = std::get_if<QuotaUseEntry>(&entry)) {
    history->linked_by_quota.insert(use->spent_in);
  } else if (const auto* sealed = std::get_if<KeySealedEntry>(&entry)) {
    return registry.Apply(*sealed);
  } else if (const auto* destroyed = std::get_if<KeyDestroyedEntry>(&entry)) {
    return registry.Apply(*destroyed, header.position, header.time);
  }
  return true;
}

absl::Status Apply(const RecordView& record, KeyHistory* history) {
  const RecordHeader& header = record.header();
  absl::Status applied = record.ForEach([&](const Entry& entry) {
    if (ApplyEntry(entry, header, history)) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("journal record ", header.position, " does not follow from what came before"));
  });
  history->last_hash = record.Hash();
  history->last_time = header.time;
  return applied;
}

}  // namespace

std::optional<std::string> KeyHistory::FindMissing(const std::set<PollNumber>& spared) const {
  for (PollNumber number = 1; number < registry.next_number(); ++number) {
    const PollRecord& poll = *registry.Find(number);
    if (!poll.voter_key && !poll.key_destroyed_at && !spared.contains(number)) {
      return "poll " + poll.definition.id;
    }
  }
  for (const auto& project : registry.MakeAllProjectViews()) {
    if (!project->voter_key) return "project " + project->project.id;
  }
  if (!registry.receipt_key()) return "the receipts";
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<KeyHistory>> ReadKeyHistory(const RootKeys& roots, Journal* journal,
                                                           const Watermark* watermark) {
  auto history = std::make_unique<KeyHistory>(roots);
  if (journal->last() == 0) return history;
  const auto cursor = journal->Read(journal->first());
  if (!cursor.ok()) return cursor.status();
  for (;;) {
    const auto bytes = (*cursor)->Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return history;
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    absl::Status applied = Apply(*record, history.get());
    if (applied.ok() && watermark != nullptr) applied = CheckWatermarkRecord(*watermark, *record);
    if (!applied.ok()) return applied;
  }
}

}  // namespace tallyd
