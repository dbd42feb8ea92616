#include "net/live_message.h"

#include "net/concat.h"
#include "net/web_socket.h"

namespace tallyd {
namespace {

constexpr std::string_view kPing("\x89\x00", 2);

}  // namespace

std::string LiveMessage(LiveReader::Kind kind, std::string_view name, std::string_view version,
                        std::string_view data) {
  while (!data.empty() && data.back() == '\n') data.remove_suffix(1);
  if (kind == LiveReader::Kind::kEvents) {
    return Concat("event: ", name, "\nid: ", version, "\ndata: ", data, "\n\n");
  }
  return WebSocketFrame(FrameKind::kText, Concat(R"({"event":")", name, R"(","id":")", version,
                                                 R"(","data":)", data, "}"));
}

std::string_view LiveHeartbeat(LiveReader::Kind kind) {
  return kind == LiveReader::Kind::kEvents ? std::string_view(": hb\n\n") : kPing;
}

std::string LiveBye(LiveReader::Kind kind, std::string_view version, std::uint32_t retry_ms) {
  const std::string data = Concat("{\"retry_ms\":", retry_ms, "}");
  if (kind == LiveReader::Kind::kEvents) {
    return Concat("retry: ", retry_ms, "\n", LiveMessage(kind, "bye", version, data));
  }
  return LiveMessage(kind, "bye", version, data) + WebSocketClose(kGoingAway);
}

std::string LiveEnd(LiveReader::Kind kind) {
  return kind == LiveReader::Kind::kEvents ? std::string() : WebSocketClose(kNormalClosure);
}

}  // namespace tallyd
