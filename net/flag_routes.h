#pragma once

// Flagged ballots, for an operator: which bursts were seen, and what is to become of them. Private
// listener, scope `admin`.
//
//   GET  /v1/polls/{poll}/flags                     groups, page by page
//   GET  /v1/polls/{poll}/flags/{group}             one, with what its ballots add up to
//   POST /v1/polls/{poll}/flags/{group}/decision    quarantine, release or void it, with a reason
//
// Like paper, reading goes through the engine's writer: an answer shows what is durable and nothing
// older than the last acknowledgement. Handlers run on the io threads.

#include "net/admin_request.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class FlagRoutes {
 public:
  explicit FlagRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  void List(const HttpRequest& request, Responder responder);
  void Get(const HttpRequest& request, Responder responder);
  void Decide(const HttpRequest& request, Responder responder);
  void Submit(AdminRequest request, PollNumber poll, Act act, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
