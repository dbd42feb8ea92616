#include "net/idea_routes.h"

#include <array>
#include <utility>

#include "absl/strings/escaping.h"

#include "engine/voter_key.h"
#include "net/concat.h"
#include "net/status_to_http.h"
#include "net/vote_routes.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

// What an answer needs once the outcome is there.
AdminRequest Kept(const HttpRequest& request) {
  AdminRequest kept;
  kept.id = std::string(request.Param("project"));
  kept.german = PrefersGerman(request.accept_language);
  return kept;
}

}  // namespace

void IdeaRoutes::AddTo(Router& router) {
  router.Add(Method::kPost, "/v1/projects/{project}/ideas", kPublicListener, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Submit(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/projects/{project}/ideas/{idea}", kPublicListener,
             BodyPolicy::None(), [this](const HttpRequest& request, Responder responder) {
               GetOwn(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/moderation/ideas", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               List(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/moderation/ideas/{idea}", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Get(request, std::move(responder));
             });
  router.Add(Method::kPost, "/v1/moderation/ideas/{idea}/decision", kPrivateListener,
             BodyPolicy::Small(), [this](const HttpRequest& request, Responder responder) {
               Decide(request, std::move(responder));
             });
}

std::optional<IdeaRoutes::Submitter> IdeaRoutes::ReadSubmitter(const HttpRequest& request,
                                                               const Identity& identity,
                                                               std::string_view body_voter,
                                                               Responder& responder) {
  const VoterChoice choice = ChooseVoter(identity.voter.view(), body_voter);
  if (choice.error) {
    SendProblem(std::move(responder), request, *choice.error);
    return std::nullopt;
  }
  const auto project = context_.engine.polls().FindProject(request.Param("project"));
  if (project == nullptr || !project->voter_key) {
    SendProblem(std::move(responder), request,
                project == nullptr ? ProblemCode::kIdeaNotFound : ProblemCode::kKeyMissing);
    return std::nullopt;
  }
  const VoterKey& key = *project->voter_key;
  Submitter submitter{.tag = key.MakeTag(choice.voter)};
  if (request.idempotency_key.data() == nullptr) return submitter;
  const auto idempotency_key = ParseIdempotencyKey(request.idempotency_key);
  if (!idempotency_key) {
    SendProblem(std::move(responder), request, ProblemCode::kHeaderInvalid,
                "Idempotency-Key must be 1 to 64 printable ASCII characters");
    return std::nullopt;
  }
  submitter.print = key.MakeIdempotencyPrint(submitter.tag, *idempotency_key);
  return submitter;
}

void IdeaRoutes::Submit(const HttpRequest& request, Responder responder) {
  const auto identity = context_.auth.RequireAny(kVotingScopes, request, responder);
  if (!identity || !RequireQueries(request, {}, responder)) return;
  if (!RequireMediaType(request, "application/json", responder)) return;
  if (context_.engine.polls().FindProject(request.Param("project")) == nullptr) {
    SendProblem(std::move(responder), request, ProblemCode::kProjectNotFound);
    return;
  }
  if (request.idempotency_key.data() == nullptr) {
    SendProblem(std::move(responder), request, ProblemCode::kPreconditionRequired,
                "send an Idempotency-Key, so that the idea is not taken twice");
    return;
  }
  if (context_.engine.storage_full()) {
    SendProblem(std::move(responder), request, ProblemCode::kStorageFull);
    return;
  }
  std::vector<BodyError> errors;
  auto idea = DecodeIdea(request.body, errors);
  if (!idea) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  const auto submitter = ReadSubmitter(request, *identity, idea->voter, responder);
  if (!submitter) return;
  SubmitIdea act{.idea = {.number = 0,
                          .project = std::string(request.Param("project")),
                          .submitter = submitter->tag,
                          .idempotency_print = submitter->print,
                          .display = std::move(idea->display),
                          .text = std::move(idea->text)}};
  Send(request, std::move(act), IdeaReader::kSubmitter, std::move(responder));
}

std::optional<IdeaNumber> IdeaRoutes::ReadIdea(const HttpRequest& request, Responder& responder) {
  const auto number = ParseIdeaId(request.Param("idea"));
  if (!number) SendProblem(std::move(responder), request, ProblemCode::kIdeaNotFound);
  return number;
}

void IdeaRoutes::GetOwn(const HttpRequest& request, Responder responder) {
  const auto identity = context_.auth.RequireAny(kVotingScopes, request, responder);
  if (!identity || !RequireQueries(request, {}, responder)) return;
  const auto number = ReadIdea(request, responder);
  if (!number) return;
  const auto submitter = ReadSubmitter(request, *identity, "", responder);
  if (!submitter) return;
  ReadIdeas read;
  read.number = *number;
  read.submitter = submitter->tag;
  read.project = std::string(request.Param("project"));
  Send(request, std::move(read), IdeaReader::kSubmitter, std::move(responder));
}

void IdeaRoutes::Get(const HttpRequest& request, Responder responder) {
  if (!context_.auth.Require(Scope::kModerate, request, responder)) return;
  if (!RequireQueries(request, {}, responder)) return;
  const auto number = ReadIdea(request, responder);
  if (!number) return;
  ReadIdeas read;
  read.number = *number;
  Send(request, std::move(read), IdeaReader::kModerator, std::move(responder));
}

void IdeaRoutes::List(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 3> kQueries = {"state", "project", "cursor"};
  if (!context_.auth.Require(Scope::kModerate, request, responder)) return;
  if (!RequireQueries(request, kQueries, responder)) return;
  const std::string state_name(request.Query("state").value_or("pending"));
  const auto state = FindIdeaState(state_name);
  const std::string project(request.Query("project").value_or(""));
  std::string cursor;
  std::optional<IdeaNumber> after = 0;
  if (const auto given = request.Query("cursor")) {
    const bool decoded = absl::WebSafeBase64Unescape(std::string(*given), &cursor);
    after = decoded ? ParseIdeaId(cursor) : std::nullopt;
  }
  if (!state || !after || (!project.empty() && !IsId(project))) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                !state   ? "state must be pending, approved, rejected or merged"
                : !after ? "the cursor is not one of ours"
                         : "project must be the id of a project");
    return;
  }
  ReadIdeas read;
  read.state = *state;
  read.project = project;
  read.after = *after;
  read.limit = kListPageSize;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = PrefersGerman(request.accept_language);
  pending.responder = std::move(responder);
  pending.callback = [this, state_name, project](Outcome&& outcome, Pending&& answer) {
    const IdeaPage& page = *outcome.ideas;
    std::string next;
    HttpResponse response;
    response.content_type = "application/json";
    if (!page.is_last) {
      next = absl::WebSafeBase64Escape(IdeaId(page.ideas.back().idea.number));
      const std::string filter = project.empty() ? "" : Concat("&project=", project);
      response.headers.emplace_back("Link", Concat("</v1/moderation/ideas?state=", state_name,
                                                   filter, "&cursor=", next, ">; rel=\"next\""));
    }
    AppendIdeaPage(page, context_.engine.polls(), context_.engine.epoch(), next, response.body);
    std::move(answer.responder).Send(std::move(response));
  };
  gateway.SendAct(std::move(read), 0, std::move(pending));
}

