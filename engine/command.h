#pragma once

// What comes to the writer, and what goes back: fixed-size values, one Command and one Outcome
// each.
//
// net/ fills a Command from a request (all text is resolved by then), pushes it into the engine and
// gets the Outcome through the sink it registered, after everything the decision could see is
// durable. A refused vote is an Outcome like any other, never an error.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/ballot.h"
#include "engine/burst_watch.h"
#include "engine/flag_book.h"
#include "engine/idea_box.h"
#include "engine/paper_ledger.h"
#include "storage/entries.h"
#include "storage/records.h"

namespace tallyd {

// Which registered sink an outcome goes to; see Engine::RegisterSink().
using SinkId = std::uint8_t;

enum class CommandKind : std::uint8_t {
  kVote = 0,      // cast, repeat or replace a ballot
  kWithdraw = 1,  // take the ballot in force back
  kLookUp = 2,    // the version in force of a voter (votes/me)
  kReceipt = 3,   // what became of the version `seq` of a poll
  kAct = 4,       // an administrator's act, in `act`
};

enum class OutcomeCode : std::uint8_t {
  // Votes.
  kCounted,
  kDuplicate,
  kReplaced,
  kWithdrawn,
  kAlreadyVoted,  // revote is refuse, and this is another ballot
  kPollNotOpen,
  kDayNotOpen,  // the vote is for another day than today
  kChangesExhausted,
  kKeyReused,        // same Idempotency-Key, other payload
  kVersionMismatch,  // If-Match names another seq than the one in force
  kNoBallot,         // withdraw or look up: there is none
  kWithdrawNotAllowed,
  kChannelNotAllowed,
  kFourEyes,        // paper lines where the poll wants two people
  kQuotaExhausted,  // as many ballots over the polls of the project as a voter may have
  kOptionUnknown,   // an option index that this poll does not have (definition changed meanwhile)
  kOptionWithdrawn,
  kBallotInvalid,  // breaks the ballot's rules; `ballot_error` says which
  kKeyMissing,     // the poll's voter key is not there
  kNotOnRoll,      // the poll has a roll, and this voter is not on it
  // Look-ups.
  kFound,
  kSuperseded,  // receipt: a later version is in force
  kVoided,      // receipt: an operator took the ballot out of the count
  kUnknown,     // receipt of nothing
  // Acts.
  kCreated,
  kUpdated,
  kUnchanged,         // the act asks for what is already so
  kExists,            // If-None-Match: * on something that exists
  kRevisionMismatch,  // If-Match names another revision
  kNotFound,
  kRulesFrozen,  // `detail` names the member
  kTransitionNotAllowed,
  kOptionNotFound,
  kFateNotPossible,  // the option's votes cannot become that; `detail` says why
  kProjectNotFound,
  kIdeaNotFound,
  kOptionExists,
  kOtherProject,  // the poll belongs to another project than the idea
  kTooLarge,      // more polls, options or bytes than the limits allow
  // Paper.
  kBatchExists,  // with other figures
  kBatchNotFound,
  kBatchVoided,
  kEntriesDiffer,       // the second entry has other figures than the first, which is in `paper`
  kCardsMissing,        // a batch by cards is confirmed before its cards were entered
  kBlindEntryRequired,  // the poll wants all figures entered again
  kSumMismatch,         // `detail` has both numbers
  // Flagged ballots.
  kFlagsNotFound,
};

// Creates or replaces a project.
struct PutProject {
  ProjectEntry project;
  std::uint32_t ballots_per_voter = 0;  // over its polls; 0 = no quota
  bool create_only = false;             // If-None-Match: *
  std::optional<Position> if_revision;  // If-Match
};

// Creates or replaces a poll. `initial_state` counts only for a new poll.
struct PutPoll {
  PollDefinition definition;
  PollState initial_state = PollState::kDraft;
  bool create_only = false;
  std::optional<Position> if_revision;
  std::string actor;
};

// Withdraws an option, or merges it into another, and says what becomes of its votes.
struct WithdrawOption {
  QuestionIndex question = 0;
  std::string option;
  OptionFate fate = OptionFate::kKept;
  std::string into;  // moved: an option of the same question
  std::string reason;
  std::optional<Position> if_revision;
  std::string actor;
};

struct TransitionPoll {
  PollState to = PollState::kDraft;
  std::string actor;
};

// Enters a paper batch; its option and box numbers are those of a poll that has opened, so they
// stay.
struct PutPaperBatch {
  PaperBatch batch;
  std::string actor;
};

struct ConfirmPaperBatch {
  // All figures entered again, without looking at the first entry.
  struct SecondEntry {
    std::optional<BoxIndex> box;  // compared where they are given
    std::optional<std::string> seal;
    PaperFigures figures;
  };
  std::string batch;
  std::optional<SecondEntry> second;
  std::string actor;
};

struct VoidPaperBatch {
  std::string batch;
  std::string reason;
  std::string actor;
};

// Enters all cards of a batch by cards; the batch itself too, if it is not there yet and `batch`
// says what it is.
struct PutPaperCards {
  std::string batch_id;
  std::optional<PaperBatch> batch;
  std::vector<PaperCard> cards;
  std::string actor;
};

// Puts tags of codes or names on the poll's roll.
struct PutRoll {
  std::string batch;
  std::vector<VoterTag> tags;
  std::string actor;
};

// Reads one batch, a page of all of them, or a sum for each box: nothing changes.
struct ReadPaper {
  std::string batch;  // "" = a page
  std::string after;
  std::size_t limit = 0;
  bool by_box = false;
};

// Hands an idea in; its number is given by the writer.
struct SubmitIdea {
  IdeaEntry idea;
};

// A moderator's decision; an approved idea becomes an option of the poll at once.
struct DecideIdea {
  IdeaNumber number = 0;
  IdeaDecision decision = IdeaDecision::kRejected;
  std::string poll;      // approve, merge
  std::string question;  // of a survey
  std::string option;    // approve: the new option's id; merge: the one it goes into
  std::int64_t cost = 0;
  std::string reason_code;
  std::optional<Position> if_revision;
  std::string actor;
};

// Reads one idea, or a page of those in a state: nothing changes.
struct ReadIdeas {
  IdeaNumber number = 0;              // 0 = a page
  std::optional<VoterTag> submitter;  // one idea: only if it is theirs
  IdeaState state = IdeaState::kPending;
  std::string project;
  IdeaNumber after = 0;
  std::size_t limit = 0;
};

// An operator's decision about a group of flagged ballots.
struct DecideFlags {
  FlagGroupNumber group = 0;
  FlagState to = FlagState::kQuarantined;  // or released, voided
  std::string reason;
  std::optional<std::uint64_t> if_revision;  // If-Match: how often it was decided about before
  std::string actor;
};

// Reads one group with what its ballots add up to, or a page of all groups without that: nothing
// changes.
struct ReadFlags {
  FlagGroupNumber group = 0;  // 0 = a page
  FlagGroupNumber after = 0;
  std::size_t limit = 0;
};

// Goes with a vote where ballots are per day: when the day it is for begins and ends.
struct VoteDay {
  TimeUs begins = 0;
  TimeUs ends = 0;
};

// What few votes and withdrawals need besides.
struct VoteExtras {
  std::optional<VoteDay> day;
  std::optional<VoterTag> project_tag;  // in a project with a quota
  // Where the poll has a rule about bursts of networks, and the voter came by this one.
  std::optional<ClientNetwork> network = std::nullopt;
};

using Act = std::variant<PutProject, PutPoll, TransitionPoll, WithdrawOption, VoteExtras,
                         PutPaperBatch, ConfirmPaperBatch, VoidPaperBatch, PutPaperCards, PutRoll,
                         ReadPaper, SubmitIdea, DecideIdea, ReadIdeas, DecideFlags, ReadFlags>;

struct Command {
  std::uint64_t cookie = 0;  // the sender's own; comes back in the outcome
  CommandKind kind = CommandKind::kVote;
  SinkId sink = 0;
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  PollNumber poll = 0;
  VoterTag tag;
  std::uint64_t idempotency_print = 0;  // 0 = no key
  Seq seq = 0;  // kVote, kWithdraw: If-Match (0 = none); kReceipt: the seq asked for
  PackedBallot ballot;
  std::unique_ptr<Act> act;  // kAct; kVote, kWithdraw: VoteExtras, or none
};

struct Outcome {
  Outcome() = default;
  Outcome(Outcome&&) noexcept = default;
  Outcome& operator=(Outcome&&) noexcept = default;

  std::uint64_t cookie = 0;
  OutcomeCode code = OutcomeCode::kUnknown;
  BallotError ballot_error = BallotError::kOk;
  bool in_force = true;  // false: this answers for a version that was superseded or withdrawn since
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  PollNumber poll = 0;
  Seq seq = 0;                       // of the version this outcome speaks of
  Seq replaces = 0;                  // seq of the version it took the place of; 0 = none
  Position revision = 0;             // acts: position of the commit that made this state
  PackedBallot ballot;               // kFound only
  std::string detail;                // acts only
  std::unique_ptr<PaperPage> paper;  // paper acts only: the batch, or a page of them
  std::unique_ptr<FlagPage> flags;   // acts on flags only: the group, or a page of them
  std::unique_ptr<IdeaPage> ideas;   // acts on ideas only: the idea, or a page of them
};

// Where outcomes go. Deliver() is called by the committing thread once per commit with everything
// for this sink, in decision order; it must not block, throw or call back into the engine's commit
// path.
class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  virtual void Deliver(std::vector<Outcome> outcomes) = 0;
};

}  // namespace tallyd
