#include "net/live_routes.h"

#include <utility>

#include "net/concat.h"
#include "net/web_socket.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::string_view kEventsHeaderLines =
    "Content-Type: text/event-stream\r\nCache-Control: no-store, no-transform\r\n"
    "X-Accel-Buffering: no\r\n";

// What the client has already; nullopt also for what we never gave.
std::optional<VersionTag> ResumesFrom(const HttpRequest& request) {
  return ParseVersionTag(request.last_event_id);
}

bool HasFinal(const std::optional<VersionTag>& since, const RankingSnapshot& newest) {
  return newest.state == PollState::kFinal && since && since->epoch == newest.epoch &&
         since->position == newest.position;
}

}  // namespace

void LiveRoutes::AddTo(Router& router) {
  router.Add(Method::kGet, "/v1/polls/{poll}/ranking/stream", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               GetEvents(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/polls/{poll}/ranking/ws", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               GetWebSocket(request, std::move(responder));
             });
}

void LiveRoutes::GetEvents(const HttpRequest& request, Responder responder) {
  if (!RequireQueries(request, {}, responder)) return;
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  const auto newest = context_.engine.board().Newest(poll->number);
  HttpResponse short_answer;
  if (newest != nullptr && HasFinal(ResumesFrom(request), *newest)) {
    short_answer.status = 204;  // so that a browser does not come again
    std::move(responder).Send(std::move(short_answer));
    return;
  }
  if (request.method == Method::kHead) {
    short_answer.content_type = "text/event-stream";
    std::move(responder).Send(std::move(short_answer));
    return;
  }
  Follow(request, std::move(responder), LiveReader::Kind::kEvents, poll->number, 200,
         kEventsHeaderLines);
}

void LiveRoutes::GetWebSocket(const HttpRequest& request, Responder responder) {
  if (!RequireQueries(request, {}, responder)) return;
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  const auto header_lines = Handshake(request, responder);
  if (!header_lines) return;
  Follow(request, std::move(responder), LiveReader::Kind::kWebSocket, poll->number, 101,
         *header_lines);
}

std::optional<std::string> LiveRoutes::Handshake(const HttpRequest& request,
                                                 Responder& responder) const {
  const auto refuse = [&](ProblemCode code, std::string_view detail) {
    HttpResponse response = ProblemResponse(code, detail, {}, request.accept_language);
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    std::move(responder).Send(std::move(response));
    return std::nullopt;
  };
  if (!IsAllowedOrigin(request.origin, request.host, cors_.allowed_origins)) {
    return refuse(ProblemCode::kForbidden, "pages of this origin may not open a WebSocket here");
  }
  const bool asks = request.method == Method::kGet && request.version == 11 &&
                    request.connection_upgrade && NamesToken(request.upgrade, "websocket");
  if (!asks) {
    return refuse(ProblemCode::kHeaderInvalid,
                  "this route is a WebSocket: Connection: Upgrade, Upgrade: websocket");
  }
  if (request.sec_websocket_version != "13") {
    return refuse(ProblemCode::kHeaderInvalid, "Sec-WebSocket-Version must be 13");
  }
  const auto accept = WebSocketAccept(request.sec_websocket_key);
  if (!accept) {
    return refuse(ProblemCode::kHeaderInvalid, "Sec-WebSocket-Key must be 16 bytes in base64");
  }
  std::string lines = Concat(
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ", *accept, "\r\n");
  if (request.sec_websocket_protocol.data() == nullptr) return lines;
  if (!NamesToken(request.sec_websocket_protocol, kRankingProtocol)) {
    return refuse(ProblemCode::kHeaderInvalid,
                  Concat("the subprotocol here is ", kRankingProtocol));
  }
  AppendTo(&lines, "Sec-WebSocket-Protocol: ", kRankingProtocol, "\r\n");
  return lines;
}

void LiveRoutes::Follow(const HttpRequest& request, Responder responder, LiveReader::Kind kind,
                        PollNumber poll, int status, std::string_view header_lines) {
  IoThread& io_thread = responder.io_thread();
  LiveFeed& feed = context_.Live(io_thread);
  if (feed.draining()) {
    return SendProblem(std::move(responder), request, ProblemCode::kDraining);
  }
  switch (context_.live_census->Enter(request.client)) {
    case LiveCensus::Entry::kFull:
      io_thread.counters().live_refused_full.Add();
      return SendProblem(std::move(responder), request, ProblemCode::kOverloaded);
    case LiveCensus::Entry::kNetworkFull:
      io_thread.counters().live_refused_network.Add();
      return SendProblem(std::move(responder), request, ProblemCode::kTooManyRequests,
                         "too many streams are open from this address");
    case LiveCensus::Entry::kEntered:
      break;
  }
  auto connection = responder.Detach(status, header_lines);
  if (connection == nullptr) {
    context_.live_census->Leave(request.client);
    return SendProblem(std::move(responder), request, ProblemCode::kBadRequest,
                       "a stream needs a connection without other requests in flight");
  }
  feed.Add(std::move(*connection), kind, poll, ResumesFrom(request), request.client);
}

}  // namespace tallyd
