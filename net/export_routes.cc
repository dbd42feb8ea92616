#include "net/export_routes.h"

#include <array>
#include <utility>

#include "net/concat.h"
#include "net/export_pabulib.h"
#include "net/past_ranking.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

struct Bounds {
  std::string_view name;
  std::uint64_t usual = 0;
  std::uint64_t max = 0;
};

// From 1 to bounds.max; nullopt: answered.
std::optional<std::uint64_t> ReadNumber(const HttpRequest& request, const Bounds& bounds,
                                        Responder& responder) {
  const auto text = request.Query(bounds.name);
  if (!text) return bounds.usual;
  const auto number = ParseDecimal(*text);
  if (number && *number >= 1 && *number <= bounds.max) return number;
  SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
              Concat(bounds.name, " must be from 1 to ", bounds.max));
  return std::nullopt;
}

// Scope, poll and what comes from headers; nullopt: answered.
std::optional<ExportAsk> ReadAsk(const RouteContext& context, const HttpRequest& request,
                                 absl::Span<const std::string_view> queries, Responder& responder) {
  if (!context.auth.Require(Scope::kAnalyse, request, responder)) return std::nullopt;
  if (!RequireQueries(request, queries, responder)) return std::nullopt;
  const auto poll = FindPoll(context, request, responder, true);
  if (poll == nullptr) return std::nullopt;
  ExportAsk ask;
  ask.engine = &context.engine;
  ask.thread = context.analysis.get();
  ask.poll = poll->number;
  ask.path = std::string(request.path);
  ask.if_none_match = std::string(request.if_none_match);
  ask.coding = ChooseCoding(request.accept_encoding, kExportCodings);
  ask.german = PrefersGerman(request.accept_language);
  ask.history_bytes_max = context.history_bytes_max;
  return ask;
}

// False: answered.
bool ReadCursor(const HttpRequest& request, char kind, ExportAsk& ask, Responder& responder) {
  const auto text = request.Query("after");
  if (!text) return true;
  ask.after = ParseCursor(*text, kind);
  if (ask.after) return true;
  SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
              "after must be a cursor of this export");
  return false;
}

void Run(const RouteContext& context, const HttpRequest& request, Responder responder,
         AnalysisThread::Work work) {
  if (context.analysis->Submit(responder, PrefersGerman(request.accept_language),
                               std::move(work))) {
    return;
  }
  SendProblem(std::move(responder), request, ProblemCode::kOverloaded,
              "too many analyses wait already");
}

}  // namespace

void ExportRoutes::AddTo(Router& router) {
  const auto add = [&](std::string_view pattern, Handler handler) {
    router.Add(Method::kGet, pattern, kPrivateListener, BodyPolicy::None(), std::move(handler));
  };
  add("/v1/polls/{poll}/export/ballots.ndjson",
      [this](const HttpRequest& request, Responder responder) {
        GetBallots(request, std::move(responder), BallotFormat::kNdjson);
      });
  add("/v1/polls/{poll}/export/ballots.csv",
      [this](const HttpRequest& request, Responder responder) {
        GetBallots(request, std::move(responder), BallotFormat::kCsv);
      });
  add("/v1/polls/{poll}/export/history.ndjson",
      [this](const HttpRequest& request, Responder responder) {
        GetHistory(request, std::move(responder));
      });
  add("/v1/polls/{poll}/export/pabulib.pb",
      [this](const HttpRequest& request, Responder responder) {
        GetPabulib(request, std::move(responder));
      });
}

void ExportRoutes::GetBallots(const HttpRequest& request, Responder responder,
                              BallotFormat format) {
  constexpr std::array<std::string_view, 3> kQueries = {"after", "limit", "dialect"};
  const bool csv = format == BallotFormat::kCsv;
  const auto queries = absl::MakeConstSpan(kQueries).first(csv ? 3 : 2);
  auto ask = ReadAsk(context_, request, queries, responder);
  if (!ask || !ReadCursor(request, 'b', *ask, responder)) return;
  const auto limit = ReadNumber(request, {"limit", kBallotsPerPage, kBallotsPerPageMax}, responder);
  if (!limit) return;
  ask->limit = *limit;
  const auto dialect = FindCsvDialect(request.Query("dialect").value_or("rfc4180"));
  if (!dialect) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "dialect must be rfc4180 or excel-de");
    return;
  }
  Run(context_, request, std::move(responder), [ask = *std::move(ask), format, dialect = *dialect] {
    return MakeBallotPage(ask, format, dialect);
  });
}

void ExportRoutes::GetHistory(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 3> kQueries = {"after", "limit", "step"};
  auto ask = ReadAsk(context_, request, kQueries, responder);
  if (!ask || !ReadCursor(request, 'h', *ask, responder)) return;
  const auto limit = ReadNumber(request, {"limit", kStepsPerPage, kStepsPerPageMax}, responder);
  if (!limit) return;
  ask->limit = *limit;
  const auto step = ReadNumber(request, {"step", 60, kStepSecondsMax}, responder);
  if (!step) return;
  Run(context_, request, std::move(responder),
      [ask = *std::move(ask), step = *step] { return MakeHistoryPage(ask, step); });
}

void ExportRoutes::GetPabulib(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 2> kQueries = {"after", "limit"};
  auto ask = ReadAsk(context_, request, kQueries, responder);
  if (!ask || !ReadCursor(request, 'p', *ask, responder)) return;
  const auto limit =
      ReadNumber(request, {"limit", kPabulibBallotsMax, kPabulibBallotsMax}, responder);
  if (!limit) return;
  ask->limit = *limit;
  Run(context_, request, std::move(responder),
      [ask = *std::move(ask)] { return MakePabulibPage(ask); });
}

bool AsksForPastRanking(const HttpRequest& request) {
  return request.listener == ListenerKind::kPrivate &&
         (request.Query("as_of_seq") || request.Query("without_batch"));
}

void GetPastRanking(const RouteContext& context, const HttpRequest& request, Responder responder,
                    RankingFormat format) {
  constexpr std::array<std::string_view, 2> kQueries = {"as_of_seq", "without_batch"};
  PastRankingAsk past;
  past.format = format;
  auto ask = ReadAsk(context, request, kQueries, responder);
  if (!ask) return;
  past.base = *std::move(ask);
  if (request.Query("as_of_seq")) {
    past.as_of_seq = ReadNumber(request, {"as_of_seq", 0, kSeqMax}, responder);
    if (!past.as_of_seq) return;
  }
  past.without_batch = std::string(request.Query("without_batch").value_or(""));
  if (request.Query("without_batch") && !IsId(past.without_batch)) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "without_batch must be the id of a paper batch");
    return;
  }
  Run(context, request, std::move(responder),
      [past = std::move(past)] { return MakePastRanking(past); });
}

}  // namespace tallyd
