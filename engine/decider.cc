#include "engine/decider.h"

#include <algorithm>
#include <utility>

#include "engine/limits.h"
#include "engine/poll_rules.h"
#include "storage/broken_build.h"
#include "storage/check.h"

namespace tallyd {
namespace {

Outcome Refuse(OutcomeCode code, BallotError error = BallotError::kOk) {
  Outcome outcome;
  outcome.code = code;
  outcome.ballot_error = error;
  return outcome;
}

// An outcome that speaks of an existing version.
Outcome About(OutcomeCode code, const BallotVersion& version) {
  Outcome outcome;
  outcome.code = code;
  outcome.channel = version.channel;
  outcome.box = version.box;
  outcome.poll = version.poll;
  outcome.seq = version.seq;
  outcome.replaces = version.supersedes;
  return outcome;
}

SupersededBallot Superseded(const BallotVersion& version) {
  return SupersededBallot{.seq = version.seq,
                          .channel = version.channel,
                          .box = version.box,
                          .payload = version.payload};
}

// Journaled time decides which day it is, as it decides everything.
bool IsForDayOf(const Command& vote, TimeUs time) {
  const auto* extras = vote.act == nullptr ? nullptr : std::get_if<VoteExtras>(vote.act.get());
  return extras != nullptr && extras->day && extras->day->begins <= time &&
         time < extras->day->ends;
}

}  // namespace

Decider::Decider(State state, Position last_position, TimeUs last_time)
    : state_(state),
      watches_(state.polls->flag_limits().watched_max),
      last_position_(last_position),
      last_time_(last_time) {}

void Decider::Begin(TimeUs now, DecidedBatch* batch) {
  if (batch->position != 0) return;  // a batch may be decided in several calls
  batch->position = last_position_ + 1;
  batch->time = std::max(last_time_ + 1, now);
  block_ = nullptr;
  polls_touched_.clear();
  projects_touched_.clear();
}

// An upper bound of what deciding the command may add to the record.
std::size_t Decider::RoomFor(const Command& command) const {
  if (command.kind == CommandKind::kAct) return kDefinitionBytesMax + 4096;
  const std::size_t room = command.ballot.view().size() + kBallotBytesMax + 256;
  const PollRecord* poll = state_.polls->Find(command.poll);
  return poll == nullptr ? room : room + FraudRoomFor(*poll, command);
}

std::size_t Decider::Decide(absl::Span<Command> commands, TimeUs now, DecidedBatch* batch) {
  Begin(now, batch);
  commands_in_call_ = commands.size();
  cards_in_call_ = 0;
  constexpr std::size_t kAhead = 8;  // dedup probes miss the cache; ask for them early
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (i + kAhead < commands.size()) {
      state_.voters->Prefetch(commands[i + kAhead].poll, commands[i + kAhead].tag);
    }
    Command& command = commands[i];
    if (const std::size_t cards = CardsOf(command); cards > 0) {
      if (!batch->record.empty()) return i;  // the next record is its own
      cards_in_call_ = cards;
    } else if (!batch->record.Fits(RoomFor(command))) {
      return i;
    }
    Outcome outcome = DecideOne(command, batch);
    outcome.cookie = command.cookie;
    outcome.poll = outcome.poll == 0 ? command.poll : outcome.poll;
    if (command.kind != CommandKind::kAct) Count(outcome, command.channel);
    batch->Answer(command.sink, std::move(outcome));
  }
  return commands.size();
}

Outcome Decider::DecideOne(Command& command, DecidedBatch* batch) {
  if (command.kind == CommandKind::kAct) {
    if (const auto* act = std::get_if<TransitionPoll>(command.act.get())) {
      return DecideTransition(command.poll, *act, batch);
    }
    return DecideAct(command.poll, *command.act, batch);
  }
  if (state_.polls->Find(command.poll) == nullptr) return Refuse(OutcomeCode::kNotFound);
  switch (command.kind) {
    case CommandKind::kVote:
      return DecideVote(command, batch);
    case CommandKind::kWithdraw:
      return DecideWithdrawal(command, batch);
    case CommandKind::kLookUp:
      return LookUp(command);
    case CommandKind::kReceipt:
      return LookUpReceipt(command);
    case CommandKind::kAct:
      break;
  }
  return Refuse(OutcomeCode::kUnknown);
}

