// The recount's flagged ballots: who is in which group, and what decisions claim.

#include <map>
#include <string>
#include <utility>
#include <variant>

#include "tools/recount/journal_recount.h"

namespace tallyd {
namespace {

std::string Where(Position position, FlagGroupNumber group) {
  return "record " + std::to_string(position) + ", group " + std::to_string(group);
}

}  // namespace

// Entries that put single ballots back or take them out are not looked at: who is in which group,
// and what was decided about it, says it all.
void JournalRecount::AddFlags(const Entry& entry) {
  if (const auto* opened = std::get_if<FlagOpenedEntry>(&entry)) {
    if (!polls_[opened->poll].groups.try_emplace(opened->group).second) {
      Differ(Where(position_, opened->group) + ": opened twice");
    }
    for (const VoterTag& voter : opened->voters) PutInGroup(opened->poll, opened->group, voter);
  } else if (const auto* joined = std::get_if<FlagJoinedEntry>(&entry)) {
    PutInGroup(joined->poll, joined->group, joined->voter);
  } else if (const auto* decision = std::get_if<FlagDecisionEntry>(&entry)) {
    Decide(*decision);
  }
}

void JournalRecount::PutInGroup(PollNumber number, FlagGroupNumber group, const VoterTag& voter) {
  HeldPoll& poll = polls_[number];
  const std::string where = Where(position_, group);
  const auto found = poll.groups.find(group);
  if (found == poll.groups.end()) return Differ(where + ": was never opened");
  if (IsHeld(found->second.state)) Differ(where + ": takes a voter although it is held");
  if (!poll.group_of.emplace(voter, group).second) Differ(where + ": a voter is in two groups");
  if (!poll.ballots.contains(voter)) Differ(where + ": a voter without a ballot");
  found->second.voters.push_back(voter);
}

void JournalRecount::Decide(const FlagDecisionEntry& entry) {
  HeldPoll& poll = polls_[entry.poll];
  const std::string where = Where(position_, entry.group);
  const auto found = poll.groups.find(entry.group);
  if (found == poll.groups.end()) return Differ(where + ": was never opened");
  HeldGroup& group = found->second;
  if (group.state != entry.was) Differ(where + ": was in another state than the decision says");
  CountedPoll sum = NothingOf(poll);
  for (const VoterTag& voter : group.voters) {
    const auto held = poll.ballots.find(voter);
    if (held == poll.ballots.end()) continue;
    const HeldBallot& ballot = held->second;
    if (!ballot.withdrawn && ballot.channel == Channel::kOnline) CountBallot(poll, ballot, sum);
  }
  std::map<OptionIndex, HeldCount> named;
  for (const HeldCount& count : entry.figures.counts) named[count.option] = count;
  bool same = std::cmp_equal(entry.figures.ballots, sum.online) &&
              std::cmp_equal(entry.figures.blank, sum.blank);
  for (OptionIndex i = 0; i < sum.options.size(); ++i) {
    same = same && std::cmp_equal(named[i].ballots, sum.options[i].ballots) &&
           named[i].score == sum.options[i].online;
  }
  if (!same) Differ(where + ": decides about other figures than those of its ballots");
  group.state = entry.to;
}

FlagState JournalRecount::StateOf(const HeldPoll& poll, const VoterTag& voter,
                                  const HeldBallot& ballot) {
  const auto group = poll.group_of.find(voter);
  if (ballot.channel != Channel::kOnline || group == poll.group_of.end()) {
    return FlagState::kFlagged;
  }
  return poll.groups.at(group->second).state;
}

}  // namespace tallyd
