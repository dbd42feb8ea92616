#pragma once

// What every route needs: the engine, who may do what, and the gateway of the io thread it is on.
//
// Filled before the server starts, constant afterwards; outlives it. Any io thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "engine/engine.h"
#include "net/analysis_thread.h"
#include "net/auth.h"
#include "net/engine_gateway.h"
#include "net/live_feed.h"
#include "net/problem_response.h"
#include "net/ranking_cache.h"
#include "net/ranking_feed.h"

namespace tallyd {

inline constexpr std::size_t kListPageSize = 100;  // entries on a page of any list

struct RouteContext {
  Engine& engine;
  Authenticator auth;
  std::vector<std::unique_ptr<EngineGateway>> gateways;  // by IoThread::index()
  std::vector<std::unique_ptr<RankingFeed>> feeds;       // likewise
  std::unique_ptr<AnalysisThread> analysis;              // reads the past
  std::uint64_t history_bytes_max = 0;                   // of the journal, for one of its jobs
  std::size_t audit_waiting_max = 0;                     // pages of audit logs; then 503
  std::vector<std::unique_ptr<LiveFeed>> live_feeds;     // likewise
  std::unique_ptr<RankingCache> rankings = std::make_unique<RankingCache>();
  std::unique_ptr<LiveCensus> live_census;

  // Drafts are for administrators only.
  bool ShowsDrafts(const HttpRequest& request) const {
    const auto identity = auth.Authenticate(request);
    return identity && identity->Has(Scope::kAdmin);
  }
  EngineGateway& Gateway(const Responder& responder) const {
    return *gateways[static_cast<std::size_t>(responder.io_thread().index())];
  }
  LiveFeed& Live(const IoThread& io_thread) const {
    return *live_feeds[static_cast<std::size_t>(io_thread.index())];
  }
  RankingFeed& Feed(const IoThread& io_thread) const {
    return *feeds[static_cast<std::size_t>(io_thread.index())];
  }
};

// Answers with a problem in the language the request asks for.
void SendProblem(Responder responder, const HttpRequest& request, ProblemCode code,
                 std::string_view detail = {}, absl::Span<const BodyError> errors = {});
// The same for faults of a body: the first one gives code and status.
void SendBodyErrors(Responder responder, std::string_view accept_language,
                    absl::Span<const BodyError> errors);

// The poll of the path, unless it is a draft that the caller must not see; null: 404 was answered.
std::shared_ptr<const PollView> FindPoll(const RouteContext& context, const HttpRequest& request,
                                         Responder& responder, bool with_drafts);

// 415 was answered if the body is not of that type, or encoded.
bool RequireMediaType(const HttpRequest& request, std::string_view media_type,
                      Responder& responder);

// 400 parameter_invalid was answered if the query has a name that is not among `known`.
bool RequireQueries(const HttpRequest& request, absl::Span<const std::string_view> known,
                    Responder& responder);

}  // namespace tallyd
