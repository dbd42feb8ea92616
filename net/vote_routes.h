#pragma once

// Casting, reading and withdrawing one's ballot, and asking what became of a receipt.
//
//   POST   /v1/polls/{poll}/votes        201 counted, 200 duplicate or replaced
//   GET    /v1/polls/{poll}/votes/me     the ballot in force
//   DELETE /v1/polls/{poll}/votes/me     takes it back, where the poll allows it
//   GET    /v1/receipts/{receipt}        counted, superseded or withdrawn; never what
//
// Each answers when the engine's outcome is durable. Handlers run on the io threads; one object
// serves all of them. A cast vote allocates nothing here once warm.

#include "net/route_context.h"
#include "net/router.h"
#include "net/status_to_http.h"

namespace tallyd {

class VoteRoutes final : public OutcomeHandler {
 public:
  explicit VoteRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

  void OnOutcome(Outcome&& outcome, Pending&& pending) override;
  void OnRefused(Pending&& pending) override;

 private:
  void Cast(const HttpRequest& request, Responder responder);
  void AskForMine(const HttpRequest& request, Responder responder, CommandKind kind);
  void AskForReceipt(const HttpRequest& request, Responder responder);
  // What names the ballot besides the token or header.
  struct BallotName {
    std::string_view voter;
    std::uint32_t ballot_no = 1;
    std::optional<BallotDay> day;
  };
  // Fills voter tag, idempotency print and If-Match; false: answered.
  bool Weigh(const HttpRequest& request, const Identity& identity, const PollView& poll,
             Command& command, Responder& responder);
  bool FillVoter(const HttpRequest& request, const Identity& identity, const BallotName& name,
                 const PollView& poll, Command& command, Responder& responder);
  // ballot_no and day of the query; nullopt: answered.
  std::optional<BallotName> ReadBallotName(const HttpRequest& request, const PollView& poll,
                                           Responder& responder);
  void AnswerVote(const HttpMapping& mapping, const Outcome& outcome, Pending&& pending);

  const RouteContext& context_;
};

// The voter that the header (or token) and the body name together; the error if they name none, two
// or a malformed one.
struct VoterChoice {
  std::string_view voter;
  std::optional<ProblemCode> error;
};
VoterChoice ChooseVoter(std::string_view identity_voter, std::string_view body_voter);

}  // namespace tallyd
