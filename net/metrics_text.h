#pragma once

// Everything that is counted, in the Prometheus text format 0.0.4.
//
// Reads the counters of the engine and of the io threads where they are; takes no locks that votes
// take. No label ever names a poll, a voter or an option. Any thread; about a hundred lines a
// route.

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "net/analysis_thread.h"
#include "net/auth.h"
#include "net/client_budgets.h"
#include "net/http_server.h"
#include "net/ranking_feed.h"
#include "net/router.h"

namespace tallyd {

struct MetricsSources {
  const Engine& engine;
  const Router& router;
  const HttpServer& http;
  const Authenticator& auth;
  const std::vector<std::unique_ptr<RankingFeed>>& feeds;
  const ClientBudgets& budgets;
  const AnalysisThread& analysis;
};

std::string MetricsText(const MetricsSources& sources, const std::string& version);

}  // namespace tallyd
