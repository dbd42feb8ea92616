#include "net/batch_route.h"

#include <array>
#include <utility>

#include "net/batch_run.h"
#include "net/status_to_http.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

// The transport's end of a batch; tells the run also when the connection just goes away.
class BatchSink final : public BodySink {
 public:
  explicit BatchSink(std::shared_ptr<BatchRun> run) : run_(std::move(run)) {}
  ~BatchSink() override {
    if (run_ != nullptr) run_->OnAbort();
  }
  void OnChunk(std::string_view chunk, absl::AnyInvocable<void()> resume) override {
    run_->OnChunk(chunk, std::move(resume));
  }
  void OnEnd() override { std::exchange(run_, nullptr)->OnEnd(); }
  void OnAbort() override { std::exchange(run_, nullptr)->OnAbort(); }

 private:
  std::shared_ptr<BatchRun> run_;
};

std::optional<BatchReport::Results> ParseResults(const HttpRequest& request) {
  const std::string_view text = request.Query("results").value_or("errors");
  if (text == "errors") return BatchReport::Results::kErrors;
  if (text == "all") return BatchReport::Results::kAll;
  if (text == "none") return BatchReport::Results::kNone;
  return std::nullopt;
}

}  // namespace

void BatchRoute::AddTo(Router& router) {
  router.AddStream(Method::kPost, "/v1/polls/{poll}/votes/batch", kBothListeners, kBodyBytesMax,
                   [this](const HttpRequest& request, Responder responder) {
                     return Begin(request, std::move(responder));
                   });
}

std::unique_ptr<BodySink> BatchRoute::Begin(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 1> kQueries = {"results"};
  const auto identity = context_.auth.Require(Scope::kVoteOnBehalf, request, responder);
  if (!identity || !RequireQueries(request, kQueries, responder)) return nullptr;
  const auto results = ParseResults(request);
  if (!results) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "results must be errors, all or none");
    return nullptr;
  }
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return nullptr;
  const bool gzip = request.content_encoding == "gzip" || request.content_encoding == "x-gzip";
  const bool plain = request.content_encoding.empty() || request.content_encoding == "identity";
  if ((!gzip && !plain) || !IsMediaType(request.content_type, "application/x-ndjson")) {
    HttpResponse response = ProblemResponse(ProblemCode::kUnsupportedMediaType,
                                            "the body must be application/x-ndjson, plain or gzip",
                                            {}, request.accept_language);
    response.headers.emplace_back("Accept-Encoding", "gzip");
    std::move(responder).Send(std::move(response));
    return nullptr;
  }
  if (context_.engine.storage_full()) {
    SendProblem(std::move(responder), request, ProblemCode::kStorageFull);
    return nullptr;
  }
  if (!poll->voter_key) {
    SendProblem(std::move(responder), request, WhyKeyless(*poll));
    return nullptr;
  }
  EngineGateway& gateway = context_.Gateway(responder);
  return std::make_unique<BatchSink>(
      BatchRun::Start(gateway, std::move(responder),
                      {.poll = poll,
                       .results = *results,
                       .gzip = gzip,
                       .paper_allowed = identity->Has(Scope::kPaper),
                       .german = PrefersGerman(request.accept_language),
                       .voter = std::string(identity->voter.view())}));
}

}  // namespace tallyd
