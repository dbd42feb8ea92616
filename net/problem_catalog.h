#pragma once

// The one table of stable problem codes: what a client can be told when something is refused.
//
// Programs read `code` (snake_case, stable for as long as /v1 lives); people read title and
// explanation, in English or German. Rendering as application/problem+json, errors[] and
// /problems/{code} is the business of others; here is only the table.
//
// Constant data: any thread may read, nothing allocates, nothing can fail. Describe() is an array
// access; FindProblem() walks the table and is meant for /problems/{code}, not for the vote path.
//
// A new code: one enumerator in ProblemCode, one row at the same place in problem_catalog.cc (the
// compiler checks the order), one entry in docs/openapi.yaml (a test compares the two).

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/types/span.h"

namespace tallyd {

enum class ProblemCode : std::uint8_t {
  // A vote that was understood and not taken.
  kAlreadyVoted,
  kPollNotOpen,
  kDayNotOpen,
  kChangesExhausted,
  kQuotaExhausted,
  kOptionUnknown,
  kQuestionUnknown,
  kOptionWithdrawn,
  kOptionRepeated,
  kTooManyChoices,
  kTooFewChoices,
  kPointsExceeded,
  kWrongBallotType,
  kBallotNoRequired,
  kDayRequired,
  kKeyReused,
  kWithdrawNotAllowed,
  // Who votes, and by which channel.
  kVoterMissing,
  kVoterInvalid,
  kVoterMismatch,
  kUnauthorized,
  kForbidden,
  kFourEyes,
  kNotOnRoll,
  kWeightMissing,
  kChannelNotAllowed,
  kBoxUnknown,
  // Polls and what belongs to them.
  kPollExists,
  kPreconditionFailed,
  kPreconditionRequired,
  kRulesFrozen,
  kTransitionNotAllowed,
  kFateNotPossible,
  kOptionExists,
  kLimitReached,
  kNotSupported,
  // Paper.
  kBatchExists,
  kBatchVoided,
  kEntriesDiffer,
  kSumMismatch,
  kCardsMissing,
  kBlindEntryRequired,
  // Nothing there.
  kNotFound,
  kPollNotFound,
  kProjectNotFound,
  kIdeaNotFound,
  kOptionNotFound,
  kQuestionNotFound,
  kBatchNotFound,
  kFlagsNotFound,
  kReceiptNotFound,
  kNoBallot,
  kEpochChanged,
  kVersionCompacted,
  kKeyDestroyed,
  // The body.
  kNotJson,
  kJsonDuplicateMember,
  kJsonUnknownMember,
  kJsonTooDeep,
  kMemberMissing,
  kMemberInvalid,
  kIdInvalid,
  kBodyTooLarge,
  kTooManyLines,
  kEncodingInvalid,
  kUnsupportedMediaType,
  // The request around it.
  kBadRequest,
  kParameterInvalid,
  kHeaderInvalid,
  kHostInvalid,
  kContentLengthInvalid,
  kLengthRequired,
  kUriTooLong,
  kHeaderTooLarge,
  kExpectationFailed,
  kMethodNotAllowed,
  kNotImplemented,
  kHttpVersionNotSupported,
  kRequestTimeout,
  // The server's own state.
  kTooManyRequests,
  kOverloaded,
  kStorageFull,
  kKeyMissing,
  kDraining,
  kInternal,
};

inline constexpr int kProblemCodeCount = static_cast<int>(ProblemCode::kInternal) + 1;

struct ProblemText {
  std::string_view title;        // a few words, no full stop
  std::string_view explanation;  // one sentence: what it means and what to do
};

struct Problem {
  ProblemCode code;
  std::string_view name;  // the stable code, e.g. "already_voted"
  int status;             // HTTP status
  bool retryable;         // the same request may succeed later without being changed
  ProblemText en;
  ProblemText de;
};

// The row of `code`.
const Problem& Describe(ProblemCode code);

// The code of that name, or nothing if there is none; names are compared byte by byte.
std::optional<ProblemCode> FindProblem(std::string_view name);

// All rows, in the order of ProblemCode.
absl::Span<const Problem> AllProblems();

}  // namespace tallyd
