// Cards with codes: whose card it is can be known, so each becomes a ballot like any other, decided
// when its batch counts, by the poll's channel rule. And the roll of those who may vote at all.

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "engine/decider.h"
#include "engine/limits.h"
#include "engine/poll_rules.h"
#include "storage/byte_codec.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr const char* kTooMuchForOneCommit =
    "the cards and the online ballots they take the place of are too much for one commit: enter "
    "them "
    "in smaller batches";

// The figures of a batch with the counts that its cards add up to.
PaperFigures FiguresOf(const PollRecord& poll, const PaperFigures& announced,
                       const std::vector<PaperCard>& cards) {
  PaperFigures figures = announced;
  std::vector<PaperCount> by_option(poll.definition.options.size());
  for (const PaperCard& card : cards) {
    if (IsBlank(MarksOf(poll.rules, card.payload))) ++figures.blank;
    ForEachNamed(poll.rules, card.payload, [&](OptionIndex option, std::int64_t score) {
      by_option[option].option = option;
      ++by_option[option].ballots;
      by_option[option].score += score;
    });
  }
  for (const PaperCount& count : by_option) {
    if (count.ballots != 0) figures.counts.push_back(count);
  }
  return figures;
}

// Upper bound of what counting them adds to a record.
template <class Fates>
std::size_t BytesToCount(const PollRecord& poll, const std::vector<PaperCard>& cards,
                         const Fates& fates) {
  std::size_t bytes = 4096 + cards.size() * (1 + kVarintBytesMax);
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const std::size_t before = fates[i].newest ? fates[i].newest->payload.size() : 0;
    bytes += EncodedSizeMax(BallotEntry{}) + cards[i].payload.size() + before;
    if (poll.flags.HeldAs(cards[i].tag)) bytes += EncodedSizeMax(HeldBallotEntry{}) + before;
  }
  return bytes;
}

bool Counts(CardResult result) {
  return result == CardResult::kCounted || result == CardResult::kBeatsOnline;
}

}  // namespace

// Nothing happened; seen in the metrics, since it stops the people who count.
Outcome Decider::RefuseMorePaper(std::string detail) {
  state_.metrics->paper_full.fetch_add(1, std::memory_order_relaxed);
  return Refused(OutcomeCode::kTooLarge, std::move(detail));
}

// How many ballots the act may bring beside one for each command.
std::size_t Decider::CardsOf(const Command& command) {
  if (command.kind != CommandKind::kAct) return 0;
  if (const auto* put = std::get_if<PutPaperCards>(command.act.get())) {
    return std::max<std::size_t>(1, put->cards.size());
  }
  const auto* confirm = std::get_if<ConfirmPaperBatch>(command.act.get());
  const auto* taken = std::get_if<VoidPaperBatch>(command.act.get());
  if (confirm == nullptr && taken == nullptr) return 0;
  const PollRecord* poll = state_.polls->Find(command.poll);
  if (poll == nullptr) return 0;
  const PaperRecord* record = poll->paper.Find(confirm != nullptr ? confirm->batch : taken->batch);
  return record == nullptr ? 0 : record->cards.size();
}

// What becomes of each card if they are counted now. A code that comes twice counts once.
std::vector<Decider::CardFate> Decider::FatesOf(const PollRecord& poll,
                                                const std::vector<PaperCard>& cards) {
  const bool paper_beats = PaperBeats(poll.definition, Channel::kOnline, Channel::kPaper);
  absl::flat_hash_set<VoterTag, PollRoll::TagHash> seen;
  std::vector<CardFate> fates;
  fates.reserve(cards.size());
  for (const PaperCard& card : cards) {
    CardFate& fate = fates.emplace_back();
    fate.newest = state_.voters->FindNewest(poll.number, card.tag);
    const bool in_force = fate.newest && !fate.newest->withdrawn;
    const bool on_paper = in_force && fate.newest->channel == Channel::kPaper;
    if (poll.definition.roll && !poll.roll.tags.contains(card.tag)) {
      fate.result = CardResult::kNotOnRoll;
    } else if (in_force && !on_paper && !paper_beats) {
      fate.result = CardResult::kVotedOnline;
    } else if (on_paper || !seen.insert(card.tag).second) {
      fate.result = CardResult::kOnPaper;
    } else if (in_force) {
      fate.result = CardResult::kBeatsOnline;
    }
  }
  return fates;
}

