#pragma once

// The groups of flagged voters of one poll: which burst each was seen in, and what became of it.
//
// A group holds voters, not ballots: whoever is in one stays in it, so that a ballot taken out of
// the count does not come back by being changed, and is not counted twice by being released. Only
// online ballots are ever held; what came out of a ballot box was seen by people.
//
// Each change is the Apply() of a journal entry, at decision time and in recovery alike. Bounded by
// FlagLimits; the caller leaves unflagged what does not fit, and counts it. One thread. Memory:
// about 50 bytes a voter. A poll without groups costs a look at a counter.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "engine/limits.h"
#include "storage/fraud_entries.h"

namespace tallyd {

struct FlagGroup {
  FlagGroupNumber number = 0;
  FlagRule rule = FlagRule::kNetworkBurst;
  BurstRule burst;
  TimeUs opened = 0;  // of the commits
  TimeUs newest = 0;  // when the last voter joined
  std::vector<VoterTag> voters;
  FlagState state = FlagState::kFlagged;
  std::uint32_t decisions = 0;  // how often it was decided about
  TimeUs decided = 0;           // 0 = nobody has
  std::string actor;
  std::string reason;
};

class FlagBook {
 public:
  explicit FlagBook(const FlagLimits& limits = {}) : limits_(limits) {}

  const std::vector<FlagGroup>& groups() const { return groups_; }  // 1, 2, 3 ...
  // Null if there is none; valid until the next Apply().
  const FlagGroup* Find(FlagGroupNumber number) const;
  // Of the voter's group; nullopt: in none.
  std::optional<FlagState> StateOf(const VoterTag& voter) const;
  bool Contains(const VoterTag& voter) const { return group_of_.contains(voter); }
  // The state if the voter's online ballots are out of the count.
  std::optional<FlagState> HeldAs(const VoterTag& voter) const;
  bool holds_any() const { return held_groups_ > 0; }
  std::size_t voters_count() const { return group_of_.size(); }
  FlagGroupNumber next_number() const { return static_cast<FlagGroupNumber>(groups_.size() + 1); }

  bool HasRoomForGroup() const { return groups_.size() < limits_.groups_max; }
  bool HasRoomForVoter() const { return group_of_.size() < limits_.voters_max; }
  bool HasRoomIn(FlagGroupNumber number) const;
  const FlagLimits& limits() const { return limits_; }

  // False: the entry does not fit what came before, and nothing was changed.
  bool Apply(const FlagOpenedEntry& entry, TimeUs time);
  bool Apply(const FlagJoinedEntry& entry, TimeUs time);
  bool Apply(const FlagDecisionEntry& entry, TimeUs time);

 private:
  struct TagHash {
    std::size_t operator()(const VoterTag& tag) const { return tag.high(); }
  };

  FlagLimits limits_;
  std::vector<FlagGroup> groups_;
  absl::flat_hash_map<VoterTag, FlagGroupNumber, TagHash> group_of_;
  std::size_t held_groups_ = 0;
};

// Without voters: what a list of groups shows. `voters_count` stands for them.
struct FlagGroupView {
  FlagGroup group;  // its `voters` are left out
  std::size_t voters_count = 0;
  // Of one group only: what its online ballots in force add up to, by where they count now.
  std::optional<HeldFigures> figures = std::nullopt;
};

// An answer to whoever reads groups.
struct FlagPage {
  std::vector<FlagGroupView> groups;  // by rising number
  bool is_last = true;
};

FlagGroupView ViewOf(const FlagGroup& group);

}  // namespace tallyd
