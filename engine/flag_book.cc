#include "engine/flag_book.h"

#include <utility>

#include "absl/container/flat_hash_set.h"

namespace tallyd {

const FlagGroup* FlagBook::Find(FlagGroupNumber number) const {
  return number == 0 || number > groups_.size() ? nullptr : &groups_[number - 1];
}

std::optional<FlagState> FlagBook::StateOf(const VoterTag& voter) const {
  const auto found = group_of_.find(voter);
  if (found == group_of_.end()) return std::nullopt;
  return groups_[found->second - 1].state;
}

std::optional<FlagState> FlagBook::HeldAs(const VoterTag& voter) const {
  if (held_groups_ == 0) return std::nullopt;
  const auto state = StateOf(voter);
  return state && IsHeld(*state) ? state : std::nullopt;
}

bool FlagBook::HasRoomIn(FlagGroupNumber number) const {
  return groups_[number - 1].voters.size() < limits_.voters_per_group_max;
}

bool FlagBook::Apply(const FlagOpenedEntry& entry, TimeUs time) {
  if (entry.group != next_number()) return false;
  absl::flat_hash_set<VoterTag, TagHash> seen;
  for (const VoterTag& voter : entry.voters) {
    if (group_of_.contains(voter) || !seen.insert(voter).second) return false;
  }
  for (const VoterTag& voter : entry.voters) group_of_.emplace(voter, entry.group);
  groups_.push_back({.number = entry.group,
                     .rule = entry.rule,
                     .burst = entry.burst,
                     .opened = time,
                     .newest = time,
                     .voters = entry.voters,
                     .state = FlagState::kFlagged,
                     .decisions = 0,
                     .decided = 0,
                     .actor = {},
                     .reason = {}});
  return true;
}

bool FlagBook::Apply(const FlagJoinedEntry& entry, TimeUs time) {
  if (Find(entry.group) == nullptr) return false;
  if (!group_of_.emplace(entry.voter, entry.group).second) return false;
  FlagGroup& group = groups_[entry.group - 1];
  group.voters.push_back(entry.voter);
  group.newest = time;
  return true;
}

bool FlagBook::Apply(const FlagDecisionEntry& entry, TimeUs time) {
  const FlagGroup* found = Find(entry.group);
  if (found == nullptr || found->state != entry.was || entry.was == entry.to) return false;
  FlagGroup& group = groups_[entry.group - 1];
  if (IsHeld(entry.was)) --held_groups_;
  if (IsHeld(entry.to)) ++held_groups_;
  group.state = entry.to;
  ++group.decisions;
  group.decided = time;
  group.actor = entry.actor;
  group.reason = entry.reason;
  return true;
}

FlagGroupView ViewOf(const FlagGroup& group) {
  FlagGroupView view;
  view.group = {.number = group.number,
                .rule = group.rule,
                .burst = group.burst,
                .opened = group.opened,
                .newest = group.newest,
                .voters = {},
                .state = group.state,
                .decisions = group.decisions,
                .decided = group.decided,
                .actor = group.actor,
                .reason = group.reason};
  view.voters_count = group.voters.size();
  return view;
}

}  // namespace tallyd