// The same ballot is the same whatever the voter weighs by now.
bool Decider::MarksTheSame(const Command& vote, const BallotVersion& version) const {
  const BallotRules& rules = state_.polls->Find(vote.poll)->rules;
  return MarksOf(rules, version.payload) == MarksOf(rules, vote.ballot.view());
}

bool Decider::AnswerRepeatedKey(const Command& command, const BallotVersion& newest,
                                Outcome* outcome) {
  // The chain of a voter's versions is short: changes_max bounds it.
  std::optional<BallotVersion> version = newest;
  while (version) {
    if (version->idempotency_print == command.idempotency_print) {
      const bool same = command.kind == CommandKind::kWithdraw
                            ? version->withdrawn
                            : !version->withdrawn && MarksTheSame(command, *version);
      *outcome = About(!same                ? OutcomeCode::kKeyReused
                       : version->withdrawn ? OutcomeCode::kWithdrawn
                                            : OutcomeCode::kDuplicate,
                       *version);
      outcome->in_force = version->seq == newest.seq && !newest.withdrawn;
      return true;
    }
    if (version->supersedes == 0) return false;
    version = state_.voters->FindVersion(version->poll, version->tag, version->supersedes);
  }
  return false;
}

Outcome Decider::DecideVote(Command& vote, DecidedBatch* batch) {
  const PollRecord& poll = *state_.polls->Find(vote.poll);
  if (!poll.voter_key) return Refuse(OutcomeCode::kKeyMissing);
  if (poll.definition.roll && !poll.roll.tags.contains(vote.tag)) {
    return Refuse(OutcomeCode::kNotOnRoll);
  }
  std::optional<BallotVersion> newest = state_.voters->FindNewest(vote.poll, vote.tag);
  if (TALLYD_BROKEN("M3-pending-not-deduplicated") && newest &&
      newest->position == batch->position) {
    newest.reset();
  }
  if (TALLYD_BROKEN("M4-only-keys-deduplicate") && vote.idempotency_print == 0) newest.reset();
  if (TALLYD_BROKEN("M9-closed-by-the-clock") && poll.definition.closes &&
      batch->time >= *poll.definition.closes) {
    return Refuse(OutcomeCode::kPollNotOpen);
  }
  Outcome repeated;
  if (newest && vote.idempotency_print != 0 && AnswerRepeatedKey(vote, *newest, &repeated)) {
    return repeated;
  }
  const bool in_force = newest && !newest->withdrawn;
  const bool beaten = in_force && PaperBeats(poll.definition, newest->channel, vote.channel);
  if (in_force && MarksTheSame(vote, *newest) && !beaten) {
    ListOnlineTry(*newest, vote, batch);
    return About(OutcomeCode::kDuplicate, *newest);  // a retry is never an error
  }
  if (const auto refusal = CheckBallot(poll, vote))
    return Refuse(refusal->code, refusal->ballot_error);
  if (poll.definition.ballots_per_voter.per_day() && !IsForDayOf(vote, batch->time)) {
    return Refuse(OutcomeCode::kDayNotOpen);
  }
  if (vote.seq != 0 && (!in_force || newest->seq != vote.seq)) {
    return Refuse(OutcomeCode::kVersionMismatch);
  }
  OutcomeCode code = OutcomeCode::kCounted;
  if (in_force) {
    code = CheckReplacement(poll, *newest, vote);
    if (code != OutcomeCode::kReplaced) {
      ListOnlineTry(*newest, vote, batch);
      return Refuse(code);
    }
  } else if (newest && newest->version_no > poll.definition.changes_max) {
    return Refuse(OutcomeCode::kChangesExhausted);
  }
  if (!in_force) {
    if (const auto refusal = CheckQuota(poll, vote)) return Refuse(*refusal);
    UseQuota(poll, vote, /*give_back=*/false, batch);
  }
  BallotVersion version;
  version.poll = vote.poll;
  version.tag = vote.tag;
  version.channel = vote.channel;
  version.box = vote.box;
  version.idempotency_print = vote.idempotency_print;
  version.payload.assign(vote.ballot.view());
  Outcome outcome;
  outcome.code = code;
  outcome.channel = vote.channel;
  outcome.box = vote.box;
  outcome.seq = poll.next_seq;
  outcome.replaces = in_force ? newest->seq : 0;
  Accept(std::move(version), newest ? &*newest : nullptr, batch);
  if (!newest && vote.channel == Channel::kOnline && poll.definition.fraud.is_given()) {
    WatchBallot(vote, batch);
  }
  return outcome;
}

