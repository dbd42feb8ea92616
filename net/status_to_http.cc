#include "net/status_to_http.h"

namespace tallyd {
namespace {

HttpMapping Refused(ProblemCode code) {
  return {Describe(code).status, code, ""};
}
HttpMapping Done(int status, std::string_view word = "") {
  return {status, std::nullopt, word};
}

HttpMapping MapVote(OutcomeCode code, BallotError error) {
  switch (code) {
    case OutcomeCode::kCounted:
      return Done(201, "counted");
    case OutcomeCode::kDuplicate:
      return Done(200, "duplicate");
    case OutcomeCode::kReplaced:
      return Done(200, "replaced");
    case OutcomeCode::kWithdrawn:
      return Done(200, "withdrawn");
    case OutcomeCode::kAlreadyVoted:
      return Refused(ProblemCode::kAlreadyVoted);
    case OutcomeCode::kPollNotOpen:
      return Refused(ProblemCode::kPollNotOpen);
    case OutcomeCode::kDayNotOpen:
      return Refused(ProblemCode::kDayNotOpen);
    case OutcomeCode::kChangesExhausted:
      return Refused(ProblemCode::kChangesExhausted);
    case OutcomeCode::kQuotaExhausted:
      return Refused(ProblemCode::kQuotaExhausted);
    case OutcomeCode::kKeyReused:
      return Refused(ProblemCode::kKeyReused);
    case OutcomeCode::kVersionMismatch:
      return Refused(ProblemCode::kPreconditionFailed);
    case OutcomeCode::kNoBallot:
      return Refused(ProblemCode::kNoBallot);
    case OutcomeCode::kWithdrawNotAllowed:
      return Refused(ProblemCode::kWithdrawNotAllowed);
    case OutcomeCode::kChannelNotAllowed:
      return Refused(ProblemCode::kChannelNotAllowed);
    case OutcomeCode::kFourEyes:
      return Refused(ProblemCode::kFourEyes);
    case OutcomeCode::kOptionUnknown:
      return Refused(ProblemCode::kOptionUnknown);
    case OutcomeCode::kOptionWithdrawn:
      return Refused(ProblemCode::kOptionWithdrawn);
    case OutcomeCode::kBallotInvalid:
      return Refused(MapBallotError(error));
    case OutcomeCode::kKeyMissing:
      return Refused(ProblemCode::kKeyMissing);
    case OutcomeCode::kNotOnRoll:
      return Refused(ProblemCode::kNotOnRoll);
    default:
      return Refused(ProblemCode::kInternal);
  }
}

}  // namespace

HttpMapping MapOutcome(OutcomeCode code, BallotError error) {
  switch (code) {
    case OutcomeCode::kFound:
      return Done(200, "counted");
    case OutcomeCode::kSuperseded:
      return Done(200, "superseded");
    case OutcomeCode::kVoided:
      return Done(200, "voided");
    case OutcomeCode::kUnknown:
      return Refused(ProblemCode::kReceiptNotFound);
    case OutcomeCode::kCreated:
      return Done(201);
    case OutcomeCode::kUpdated:
    case OutcomeCode::kUnchanged:
      return Done(200);
    case OutcomeCode::kExists:
      return Refused(ProblemCode::kPollExists);
    case OutcomeCode::kRevisionMismatch:
      return Refused(ProblemCode::kPreconditionFailed);
    case OutcomeCode::kNotFound:
      return Refused(ProblemCode::kPollNotFound);
    case OutcomeCode::kRulesFrozen:
      return Refused(ProblemCode::kRulesFrozen);
    case OutcomeCode::kTransitionNotAllowed:
      return Refused(ProblemCode::kTransitionNotAllowed);
    case OutcomeCode::kOptionNotFound:
      return Refused(ProblemCode::kOptionNotFound);
    case OutcomeCode::kFateNotPossible:
      return Refused(ProblemCode::kFateNotPossible);
    case OutcomeCode::kProjectNotFound:
      return Refused(ProblemCode::kProjectNotFound);
    case OutcomeCode::kIdeaNotFound:
      return Refused(ProblemCode::kIdeaNotFound);
    case OutcomeCode::kOptionExists:
      return Refused(ProblemCode::kOptionExists);
    case OutcomeCode::kOtherProject:
      return Refused(ProblemCode::kMemberInvalid);
    case OutcomeCode::kTooLarge:
      return Refused(ProblemCode::kLimitReached);
    case OutcomeCode::kBatchExists:
      return Refused(ProblemCode::kBatchExists);
    case OutcomeCode::kBatchNotFound:
      return Refused(ProblemCode::kBatchNotFound);
    case OutcomeCode::kBatchVoided:
      return Refused(ProblemCode::kBatchVoided);
    case OutcomeCode::kFlagsNotFound:
      return Refused(ProblemCode::kFlagsNotFound);
    case OutcomeCode::kEntriesDiffer:
      return Refused(ProblemCode::kEntriesDiffer);
    case OutcomeCode::kCardsMissing:
      return Refused(ProblemCode::kCardsMissing);
    case OutcomeCode::kBlindEntryRequired:
      return Refused(ProblemCode::kBlindEntryRequired);
    case OutcomeCode::kSumMismatch:
      return Refused(ProblemCode::kSumMismatch);
    default:
      return MapVote(code, error);
  }
}

ProblemCode MapBallotError(BallotError error) {
  switch (error) {
    case BallotError::kTooFew:
      return ProblemCode::kTooFewChoices;
    case BallotError::kTooMany:
      return ProblemCode::kTooManyChoices;
    case BallotError::kRepeated:
      return ProblemCode::kOptionRepeated;
    case BallotError::kPointsExceeded:
    case BallotError::kPointsPerOptionExceeded:
      return ProblemCode::kPointsExceeded;
    case BallotError::kOptionOutOfRange:
      return ProblemCode::kOptionUnknown;
    case BallotError::kOk:         // no error, so no code: asking is a fault of ours
    case BallotError::kMalformed:  // decoders make canonical ballots only
      return ProblemCode::kInternal;
  }
  return ProblemCode::kInternal;
}

ProblemCode WhyKeyless(const PollView& poll) {
  return poll.key_destroyed_at ? ProblemCode::kKeyDestroyed : ProblemCode::kKeyMissing;
}

}  // namespace tallyd
