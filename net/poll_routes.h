#pragma once

// Polls, their options and states.
//
//   GET    /v1/polls, /v1/polls/{poll}             both listeners; drafts for administrators only
//   PUT    /v1/polls/{poll}                        private: create or replace
//   POST   /v1/polls/{poll}/transitions            private
//   PUT, DELETE /v1/polls/{poll}/options/{option}  private: add, change; withdraw or merge, with
//                                                  ?fate= for its votes
//
// Every change is an act that the engine's writer decides in its order; an option is added or
// changed by reading the definition and putting it back on condition that nobody else did
// meanwhile, a few times over if somebody did. Handlers run on the io threads.

#include <string>

#include "net/admin_request.h"
#include "net/route_context.h"
#include "net/router.h"
#include "net/wire_json_poll.h"

namespace tallyd {

class PollRoutes {
 public:
  explicit PollRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  void List(const HttpRequest& request, Responder responder);
  void Get(const HttpRequest& request, Responder responder);
  std::unique_ptr<BodySink> BeginPut(const HttpRequest& request, Responder responder);
  void Put(AdminRequest request, std::string body, Responder responder);
  void Create(AdminRequest request, PollDocument document, Responder responder);
  void Replace(AdminRequest request, PollDocument document, const PollView& present,
               Responder responder);
  void Transition(const HttpRequest& request, Responder responder);
  void PutOption(const HttpRequest& request, Responder responder);
  static std::optional<WithdrawOption> ReadFate(const HttpRequest& request, Responder& responder);
  void DeleteOption(const HttpRequest& request, Responder responder);
  // Puts `option` into the definition; again if somebody else changed the poll meanwhile.
  static std::optional<QuestionIndex> FindQuestion(const AdminRequest& request,
                                                   const PollView& poll, Responder& responder);
  void ChangeOption(AdminRequest request, OptionDefinition option, Responder responder);
  void SubmitPut(AdminRequest request, PutPoll put, Responder responder);
  void SendPoll(const AdminRequest& request, int status, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
