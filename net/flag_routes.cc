#include "net/flag_routes.h"

#include <array>
#include <limits>
#include <utility>

#include "net/concat.h"
#include "net/wire_json_flags.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

// The number of a group as it stands in a path or a cursor; nullopt: none of ours.
std::optional<FlagGroupNumber> ParseGroup(std::string_view text) {
  const auto number = ParseDecimal(text);
  if (!number || *number == 0 || *number > std::numeric_limits<FlagGroupNumber>::max()) {
    return std::nullopt;
  }
  return static_cast<FlagGroupNumber>(*number);
}

}  // namespace

void FlagRoutes::AddTo(Router& router) {
  router.Add(Method::kGet, "/v1/polls/{poll}/flags", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               List(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/polls/{poll}/flags/{group}", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Get(request, std::move(responder));
             });
  router.Add(Method::kPost, "/v1/polls/{poll}/flags/{group}/decision", kPrivateListener,
             BodyPolicy::Small(), [this](const HttpRequest& request, Responder responder) {
               Decide(request, std::move(responder));
             });
}

void FlagRoutes::List(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 1> kQueries = {"cursor"};
  auto admin = ReadAdminRequest(context_, request, "poll", responder, Scope::kAdmin, kQueries);
  if (!admin) return;
  ReadFlags read{.group = 0, .after = 0, .limit = kListPageSize};
  if (const auto cursor = request.Query("cursor")) {
    const auto after = ParseGroup(*cursor);
    if (!after) {
      SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                  "the cursor is not one of ours");
      return;
    }
    read.after = *after;
  }
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = admin->german;
  pending.responder = std::move(responder);
  pending.callback = [this, id = std::move(admin->id)](Outcome&& outcome, Pending&& answer) {
    const FlagPage& page = *outcome.flags;
    HttpResponse response;
    response.content_type = "application/json";
    std::string next;
    if (!page.is_last) {
      next = std::to_string(page.groups.back().group.number);
      response.headers.emplace_back(
          "Link", Concat("</v1/polls/", id, "/flags?cursor=", next, ">; rel=\"next\""));
    }
    AppendFlagPage(page, context_.engine.epoch(), next, response.body);
    std::move(answer.responder).Send(std::move(response));
  };
  gateway.SendAct(read, poll->number, std::move(pending));
}

void FlagRoutes::Get(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  const auto group = ParseGroup(request.Param("group"));
  if (!group) return SendProblem(std::move(responder), request, ProblemCode::kFlagsNotFound);
  ReadFlags read{.group = *group, .after = 0, .limit = 0};
  Submit(*std::move(admin), poll->number, read, std::move(responder));
}

void FlagRoutes::Decide(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr || !RequireMediaType(request, "application/json", responder)) return;
  const auto group = ParseGroup(request.Param("group"));
  if (!group) return SendProblem(std::move(responder), request, ProblemCode::kFlagsNotFound);
  const Precondition& condition = admin->condition;
  if (condition.create_only) {
    SendProblem(std::move(responder), *admin, ProblemCode::kHeaderInvalid,
                "a group is never created by a request: send If-Match or nothing");
    return;
  }
  std::vector<BodyError> errors;
  auto act = DecodeFlagDecision(request.body, errors);
  if (!act) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  act->group = *group;
  act->actor = admin->actor;
  if (condition.if_match && !condition.any_revision) {
    const bool one = condition.revisions.size() == 1;
    const bool ours = one && condition.revisions.front().epoch == context_.engine.epoch();
    // No group was decided about so often: a tag that cannot be ours holds for nothing.
    act->if_revision =
        ours ? condition.revisions.front().position : std::numeric_limits<std::uint64_t>::max();
  }
  Submit(*std::move(admin), poll->number, *std::move(act), std::move(responder));
}

void FlagRoutes::Submit(AdminRequest request, PollNumber poll, Act act, Responder responder) {
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = request.german;
  pending.responder = std::move(responder);
  pending.callback = [this, poll, request = std::move(request)](Outcome&& outcome,
                                                                Pending&& answer) {
    if (AnswerRefusedAct(request, outcome, answer.responder)) return;
    const FlagGroupView& group = outcome.flags->groups.front();
    const Epoch epoch = context_.engine.epoch();
    HttpResponse response;
    response.content_type = "application/json";
    response.headers.emplace_back("ETag", RevisionTag(epoch, group.group.decisions));
    if (outcome.code == OutcomeCode::kUnchanged) {
      response.headers.emplace_back("Idempotent-Replayed", "true");
    }
    // As of this commit, so it has every option that the ballots name.
    AppendFlagGroup(*context_.engine.polls().Find(poll), group, epoch, response.body);
    response.body += '\n';
    std::move(answer.responder).Send(std::move(response));
  };
  gateway.SendAct(std::move(act), poll, std::move(pending));
}

}  // namespace tallyd
