#pragma once

// One poll as it was: its definition, state and counts, folded from the journal record by record.
//
// Entries carry what they supersede, so the fold needs no voters: memory is that of the counts.
//
//   PollFold fold({.poll = number, .through_seq = 48'211});
//   while (!fold.reached()) ... fold.Take(record) ...      // from the first record on, in order
//   auto ranking = fold.MakeSnapshot(epoch);
//
// What if: with `without_batch` that paper batch never was. One thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "engine/ballot.h"
#include "engine/snapshot.h"
#include "engine/tally.h"
#include "storage/entries.h"
#include "storage/journal_record.h"

namespace tallyd {

class PollFold {
 public:
  struct Options {
    PollNumber poll = 0;
    Seq through_seq = kSeqMax;       // ballots after it, and what came later, do not count
    std::string without_batch = {};  // "" = all count
  };
  explicit PollFold(Options options) : options_(std::move(options)) {}

  // DataLoss: the record does not fit what came before.
  absl::Status Take(const RecordView& record);
  // The ballot `through_seq` was taken.
  bool reached() const { return reached_; }
  bool exists() const { return exists_; }          // the poll was created
  bool batch_seen() const { return batch_seen_; }  // the batch left out was entered
  // Its cards are ballots: a fold cannot leave them out.
  bool batch_has_cards() const { return batch_has_cards_; }

  const PollDefinition& definition() const { return definition_; }
  PollState state() const { return state_; }
  PollTally& tally() { return tally_; }
  // The last record that changed anything.
  Position position() const { return position_; }
  TimeUs time() const { return time_; }

  // The ranking of what was taken so far. The poll must exist.
  std::shared_ptr<const RankingSnapshot> MakeSnapshot(Epoch epoch) const;

 private:
  // False: the entry leaves the ranking as it is, or is of another poll.
  bool Apply(const Entry& entry);
  bool ApplyPaper(const Entry& entry);
  void ApplyBallot(const BallotEntry& ballot);
  void ApplyWithdrawal(const WithdrawalEntry& withdrawal);
  void ApplyDefinition(const PollEntry& poll);
  void ApplyFate(const OptionFateEntry& fate);
  bool ApplyFraud(const Entry& entry);
  bool IsPartOfLast(const Entry& entry) const;
  bool IsPast(const Entry& entry) const;
  bool LeavesOut(const std::string& batch);

  const Options options_;
  PollTally tally_;
  PollDefinition definition_;
  BallotRules rules_;
  PollState state_ = PollState::kDraft;
  Position position_ = 0;
  TimeUs time_ = 0;
  bool exists_ = false;
  bool reached_ = false;
  bool batch_seen_ = false;
  bool batch_has_cards_ = false;
};

}  // namespace tallyd
