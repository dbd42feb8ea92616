#pragma once

// GET /v1/polls/{poll}/ranking, ranking.csv, ranking.ndjson: ?top=N, ?form=live, conditional,
// compressed; and ranking/changes?since=VERSION&wait=SECONDS, a merge patch between two live forms.
//
// Read your writes: a GET that begins after an acknowledgement contains that vote; it may wait for
// the next snapshot, at most the publishing interval. An If-None-Match that names the newest
// version is 304 without rendering. Handlers run on the io threads.

#include "net/ranking_cache.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class RankingRoutes {
 public:
  explicit RankingRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  struct ChangesAsk;

  void Get(const HttpRequest& request, Responder responder, RankingFormat format);
  void GetChanges(const HttpRequest& request, Responder responder);
  void AnswerChanges(ChangesAsk&& ask, const RankingSnapshot& newest);

  const RouteContext& context_;
};

}  // namespace tallyd
