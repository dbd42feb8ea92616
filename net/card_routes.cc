#include "net/card_routes.h"

#include <array>
#include <utility>

#include "engine/limits.h"
#include "engine/voting_code.h"
#include "net/body_collector.h"
#include "net/concat.h"
#include "net/status_to_http.h"
#include "net/wire_json_paper.h"
#include "net/wire_json_paper_cards.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::uint64_t kCardsBodyBytesMax = std::uint64_t{1} << 20;
constexpr std::uint64_t kCodesBodyBytesMax = std::uint64_t{2} << 20;

// A number of cards in the query; nullopt: it is none.
std::optional<std::uint32_t> ReadCardsQuery(const HttpRequest& request, std::string_view name) {
  const auto number = ParseDecimal(request.Query(name).value_or("0"));
  if (!number || *number > kPaperCardsPerBatchMax) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

void CardRoutes::AddTo(Router& router) {
  router.AddStream(Method::kPost, "/v1/polls/{poll}/paper-batches/{batch}/cards", kPrivateListener,
                   kCardsBodyBytesMax, [this](const HttpRequest& request, Responder responder) {
                     return BeginCards(request, std::move(responder));
                   });
  router.AddStream(Method::kPost, "/v1/polls/{poll}/codes", kPrivateListener, kCodesBodyBytesMax,
                   [this](const HttpRequest& request, Responder responder) {
                     return BeginCodes(request, std::move(responder));
                   });
}

std::optional<CardRoutes::CardsRequest> CardRoutes::ReadCardsRequest(const HttpRequest& request,
                                                                     Responder& responder) {
  constexpr std::array<std::string_view, 4> kQueries = {"box", "seal", "invalid", "blank"};
  auto admin = ReadAdminRequest(context_, request, "poll", responder, Scope::kPaper, kQueries);
  if (!admin) return std::nullopt;
  const auto invalid = ReadCardsQuery(request, "invalid");
  const auto blank = ReadCardsQuery(request, "blank");
  const std::string_view seal = request.Query("seal").value_or("");
  if (!invalid || !blank || seal.size() > kPaperTextBytesMax || !IsText(seal)) {
    SendProblem(std::move(responder), *admin, ProblemCode::kParameterInvalid,
                Concat("invalid and blank are numbers of cards, seal a text of at most ",
                       kPaperTextBytesMax, " bytes"));
    return std::nullopt;
  }
  return CardsRequest{.admin = *std::move(admin),
                      .box = std::string(request.Query("box").value_or("")),
                      .seal = std::string(seal),
                      .invalid = *invalid,
                      .blank = *blank};
}

std::unique_ptr<BodySink> CardRoutes::BeginCards(const HttpRequest& request, Responder responder) {
  auto cards = ReadCardsRequest(request, responder);
  if (!cards || FindPoll(context_, request, responder, true) == nullptr) return nullptr;
  if (!RequireMediaType(request, "application/x-ndjson", responder)) return nullptr;
  if (!IsId(cards->admin.batch)) {
    SendProblem(std::move(responder), cards->admin, ProblemCode::kIdInvalid);
    return nullptr;
  }
  return std::make_unique<BodyCollector>(
      std::move(responder),
      [this, cards = *std::move(cards)](const std::string& body, Responder answer) mutable {
        PutCards(std::move(cards), body, std::move(answer));
      });
}

void CardRoutes::PutCards(CardsRequest request, const std::string& body, Responder responder) {
  const AdminRequest& admin = request.admin;
  const auto poll = context_.engine.polls().Find(admin.id);
  const auto refuse = [&](ProblemCode code, std::string_view detail = {}) {
    SendProblem(std::move(responder), admin, code, detail);
  };
  if (!poll->opened_once) return refuse(ProblemCode::kPollNotOpen);
  if (!poll->voter_key) return refuse(WhyKeyless(*poll));
  if (poll->definition.ballots_per_voter.per_day()) {
    return refuse(ProblemCode::kNotSupported, "a card is not for a day");
  }
  const auto box = request.box.empty() && poll->definition.boxes.size() == 1
                       ? std::optional<BoxIndex>(1)
                       : poll->FindBox(request.box);
  if (!box && !request.box.empty()) return refuse(ProblemCode::kBoxUnknown);
  std::vector<BodyError> errors;
  auto cards = DecodePaperCards(body, *poll, context_.Gateway(responder).vote_decoder(), errors);
  if (!cards) return SendBodyErrors(std::move(responder), admin.language(), errors);
  PutPaperCards act{
      .batch_id = admin.batch, .batch = std::nullopt, .cards = *std::move(cards), .actor = {}};
  act.actor = admin.actor;
  if (box) {
    PaperBatch& batch = act.batch.emplace();
    batch.id = admin.batch;
    batch.box = *box;
    batch.seal = request.seal;
    batch.by_cards = true;
    batch.figures.invalid = request.invalid;
    batch.figures.blank = request.blank;
    batch.figures.cards =
        static_cast<std::uint32_t>(act.cards.size()) + request.invalid + request.blank;
  }
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = admin.german;
  pending.responder = std::move(responder);
  pending.callback = [this, admin = std::move(request.admin)](Outcome&& outcome, Pending&& answer) {
    if (AnswerRefusedAct(admin, outcome, answer.responder)) return;
    const auto now = context_.engine.polls().Find(admin.id);
    HttpResponse response;
    response.status = outcome.code == OutcomeCode::kCreated ? 201 : 200;
    response.content_type = "application/json";
    if (response.status == 201) {
      response.headers.emplace_back("Location",
                                    Concat("/v1/polls/", admin.id, "/paper-batches/", admin.batch));
    }
    AppendPaperBatch(*now, outcome.paper->batches.front(), admin.actor, response.body);
    std::move(answer.responder).Send(std::move(response));
  };
  gateway.SendAct(std::move(act), poll->number, std::move(pending));
}

std::unique_ptr<BodySink> CardRoutes::BeginCodes(const HttpRequest& request, Responder responder) {
  auto admin = ReadAdminRequest(context_, request, "poll", responder);
  if (!admin || FindPoll(context_, request, responder, true) == nullptr) return nullptr;
  if (!RequireMediaType(request, "application/json", responder)) return nullptr;
  return std::make_unique<BodyCollector>(
      std::move(responder),
      [this, admin = *std::move(admin)](const std::string& body, Responder answer) mutable {
        PutCodes(std::move(admin), body, std::move(answer));
      });
}

void CardRoutes::PutCodes(AdminRequest request, const std::string& body, Responder responder) {
  const auto poll = context_.engine.polls().Find(request.id);
  std::vector<BodyError> errors;
  auto order = DecodeCodesOrder(body, errors);
  if (!order) return SendBodyErrors(std::move(responder), request.language(), errors);
  if (!poll->voter_key) {
    return SendProblem(std::move(responder), request, WhyKeyless(*poll));
  }
  const bool made = order->codes.empty();
  for (std::size_t i = 0; made && i < order->count; ++i) order->codes.push_back(NewVotingCode());
  if (order->batch.empty()) {
    order->batch = "codes-" + NewVotingCode();
    for (char& c : order->batch) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  PutRoll act{.batch = order->batch, .tags = {}, .actor = request.actor};
  act.tags.reserve(order->codes.size());
  for (const std::string& code : order->codes) {
    act.tags.push_back(poll->voter_key->MakeTag(code));
  }
  if (!made) order->codes.clear();  // the caller knows them
  EngineGateway& gateway = context_.Gateway(responder);
  Pending pending;
  pending.german = request.german;
  pending.responder = std::move(responder);
  pending.callback = [request = std::move(request), order = *std::move(order)](Outcome&& outcome,
                                                                               Pending&& answer) {
    if (AnswerRefusedAct(request, outcome, answer.responder)) return;
    HttpResponse response;
    response.status = 201;
    response.content_type = "application/json";
    AppendCodes(request.id, order.batch, order.count, order.codes, response.body);
    std::move(answer.responder).Send(std::move(response));
  };
  gateway.SendAct(std::move(act), poll->number, std::move(pending));
}

}  // namespace tallyd