// `list`: people see both, the ballot on paper that counts and that its voter also came online.
void Decider::ListOnlineTry(const BallotVersion& in_force, const Command& vote,
                            DecidedBatch* batch) {
  PollRecord& poll = *state_.polls->Find(vote.poll);
  if (poll.definition.channel_rule != ChannelRule::kList || vote.channel != Channel::kOnline ||
      in_force.channel != Channel::kPaper || poll.paper.TriedOnline(in_force.seq) ||
      !poll.paper.HasRoomForOnlineTry()) {
    return;
  }
  const OnlineAfterPaperEntry entry{.poll = vote.poll, .on_paper = in_force.seq};
  batch->record.AddOnlineAfterPaper(entry);
  TALLYD_CHECK(poll.paper.Apply(entry));
  state_.metrics->paper_online_after.fetch_add(1, std::memory_order_relaxed);
}

Outcome Decider::DecideWithdrawal(const Command& command, DecidedBatch* batch) {
  const PollRecord& poll = *state_.polls->Find(command.poll);
  if (!poll.voter_key) return Refuse(OutcomeCode::kKeyMissing);
  const std::optional<BallotVersion> newest = state_.voters->FindNewest(command.poll, command.tag);
  if (!newest) return Refuse(OutcomeCode::kNoBallot);
  Outcome repeated;
  if (command.idempotency_print != 0 && AnswerRepeatedKey(command, *newest, &repeated)) {
    return repeated;
  }
  if (newest->withdrawn) {
    Outcome outcome = About(OutcomeCode::kWithdrawn, *newest);
    outcome.in_force = false;
    return outcome;
  }
  if (!poll.definition.withdraw) return Refuse(OutcomeCode::kWithdrawNotAllowed);
  // What came out of a ballot box goes back by voiding its batch, not from outside.
  if (newest->channel == Channel::kPaper) return Refuse(OutcomeCode::kWithdrawNotAllowed);
  if (!poll.Accepts(Channel::kOnline)) return Refuse(OutcomeCode::kPollNotOpen);
  if (command.seq != 0 && newest->seq != command.seq) return Refuse(OutcomeCode::kVersionMismatch);
  UseQuota(poll, command, /*give_back=*/true, batch);
  BallotVersion version;
  version.poll = command.poll;
  version.tag = command.tag;
  version.channel = newest->channel;
  version.box = newest->box;
  version.withdrawn = true;
  version.idempotency_print = command.idempotency_print;
  Outcome outcome;
  outcome.code = OutcomeCode::kWithdrawn;
  outcome.in_force = false;
  outcome.channel = newest->channel;
  outcome.seq = poll.next_seq;
  outcome.replaces = newest->seq;
  Accept(std::move(version), &*newest, batch);
  return outcome;
}

// The one place where a ballot version comes into being.
void Decider::Accept(BallotVersion version, const BallotVersion* superseded, DecidedBatch* batch) {
  PollRecord& poll = *state_.polls->Find(version.poll);
  TALLYD_CHECK(poll.next_seq <= kSeqMax);
  version.seq = poll.next_seq;
  version.position = batch->position;
  version.version_no = superseded == nullptr ? 1 : superseded->version_no + 1;
  version.supersedes = superseded == nullptr ? 0 : superseded->seq;
  const std::optional<FlagState> held = poll.flags.HeldAs(version.tag);
  if (held && superseded != nullptr) PutBack(*held, *superseded, version.seq, batch);
  if (version.withdrawn) {
    TALLYD_CHECK(superseded != nullptr);  // nobody withdraws what was never there
    batch->record.AddWithdrawal(WithdrawalEntry{.poll = version.poll,
                                                .seq = version.seq,
                                                .tag = version.tag,
                                                .version_no = version.version_no,
                                                .idempotency_print = version.idempotency_print,
                                                .supersedes = Superseded(*superseded)});
  } else {
    BallotEntry entry{.poll = version.poll,
                      .seq = version.seq,
                      .tag = version.tag,
                      .channel = version.channel,
                      .box = version.box,
                      .version_no = version.version_no,
                      .idempotency_print = version.idempotency_print,
                      .supersedes = std::nullopt,
                      .payload = version.payload};
    if (superseded != nullptr) entry.supersedes = Superseded(*superseded);
    batch->record.AddBallot(entry);
  }
  if (held) TakeOut(*held, version, batch);
  if (block_ == nullptr) {
    block_ = state_.voters->BeginBlock(batch->position, commands_in_call_ + cards_in_call_);
    batch->block = block_;
  }
  state_.polls->ApplySeq(version.poll, version.seq);
  state_.voters->Record(block_, std::move(version));
}

