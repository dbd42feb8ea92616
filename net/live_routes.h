#pragma once

// GET /v1/polls/{poll}/ranking/stream (server-sent events) and .../ranking/ws (WebSocket,
// subprotocol tallyd.ranking.v1): a ranking's live form and its patches, pushed.
//
// Resumes from Last-Event-ID; of a final poll whoever has the final version gets 204, everybody
// else the whole and the end. Refused: 429 and 503 where too many follow (LiveLimits), 400 where
// the request shares its connection with others in flight or is no WebSocket handshake, 403 an
// origin that is neither ours nor allowed. Handlers run on the io threads; the connection goes to
// the thread's LiveFeed.

#include <optional>

#include "net/live_reader.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class LiveRoutes {
 public:
  LiveRoutes(const RouteContext& context, const CorsOptions& cors)
      : context_(context), cors_(cors) {}
  void AddTo(Router& router);

 private:
  void GetEvents(const HttpRequest& request, Responder responder);
  void GetWebSocket(const HttpRequest& request, Responder responder);
  // The headers of a handshake; nullopt: refused.
  std::optional<std::string> Handshake(const HttpRequest& request, Responder& responder) const;
  void Follow(const HttpRequest& request, Responder responder, LiveReader::Kind kind,
              PollNumber poll, int status, std::string_view header_lines);

  const RouteContext& context_;
  const CorsOptions& cors_;
};

}  // namespace tallyd
