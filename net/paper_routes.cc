#include "net/paper_routes.h"

#include <array>
#include <utility>

#include "absl/strings/escaping.h"

#include "net/body_collector.h"
#include "net/concat.h"
#include "net/wire_csv_paper.h"
#include "net/wire_json_paper.h"
#include "net/wire_json_paper_cards.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::uint64_t kPaperBodyBytesMax = std::uint64_t{1} << 20;

// Only of a poll that has opened do options and boxes keep their numbers.
bool CanBeCounted(const PollView& poll, const AdminRequest& request, Responder& responder) {
  if (!poll.opened_once) {
    SendProblem(std::move(responder), request, ProblemCode::kPollNotOpen);
    return false;
  }
  return true;
}

}  // namespace

void PaperRoutes::AddTo(Router& router) {
  router.Add(Method::kGet, "/v1/polls/{poll}/paper-batches", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               List(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/polls/{poll}/paper-batches/{batch}", kPrivateListener,
             BodyPolicy::None(), [this](const HttpRequest& request, Responder responder) {
               Get(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/polls/{poll}/paper-reconciliation", kPrivateListener,
             BodyPolicy::None(), [this](const HttpRequest& request, Responder responder) {
               Reconcile(request, std::move(responder));
             });
  router.AddStream(Method::kPut, "/v1/polls/{poll}/paper-batches/{batch}", kPrivateListener,
                   kPaperBodyBytesMax, [this](const HttpRequest& request, Responder responder) {
                     return BeginPut(request, std::move(responder));
                   });
  router.AddStream(Method::kPost, "/v1/polls/{poll}/paper-batches/{batch}/confirm",
                   kPrivateListener, kPaperBodyBytesMax,
                   [this](const HttpRequest& request, Responder responder) {
                     return BeginConfirm(request, std::move(responder));
                   });
  router.Add(Method::kPost, "/v1/polls/{poll}/paper-batches/{batch}/void", kPrivateListener,
             BodyPolicy::Small(), [this](const HttpRequest& request, Responder responder) {
               Void(request, std::move(responder));
             });
}

std::optional<AdminRequest> PaperRoutes::Read(const HttpRequest& request, Responder& responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder, Scope::kPaper);
  if (!admin) return std::nullopt;
  if (admin->condition.given()) {
    SendProblem(std::move(responder), *admin, ProblemCode::kHeaderInvalid,
                "a paper batch never changes: send neither If-Match nor If-None-Match");
    return std::nullopt;
  }
  return admin;
}

void PaperRoutes::List(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 1> kQueries = {"cursor"};
  const auto identity = context_.auth.Require(Scope::kPaper, request, responder);
  if (!identity) return;
  if (!RequireQueries(request, kQueries, responder)) return;
  ReadPaper read{.batch = {}, .after = {}, .limit = kListPageSize, .by_box = false};
  if (const auto cursor = request.Query("cursor")) {
    if (!absl::WebSafeBase64Unescape(std::string(*cursor), &read.after) || !IsId(read.after)) {
      SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                  "the cursor is not one of ours");
      return;
    }
  }
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = PrefersGerman(request.accept_language);
  pending.responder = std::move(responder);
  pending.callback = [this, number = poll->number, actor = std::string(identity->actor.view())](
                         Outcome&& outcome, Pending&& answer) {
    const PaperPage& page = *outcome.paper;
    const std::string next =
        page.is_last ? "" : absl::WebSafeBase64Escape(page.batches.back().batch.id);
    const auto now = context_.engine.polls().Find(number);
    HttpResponse response;
    response.content_type = "application/json";
    if (!next.empty()) {
      response.headers.emplace_back(
          "Link", Concat("</v1/polls/", now->definition.id, "/paper-batches?cursor=", next,
                         ">; rel=\"next\""));
    }
    AppendPaperPage(*now, page, {.actor = actor, .next = next}, response.body);
    std::move(answer.responder).Send(std::move(response));
  };
  gateway.SendAct(std::move(read), poll->number, std::move(pending));
}

void PaperRoutes::Get(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder, Scope::kPaper);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  ReadPaper read{.batch = admin->batch, .after = {}, .limit = 0, .by_box = false};
  Submit(*std::move(admin), poll->number, std::move(read), std::nullopt, std::move(responder));
}

void PaperRoutes::Reconcile(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder, Scope::kPaper);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = admin->german;
  pending.responder = std::move(responder);
  pending.callback = [this, number = poll->number](Outcome&& outcome, Pending&& answer) {
    HttpResponse response;
    response.content_type = "application/json";
    AppendReconciliation(*context_.engine.polls().Find(number), outcome.paper->boxes,
                         response.body);
    std::move(answer.responder).Send(std::move(response));
  };
  ReadPaper read;
  read.by_box = true;
  gateway.SendAct(std::move(read), poll->number, std::move(pending));
}

