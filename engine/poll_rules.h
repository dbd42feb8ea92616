#pragma once

// The rules of polls as pure functions: what may follow what, what is frozen, what a vote meets.
//
// No state, no clock; the writer asks, tests ask, the answer is the same. API.md sections 3 and 4
// say them in words.

#include <optional>
#include <string>

#include "engine/command.h"
#include "engine/poll_registry.h"
#include "storage/ballot_store.h"
#include "storage/entries.h"

namespace tallyd {

// draft -> open <-> paused -> closed -> final, and open -> closed.
bool TransitionAllowed(PollState from, PollState to);

// After the first opening: the first member (as a JSON Pointer) in which `next` breaks what is
// frozen. Before it, only the project is.
std::optional<std::string> FindFrozenChange(const PollRecord& poll, const PollDefinition& next);

// `next` with options and boxes in the order of `current`, new ones behind: numbers given to
// options never change. Call when the poll has opened once and FindFrozenChange() found nothing.
PollDefinition KeepOrder(const PollDefinition& current, PollDefinition next);

// What a ballot meets in its poll, before dedup is consulted: nullopt, or why it is refused.
struct BallotRefusal {
  OutcomeCode code;
  BallotError ballot_error = BallotError::kOk;
};
std::optional<BallotRefusal> CheckBallot(const PollRecord& poll, const Command& vote);

// The option of that question with that id.
std::optional<OptionIndex> FindOption(const PollDefinition& poll, QuestionIndex question,
                                      std::string_view id);

// The ballot gave votes to an option that was withdrawn and its votes released: whoever cast it may
// cast another, once, whatever the poll's rule of changes is.
bool NamesReleased(const BallotRules& rules, std::string_view packed);

// Whether paper takes the place of the ballot in force, which is online, whatever it says.
bool PaperBeats(const PollDefinition& poll, Channel in_force, Channel next);

// Whether another ballot may take the place of `in_force`: kReplaced, or why not.
OutcomeCode CheckReplacement(const PollRecord& poll, const BallotVersion& in_force,
                             const Command& vote);

}  // namespace tallyd
