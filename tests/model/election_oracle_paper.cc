// The oracle's paper: batches of sums and batches of cards, as API.md section 5 says it.

#include <set>
#include <utility>

#include "tests/model/election_oracle.h"

namespace tallyd {

OutcomeCode ElectionOracle::EnterBatch(PollNumber number, int id, const PaperFigures& figures,
                                       int clerk) {
  Poll& poll = polls_.at(number);
  const auto found = poll.paper.find(id);
  if (found != poll.paper.end()) {
    const Batch& batch = found->second;
    const bool same = !batch.by_cards && batch.figures == figures;
    return same ? OutcomeCode::kUnchanged : OutcomeCode::kBatchExists;
  }
  if (!poll.opened || poll.state == PollState::kFinal) return OutcomeCode::kPollNotOpen;
  for (const PaperCount& count : figures.counts) {
    // Sums do not say how many cards name both of two merged options.
    const OptionDefinition& option = poll.definition.options.at(count.option);
    if (option.fate == OptionFate::kMoved && OneMayNameTwo(poll.definition, count.option)) {
      return OutcomeCode::kFateNotPossible;
    }
  }
  Batch batch;
  batch.figures = figures;
  batch.clerk = clerk;
  batch.counts = !poll.definition.paper_confirm;
  poll.paper[id] = std::move(batch);
  return OutcomeCode::kCreated;
}

OutcomeCode ElectionOracle::EnterCards(PollNumber number, int id, std::vector<OracleCard> cards,
                                       std::uint32_t invalid, int clerk) {
  Poll& poll = polls_.at(number);
  for (OracleCard& card : cards) card.marks = CanonicalMarks(poll.definition, card.marks);
  const auto same = [](const OracleCard& a, const OracleCard& b) {
    return a.voter == b.voter && a.marks == b.marks;
  };
  const auto found = poll.paper.find(id);
  if (found != poll.paper.end()) {
    const Batch& batch = found->second;
    bool all = batch.by_cards && batch.cards.size() == cards.size();
    for (std::size_t i = 0; all && i < cards.size(); ++i) all = same(batch.cards[i], cards[i]);
    return all ? OutcomeCode::kUnchanged : OutcomeCode::kBatchExists;
  }
  if (!poll.opened || poll.state == PollState::kFinal) return OutcomeCode::kPollNotOpen;
  Batch batch;
  batch.by_cards = true;
  batch.figures.cards = batch.figures.invalid = invalid;
  batch.cards = std::move(cards);
  batch.clerk = clerk;
  if (!poll.definition.paper_confirm) {
    batch.counts = true;
    for (const OracleCard& card : batch.cards) batch.outcomes.push_back(CountCard(poll, card));
  }
  poll.paper[id] = std::move(batch);
  return OutcomeCode::kCreated;
}

// A person has one ballot: a card of somebody who has one counts only if paper beats online.
CardOutcome ElectionOracle::CountCard(Poll& poll, const OracleCard& card) {
  if (poll.definition.roll && !poll.roll.contains(card.voter)) return {CardResult::kNotOnRoll, 0};
  History& history = poll.voters[card.voter];
  const bool has_ballot = !history.empty() && !history.back().withdrawn;
  if (has_ballot && history.back().channel == Channel::kPaper) return {CardResult::kOnPaper, 0};
  const bool beats = poll.definition.channel_rule == ChannelRule::kPaperBeatsOnline;
  if (has_ballot && !beats) return {CardResult::kVotedOnline, 0};
  const Seq seq = poll.next_seq++;
  history.push_back({.seq = seq,
                     .withdrawn = false,
                     .marks = card.marks,
                     .channel = Channel::kPaper,
                     .box = 1,
                     .key = 0,
                     .replaces = has_ballot ? history.back().seq : 0});
  return {has_ballot ? CardResult::kBeatsOnline : CardResult::kCounted, seq};
}

std::optional<PaperFigures> ElectionOracle::Figures(PollNumber number, int id) const {
  const Poll& poll = polls_.at(number);
  const auto found = poll.paper.find(id);
  if (found == poll.paper.end()) return std::nullopt;
  PaperFigures figures = found->second.figures;
  std::map<OptionIndex, PaperCount> counts;
  for (const OracleCard& card : found->second.cards) {
    ++figures.cards;
    if (card.marks.empty()) ++figures.blank;
    for (const auto& [option, score] : ScoresOf(poll.definition, card.marks)) {
      PaperCount& count = counts[option];
      count.option = option;
      ++count.ballots;
      count.score += score;
    }
  }
  for (const auto& [option, count] : counts) figures.counts.push_back(count);
  return figures;
}

OutcomeCode ElectionOracle::Confirm(PollNumber number, int id, int clerk,
                                    const std::optional<PaperFigures>& second) {
  Poll& poll = polls_.at(number);
  const auto found = poll.paper.find(id);
  if (found == poll.paper.end()) return OutcomeCode::kBatchNotFound;
  Batch& batch = found->second;
  if (batch.voided) return OutcomeCode::kBatchVoided;
  if (batch.counts && !poll.definition.paper_confirm) return OutcomeCode::kUnchanged;
  if (clerk == batch.clerk) return OutcomeCode::kFourEyes;
  if (second && !(*second == *Figures(number, id))) return OutcomeCode::kEntriesDiffer;
  if (batch.counts) return OutcomeCode::kUnchanged;
  if (poll.definition.paper_blind && !second) return OutcomeCode::kBlindEntryRequired;
  if (!poll.opened || poll.state == PollState::kFinal) return OutcomeCode::kPollNotOpen;
  batch.counts = true;
  for (const OracleCard& card : batch.cards) batch.outcomes.push_back(CountCard(poll, card));
  return OutcomeCode::kUpdated;
}

OutcomeCode ElectionOracle::Void(PollNumber number, int id) {
  Poll& poll = polls_.at(number);
  const auto found = poll.paper.find(id);
  if (found == poll.paper.end()) return OutcomeCode::kBatchNotFound;
  Batch& batch = found->second;
  if (batch.voided) return OutcomeCode::kUnchanged;  // the histories give one reason only
  if (!poll.opened || poll.state == PollState::kFinal) return OutcomeCode::kPollNotOpen;
  for (std::size_t i = 0; batch.counts && i < batch.cards.size(); ++i) {
    if (batch.outcomes[i].seq == 0) continue;
    History& history = poll.voters[batch.cards[i].voter];
    const Version taken = history.back();
    if (taken.seq != batch.outcomes[i].seq) continue;
    Version next = taken;
    next.withdrawn = true;
    next.marks.clear();
    if (batch.outcomes[i].result == CardResult::kBeatsOnline) {
      for (const Version& version : history) {
        if (version.seq == taken.replaces) next = version;  // what was said online, again
      }
    }
    next.seq = poll.next_seq++;
    next.replaces = taken.seq;
    history.push_back(next);
  }
  batch.counts = false;
  batch.voided = true;
  return OutcomeCode::kUpdated;
}

std::vector<CardOutcome> ElectionOracle::CardOutcomes(PollNumber poll, int batch) const {
  return polls_.at(poll).paper.at(batch).outcomes;
}

}  // namespace tallyd
