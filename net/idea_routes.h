#pragma once

// Ideas of citizens and their moderation.
//
//   POST /v1/projects/{project}/ideas            public: hand an idea in, with an Idempotency-Key
//   GET  /v1/projects/{project}/ideas/{idea}     public: what became of one's own
//   GET  /v1/moderation/ideas, .../{idea}        private, scope `moderate`
//   POST /v1/moderation/ideas/{idea}/decision    private: approve, reject, merge; with If-Match
//
// Who hands an idea in is who could vote: the token's voter, or the one a trusted frontend names.
// Reading goes through the engine's writer too, so an answer shows what is durable and nothing
// older than the last acknowledgement. Handlers run on the io threads.

#include <optional>
#include <string>

#include "net/admin_request.h"
#include "net/route_context.h"
#include "net/router.h"
#include "net/wire_json_idea.h"

namespace tallyd {

class IdeaRoutes {
 public:
  explicit IdeaRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  // Who hands in, under the project's own key, and their Idempotency-Key.
  struct Submitter {
    VoterTag tag;
    std::uint64_t print = 0;  // 0 = no key was sent
  };

  void Submit(const HttpRequest& request, Responder responder);
  void GetOwn(const HttpRequest& request, Responder responder);
  void List(const HttpRequest& request, Responder responder);
  void Get(const HttpRequest& request, Responder responder);
  void Decide(const HttpRequest& request, Responder responder);

  // nullopt: answered.
  std::optional<Submitter> ReadSubmitter(const HttpRequest& request, const Identity& identity,
                                         std::string_view body_voter, Responder& responder);
  std::optional<IdeaNumber> ReadIdea(const HttpRequest& request, Responder& responder);
  void Send(const HttpRequest& request, Act act, IdeaReader reader, Responder responder);
  void Answer(const AdminRequest& request, const Outcome& outcome, IdeaReader reader,
              Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
