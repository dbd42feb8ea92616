#pragma once

// Ballots that came in a burst: which were flagged, what an operator decided about them, and what
// that did to the count.
//
// A rule of the poll puts the voters of a burst into a numbered group. That changes no figure. An
// operator may then take the group's online ballots out of the count (quarantine, void) and put
// them back (release). Whatever changes a count carries what it changes, so that a tally can be
// built from any position on without looking back. No entry says anything about a network. Bytes:
// docs/data_formats.md.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/records.h"

namespace tallyd {

// Groups of a poll are 1, 2, 3 ...
using FlagGroupNumber = std::uint32_t;

// What makes a burst: so many first ballots within so many seconds. 0 ballots: no such rule.
struct BurstRule {
  std::uint32_t ballots = 0;
  std::uint32_t window_s = 0;
  bool is_given() const { return ballots != 0; }
  friend bool operator==(const BurstRule&, const BurstRule&) = default;
};

// The rules of a poll; they flag, and decide nothing.
struct FraudDefinition {
  BurstRule network_burst;  // ballots of one network
  BurstRule poll_burst;     // ballots of the poll, wherever from
  bool is_given() const { return network_burst.is_given() || poll_burst.is_given(); }
  friend bool operator==(const FraudDefinition&, const FraudDefinition&) = default;
};

enum class FlagRule : std::uint8_t { kNetworkBurst = 0, kPollBurst = 1 };

enum class FlagState : std::uint8_t {
  kFlagged = 0,      // nobody has decided; counts
  kQuarantined = 1,  // does not count for now
  kReleased = 2,     // looked at; counts
  kVoided = 3,       // does not count
};

// Online ballots of the group's voters are out of the count.
constexpr bool IsHeld(FlagState state) {
  return state == FlagState::kQuarantined || state == FlagState::kVoided;
}

// A burst was seen: the voters whose ballots made it.
struct FlagOpenedEntry {
  PollNumber poll = 0;
  FlagGroupNumber group = 0;
  FlagRule rule = FlagRule::kNetworkBurst;
  BurstRule burst = {};  // the rule as it was
  std::vector<VoterTag> voters = {};
};

// The burst goes on: one voter more.
struct FlagJoinedEntry {
  PollNumber poll = 0;
  FlagGroupNumber group = 0;
  VoterTag voter = {};
};

struct HeldCount {
  OptionIndex option = 0;     // where the votes count, by the fates of options at that time
  std::uint64_t ballots = 0;  // at least 1
  std::int64_t score = 0;
  friend bool operator==(const HeldCount&, const HeldCount&) = default;
};

// What the online ballots of a group add up to.
struct HeldFigures {
  std::uint64_t ballots = 0;
  std::uint64_t blank = 0;
  std::vector<HeldCount> counts = {};  // by rising option
  friend bool operator==(const HeldFigures&, const HeldFigures&) = default;
};

// From here on the group is `to`. The figures leave the count, come back, or only change their
// name, as IsHeld() of the two states says.
struct FlagDecisionEntry {
  PollNumber poll = 0;
  FlagGroupNumber group = 0;
  FlagState was = FlagState::kFlagged;
  FlagState to = FlagState::kQuarantined;
  HeldFigures figures = {};
  std::string reason = {};
  std::string actor = {};  // who did it; "" = nobody named
};

// A voter of a held group changed the ballot. What is superseded is put back just before the entry
// that takes it out; what is new is taken out just after the entry that counts it. So those need
// not know of groups.
struct HeldBallotEntry {
  PollNumber poll = 0;
  Seq seq = 0;  // of the version that is decided: the entry after, or before, this one
  FlagState state = FlagState::kQuarantined;
  bool put_back = false;
  std::string_view payload = {};  // packed ballot
};

}  // namespace tallyd
