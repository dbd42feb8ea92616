#pragma once

// What each outcome of the engine is in HTTP: the only place where the two vocabularies meet.
//
// Pure tables; any thread.

#include <optional>
#include <string_view>

#include "engine/command.h"
#include "engine/poll_view.h"
#include "net/problem_catalog.h"

namespace tallyd {

struct HttpMapping {
  int status = 500;
  // Set: answer with this problem (its status is `status`). Not set: success.
  std::optional<ProblemCode> problem;
  // The word of `status` in a success body: counted, duplicate, superseded ... "" for acts.
  std::string_view word;
};

HttpMapping MapOutcome(OutcomeCode code, BallotError error = BallotError::kOk);
ProblemCode MapBallotError(BallotError error);
// Of a poll whose voter key is not there.
ProblemCode WhyKeyless(const PollView& poll);

}  // namespace tallyd
