#pragma once

// The paper of one poll: every batch that was entered, by whom, who confirmed it and what was taken
// back.
//
// Each change is the Apply() of a journal entry, at decision time and in recovery alike. A batch is
// never changed or removed: it is entered, perhaps confirmed, perhaps voided. A batch by cards gets
// its cards once, all together; their ballots are in the journal like any other, here is kept which
// of them came from this batch. Bounded by HasRoomFor (PaperLimits); the caller refuses what does
// not fit. One thread.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"

#include "engine/limits.h"
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
  // By cards, once they were entered. Before the batch counts the outcomes are empty; an answer
  // about such a batch has in their place what they would be now.
  std::optional<PaperSignature> cards_entered;
  std::vector<PaperCard> cards;
  PaperFigures card_figures;
  std::vector<CardOutcome> outcomes;
  // In an answer: by card, whether its voter tried to vote online afterwards. Empty: none did.
  std::vector<bool> online_after = {};

  bool waits_for_cards() const { return batch.by_cards && !cards_entered; }
  // What was counted in the box.
  const PaperFigures& figures() const { return cards_entered ? card_figures : batch.figures; }
  // The part of it that the tally knows from the batch; the rest are ballots.
  PaperFigures FiguresInTally() const {
    return batch.by_cards ? RestOf(batch.figures) : batch.figures;
  }
};

// The batches of one box by what became of them.
struct PaperBoxSummary {
  struct Sum {
    std::uint64_t batches = 0;
    std::uint64_t cards = 0;
    std::uint64_t invalid = 0;
    std::uint64_t blank = 0;
  };
  Sum entered;  // wait for a second person, or for their cards
  Sum counted;
  Sum voided;
  // Cards with codes in batches that count: by CardResult.
  std::uint64_t cards_by_result[5] = {};
  // Of those that count: how many of their voters tried to vote online afterwards (`list`).
  std::uint64_t online_after = 0;
};

// An answer to readers: batches by rising id, or one sum for each box.
struct PaperPage {
  std::vector<PaperRecord> batches;
  bool is_last = true;
  std::vector<PaperBoxSummary> boxes;  // [0] is the first box of the poll
};

class PaperLedger {
 public:
  explicit PaperLedger(const PaperLimits& limits = {}) : limits_(limits) {}

  // Null if there is no such batch; valid until the next Apply().
  const PaperRecord* Find(std::string_view id) const;
  // Up to `limit` batches with a greater id than `after`. They come without their counts and cards:
  // what a page takes is bounded by its number of batches.
  PaperPage List(std::string_view after, std::size_t limit) const;
  // One sum for each of the poll's boxes. Cost: a walk over all batches.
  std::vector<PaperBoxSummary> SumByBox(std::size_t boxes_count) const;
  bool HasRoomFor(const PaperBatch& batch) const;
  // Whether a batch that was not taken back counts cards for the option.
  bool Names(OptionIndex option) const;
  bool HasRoomForCards(std::size_t cards_count) const;
  std::size_t batches_count() const { return records_.size(); }

  // False: the entry does not fit what came before, and nothing was changed.
  bool Apply(const PaperBatchEntry& entry, TimeUs time);
  bool Apply(const PaperConfirmEntry& entry, TimeUs time);
  bool Apply(const PaperVoidEntry& entry, TimeUs time);
  bool Apply(const PaperCardsEntry& entry, TimeUs time);
  bool Apply(const PaperCardsCountEntry& entry, TimeUs time);
  bool Apply(const OnlineAfterPaperEntry& entry);
  // Whether that ballot's voter tried to vote online as well; as many as there are cards with codes
  // are kept at most.
  bool TriedOnline(Seq on_paper) const { return tried_online_.contains(on_paper); }
  bool HasRoomForOnlineTry() const;
  // Which cards of the batch that is; empty: none.
  std::vector<bool> CardsTriedOnline(const PaperRecord& record) const;

 private:
  PaperRecord* FindOpen(std::string_view id);

  PaperLimits limits_;
  absl::btree_map<std::string, PaperRecord, std::less<>> records_;
  std::size_t counts_count_ = 0;  // of all batches together
  std::size_t cards_count_ = 0;
  absl::flat_hash_set<Seq> tried_online_;
};

}  // namespace tallyd
