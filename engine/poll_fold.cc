#include "engine/poll_fold.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "engine/ballot_log.h"
#include "engine/poll_registry.h"
#include "engine/ranking.h"

namespace tallyd {
namespace {

// Of the entries that can change a ranking; 0: of another kind.
PollNumber RankedPollOf(const Entry& entry) {
  return std::visit(
      [](const auto& one) -> PollNumber {
        using Kind = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Kind, PollEntry>) {
          return one.number;
        } else if constexpr (requires { one.poll; }) {
          return one.poll;
        } else {
          return 0;
        }
      },
      entry);
}

}  // namespace

absl::Status PollFold::Take(const RecordView& record) {
  if (!MayConcern(record, options_.poll)) return absl::OkStatus();
  return record.ForEach([&](const Entry& entry) {
    if (RankedPollOf(entry) != options_.poll) return absl::OkStatus();
    if (reached_ && !IsPartOfLast(entry)) return absl::OkStatus();
    if (!exists_ && !std::holds_alternative<PollEntry>(entry)) {
      return absl::DataLossError(
          absl::StrCat("journal record ", record.header().position, ": of a poll not yet created"));
    }
    if (IsPast(entry)) {
      reached_ = true;  // seqs may have gaps: the one asked for never was
      return absl::OkStatus();
    }
    if (!Apply(entry)) return absl::OkStatus();
    position_ = record.header().position;
    time_ = record.header().time;
    return absl::OkStatus();
  });
}

// A held ballot is taken out by an entry of its own, just after it was counted.
bool PollFold::IsPartOfLast(const Entry& entry) const {
  const auto* held = std::get_if<HeldBallotEntry>(&entry);
  return held != nullptr && held->seq == options_.through_seq;
}

bool PollFold::IsPast(const Entry& entry) const {
  if (const auto* held = std::get_if<HeldBallotEntry>(&entry)) {
    return held->seq > options_.through_seq;
  }
  if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
    return ballot->seq > options_.through_seq;
  }
  const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry);
  return withdrawal != nullptr && withdrawal->seq > options_.through_seq;
}

bool PollFold::Apply(const Entry& entry) {
  if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
    ApplyBallot(*ballot);
  } else if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
    ApplyWithdrawal(*withdrawal);
  } else if (const auto* poll = std::get_if<PollEntry>(&entry)) {
    ApplyDefinition(*poll);
  } else if (const auto* state = std::get_if<PollStateEntry>(&entry)) {
    state_ = state->to;
  } else if (const auto* fate = std::get_if<OptionFateEntry>(&entry)) {
    ApplyFate(*fate);
  } else {
    return ApplyPaper(entry) || ApplyFraud(entry);
  }
  return true;
}

void PollFold::ApplyBallot(const BallotEntry& ballot) {
  if (ballot.supersedes && !ballot.supersedes->payload.empty()) {
    tally_.Remove(ballot.supersedes->channel, rules_, ballot.supersedes->payload);
  }
  tally_.Add(ballot.channel, rules_, ballot.payload);
  reached_ = ballot.seq >= options_.through_seq;
}

void PollFold::ApplyWithdrawal(const WithdrawalEntry& withdrawal) {
  tally_.Remove(withdrawal.supersedes.channel, rules_, withdrawal.supersedes.payload);
  reached_ = withdrawal.seq >= options_.through_seq;
}

void PollFold::ApplyDefinition(const PollEntry& poll) {
  definition_ = poll.definition;
  rules_ = RulesOf(definition_);
  tally_.ResizeOptions(definition_.options.size());
  exists_ = true;
}

void PollFold::ApplyFate(const OptionFateEntry& fate) {
  const bool moved = fate.fate == OptionFate::kMoved;
  OptionDefinition& option = definition_.options[fate.option];
  option.withdrawn = true;
  option.fate = fate.fate;
  option.counts_for = moved ? fate.into : 0;
  rules_ = RulesOf(definition_);
  if (fate.fate == OptionFate::kKept) {
    tally_.Touch(fate.option);
  } else if (moved) {
    tally_.MoveVotes(fate.option, fate.into, fate.overlap);
  } else {
    tally_.ReleaseVotes(fate.option);
  }
}

bool PollFold::ApplyFraud(const Entry& entry) {
  if (const auto* decision = std::get_if<FlagDecisionEntry>(&entry)) {
    tally_.Decide(*decision);
    return true;
  }
  const auto* held = std::get_if<HeldBallotEntry>(&entry);
  if (held == nullptr) return false;
  tally_.Hold(rules_, *held);
  return true;
}

bool PollFold::ApplyPaper(const Entry& entry) {
  const PaperFigures* added = nullptr;
  const PaperFigures* removed = nullptr;
  const std::string* id = nullptr;
  if (const auto* batch = std::get_if<PaperBatchEntry>(&entry)) {
    id = &batch->batch.id;
    batch_has_cards_ = batch_has_cards_ || (batch->batch.by_cards && LeavesOut(*id));
    if (batch->counts) added = &batch->batch.figures;
  } else if (const auto* confirm = std::get_if<PaperConfirmEntry>(&entry)) {
    id = &confirm->batch;
    added = &confirm->figures;
  } else if (const auto* taken = std::get_if<PaperVoidEntry>(&entry)) {
    id = &taken->batch;
    if (taken->reverses) removed = &*taken->reverses;
  }
  if (const auto* cards = std::get_if<PaperCardsCountEntry>(&entry)) {
    id = &cards->batch;
    added = &cards->rest;  // the cards themselves are ballots
  }
  if (id == nullptr) return false;  // a roll, or cards that do not count yet
  const bool left_out = LeavesOut(*id);
  if (added == nullptr && removed == nullptr) return false;
  if (left_out) return true;
  if (added != nullptr) tally_.AddPaper(rules_, *added);
  if (removed != nullptr) tally_.RemovePaper(rules_, *removed);
  return true;
}

bool PollFold::LeavesOut(const std::string& batch) {
  if (options_.without_batch.empty() || batch != options_.without_batch) return false;
  batch_seen_ = true;
  return true;
}

std::shared_ptr<const RankingSnapshot> PollFold::MakeSnapshot(Epoch epoch) const {
  const std::vector<OptionTally>& options = tally_.options();
  auto view = std::make_shared<PollView>();
  view->number = options_.poll;
  view->definition = definition_;
  view->state = state_;
  std::vector<Ranking::Name> names;
  names.reserve(options.size());
  for (const OptionDefinition& option : definition_.options) {
    names.push_back({option.question, option.id});
  }
  const auto score = [&options](OptionIndex option) { return options[option].score(); };
  Ranking ranking;
  ranking.Reset(names, score);
  auto snapshot = std::make_shared<RankingSnapshot>();
  snapshot->poll = options_.poll;
  snapshot->epoch = epoch;
  snapshot->position = position_;
  snapshot->as_of = time_;
  snapshot->state = state_;
  snapshot->totals = tally_.totals();
  snapshot->order = ranking.order();
  snapshot->view = std::move(view);
  snapshot->rows = SharedRows::Make(
      options.size(), [&options](OptionIndex option) { return RowOf(options[option]); });
  return snapshot;
}

}  // namespace tallyd
