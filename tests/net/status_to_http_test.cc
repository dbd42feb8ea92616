#include "net/status_to_http.h"

#include <gtest/gtest.h>

namespace tallyd {
namespace {

TEST(StatusToHttpTest, EveryOutcomeHasItsStatus) {
  struct Row {
    OutcomeCode code;
    int status;
    std::string_view name;  // the word of a success, or the problem
  };
  const Row rows[] = {{OutcomeCode::kCounted, 201, "counted"},
                      {OutcomeCode::kDuplicate, 200, "duplicate"},
                      {OutcomeCode::kReplaced, 200, "replaced"},
                      {OutcomeCode::kWithdrawn, 200, "withdrawn"},
                      {OutcomeCode::kAlreadyVoted, 409, "already_voted"},
                      {OutcomeCode::kPollNotOpen, 409, "poll_not_open"},
                      {OutcomeCode::kChangesExhausted, 409, "changes_exhausted"},
                      {OutcomeCode::kKeyReused, 422, "key_reused"},
                      {OutcomeCode::kVersionMismatch, 412, "precondition_failed"},
                      {OutcomeCode::kNoBallot, 404, "no_ballot"},
                      {OutcomeCode::kWithdrawNotAllowed, 403, "withdraw_not_allowed"},
                      {OutcomeCode::kChannelNotAllowed, 403, "channel_not_allowed"},
                      {OutcomeCode::kFourEyes, 403, "four_eyes"},
                      {OutcomeCode::kOptionUnknown, 422, "option_unknown"},
                      {OutcomeCode::kOptionWithdrawn, 422, "option_withdrawn"},
                      {OutcomeCode::kKeyMissing, 503, "key_missing"},
                      {OutcomeCode::kFound, 200, "counted"},
                      {OutcomeCode::kSuperseded, 200, "superseded"},
                      {OutcomeCode::kUnknown, 404, "receipt_not_found"},
                      {OutcomeCode::kCreated, 201, ""},
                      {OutcomeCode::kUpdated, 200, ""},
                      {OutcomeCode::kUnchanged, 200, ""},
                      {OutcomeCode::kExists, 412, "poll_exists"},
                      {OutcomeCode::kRevisionMismatch, 412, "precondition_failed"},
                      {OutcomeCode::kNotFound, 404, "poll_not_found"},
                      {OutcomeCode::kRulesFrozen, 409, "rules_frozen"},
                      {OutcomeCode::kTransitionNotAllowed, 409, "transition_not_allowed"},
                      {OutcomeCode::kTooLarge, 409, "limit_reached"}};
  for (const Row& row : rows) {
    const HttpMapping mapping = MapOutcome(row.code);
    EXPECT_EQ(mapping.status, row.status) << row.name;
    EXPECT_EQ(mapping.problem ? Describe(*mapping.problem).name : mapping.word, row.name);
  }
}

TEST(StatusToHttpTest, EveryBallotErrorHasItsProblem) {
  const std::pair<BallotError, std::string_view> rows[] = {
      {BallotError::kTooFew, "too_few_choices"},
      {BallotError::kTooMany, "too_many_choices"},
      {BallotError::kRepeated, "option_repeated"},
      {BallotError::kPointsExceeded, "points_exceeded"},
      {BallotError::kPointsPerOptionExceeded, "points_exceeded"},
      {BallotError::kOptionOutOfRange, "option_unknown"},
      {BallotError::kMalformed, "internal"}};
  for (const auto& [error, name] : rows) {
    const HttpMapping mapping = MapOutcome(OutcomeCode::kBallotInvalid, error);
    ASSERT_TRUE(mapping.problem);
    EXPECT_EQ(Describe(*mapping.problem).name, name);
  }
}

}  // namespace
}  // namespace tallyd
