#pragma once

// Health, metrics, version, the API's own description, what problem codes mean, and recounting.
//
// Handlers run on the io threads; POST /v1/admin/verify and /backups work on a thread of their own,
// one at a time, and answer from there. `BeginDrain` turns readiness off; any thread.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"

#include "net/client_budgets.h"
#include "net/http_response.h"
#include "net/http_server.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class OperationRoutes {
 public:
  // Server and budgets become known after the router is filled.
  explicit OperationRoutes(const RouteContext& context) : context_(context) {}
  ~OperationRoutes();
  void AddTo(Router& router);
  void SetServer(const HttpServer* server) { server_ = server; }
  void SetBudgets(const ClientBudgets* budgets) { budgets_ = budgets; }
  void BeginDrain() { draining_ = true; }
  // Waits for a recount that still runs; before the io threads end.
  void Join();

 private:
  void GetReadiness(const HttpRequest& request, Responder responder);
  void GetMetrics(const HttpRequest& request, Responder responder, const Router& router);
  void GetProblem(const HttpRequest& request, Responder responder);
  void Verify(const HttpRequest& request, Responder responder);
  void BackUp(const HttpRequest& request, Responder responder);
  // Runs `work` on the thread for what takes long, unless it is at work.
  void RunLong(const HttpRequest& request, Responder responder,
               absl::AnyInvocable<HttpResponse(std::string_view language)> work);

  const RouteContext& context_;
  const HttpServer* server_ = nullptr;
  const ClientBudgets* budgets_ = nullptr;
  std::atomic<bool> draining_{false};
  std::atomic<bool> verifying_{false};
  absl::Mutex verify_mutex_;
  std::thread verify_thread_ ABSL_GUARDED_BY(verify_mutex_);
};

}  // namespace tallyd
