// Whatever a client sends is a frame of ours, refused, or incomplete: in whole and in pieces alike,
// and the handshake's readers take any text.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/web_socket.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tallyd {
namespace {

std::string Frame(unsigned char first, const std::string& payload) {
  std::string frame = {static_cast<char>(first), static_cast<char>(0x80U | payload.size())};
  const std::string mask = "\x01\x02\x03\x04";
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  return frame;
}

struct Heard {
  std::vector<std::string> payloads;
  std::uint16_t close_code = 0;
  friend bool operator==(const Heard&, const Heard&) = default;
};

// As a reader hears it that gets `piece_bytes` at a time.
Heard Listen(std::string_view bytes, std::size_t piece_bytes) {
  Heard heard;
  std::string input;
  while (!bytes.empty() && heard.close_code == 0) {
    input += bytes.substr(0, piece_bytes);
    bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
    for (auto frame = ReadClientFrame(input); frame; frame = ReadClientFrame(input)) {
      heard.close_code = frame->close_code;
      if (heard.close_code != 0) break;
      TALLYD_CHECK(frame->bytes > 0 && frame->bytes <= kClientFrameBytesMax);
      TALLYD_CHECK(frame->bytes <= input.size());
      if (frame->kind == FrameKind::kClose) {
        const std::uint16_t answer = AnswerToClose(frame->payload);
        TALLYD_CHECK(answer >= 1000 && answer < 5000 && answer != 1005 && answer != 1006);
      }
      heard.payloads.push_back(std::move(frame->payload));
      input.erase(0, frame->bytes);
    }
    // What is left waits for more: never more than a frame.
    TALLYD_CHECK(heard.close_code != 0 || input.size() < kClientFrameBytesMax);
  }
  return heard;
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  return {Frame(0x89, "ping"),
          Frame(0x8a, std::string(125, 'p')) + Frame(0x89, ""),
          Frame(0x89, "a") + Frame(0x88, std::string("\x03\xe8 bye", 6)),
          Frame(0x81, "hello"),
          "dGhlIHNhbXBsZSBub25jZQ==",
          "chat, tallyd.ranking.v1"};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = 1 + size % 16;
  TALLYD_CHECK(Listen(bytes, piece) == Listen(bytes, size + 1));
  if (const auto accept = WebSocketAccept(bytes)) TALLYD_CHECK(accept->size() == 28);
  if (NamesToken(bytes, "websocket")) TALLYD_CHECK(size >= 9);
  return 0;
}
