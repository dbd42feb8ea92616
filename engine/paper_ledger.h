#pragma once

// The paper of one poll: every batch that was entered, by whom, who confirmed it and what was taken
// back.
//
// Each change is the Apply() of a journal entry, at decision time and in recovery alike. A batch is
// never changed or removed: it is entered, perhaps confirmed, perhaps voided. Bounded by HasRoomFor
// (limits.h); the caller refuses what does not fit. One thread.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"

#include "storage/paper_entries.h"

namespace tallyd {

struct PaperSignature {
  std::string actor;  // "" = nobody named
  TimeUs time = 0;    // of the commit
};

struct PaperRecord {
  PaperBatch batch;
  bool counts = false;  // its figures are in the tally
  PaperSignature entered;
  std::optional<PaperSignature> confirmed;
  bool blind = false;  // the second person entered all figures again
  std::optional<PaperSignature> voided;
  std::string void_reason;
};

// An answer to readers: batches by rising id.
struct PaperPage {
  std::vector<PaperRecord> batches;
  bool is_last = true;
};

class PaperLedger {
 public:
  // Null if there is no such batch; valid until the next Apply().
  const PaperRecord* Find(std::string_view id) const;
  // Up to `limit` batches with a greater id than `after`. They come without their counts: what a
  // page takes is bounded by its number of batches.
  PaperPage List(std::string_view after, std::size_t limit) const;
  bool HasRoomFor(const PaperBatch& batch) const;
  // Whether a batch that was not taken back counts cards for the option.
  bool Names(OptionIndex option) const;
  std::size_t batches_count() const { return records_.size(); }

  // False: the entry does not fit what came before, and nothing was changed.
  bool Apply(const PaperBatchEntry& entry, TimeUs time);
  bool Apply(const PaperConfirmEntry& entry, TimeUs time);
  bool Apply(const PaperVoidEntry& entry, TimeUs time);

 private:
  PaperRecord* FindOpen(std::string_view id);

  absl::btree_map<std::string, PaperRecord, std::less<>> records_;
  std::size_t counts_count_ = 0;  // of all batches together
};

}  // namespace tallyd
