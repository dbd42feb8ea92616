#include "net/poll_routes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/escaping.h"

#include "engine/limits.h"
#include "net/body_collector.h"
#include "net/concat.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::uint64_t kPollBodyBytesMax = std::uint64_t{4} << 20;

// One poll more than a page, so that the last page is known to be it.
auto ListVisible(const PollDirectory& polls, std::string after, bool with_drafts) {
  std::vector<std::shared_ptr<const PollView>> page;
  while (page.size() <= kListPageSize) {
    const auto found = polls.List(after, kListPageSize + 1);
    for (const auto& poll : found) {
      if (with_drafts || poll->state != PollState::kDraft) page.push_back(poll);
    }
    if (found.size() <= kListPageSize) break;
    after = found.back()->definition.id;
  }
  if (page.size() > kListPageSize + 1) page.resize(kListPageSize + 1);
  return page;
}

OptionDefinition* FindOption(PollDefinition& definition, const OptionDefinition& wanted) {
  const auto found = std::find_if(
      definition.options.begin(), definition.options.end(), [&](const OptionDefinition& option) {
        return option.id == wanted.id && option.question == wanted.question;
      });
  return found == definition.options.end() ? nullptr : &*found;
}

}  // namespace

void PollRoutes::AddTo(Router& router) {
  router.Add(Method::kGet, "/v1/polls", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               List(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/polls/{poll}", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Get(request, std::move(responder));
             });
  router.AddStream(Method::kPut, "/v1/polls/{poll}", kPrivateListener, kPollBodyBytesMax,
                   [this](const HttpRequest& request, Responder responder) {
                     return BeginPut(request, std::move(responder));
                   });
  router.Add(Method::kPost, "/v1/polls/{poll}/transitions", kPrivateListener, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Transition(request, std::move(responder));
             });
  router.Add(Method::kPut, "/v1/polls/{poll}/options/{option}", kPrivateListener,
             BodyPolicy::Small(), [this](const HttpRequest& request, Responder responder) {
               PutOption(request, std::move(responder));
             });
  router.Add(Method::kDelete, "/v1/polls/{poll}/options/{option}", kPrivateListener,
             BodyPolicy::None(), [this](const HttpRequest& request, Responder responder) {
               DeleteOption(request, std::move(responder));
             });
  router.Add(Method::kPut, "/v1/polls/{poll}/questions/{question}/options/{option}",
             kPrivateListener, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               PutOption(request, std::move(responder));
             });
  router.Add(Method::kDelete, "/v1/polls/{poll}/questions/{question}/options/{option}",
             kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               DeleteOption(request, std::move(responder));
             });
}

void PollRoutes::List(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 1> kQueries = {"cursor"};
  if (!RequireQueries(request, kQueries, responder)) return;
  std::string after;
  if (const auto cursor = request.Query("cursor")) {
    if (!absl::WebSafeBase64Unescape(std::string(*cursor), &after) || !IsId(after)) {
      SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                  "the cursor is not one of ours");
      return;
    }
  }
  auto polls = ListVisible(context_.engine.polls(), after, context_.ShowsDrafts(request));
  std::string next;
  if (polls.size() > kListPageSize) {
    polls.pop_back();
    next = absl::WebSafeBase64Escape(polls.back()->definition.id);
  }
  HttpResponse response;
  response.content_type = "application/json";
  AppendPollPage(polls, next, response.body);
  if (!next.empty()) {
    response.headers.emplace_back("Link", Concat("</v1/polls?cursor=", next, ">; rel=\"next\""));
  }
  std::move(responder).Send(std::move(response));
}

void PollRoutes::Get(const HttpRequest& request, Responder responder) {
  if (!RequireQueries(request, {}, responder)) return;
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  HttpResponse response;
  response.content_type = "application/json";
  response.headers.emplace_back("ETag", RevisionTag(context_.engine.epoch(), poll->revision));
  const bool operators = request.listener == ListenerKind::kPrivate;
  AppendPoll(*poll, response.body, operators ? PollReader::kOperator : PollReader::kAnybody);
  std::move(responder).Send(std::move(response));
}

std::unique_ptr<BodySink> PollRoutes::BeginPut(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder);
  if (!admin || !RequireMediaType(request, "application/json", responder)) return nullptr;
  if (!IsId(admin->id)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kIdInvalid);
    return nullptr;
  }
  if (!admin->condition.given()) {
    SendProblem(std::move(responder), *admin, ProblemCode::kPreconditionRequired);
    return nullptr;
  }
  return std::make_unique<BodyCollector>(
      std::move(responder),
      [this, admin = *std::move(admin)](std::string body, Responder answer) mutable {
        Put(std::move(admin), std::move(body), std::move(answer));
      });
}

