#include "net/admin_request.h"

#include <utility>

#include "net/status_to_http.h"
#include "net/wire_text.h"

namespace tallyd {

std::optional<AdminRequest> ReadAdminRequest(const RouteContext& context,
                                             const HttpRequest& request, std::string_view id_param,
                                             Responder& responder, Scope scope,
                                             absl::Span<const std::string_view> queries) {
  const auto identity = context.auth.Require(scope, request, responder);
  if (!identity || !RequireQueries(request, queries, responder)) return std::nullopt;
  AdminRequest admin;
  admin.id = std::string(request.Param(id_param));
  admin.option = std::string(request.Param("option"));
  admin.question = std::string(request.Param("question"));
  admin.batch = std::string(request.Param("batch"));
  admin.actor = std::string(identity->actor.view());
  admin.german = PrefersGerman(request.accept_language);
  if (!ReadPrecondition(request, admin.condition)) {
    SendProblem(std::move(responder), request, ProblemCode::kHeaderInvalid,
                "give either If-None-Match: * or If-Match with the present ETag");
    return std::nullopt;
  }
  if (!admin.actor.empty() && !IsVoter(admin.actor)) {
    SendProblem(std::move(responder), request, ProblemCode::kHeaderInvalid,
                "an actor is 1 to 128 bytes of UTF-8 without control characters");
    return std::nullopt;
  }
  return admin;
}

void SendProblem(Responder responder, const AdminRequest& request, ProblemCode code,
                 std::string_view detail, absl::Span<const BodyError> errors) {
  std::move(responder).Send(ProblemResponse(code, detail, errors, request.language()));
}

bool AnswerRefusedAct(const AdminRequest& request, const Outcome& outcome, Responder& responder) {
  const HttpMapping mapping = MapOutcome(outcome.code);
  if (!mapping.problem) return false;
  if (outcome.code == OutcomeCode::kRulesFrozen) {
    // "/options (cost of a)": the member first, then what about it.
    const std::string pointer = outcome.detail.substr(0, outcome.detail.find(' '));
    const BodyError error{pointer == "/" ? "" : pointer, ProblemCode::kRulesFrozen, outcome.detail};
    SendProblem(std::move(responder), request, *mapping.problem,
                "fixed since the first opening: " + outcome.detail, {&error, 1});
  } else {
    SendProblem(std::move(responder), request, *mapping.problem, outcome.detail);
  }
  return true;
}

}  // namespace tallyd
