#pragma once

// The little of RFC 6455 that a server needs which only pushes: handshake, its own frames, and what
// clients send in return (ping, pong, close).
//
// Why not Beast's stream: it owns buffers for every connection and encodes a message once per
// reader; ours are encoded once for all of them. Pure functions on bytes; any thread. Refused, by
// the close code that RFC 6455 gives it: unmasked, reserved bits, fragments, data frames (there is
// nothing to say to a ranking), control frames of more than 125 bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallyd {

inline constexpr std::string_view kRankingProtocol = "tallyd.ranking.v1";

// Sec-WebSocket-Accept; nullopt: the key is not 16 bytes in base64.
std::optional<std::string> WebSocketAccept(std::string_view key);
// Whether a comma-separated header names `token`, in any case.
bool NamesToken(std::string_view header, std::string_view token);
// The origin that a browser sent may read: none (no browser), the server's own, or an allowed one.
template <typename Origins>
bool IsAllowedOrigin(std::string_view origin, std::string_view host, const Origins& allowed) {
  if (origin.data() == nullptr) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && origin.substr(scheme.size()) == host) return true;
  }
  for (const auto& one : allowed) {
    if (one == origin) return true;
  }
  return false;
}

enum class FrameKind : std::uint8_t { kText = 1, kClose = 8, kPing = 9, kPong = 10 };

// Why a WebSocket ends, in its close frame (RFC 6455, 7.4.1).
inline constexpr std::uint16_t kNormalClosure = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupportedData = 1003;
inline constexpr std::uint16_t kMessageTooBig = 1009;

// A whole unmasked frame, as servers send them.
std::string WebSocketFrame(FrameKind kind, std::string_view payload);
std::string WebSocketClose(std::uint16_t code);

// The code that answers a client's close frame: its own, if it may say that.
std::uint16_t AnswerToClose(std::string_view payload);

struct ClientFrame {
  FrameKind kind = FrameKind::kPing;
  std::string payload;           // unmasked
  std::size_t bytes = 0;         // of the whole frame
  std::uint16_t close_code = 0;  // not 0: the client broke the protocol, close with this
};
// The frame that `bytes` begin with; nullopt: more has to come.
std::optional<ClientFrame> ReadClientFrame(std::string_view bytes);
inline constexpr std::size_t kClientFrameBytesMax = 2 + 4 + 125;

}  // namespace tallyd