void PollRoutes::Put(AdminRequest request, std::string body, Responder responder) {
  std::vector<BodyError> errors;
  std::optional<PollDocument> document = DecodePoll(body, request.id, errors);
  if (!document) {
    SendBodyErrors(std::move(responder), request.language(), errors);
    return;
  }
  const auto present = context_.engine.polls().Find(request.id);
  const auto revision = present == nullptr ? std::nullopt : std::optional(present->revision);
  if (!request.condition.Holds(context_.engine.epoch(), revision)) {
    SendProblem(std::move(responder), request,
                request.condition.create_only ? ProblemCode::kPollExists
                                              : ProblemCode::kPreconditionFailed);
    return;
  }
  if (present == nullptr) {
    Create(std::move(request), *std::move(document), std::move(responder));
  } else {
    Replace(std::move(request), *std::move(document), *present, std::move(responder));
  }
}

void PollRoutes::Create(AdminRequest request, PollDocument document, Responder responder) {
  const PollState state = document.state.value_or(PollState::kDraft);
  if (state != PollState::kDraft && state != PollState::kOpen) {
    const BodyError error{"/state", ProblemCode::kMemberInvalid,
                          "a new poll begins as draft or open"};
    SendBodyErrors(std::move(responder), request.language(), {&error, 1});
    return;
  }
  PutPoll put;
  put.definition = std::move(document.definition);
  put.initial_state = state;
  put.create_only = true;
  SubmitPut(std::move(request), std::move(put), std::move(responder));
}

void PollRoutes::Replace(AdminRequest request, PollDocument document, const PollView& present,
                         Responder responder) {
  if (document.state && *document.state != present.state) {
    SendProblem(std::move(responder), request, ProblemCode::kTransitionNotAllowed,
                "a poll changes its state by POST .../transitions");
    return;
  }
  PutPoll put;
  put.definition = std::move(document.definition);
  // A withdrawal is an act of its own and no member of the document.
  for (OptionDefinition& option : put.definition.options) {
    const auto index = present.FindOption(option.id, option.question);
    if (!index) continue;
    const OptionDefinition& now = present.definition.options[*index];
    option.withdrawn = now.withdrawn;
    option.fate = now.fate;
    option.counts_for = now.counts_for;
  }
  put.if_revision = present.revision;
  request.tries_left = 0;
  SubmitPut(std::move(request), std::move(put), std::move(responder));
}

void PollRoutes::SubmitPut(AdminRequest request, PutPoll put, Responder responder) {
  put.actor = request.actor;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = request.german;
  pending.responder = std::move(responder);
  pending.callback = [this, request = std::move(request)](Outcome&& outcome, Pending&& answer) {
    if (AnswerRefusedAct(request, outcome, answer.responder)) return;
    SendPoll(request, outcome.code == OutcomeCode::kCreated ? 201 : 200,
             std::move(answer.responder));
  };
  gateway.SendAct(std::move(put), 0, std::move(pending));
}

void PollRoutes::SendPoll(const AdminRequest& request, int status, Responder responder) {
  const auto poll = context_.engine.polls().Find(request.id);
  if (poll == nullptr) {  // the engine publishes a poll before it says that there is one
    SendProblem(std::move(responder), request, ProblemCode::kInternal);
    return;
  }
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.headers.emplace_back("ETag", RevisionTag(context_.engine.epoch(), poll->revision));
  if (status == 201) {
    response.headers.emplace_back("Location", Concat("/v1/polls/", request.id));
  }
  AppendPoll(*poll, response.body);
  std::move(responder).Send(std::move(response));
}

void PollRoutes::Transition(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr || !RequireMediaType(request, "application/json", responder)) return;
  std::vector<BodyError> errors;
  const auto to = DecodeTransition(request.body, errors);
  if (!to) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  if (!admin->condition.Holds(context_.engine.epoch(), poll->revision)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kPreconditionFailed);
    return;
  }
  if (*to == PollState::kOpen && poll->definition.options.empty()) {
    SendProblem(std::move(responder), *admin, ProblemCode::kTransitionNotAllowed,
                "an open poll needs at least one option");
    return;
  }
  EngineGateway& gateway = context_.Gateway(responder);
  TransitionPoll act{.to = *to, .actor = admin->actor};
  Pending pending;
  pending.german = admin->german;
  pending.responder = std::move(responder);
  pending.callback = [this, admin = *std::move(admin)](Outcome&& outcome, Pending&& answer) {
    if (AnswerRefusedAct(admin, outcome, answer.responder)) return;
    SendPoll(admin, 200, std::move(answer.responder));
  };
  gateway.SendAct(std::move(act), poll->number, std::move(pending));
}

// The question whose option the path names; nullopt: answered.
std::optional<QuestionIndex> PollRoutes::FindQuestion(const AdminRequest& request,
                                                      const PollView& poll, Responder& responder) {
  if (!poll.is_survey() && request.question.empty()) return 0;
  const auto question = poll.FindQuestion(request.question);
  if (!question) {
    SendProblem(std::move(responder), request, ProblemCode::kQuestionNotFound,
                poll.is_survey() ? "options of a survey are below .../questions/{question}/options"
                                 : "this poll is no survey");
  }
  return question;
}

