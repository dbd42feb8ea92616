#pragma once

// The paper ledger: openings of ballot boxes, entered once, confirmed by a second person, taken
// back with a reason. Private listener, scope `paper`.
//
//   PUT  /v1/polls/{poll}/paper-batches/{batch}          enter; the same again is harmless
//   GET  /v1/polls/{poll}/paper-batches, .../{batch}
//   POST /v1/polls/{poll}/paper-batches/{batch}/confirm  by somebody else, also as a second entry
//   POST /v1/polls/{poll}/paper-batches/{batch}/void
//   GET  /v1/polls/{poll}/paper-reconciliation           what came back of each box
//
// Reading goes through the engine's writer too, so an answer shows what is durable and nothing
// older than the last acknowledgement. Handlers run on the io threads.

#include <optional>
#include <string>

#include "net/admin_request.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class PaperRoutes {
 public:
  explicit PaperRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  using SecondEntry = ConfirmPaperBatch::SecondEntry;

  void List(const HttpRequest& request, Responder responder);
  void Get(const HttpRequest& request, Responder responder);
  void Reconcile(const HttpRequest& request, Responder responder);
  std::unique_ptr<BodySink> BeginPut(const HttpRequest& request, Responder responder);
  std::unique_ptr<BodySink> BeginConfirm(const HttpRequest& request, Responder responder);
  void Put(AdminRequest request, bool csv, const std::string& body, Responder responder);
  void Confirm(AdminRequest request, bool csv, const std::string& body, Responder responder);
  void Void(const HttpRequest& request, Responder responder);

  // What a change of a batch asks for; nullopt: answered.
  std::optional<AdminRequest> Read(const HttpRequest& request, Responder& responder);
  void Submit(AdminRequest request, PollNumber poll, Act act, std::optional<SecondEntry> second,
              Responder responder);
  void AnswerAct(const AdminRequest& request, const std::optional<SecondEntry>& second,
                 const Outcome& outcome, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
