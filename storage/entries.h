#pragma once

// The entries of the journal: every change of state, decided by the writer, in order.
//
// An entry is self-contained: replaying the entries in order rebuilds polls, tallies and the set of
// voters without reading anything else, and without asking a clock (the time of an entry is the
// time of its commit). That is why a replacing ballot carries the ballot it supersedes. Bytes:
// docs/data_formats.md. A decoder hands out views into the record it decodes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

#include "storage/fraud_entries.h"
#include "storage/idea_entries.h"
#include "storage/key_entries.h"
#include "storage/option_entries.h"
#include "storage/paper_entries.h"
#include "storage/quota_entries.h"
#include "storage/records.h"

namespace tallyd {

enum class EntryKind : std::uint8_t {
  kBallot = 1,            // a ballot version was accepted: first, replacing or after a withdrawal
  kWithdrawal = 2,        // the voter took the ballot in force back
  kProject = 3,           // a project was created or replaced
  kPoll = 4,              // a poll was created or its definition replaced
  kPollState = 5,         // a poll changed its state (by an actor, or because its time came)
  kPaperBatch = 6,        // what was counted at an opening of a ballot box was entered
  kPaperConfirm = 7,      // a second person confirmed a batch
  kPaperVoid = 8,         // a batch was taken back
  kPaperCards = 9,        // the cards of a batch were entered, each by its code
  kPaperCardsCount = 10,  // they count from here on: what became of each of them
  kRoll = 11,             // codes were put on a poll's roll
  kOptionFate = 14,       // an option was withdrawn, and what became of its votes
  kIdea = 16,             // a citizen handed an idea in
  kIdeaDecision = 17,
  kProjectQuota = 18,      // how many ballots a voter may have over the polls of a project
  kQuotaUse = 19,          // a ballot spends one of them, or a withdrawal gives it back
  kOnlineAfterPaper = 20,  // somebody counted on paper also tried online (channel_rule `list`)
  kKeySealed = 21,         // a key is carried over to another root key
  kKeyDestroyed = 22,      // a key is gone for good
  kFlagOpened = 25,        // a burst of ballots was seen; counts nothing
  kFlagJoined = 26,        // the burst goes on
  kFlagDecision = 27,      // a group's ballots were quarantined, released or voided
  kHeldBallot = 28,        // a voter of a held group changed the ballot
};

// What a superseded ballot was: enough to take it out of the tally again.
struct SupersededBallot {
  Seq seq = 0;
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  std::string_view payload;  // packed ballot; empty after a withdrawal (nothing to take out)
};

// A ballot version. `seq` is not stored: it is the first seq of the poll in the record's poll table
// plus the number of ballot and withdrawal entries of that poll before this one in the record.
struct BallotEntry {
  PollNumber poll = 0;
  Seq seq = 0;
  VoterTag tag;
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  std::uint32_t version_no = 1;  // 1 for the voter's first ballot in this poll, then 2, 3 ...
  std::uint64_t idempotency_print = 0;  // keyed hash of the Idempotency-Key; 0 = none given
  std::optional<SupersededBallot> supersedes;
  std::string_view payload;  // packed ballot (engine/ballot.h)
};

struct WithdrawalEntry {
  PollNumber poll = 0;
  Seq seq = 0;
  VoterTag tag;
  std::uint32_t version_no = 0;
  std::uint64_t idempotency_print = 0;
  SupersededBallot supersedes;
};

struct ProjectEntry {
  std::string id;
  std::string display;  // JSON text of what the engine does not interpret (title, languages ...)
  std::string actor;    // who did it; "" = nobody named
};

struct OptionDefinition {
  std::string id;
  std::int64_t cost = 0;
  bool withdrawn = false;
  std::string display;         // JSON text: title and other members the engine does not interpret
  QuestionIndex question = 0;  // survey: whose option it is
  OptionFate fate = OptionFate::kKept;  // of a withdrawn one: what became of its votes
  OptionIndex counts_for = 0;           // moved: whom they count for
  friend bool operator==(const OptionDefinition&, const OptionDefinition&) = default;
};

struct BoxDefinition {
  std::string id;
  std::string display;
  friend bool operator==(const BoxDefinition&, const BoxDefinition&) = default;
};

struct BallotDefinition {
  BallotType type = BallotType::kChoose;
  std::uint32_t min = 0;                    // choose: least number of options named
  std::uint32_t max = 1;                    // choose, rank: largest number of options named
  std::uint32_t points_total = 0;           // points
  std::uint32_t points_per_option_max = 0;  // points
  RankScoring scoring = RankScoring::kBorda;
  friend bool operator==(const BallotDefinition&, const BallotDefinition&) = default;
};

// A voter's ballots in one poll are told apart by their number, and by the day where they are per
// day.
struct BallotsPerVoter {
  std::uint32_t count = 1;
  std::string day_zone;  // per day: the time zone that says which day it is; "" = per poll
  bool per_day() const { return !day_zone.empty(); }
  friend bool operator==(const BallotsPerVoter&, const BallotsPerVoter&) = default;
};

// Who may vote by a claim of their token: whoever has one of these values.
struct ClaimRule {
  std::string name;
  std::vector<std::string> values;
  friend bool operator==(const ClaimRule&, const ClaimRule&) = default;
};

// How much a voter's ballot counts: what a claim of the voter's token says.
struct WeightDefinition {
  std::string claim;      // "" = every ballot counts once
  std::uint32_t max = 0;  // heavier ones are refused
  bool is_given() const { return max != 0; }
  friend bool operator==(const WeightDefinition&, const WeightDefinition&) = default;
};

// What of a ranking gets built (engine/selection.h says how each rule works).
struct SelectionDefinition {
  SelectionRule rule = SelectionRule::kNone;
  std::uint32_t count = 0;     // top: how many
  std::int64_t budget = 0;     // greedy rules
  std::int64_t threshold = 0;  // least score of what can be selected; 0 = none
  friend bool operator==(const SelectionDefinition&, const SelectionDefinition&) = default;
};

// One question of a survey. Its options are those of the poll that name it.
struct QuestionDefinition {
  std::string id;
  BallotDefinition ballot;  // any type but survey
  std::string display;
  friend bool operator==(const QuestionDefinition&, const QuestionDefinition&) = default;
};

// What of the figures may leave before the end (engine/visibility.h keeps it).
struct VisibilityDefinition {
  Visibility rule = Visibility::kLive;
  VisibleFrom from = VisibleFrom::kOpen;  // sealed: closed or final
  std::uint32_t coarse_k = 0;             // coarse: new ballots in a step, ballots in a cell
  bool turnout_hidden = false;            // sealed only: not even how many voted
  friend bool operator==(const VisibilityDefinition&, const VisibilityDefinition&) = default;
};

struct PollDefinition {
  std::string id;
  std::string project;
  BallotDefinition ballot;
  std::vector<QuestionDefinition> questions;  // survey only
  std::vector<OptionDefinition> options;      // of all questions
  std::vector<BoxDefinition> boxes;
  std::optional<TimeUs> opens;
  std::optional<TimeUs> closes;
  RevoteRule revote = RevoteRule::kRefuse;
  std::uint32_t changes_max = 20;
  bool withdraw = false;
  bool online = true;  // channels
  bool paper = true;
  ChannelRule channel_rule = ChannelRule::kFirst;
  bool paper_confirm = true;
  bool paper_blind = false;       // whoever confirms enters all figures again
  bool roll = false;              // only who is on the roll votes
  std::vector<ClaimRule> claims;  // all of them must hold; by rising name
  BallotsPerVoter ballots_per_voter;
  WeightDefinition weight;
  SelectionDefinition selection;
  VisibilityDefinition visibility;
  FraudDefinition fraud;  // may change at any time: it flags, and decides nothing
  std::string display;    // JSON text: title, time_zone ... whatever the engine does not interpret
  friend bool operator==(const PollDefinition&, const PollDefinition&) = default;
};

// `number` is new for a created poll and known for a replaced one. The key fields are those of the
// creation and never change: a salt for the poll's voter key, and a value that only the right key
// file reproduces (engine/voter_key.h).
struct PollEntry {
  PollNumber number = 0;
  std::array<std::uint8_t, 16> key_salt{};
  std::array<std::uint8_t, 8> key_check{};
  PollDefinition definition;
  std::string actor;
};

enum class StateCause : std::uint8_t { kActor = 0, kSchedule = 1 };

struct PollStateEntry {
  PollNumber poll = 0;
  PollState to = PollState::kDraft;
  StateCause cause = StateCause::kActor;
  std::string actor;
};

using Entry = std::variant<BallotEntry, WithdrawalEntry, ProjectEntry, PollEntry, PollStateEntry,
                           PaperBatchEntry, PaperConfirmEntry, PaperVoidEntry, PaperCardsEntry,
                           PaperCardsCountEntry, RollEntry, OptionFateEntry, IdeaEntry,
                           IdeaDecisionEntry, ProjectQuotaEntry, QuotaUseEntry,
                           OnlineAfterPaperEntry, KeySealedEntry, KeyDestroyedEntry,
                           FlagOpenedEntry, FlagJoinedEntry, FlagDecisionEntry, HeldBallotEntry>;

}  // namespace tallyd