void PollRoutes::PutOption(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr || !RequireMediaType(request, "application/json", responder)) return;
  const auto question = FindQuestion(*admin, *poll, responder);
  if (!question) return;
  if (!IsOptionId(admin->option)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kIdInvalid,
                "an option id is 1 to 64 letters, digits, _ . / or -");
    return;
  }
  std::vector<BodyError> errors;
  auto option = DecodeOption(request.body, admin->option, errors);
  if (!option) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  option->question = *question;
  ChangeOption(*std::move(admin), *std::move(option), std::move(responder));
}

// ?fate=, ?into= and ?reason= of a withdrawal; nullopt: answered.
std::optional<WithdrawOption> PollRoutes::ReadFate(const HttpRequest& request,
                                                   Responder& responder) {
  const auto refuse = [&](std::string_view detail) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid, detail);
    return std::nullopt;
  };
  WithdrawOption act;
  const std::string_view fate = request.Query("fate").value_or("kept");
  const auto found = std::find_if(kOptionFates.begin(), kOptionFates.end(),
                                  [fate](const auto& known) { return known.first == fate; });
  if (found == kOptionFates.end()) return refuse("fate must be kept, moved or released");
  act.fate = found->second;
  const auto into = request.Query("into");
  if (into.has_value() != (act.fate == OptionFate::kMoved)) {
    return refuse("into names the option that gets the votes, with fate=moved and only then");
  }
  if (into && !IsOptionId(*into)) return refuse("into must be the id of an option");
  act.into = std::string(into.value_or(""));
  const std::string_view reason = request.Query("reason").value_or("");
  if (reason.size() > kReasonBytesMax || !IsText(reason)) {
    return refuse(Concat("reason must be at most ", kReasonBytesMax,
                         " bytes of UTF-8 without control characters"));
  }
  act.reason = std::string(reason);
  return act;
}

void PollRoutes::DeleteOption(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 3> kQueries = {"fate", "into", "reason"};
  auto admin = ReadAdminRequest(context_, request, "poll", responder, Scope::kAdmin, kQueries);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  const auto question = FindQuestion(*admin, *poll, responder);
  if (!question) return;
  auto act = ReadFate(request, responder);
  if (!act) return;
  if (!poll->FindOption(admin->option, *question)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kOptionNotFound);
    return;
  }
  if (!admin->condition.Holds(context_.engine.epoch(), poll->revision)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kPreconditionFailed);
    return;
  }
  act->question = *question;
  act->option = admin->option;
  act->actor = admin->actor;
  if (!admin->condition.revisions.empty()) act->if_revision = poll->revision;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = admin->german;
  pending.responder = std::move(responder);
  pending.callback = [this, admin = *std::move(admin)](Outcome&& outcome, Pending&& answer) {
    if (outcome.code == OutcomeCode::kOptionUnknown) {
      SendProblem(std::move(answer.responder), admin, ProblemCode::kParameterInvalid,
                  outcome.detail);
      return;
    }
    if (AnswerRefusedAct(admin, outcome, answer.responder)) return;
    SendPoll(admin, 200, std::move(answer.responder));
  };
  gateway.SendAct(*std::move(act), poll->number, std::move(pending));
}

void PollRoutes::ChangeOption(AdminRequest request, OptionDefinition option, Responder responder) {
  const auto poll = context_.engine.polls().Find(request.id);
  if (poll == nullptr) {
    SendProblem(std::move(responder), request, ProblemCode::kPollNotFound);
    return;
  }
  PutPoll put;
  put.definition = poll->definition;
  put.if_revision = poll->revision;
  OptionDefinition* existing = FindOption(put.definition, option);
  const bool is_new = existing == nullptr;
  const Precondition& condition = request.condition;
  if (condition.create_only ? !is_new : !condition.Holds(context_.engine.epoch(), poll->revision)) {
    SendProblem(std::move(responder), request, ProblemCode::kPreconditionFailed);
    return;
  }
  if (!is_new && existing->withdrawn) {
    SendProblem(std::move(responder), request, ProblemCode::kOptionWithdrawn);
    return;
  }
  if (is_new) {
    put.definition.options.push_back(option);
  } else {
    *existing = option;
  }
  put.actor = request.actor;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = request.german;
  pending.responder = std::move(responder);
  pending.callback = [this, is_new, request = std::move(request), option = std::move(option)](
                         Outcome&& outcome, Pending&& answer) mutable {
    if (outcome.code == OutcomeCode::kRevisionMismatch && request.tries_left-- > 0) {
      ChangeOption(std::move(request), std::move(option), std::move(answer.responder));
      return;
    }
    if (AnswerRefusedAct(request, outcome, answer.responder)) return;
    SendPoll(request, is_new ? 201 : 200, std::move(answer.responder));
  };
  gateway.SendAct(std::move(put), 0, std::move(pending));
}

}  // namespace tallyd