void IdeaRoutes::Decide(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "idea", responder, Scope::kModerate);
  if (!admin) return;
  const auto number = ReadIdea(request, responder);
  if (!number || !RequireMediaType(request, "application/json", responder)) return;
  const Precondition& condition = admin->condition;
  if (!condition.if_match) {
    SendProblem(std::move(responder), *admin, ProblemCode::kPreconditionRequired,
                "send If-Match with the ETag of the idea that was looked at");
    return;
  }
  std::vector<BodyError> errors;
  auto act = DecodeIdeaDecision(request.body, *number, errors);
  if (!act) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  act->actor = admin->actor;
  if (!condition.any_revision) {
    const bool one = condition.revisions.size() == 1;
    // No commit is at position 0: a tag that cannot be ours holds for nothing.
    act->if_revision = one && condition.revisions.front().epoch == context_.engine.epoch()
                           ? condition.revisions.front().position
                           : 0;
  }
  Send(request, *std::move(act), IdeaReader::kModerator, std::move(responder));
}

void IdeaRoutes::Send(const HttpRequest& request, Act act, IdeaReader reader, Responder responder) {
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = PrefersGerman(request.accept_language);
  pending.responder = std::move(responder);
  pending.callback = [this, reader, kept = Kept(request)](Outcome&& outcome, Pending&& answer) {
    Answer(kept, outcome, reader, std::move(answer.responder));
  };
  gateway.SendAct(std::move(act), 0, std::move(pending));
}

void IdeaRoutes::Answer(const AdminRequest& request, const Outcome& outcome, IdeaReader reader,
                        Responder responder) {
  if (outcome.code == OutcomeCode::kOptionUnknown || outcome.code == OutcomeCode::kOtherProject) {
    const ProblemCode code = *MapOutcome(outcome.code).problem;
    const bool poll = outcome.code == OutcomeCode::kOtherProject;
    const BodyError error{poll                     ? "/poll"
                          : outcome.detail.empty() ? "/merge_into"
                                                   : "/question",
                          code, outcome.detail};
    SendProblem(std::move(responder), request, code, outcome.detail, {&error, 1});
    return;
  }
  if (AnswerRefusedAct(request, outcome, responder)) return;
  const IdeaRecord& record = outcome.ideas->ideas.front();
  const bool moderator = reader == IdeaReader::kModerator;
  HttpResponse response;
  response.status = outcome.code == OutcomeCode::kCreated ? 201 : 200;
  response.content_type = "application/json";
  if (moderator) {
    response.headers.emplace_back("ETag", RevisionTag(context_.engine.epoch(), record.revision));
  }
  if (response.status == 201) {
    response.headers.emplace_back(
        "Location", Concat("/v1/projects/", request.id, "/ideas/", IdeaId(record.idea.number)));
  } else if (outcome.code == OutcomeCode::kUnchanged) {
    response.headers.emplace_back("Idempotent-Replayed", "true");
  }
  AppendIdea(record, context_.engine.polls(), context_.engine.epoch(), reader, response.body);
  response.body += '\n';
  std::move(responder).Send(std::move(response));
}

}  // namespace tallyd
