#include "net/web_socket.h"

#include <array>

#include "absl/strings/escaping.h"
#include <openssl/evp.h>

#include "net/http_text.h"
#include "storage/absl_view.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::uint8_t kFinalFragment = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::size_t kShortMax = 125;
constexpr std::size_t kMaskBytes = 4;
// Stand for something that no frame says.
constexpr std::uint16_t kNoCode = 1005;
constexpr std::uint16_t kAbnormalClosure = 1006;

std::uint8_t ByteAt(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// 0: such a frame may come.
std::uint16_t FaultOf(std::uint8_t first, std::uint8_t second) {
  const unsigned opcode = first & 0x0fU;
  if ((first & kReservedBits) != 0 || (second & kMasked) == 0) return kProtocolError;
  if (opcode == 1 || opcode == 2) {
    return (second & 0x7fU) > kShortMax ? kMessageTooBig : kUnsupportedData;
  }
  if (opcode < 8 || opcode > 10) return kProtocolError;
  if ((first & kFinalFragment) == 0 || (second & 0x7fU) > kShortMax) return kProtocolError;
  return 0;
}

}  // namespace

std::optional<std::string> WebSocketAccept(std::string_view key) {
  std::string nonce;
  if (key.size() != 24 || !absl::Base64Unescape(AbslView(key), &nonce) || nonce.size() != 16) {
    return std::nullopt;
  }
  std::string text(key);
  text += kGuid;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  TALLYD_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) ==
               1);
  // std::string: no view of unsigned bytes.
  return absl::Base64Escape(std::string(digest.begin(), digest.begin() + size));
}

bool NamesToken(std::string_view header, std::string_view token) {
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    std::string_view one = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (EqualsIgnoreCase(one, token)) return true;
  }
  return false;
}

std::string WebSocketFrame(FrameKind kind, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  frame.push_back(static_cast<char>(kFinalFragment | static_cast<std::uint8_t>(kind)));
  const auto append_size = [&](int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
      frame.push_back(static_cast<char>(payload.size() >> (8 * i) & 0xff));
    }
  };
  if (payload.size() <= kShortMax) {
    append_size(1);
  } else if (payload.size() <= 0xffff) {
    frame.push_back(126);
    append_size(2);
  } else {
    frame.push_back(127);
    append_size(8);
  }
  frame += payload;
  return frame;
}

std::string WebSocketClose(std::uint16_t code) {
  const char payload[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return WebSocketFrame(FrameKind::kClose, {payload, sizeof payload});
}

std::uint16_t AnswerToClose(std::string_view payload) {
  if (payload.empty()) return kNormalClosure;
  if (payload.size() == 1) return kProtocolError;
  const auto code = static_cast<std::uint16_t>(ByteAt(payload, 0) << 8 | ByteAt(payload, 1));
  const bool of_protocol =
      code >= 1000 && code <= 1014 && code != 1004 && code != kNoCode && code != kAbnormalClosure;
  const bool of_programs = code >= 3000 && code <= 4999;
  return of_protocol || of_programs ? code : kProtocolError;
}

std::optional<ClientFrame> ReadClientFrame(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  ClientFrame frame;
  frame.close_code = FaultOf(ByteAt(bytes, 0), ByteAt(bytes, 1));
  if (frame.close_code != 0) return frame;
  const std::size_t size = ByteAt(bytes, 1) & 0x7fU;
  frame.kind = static_cast<FrameKind>(ByteAt(bytes, 0) & 0x0fU);
  frame.bytes = 2 + kMaskBytes + size;
  if (bytes.size() < frame.bytes) return std::nullopt;
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned mask = ByteAt(bytes, 2 + i % kMaskBytes);
    frame.payload.push_back(static_cast<char>(ByteAt(bytes, 2 + kMaskBytes + i) ^ mask));
  }
  return frame;
}

}  // namespace tallyd
