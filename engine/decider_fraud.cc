// Ballots that come in bursts: flagging them, and what operators decide about a group of them.

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/decider.h"
#include "engine/limits.h"
#include "engine/tally.h"
#include "storage/check.h"

namespace tallyd {
namespace {

const std::optional<ClientNetwork> kNoNetwork;

const std::optional<ClientNetwork>& NetworkOf(const Command& vote) {
  const auto* extras = vote.act == nullptr ? nullptr : std::get_if<VoteExtras>(vote.act.get());
  return extras == nullptr ? kNoNetwork : extras->network;
}

}  // namespace

std::size_t Decider::FraudRoomFor(const PollRecord& poll, const Command& vote) {
  std::size_t room = 0;
  if (poll.definition.fraud.is_given()) {
    room += EncodedSizeMax(FlagOpenedEntry{}) + kFlagVotersPerGroupMax * sizeof(VoterTag);
  }
  if (poll.flags.holds_any()) {
    room += 2 * EncodedSizeMax(HeldBallotEntry{}) + vote.ballot.view().size() + kBallotBytesMax;
  }
  return room;
}

// Both rules see every first ballot; a voter is in one group at most.
void Decider::WatchBallot(const Command& vote, DecidedBatch* batch) {
  PollRecord& poll = *state_.polls->Find(vote.poll);
  const FraudDefinition& fraud = poll.definition.fraud;
  const auto watch = [&](FlagRule rule, const BurstRule& burst, BurstSource source) {
    BurstWatch& watching = watches_.Find(poll.number, rule, burst, batch->time);
    if (!watching.Note(source, vote.tag, batch->time) || poll.flags.Contains(vote.tag)) return;
    Flag(poll, rule, watching, source, batch);
  };
  const std::optional<ClientNetwork>& network = NetworkOf(vote);
  if (fraud.network_burst.is_given() && network) {
    const BurstSource source = watches_.PrintOf(*network, batch->time);
    watch(FlagRule::kNetworkBurst, fraud.network_burst, source);
  }
  if (fraud.poll_burst.is_given()) watch(FlagRule::kPollBurst, fraud.poll_burst, kWholePoll);
  state_.metrics->fraud_not_watched.store(watches_.dropped_count(), std::memory_order_relaxed);
}

// The newest ballot that `watch` noted, and all of its burst if that has no group yet. A group
// that somebody has decided about takes no more: what is flagged counts until it is decided.
void Decider::Flag(PollRecord& poll, FlagRule rule, BurstWatch& watch, BurstSource source,
                   DecidedBatch* batch) {
  FlagBook& flags = poll.flags;
  EngineMetrics& metrics = *state_.metrics;
  const FlagGroupNumber present = watch.GroupOf(source);
  const bool joins =
      present != 0 && flags.Find(present)->state == FlagState::kFlagged && flags.HasRoomIn(present);
  const bool has_room =
      flags.HasRoomForVoter() && state_.polls->flagged_voters() < flags.limits().voters_in_all_max;
  if (!has_room || (!joins && !flags.HasRoomForGroup())) {
    metrics.fraud_not_flagged.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  std::vector<VoterTag> voters = watch.VotersToFlag(source);
  std::erase_if(voters, [&flags](const VoterTag& voter) { return flags.Contains(voter); });
  if (joins) {
    const FlagJoinedEntry entry{.poll = poll.number, .group = present, .voter = voters.back()};
    batch->record.AddFlagJoined(entry);
    TALLYD_CHECK(state_.polls->Apply(entry, batch->time));
  } else {
    const std::size_t room = std::min({flags.limits().voters_per_group_max,
                                       flags.limits().voters_max - flags.voters_count(),
                                       state_.polls->RoomForFlaggedVoters()});
    if (voters.size() > room) {
      metrics.fraud_not_flagged.fetch_add(voters.size() - room, std::memory_order_relaxed);
      voters.erase(voters.begin(), voters.end() - static_cast<std::ptrdiff_t>(room));
    }
    const FlagOpenedEntry entry{.poll = poll.number,
                                .group = flags.next_number(),
                                .rule = rule,
                                .burst = watch.rule(),
                                .voters = std::move(voters)};
    batch->record.AddFlagOpened(entry);
    TALLYD_CHECK(state_.polls->Apply(entry, batch->time));
    watch.SetGroup(source, entry.group);
    metrics.fraud_groups.fetch_add(1, std::memory_order_relaxed);
  }
  metrics.fraud_voters.store(state_.polls->flagged_voters(), std::memory_order_relaxed);
}

// What the online ballots in force of the group's voters add up to, by the rules of now.
HeldFigures Decider::SumOf(const PollRecord& poll, const FlagGroup& group) {
  PollTally sum;
  sum.ResizeOptions(poll.definition.options.size());
  for (const VoterTag& voter : group.voters) {
    const auto newest = state_.voters->FindNewest(poll.number, voter);
    if (!newest || newest->withdrawn || newest->channel != Channel::kOnline) continue;
    sum.Add(Channel::kOnline, poll.rules, newest->payload);
  }
  HeldFigures figures{.ballots = sum.totals().online, .blank = sum.totals().blank, .counts = {}};
  std::vector<OptionIndex> named = sum.TakeChanged();
  std::sort(named.begin(), named.end());
  for (const OptionIndex option : named) {
    const OptionTally& tally = sum.options()[option];
    figures.counts.push_back({.option = option, .ballots = tally.ballots, .score = tally.online});
  }
  return figures;
}

Outcome Decider::AboutFlags(OutcomeCode code, const PollRecord& poll, const FlagGroup& group) {
  Outcome outcome;
  outcome.code = code;
  outcome.flags = std::make_unique<FlagPage>();
  FlagGroupView view = ViewOf(group);
  view.figures = SumOf(poll, group);
  outcome.flags->groups.push_back(std::move(view));
  return outcome;
}

Outcome Decider::DecideFlagActs(PollNumber number, const Act& act, DecidedBatch* batch) {
  PollRecord* poll = state_.polls->Find(number);
  if (poll == nullptr) return Refused(OutcomeCode::kNotFound);
  if (const auto* decide = std::get_if<DecideFlags>(&act)) {
    return DecideOnFlags(*poll, *decide, batch);
  }
  const auto& read = std::get<ReadFlags>(act);
  if (read.group != 0) {
    const FlagGroup* group = poll->flags.Find(read.group);
    return group == nullptr ? Refused(OutcomeCode::kFlagsNotFound)
                            : AboutFlags(OutcomeCode::kFound, *poll, *group);
  }
  Outcome outcome;
  outcome.code = OutcomeCode::kFound;
  outcome.flags = std::make_unique<FlagPage>();
  const std::vector<FlagGroup>& groups = poll->flags.groups();
  for (std::size_t i = read.after; i < groups.size(); ++i) {
    if (outcome.flags->groups.size() == read.limit) {
      outcome.flags->is_last = false;
      break;
    }
    outcome.flags->groups.push_back(ViewOf(groups[i]));
  }
  return outcome;
}

Outcome Decider::DecideOnFlags(PollRecord& poll, const DecideFlags& act, DecidedBatch* batch) {
  const FlagGroup* group = poll.flags.Find(act.group);
  if (group == nullptr) return Refused(OutcomeCode::kFlagsNotFound);
  if (act.if_revision && *act.if_revision != group->decisions) {
    return Refused(OutcomeCode::kRevisionMismatch);
  }
  // First of all: the same decision again is harmless, whatever became of the poll meanwhile.
  if (group->state == act.to) return AboutFlags(OutcomeCode::kUnchanged, poll, *group);
  if (poll.state == PollState::kFinal) {
    return Refused(OutcomeCode::kPollNotOpen, "the poll is final: its count stays as it is");
  }
  const FlagDecisionEntry entry{.poll = poll.number,
                                .group = act.group,
                                .was = group->state,
                                .to = act.to,
                                .figures = SumOf(poll, *group),
                                .reason = act.reason,
                                .actor = act.actor};
  if (EncodedSizeMax(entry) > kDefinitionBytesMax) {
    return Refused(OutcomeCode::kTooLarge,
                   "the group's ballots name more options than one commit has room for");
  }
  batch->record.AddFlagDecision(entry);
  TALLYD_CHECK(state_.polls->Apply(entry, batch->time));
  state_.metrics->fraud_decisions.fetch_add(1, std::memory_order_relaxed);
  return AboutFlags(OutcomeCode::kUpdated, poll, *group);
}

// Of a voter whose group is held: what is superseded goes back into the count before the entry that
// takes it out. Only online ballots are held.
void Decider::PutBack(FlagState held, const BallotVersion& superseded, Seq seq,
                      DecidedBatch* batch) {
  if (superseded.withdrawn || superseded.channel != Channel::kOnline) return;
  batch->record.AddHeldBallot({.poll = superseded.poll,
                               .seq = seq,
                               .state = held,
                               .put_back = true,
                               .payload = superseded.payload});
}

// ... and what takes its place leaves the count after the entry that counts it.
void Decider::TakeOut(FlagState held, const BallotVersion& version, DecidedBatch* batch) {
  if (version.withdrawn || version.channel != Channel::kOnline) return;
  batch->record.AddHeldBallot({.poll = version.poll,
                               .seq = version.seq,
                               .state = held,
                               .put_back = false,
                               .payload = version.payload});
}

}  // namespace tallyd