std::unique_ptr<BodySink> PaperRoutes::BeginPut(const HttpRequest& request, Responder responder) {
  auto admin = Read(request, responder);
  if (!admin || FindPoll(context_, request, responder, true) == nullptr) return nullptr;
  const bool csv = IsMediaType(request.content_type, "text/csv");
  if (!RequireMediaType(request, csv ? "text/csv" : "application/json", responder)) return nullptr;
  if (!IsId(admin->batch)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kIdInvalid);
    return nullptr;
  }
  return std::make_unique<BodyCollector>(
      std::move(responder),
      [this, csv, admin = *std::move(admin)](const std::string& body, Responder answer) mutable {
        Put(std::move(admin), csv, body, std::move(answer));
      });
}

void PaperRoutes::Put(AdminRequest request, bool csv, const std::string& body,
                      Responder responder) {
  const auto poll = context_.engine.polls().Find(request.id);
  if (!CanBeCounted(*poll, request, responder)) return;
  std::vector<BodyError> errors;
  auto batch = csv ? DecodePaperCsv(body, *poll, request.batch, errors)
                   : DecodePaperBatch(body, *poll, request.batch, errors);
  if (!batch) {
    SendBodyErrors(std::move(responder), request.language(), errors);
    return;
  }
  PutPaperBatch act{.batch = *std::move(batch), .actor = request.actor};
  Submit(std::move(request), poll->number, std::move(act), std::nullopt, std::move(responder));
}

std::unique_ptr<BodySink> PaperRoutes::BeginConfirm(const HttpRequest& request,
                                                    Responder responder) {
  auto admin = Read(request, responder);
  if (!admin || FindPoll(context_, request, responder, true) == nullptr) return nullptr;
  const bool has_body = request.content_length > 0;
  const bool csv = has_body && IsMediaType(request.content_type, "text/csv");
  if (has_body && !RequireMediaType(request, csv ? "text/csv" : "application/json", responder)) {
    return nullptr;
  }
  return std::make_unique<BodyCollector>(
      std::move(responder),
      [this, csv, admin = *std::move(admin)](const std::string& body, Responder answer) mutable {
        Confirm(std::move(admin), csv, body, std::move(answer));
      });
}

void PaperRoutes::Confirm(AdminRequest request, bool csv, const std::string& body,
                          Responder responder) {
  const auto poll = context_.engine.polls().Find(request.id);
  if (!CanBeCounted(*poll, request, responder)) return;
  std::optional<SecondEntry> second;
  if (!body.empty()) {
    std::vector<BodyError> errors;
    second = csv ? DecodeSecondCsv(body, *poll, errors) : DecodeSecondEntry(body, *poll, errors);
    if (!second) {
      SendBodyErrors(std::move(responder), request.language(), errors);
      return;
    }
  }
  ConfirmPaperBatch act{.batch = request.batch, .second = second, .actor = request.actor};
  Submit(std::move(request), poll->number, std::move(act), std::move(second), std::move(responder));
}

void PaperRoutes::Void(const HttpRequest& request, Responder responder) {
  auto admin = Read(request, responder);
  if (!admin) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr || !RequireMediaType(request, "application/json", responder)) return;
  std::vector<BodyError> errors;
  auto reason = DecodeVoid(request.body, errors);
  if (!reason) {
    SendBodyErrors(std::move(responder), request.accept_language, errors);
    return;
  }
  VoidPaperBatch act{.batch = admin->batch, .reason = *std::move(reason), .actor = admin->actor};
  Submit(*std::move(admin), poll->number, std::move(act), std::nullopt, std::move(responder));
}

void PaperRoutes::Submit(AdminRequest request, PollNumber poll, Act act,
                         std::optional<SecondEntry> second, Responder responder) {
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = request.german;
  pending.responder = std::move(responder);
  pending.callback = [this, request = std::move(request), second = std::move(second)](
                         Outcome&& outcome, Pending&& answer) {
    AnswerAct(request, second, outcome, std::move(answer.responder));
  };
  gateway.SendAct(std::move(act), poll, std::move(pending));
}

void PaperRoutes::AnswerAct(const AdminRequest& request, const std::optional<SecondEntry>& second,
                            const Outcome& outcome, Responder responder) {
  // As of this commit, so it has every option and box that the batch names.
  const auto poll = context_.engine.polls().Find(request.id);
  if (outcome.code == OutcomeCode::kEntriesDiffer) {
    const std::vector<BodyError> cells =
        CompareEntries(*poll, outcome.paper->batches.front(), *second);
    SendProblem(std::move(responder), request, ProblemCode::kEntriesDiffer, {}, cells);
    return;
  }
  if (AnswerRefusedAct(request, outcome, responder)) return;
  HttpResponse response;
  response.status = outcome.code == OutcomeCode::kCreated ? 201 : 200;
  response.content_type = "application/json";
  if (response.status == 201) {
    response.headers.emplace_back(
        "Location", Concat("/v1/polls/", request.id, "/paper-batches/", request.batch));
  }
  AppendPaperBatch(*poll, outcome.paper->batches.front(), request.actor, response.body);
  std::move(responder).Send(std::move(response));
}

}  // namespace tallyd
