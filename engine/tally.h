#pragma once

// The counts of one poll: per option and in total, split by channel.
//
// A pure fold: Add() what counts, Remove() what was superseded or withdrawn. Counts below zero are
// a broken invariant. One thread; a ballot costs a few nanoseconds per option it names.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "engine/ballot.h"
#include "storage/fraud_entries.h"
#include "storage/option_entries.h"
#include "storage/paper_entries.h"
#include "storage/records.h"

namespace tallyd {

struct OptionTally {
  std::int64_t online = 0;    // score from online ballots
  std::int64_t paper = 0;     // score from paper
  std::uint64_t ballots = 0;  // ballots that name the option
  std::int64_t score() const { return online + paper; }
  friend bool operator==(const OptionTally&, const OptionTally&) = default;
};

struct PollTotals {
  std::uint64_t online = 0;  // ballots in force
  std::uint64_t paper = 0;
  std::uint64_t blank = 0;      // of both: ballots that name nothing
  std::uint64_t invalid = 0;    // paper cards that could not be counted
  std::uint64_t anonymous = 0;  // of paper: known as sums only, so nobody can be told apart
  // Online ballots that an operator took out of all the other figures.
  std::uint64_t quarantined = 0;
  std::uint64_t voided = 0;
  std::uint64_t decisions = 0;  // on groups of flagged ballots; the two are shown once there is one
  std::uint64_t ballots() const { return online + paper; }
  friend bool operator==(const PollTotals&, const PollTotals&) = default;
};

class PollTally {
 public:
  void ResizeOptions(std::size_t count);  // grows, or shrinks before the first ballot

  void Add(Channel channel, const BallotRules& rules, std::string_view packed);
  void Remove(Channel channel, const BallotRules& rules, std::string_view packed);

  // What was counted in a ballot box, and the same taken back.
  void AddPaper(const BallotRules& rules, const PaperFigures& figures) {
    CountPaper(rules, figures, 1);
  }
  void RemovePaper(const BallotRules& rules, const PaperFigures& figures) {
    CountPaper(rules, figures, -1);
  }

  // A group's online ballots leave the count, come back, or are held under another name.
  void Decide(const FlagDecisionEntry& decision);
  // One ballot of a held group.
  void Hold(const BallotRules& rules, const HeldBallotEntry& held);

  // The votes of `option` count for `into` from now on, less what both got from the same ballots;
  // or for nobody. What is counted later counts by rules that say so (BallotRules::counts_for).
  void MoveVotes(OptionIndex option, OptionIndex into, const FateOverlap& overlap);
  void ReleaseVotes(OptionIndex option);
  // Readers are told of the option, although its counts are the same.
  void Touch(OptionIndex option) { MarkChanged(option); }

  const std::vector<OptionTally>& options() const { return options_; }
  const PollTotals& totals() const { return totals_; }

  // Options whose counts changed since the last call, each once, in no order.
  std::vector<OptionIndex> TakeChanged();

  // Fixed little-endian bytes, for the checkpoint (docs/data_formats.md).
  std::string Encode() const;
  static absl::Status Decode(std::string_view bytes, PollTally* tally);

  friend bool operator==(const PollTally& a, const PollTally& b) {
    return a.options_ == b.options_ && a.totals_ == b.totals_;
  }

 private:
  void Count(Channel channel, const BallotRules& rules, std::string_view packed, int sign);
  void CountPaper(const BallotRules& rules, const PaperFigures& figures, int sign);
  void CountHeld(const HeldFigures& figures, int sign);
  std::uint64_t& HeldTotal(FlagState state);
  void MarkChanged(OptionIndex option);

  std::vector<OptionTally> options_;
  std::vector<bool> is_changed_;
  std::vector<OptionIndex> changed_;
  PollTotals totals_;
};

}  // namespace tallyd
