#pragma once

// GET /v1/polls/{poll}/export/ballots.ndjson, ballots.csv, history.ndjson, pabulib.pb, and the
// ranking of the past. Private listener, scope `analyse`.
//
// Handlers run on the io threads and only read the request; the analysis thread does the work and
// answers. Beyond its queue: 503 overloaded.

#include "net/export_pages.h"
#include "net/ranking_cache.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class ExportRoutes {
 public:
  explicit ExportRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

  static constexpr std::uint64_t kBallotsPerPage = 10'000;
  static constexpr std::uint64_t kBallotsPerPageMax = 100'000;
  static constexpr std::uint64_t kStepsPerPage = 1'000;
  static constexpr std::uint64_t kStepsPerPageMax = 10'000;
  static constexpr std::uint64_t kStepSecondsMax = 31'536'000;

 private:
  void GetBallots(const HttpRequest& request, Responder responder, BallotFormat format);
  void GetHistory(const HttpRequest& request, Responder responder);
  void GetPabulib(const HttpRequest& request, Responder responder);

  const RouteContext& context_;
};

// Whether a GET .../ranking asks for another ranking than the newest.
bool AsksForPastRanking(const HttpRequest& request);
void GetPastRanking(const RouteContext& context, const HttpRequest& request, Responder responder,
                    RankingFormat format);

}  // namespace tallyd
