// The oracle's flagged ballots: who is put into which group, and what an operator's decision does.
// Windows are taken for longer than a history; tests/engine/burst_watch_test.cc is about time.

#include <algorithm>

#include "tests/model/election_oracle.h"

namespace tallyd {

bool ElectionOracle::IsFlagged(const Poll& poll, int voter) {
  return std::any_of(poll.groups.begin(), poll.groups.end(),
                     [voter](const Group& group) { return group.voters.contains(voter); });
}

void ElectionOracle::NoteBallot(Poll& poll, int voter, int network) {
  const FraudDefinition& fraud = poll.definition.fraud;
  if (network != 0) NoteUnder(poll, FlagRule::kNetworkBurst, fraud.network_burst, voter, network);
  NoteUnder(poll, FlagRule::kPollBurst, fraud.poll_burst, voter, 0);
}

void ElectionOracle::NoteUnder(Poll& poll, FlagRule rule, const BurstRule& burst, int voter,
                               int source) {
  if (!burst.is_given()) return;
  Watched& watched = poll.watched[rule];
  if (!(watched.burst == burst)) watched = {.burst = burst, .ballots = {}, .group = {}};
  watched.ballots.emplace_back(source, voter);
  std::vector<int> of_source;
  for (const auto& [from, who] : watched.ballots) {
    if (from == source) of_source.push_back(who);
  }
  if (of_source.size() < burst.ballots || IsFlagged(poll, voter)) return;
  const int present = watched.group.contains(source) ? watched.group[source] : 0;
  if (present != 0) {
    Group& group = poll.groups[static_cast<std::size_t>(present - 1)];
    if (group.state == FlagState::kFlagged) {
      group.voters.insert(voter);
      return;
    }
    of_source = {voter};
  }
  Group group;
  for (const int who : of_source) {
    if (!IsFlagged(poll, who)) group.voters.insert(who);
  }
  poll.groups.push_back(std::move(group));
  watched.group[source] = static_cast<int>(poll.groups.size());
}

void ElectionOracle::ForgetWatched() {
  for (auto& [number, poll] : polls_) poll.watched.clear();
}

OutcomeCode ElectionOracle::DecideFlags(PollNumber number, int group, FlagState to) {
  Poll& poll = polls_.at(number);
  if (group < 1 || group > FlagGroups(number)) return OutcomeCode::kFlagsNotFound;
  Group& decided = poll.groups[static_cast<std::size_t>(group - 1)];
  if (decided.state == to) return OutcomeCode::kUnchanged;
  if (poll.state == PollState::kFinal) return OutcomeCode::kPollNotOpen;
  decided.state = to;
  return OutcomeCode::kUpdated;
}

int ElectionOracle::FlagGroups(PollNumber poll) const {
  return static_cast<int>(polls_.at(poll).groups.size());
}

ExpectedGroup ElectionOracle::GroupOf(PollNumber number, int group) const {
  const Poll& poll = polls_.at(number);
  const Group& shown = poll.groups.at(static_cast<std::size_t>(group - 1));
  ExpectedGroup expected{.state = shown.state, .voters = shown.voters.size()};
  for (const int voter : shown.voters) {
    const Version& newest = poll.voters.at(voter).back();
    if (!newest.withdrawn && newest.channel == Channel::kOnline) ++expected.ballots;
  }
  return expected;
}

// What stands in the way of an online ballot in force being counted.
FlagState ElectionOracle::HeldAs(const Poll& poll, int voter, const Version& ballot) {
  for (const Group& group : poll.groups) {
    if (ballot.channel == Channel::kOnline && group.voters.contains(voter)) return group.state;
  }
  return FlagState::kFlagged;
}

}  // namespace tallyd