Outcome Decider::DecideCards(PollRecord& poll, const PutPaperCards& put, DecidedBatch* batch) {
  const PaperRecord* present = poll.paper.Find(put.batch_id);
  if (present != nullptr && !present->waits_for_cards()) {
    const bool same = present->cards_entered && present->cards == put.cards;
    return AboutPaper(same ? OutcomeCode::kUnchanged : OutcomeCode::kBatchExists, poll, *present);
  }
  if (present != nullptr && present->voided) {
    return AboutPaper(OutcomeCode::kBatchVoided, poll, *present);
  }
  if (!poll.definition.paper) return Refused(OutcomeCode::kChannelNotAllowed);
  if (!poll.TakesPaperBatches()) return Refused(OutcomeCode::kPollNotOpen);
  if (present == nullptr && !put.batch) return Refused(OutcomeCode::kBatchNotFound);
  const PaperFigures& announced = present != nullptr ? present->batch.figures : put.batch->figures;
  const std::uint64_t expected =
      std::uint64_t{announced.cards} - announced.invalid - announced.blank;
  if (put.cards.size() != expected) {
    return Refused(OutcomeCode::kSumMismatch,
                   absl::StrCat(put.cards.size(),
                                " cards are entered, but cards - invalid - blank "
                                "is ",
                                expected));
  }
  const auto options_count = static_cast<OptionIndex>(poll.definition.options.size());
  for (const PaperCard& card : put.cards) {
    if (ValidateBallot(poll.rules, options_count, card.payload) != BallotError::kOk) {
      return Refused(OutcomeCode::kOptionUnknown);
    }
  }
  const bool has_room = poll.paper.HasRoomForCards(put.cards.size()) &&
                        (present != nullptr || poll.paper.HasRoomFor(*put.batch));
  if (!has_room) return RefuseMorePaper("the poll has as much paper as it may");
  PaperCardsEntry entry{.poll = poll.number,
                        .batch = put.batch_id,
                        .cards = put.cards,
                        .figures = FiguresOf(poll, announced, put.cards),
                        .actor = put.actor};
  std::vector<CardFate> fates;
  if (!poll.definition.paper_confirm) {
    fates = FatesOf(poll, put.cards);
    if (!batch->record.Fits(EncodedSizeMax(entry) + BytesToCount(poll, put.cards, fates) + 16384)) {
      return Refused(OutcomeCode::kTooLarge, kTooMuchForOneCommit);
    }
  }
  const OutcomeCode code = present == nullptr ? OutcomeCode::kCreated : OutcomeCode::kUpdated;
  if (present == nullptr) {
    const PaperBatchEntry head{
        .poll = poll.number, .batch = *put.batch, .counts = false, .actor = put.actor};
    batch->record.AddPaperBatch(head);
    TALLYD_CHECK(poll.paper.Apply(head, batch->time));
    state_.metrics->paper_entered.fetch_add(1, std::memory_order_relaxed);
  }
  batch->record.AddPaperCards(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
  if (!poll.definition.paper_confirm) {
    PaperCardsCountEntry count;
    count.at_once = true;
    count.actor = put.actor;
    CountCards(poll, put.batch_id, std::move(fates), std::move(count), batch);
  }
  return AboutPaper(code, poll, *poll.paper.Find(put.batch_id));
}

Outcome Decider::ConfirmCards(PollRecord& poll, const ConfirmPaperBatch& confirm,
                              DecidedBatch* batch) {
  const PaperRecord& record = *poll.paper.Find(confirm.batch);
  std::vector<CardFate> fates = FatesOf(poll, record.cards);
  if (!batch->record.Fits(BytesToCount(poll, record.cards, fates))) {
    return Refused(OutcomeCode::kTooLarge, kTooMuchForOneCommit);
  }
  PaperCardsCountEntry entry;
  entry.blind = confirm.second.has_value();
  entry.actor = confirm.actor;
  CountCards(poll, confirm.batch, std::move(fates), std::move(entry), batch);
  state_.metrics->paper_confirmed.fetch_add(1, std::memory_order_relaxed);
  return AboutPaper(OutcomeCode::kUpdated, poll, record);
}

void Decider::CountCards(PollRecord& poll, const std::string& id, std::vector<CardFate> fates,
                         PaperCardsCountEntry entry, DecidedBatch* batch) {
  const PaperRecord& record = *poll.paper.Find(id);
  entry.poll = poll.number;
  entry.batch = id;
  entry.rest = record.FiguresInTally();
  for (std::size_t i = 0; i < record.cards.size(); ++i) {
    CardOutcome& outcome = entry.outcomes.emplace_back(CardOutcome{.result = fates[i].result});
    if (!Counts(outcome.result)) continue;
    BallotVersion version;
    version.poll = poll.number;
    version.tag = record.cards[i].tag;
    version.channel = Channel::kPaper;
    version.box = record.batch.box;
    version.payload = record.cards[i].payload;
    outcome.seq = poll.next_seq;
    Accept(std::move(version), fates[i].newest ? &*fates[i].newest : nullptr, batch);
    state_.metrics->paper_cards.fetch_add(1, std::memory_order_relaxed);
  }
  batch->record.AddPaperCardsCount(entry);
  TALLYD_CHECK(poll.paper.Apply(entry, batch->time));
}

// The ballots that came of the cards are withdrawn; where one had taken the place of an online
// ballot, that one is in force again, as a version of its own.
bool Decider::TakeCardsBack(PollRecord& poll, const PaperRecord& record, DecidedBatch* batch) {
  struct Reversal {
    BallotVersion newest;
    std::optional<BallotVersion> before;
  };
  std::vector<Reversal> reversals;
  std::size_t bytes = kPaperTextBytesMax + 4096;
  for (std::size_t i = 0; i < record.outcomes.size(); ++i) {
    if (record.outcomes[i].seq == 0) continue;
    auto newest = state_.voters->FindNewest(poll.number, record.cards[i].tag);
    if (!newest || newest->withdrawn || newest->seq != record.outcomes[i].seq) continue;
    Reversal reversal{.newest = *std::move(newest), .before = std::nullopt};
    bytes += EncodedSizeMax(BallotEntry{}) + reversal.newest.payload.size();
    if (record.outcomes[i].result == CardResult::kBeatsOnline) {
      reversal.before =
          state_.voters->FindVersion(poll.number, record.cards[i].tag, reversal.newest.supersedes);
      if (reversal.before) {
        // Once more if it is held, and so leaves the count at once.
        bytes += EncodedSizeMax(HeldBallotEntry{}) + 2 * reversal.before->payload.size();
      }
    }
    reversals.push_back(std::move(reversal));
  }
  if (!batch->record.Fits(bytes)) return false;
  for (const Reversal& reversal : reversals) {
    BallotVersion version;
    version.poll = poll.number;
    version.tag = reversal.newest.tag;
    if (reversal.before) {
      version.channel = reversal.before->channel;
      version.box = reversal.before->box;
      version.idempotency_print = reversal.before->idempotency_print;
      version.payload = reversal.before->payload;
    } else {
      version.channel = reversal.newest.channel;
      version.box = reversal.newest.box;
      version.withdrawn = true;
    }
    Accept(std::move(version), &reversal.newest, batch);
  }
  return true;
}

Outcome Decider::DecideRoll(PollRecord& poll, const PutRoll& put, DecidedBatch* batch) {
  if (poll.state == PollState::kFinal) return Refused(OutcomeCode::kPollNotOpen);
  if (poll.roll.batches.contains(put.batch)) return Refused(OutcomeCode::kBatchExists);
  const PaperLimits& limits = state_.polls->paper_limits();
  if (put.tags.size() > kCodesPerBatchMax ||
      poll.roll.tags.size() + put.tags.size() > limits.codes_max ||
      poll.roll.batches.size() >= limits.code_batches_max) {
    return RefuseMorePaper("the poll has as many codes as it may");
  }
  const RollEntry entry{
      .poll = poll.number, .batch = put.batch, .tags = put.tags, .actor = put.actor};
  batch->record.AddRoll(entry);
  TALLYD_CHECK(state_.polls->Apply(entry));
  Outcome outcome;
  outcome.code = OutcomeCode::kCreated;
  return outcome;
}

}  // namespace tallyd
