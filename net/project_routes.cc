#include "net/project_routes.h"

#include <utility>

#include "net/concat.h"
#include "net/wire_json_poll.h"
#include "net/wire_text.h"

namespace tallyd {

void ProjectRoutes::AddTo(Router& router) {
  router.Add(Method::kGet, "/v1/projects/{project}", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Get(request, std::move(responder));
             });
  router.Add(Method::kPut, "/v1/projects/{project}", kPrivateListener, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Put(request, std::move(responder));
             });
}

void ProjectRoutes::Get(const HttpRequest& request, Responder responder) {
  const auto admin = ReadAdminRequest(context_, request, "project", responder);
  if (admin) SendProject(*admin, 200, std::move(responder));
}

void ProjectRoutes::SendProject(const AdminRequest& request, int status, Responder responder) {
  const auto project = context_.engine.polls().FindProject(request.id);
  if (project == nullptr) {
    SendProblem(std::move(responder), request, ProblemCode::kProjectNotFound);
    return;
  }
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.headers.emplace_back("ETag", RevisionTag(context_.engine.epoch(), project->revision));
  if (status == 201) {
    response.headers.emplace_back("Location", Concat("/v1/projects/", request.id));
  }
  AppendProject(*project, response.body);
  std::move(responder).Send(std::move(response));
}

void ProjectRoutes::Put(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "project", responder);
  if (!admin || !RequireMediaType(request, "application/json", responder)) return;
  if (!IsId(admin->id)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kIdInvalid);
    return;
  }
  if (!admin->condition.given()) {
    SendProblem(std::move(responder), *admin, ProblemCode::kPreconditionRequired);
    return;
  }
  std::vector<BodyError> errors;
  auto project = DecodeProject(request.body, admin->id, errors);
  if (!project) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  const auto present = context_.engine.polls().FindProject(admin->id);
  const auto revision = present == nullptr ? std::nullopt : std::optional(present->revision);
  if (!admin->condition.Holds(context_.engine.epoch(), revision)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kPreconditionFailed);
    return;
  }
  PutProject put;
  put.project = std::move(project->project);
  put.ballots_per_voter = project->ballots_per_voter;
  put.project.actor = admin->actor;
  put.create_only = admin->condition.create_only;
  if (!put.create_only) put.if_revision = revision;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = admin->german;
  pending.responder = std::move(responder);
  pending.callback = [this, admin = *std::move(admin)](Outcome&& outcome, Pending&& answer) {
    if (outcome.code == OutcomeCode::kExists) outcome.code = OutcomeCode::kRevisionMismatch;
    if (AnswerRefusedAct(admin, outcome, answer.responder)) return;
    SendProject(admin, outcome.code == OutcomeCode::kCreated ? 201 : 200,
                std::move(answer.responder));
  };
  gateway.SendAct(std::move(put), 0, std::move(pending));
}

}  // namespace tallyd