Outcome Decider::LookUp(const Command& command) {
  const auto newest = state_.voters->FindNewest(command.poll, command.tag);
  if (!newest) return Refuse(OutcomeCode::kNoBallot);
  Outcome outcome =
      About(newest->withdrawn ? OutcomeCode::kWithdrawn : OutcomeCode::kFound, *newest);
  outcome.in_force = !newest->withdrawn;
  outcome.ballot = PackedBallot(newest->payload);
  return outcome;
}

Outcome Decider::LookUpReceipt(const Command& command) {
  const auto tag = state_.voters->FindTag(command.poll, command.seq);
  if (!tag) return Refuse(OutcomeCode::kUnknown);
  const auto newest = state_.voters->FindNewest(command.poll, *tag);
  if (!newest) return Refuse(OutcomeCode::kUnknown);
  // What became of a version is what took its place, not what its voter did after that.
  std::optional<BallotVersion> successor;
  if (newest->seq != command.seq) {
    successor = newest;
    while (successor && successor->supersedes != command.seq) {
      successor = state_.voters->FindVersion(command.poll, *tag, successor->supersedes);
    }
    if (!successor) return Refuse(OutcomeCode::kUnknown);
  }
  const bool withdrawn = successor ? successor->withdrawn : newest->withdrawn;
  Outcome outcome;
  outcome.seq = command.seq;
  outcome.in_force = !successor && !withdrawn;
  const PollRecord& poll = *state_.polls->Find(command.poll);
  const bool voided =
      newest->channel == Channel::kOnline && poll.flags.HeldAs(*tag) == FlagState::kVoided;
  outcome.code = withdrawn   ? OutcomeCode::kWithdrawn
                 : successor ? OutcomeCode::kSuperseded
                 : voided    ? OutcomeCode::kVoided
                             : OutcomeCode::kFound;
  return outcome;
}

void Decider::Finish(DecidedBatch* batch) {
  if (batch->record.empty()) return;
  last_position_ = batch->position;
  last_time_ = batch->time;
  for (const PollNumber poll : polls_touched_) {
    batch->polls_changed.push_back(state_.polls->MakeView(poll));
  }
  for (const std::string& id : projects_touched_) {
    batch->projects_changed.push_back(
        std::make_shared<ProjectView>(*state_.polls->FindProject(id)));
  }
}

void Decider::Count(const Outcome& outcome, Channel channel) {
  EngineMetrics& metrics = *state_.metrics;
  const auto add = [](EngineMetrics::Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  };
  switch (outcome.code) {
    case OutcomeCode::kCounted:
      return add(channel == Channel::kPaper ? metrics.votes_counted_paper
                                            : metrics.votes_counted_online);
    case OutcomeCode::kDuplicate:
      return add(metrics.votes_duplicate);
    case OutcomeCode::kReplaced:
      return add(metrics.votes_replaced);
    case OutcomeCode::kWithdrawn:
      return add(metrics.votes_withdrawn);
    case OutcomeCode::kAlreadyVoted:
    case OutcomeCode::kPollNotOpen:
    case OutcomeCode::kDayNotOpen:
    case OutcomeCode::kChangesExhausted:
    case OutcomeCode::kKeyReused:
    case OutcomeCode::kVersionMismatch:
    case OutcomeCode::kChannelNotAllowed:
    case OutcomeCode::kFourEyes:
    case OutcomeCode::kQuotaExhausted:
    case OutcomeCode::kTooLarge:
    case OutcomeCode::kOptionUnknown:
    case OutcomeCode::kOptionWithdrawn:
    case OutcomeCode::kBallotInvalid:
    case OutcomeCode::kKeyMissing:
    case OutcomeCode::kNotOnRoll:
      return add(metrics.votes_refused);
    default:
      return;
  }
}

}  // namespace tallyd
