// The frames of net/web_socket, byte by byte.

#include "net/web_socket.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

std::string Masked(const std::string& payload) {
  const std::string mask = "\x37\xfa\x21\x3d";
  std::string bytes = mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  return bytes;
}

// Appended and not added: GCC 12 sees overflows in operator+ of two literals' strings.
std::string Joined(std::string begin, const std::string& rest) {
  begin.append(rest);
  return begin;
}

TEST(WebSocketFrames, AcceptIsThatOfTheRfc) {
  EXPECT_EQ(WebSocketAccept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  for (const char* bad : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ==x", "AAAA",
                          "dGhlIHNhbXBsZSBub25jZ!==", "dGhlIHNhbXBsZSBub25jZTEyMzQ1"}) {
    EXPECT_FALSE(WebSocketAccept(bad)) << bad;
  }
}

// Lengths around the borders between the three ways to write one.
TEST(WebSocketFrames, ServerFramesSayTheirLength) {
  EXPECT_EQ(WebSocketFrame(FrameKind::kText, "Hello"), "\x81\x05Hello");
  const std::string short_most(125, 'x');
  EXPECT_EQ(WebSocketFrame(FrameKind::kText, short_most), Joined("\x81\x7d", short_most));
  const std::string middle(126, 'x');
  EXPECT_EQ(WebSocketFrame(FrameKind::kText, middle), Joined({"\x81\x7e\x00\x7e", 4}, middle));
  const std::string middle_most(65'535, 'x');
  EXPECT_EQ(WebSocketFrame(FrameKind::kText, middle_most), Joined("\x81\x7e\xff\xff", middle_most));
  const std::string large(65'536, 'x');
  EXPECT_EQ(WebSocketFrame(FrameKind::kText, large),
            Joined({"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10}, large));
  EXPECT_EQ(WebSocketClose(1001), std::string("\x88\x02\x03\xe9", 4));
}

TEST(WebSocketFrames, AClientFrameIsReadWhenItIsWhole) {
  const std::string ping = Joined("\x89\x85", Masked("Hello"));
  for (std::size_t size = 0; size < ping.size(); ++size) {
    EXPECT_FALSE(ReadClientFrame(std::string_view(ping).substr(0, size)));
  }
  const auto frame = ReadClientFrame(ping + "more");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->kind, FrameKind::kPing);
  EXPECT_EQ(frame->payload, "Hello");
  EXPECT_EQ(frame->bytes, ping.size());
  EXPECT_EQ(frame->close_code, 0);
  const auto longest = ReadClientFrame(Joined("\x8a\xfd", Masked(std::string(125, 'y'))));
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->bytes, kClientFrameBytesMax);
}

// Every pair of first bytes: what is not a whole masked ping, pong or close is refused at once.
TEST(WebSocketFrames, NothingElseIsTaken) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const std::string begin = {static_cast<char>(first), static_cast<char>(second)};
      const auto frame = ReadClientFrame(begin);
      const unsigned opcode = first & 0x0fU;
      const bool taken = (first & 0xf0U) == 0x80 && opcode >= 8 && opcode <= 10 &&
                         (second & 0x80U) != 0 && (second & 0x7fU) <= 125;
      ASSERT_EQ(frame.has_value(), !taken) << first << " " << second;
      ASSERT_TRUE(taken || frame->close_code >= 1002) << first << " " << second;
    }
  }
}

TEST(WebSocketFrames, ACloseIsAnsweredWithItsCode) {
  const auto answer = [](unsigned code) {
    const char bytes[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return AnswerToClose({bytes, 2});
  };
  EXPECT_EQ(AnswerToClose(""), 1000);
  EXPECT_EQ(AnswerToClose("x"), 1002);
  for (const unsigned code : {1000U, 1001U, 1003U, 1007U, 1011U, 1014U, 3000U, 4999U}) {
    EXPECT_EQ(answer(code), code);
  }
  for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 2999U, 5000U, 65'535U}) {
    EXPECT_EQ(answer(code), 1002) << code;
  }
}

TEST(WebSocketFrames, HeadersNameTokensInAnyCase) {
  EXPECT_TRUE(NamesToken("chat, tallyd.ranking.v1", "tallyd.ranking.v1"));
  EXPECT_TRUE(NamesToken("WebSocket", "websocket"));
  EXPECT_FALSE(NamesToken("tallyd.ranking.v10,chat", "tallyd.ranking.v1"));
  EXPECT_FALSE(NamesToken("", "websocket"));
}

TEST(WebSocketFrames, OriginsAreOursOrAllowed) {
  const std::vector<std::string> allowed = {"https://a.example"};
  EXPECT_TRUE(IsAllowedOrigin({}, "city.example", allowed));
  EXPECT_TRUE(IsAllowedOrigin("https://city.example", "city.example", allowed));
  EXPECT_TRUE(IsAllowedOrigin("http://localhost:8080", "localhost:8080", allowed));
  EXPECT_TRUE(IsAllowedOrigin("https://a.example", "city.example", allowed));
  for (const char* origin : {"", "null", "https://city.example.evil", "https://evil.example",
                             "file://city.example", "https://a.example:8443"}) {
    EXPECT_FALSE(IsAllowedOrigin(std::string_view(origin), "city.example", allowed)) << origin;
  }
}

}  // namespace
}  // namespace tallyd
