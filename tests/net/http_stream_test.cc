// Bodies that are read as streams: in pieces, with back-pressure, to their end or until somebody
// leaves.

#include <chrono>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/net/http_fixture.h"
#include "tests/net/raw_client.h"

namespace tallyd {
namespace {

TEST(HttpStream, StreamsABodyInPieces) {
  TestServer test;
  RawClient client = test.Connect();
  const std::string body(3'000'000, 's');
  ASSERT_TRUE(client.Send(PostRequest("/stream", body) + GetRequest("/hello")));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "3000000");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "hello");
  EXPECT_EQ(test.stream().ended.load(), 1);
  EXPECT_EQ(test.stream().aborted.load(), 0);

  client.Send(PostRequest("/stream", ""));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 200);
  EXPECT_EQ(test.stream().ended.load(), 2);
}

TEST(HttpStream, AStreamStopsReadingUntilItsConsumerAsksForMore) {
  TestServer test;
  test.stream().hold = true;
  RawClient client = test.Connect();
  client.Send("POST /stream HTTP/1.1\r\nHost: t\r\nContent-Length: 30\r\n\r\n0123456789");
  ASSERT_TRUE(Eventually([&] { return test.stream().bytes.load() == 10; }));
  client.Send("0123456789");
  EXPECT_TRUE(client.IsSilent(std::chrono::milliseconds(50)));
  EXPECT_EQ(test.stream().bytes.load(), 10u);
  test.ResumeStream();
  ASSERT_TRUE(Eventually([&] { return test.stream().bytes.load() == 20; }));
  test.ResumeStream();
  test.stream().hold = false;
  client.Send("0123456789");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "30");
}

TEST(HttpStream, AStreamIsAbortedWhenTheClientLeaves) {
  TestServer test;
  for (const bool hold : {false, true}) {
    test.stream().hold = hold;
    const std::uint64_t before = test.stream().bytes.load();
    const int aborted = test.stream().aborted.load();
    {
      RawClient client = test.Connect();
      client.Send("POST /stream HTTP/1.1\r\nHost: t\r\nContent-Length: 30\r\n\r\n0123456789");
      ASSERT_TRUE(Eventually([&] { return test.stream().bytes.load() == before + 10; }));
    }
    if (hold) test.ResumeStream();
    EXPECT_TRUE(Eventually([&] { return test.stream().aborted.load() == aborted + 1; }));
  }
  EXPECT_TRUE(Eventually([&] { return test.server().connections_open() == 0; }));
}

TEST(HttpStream, AnEarlyAnswerToAStreamClosesTheConnection) {
  TestServer test;
  test.stream().refuse_after = 100'000;
  RawClient client = test.Connect();
  client.Send(PostRequest("/stream", std::string(200'000, 'x')));
  const auto answer = client.Read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 422);
  EXPECT_EQ(answer->Header("Connection"), "close");
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_EQ(test.stream().ended.load() + test.stream().aborted.load(), 0);

  RawClient refused = test.Connect();
  refused.Send(PostRequest("/stream?refuse", "abc"));
  EXPECT_EQ(refused.Read().value_or(RawAnswer{}).status, 403);
  EXPECT_TRUE(refused.WaitForClose());
}

TEST(HttpStream, AStreamToldToContinueBegins) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(
      "POST /stream HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 100);
  client.Send("abcd");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "4");
}

// As nginx asks by default: it speaks HTTP/1.0 to the server behind it.
TEST(HttpStream, AStreamedBodyIsReadAlsoIfTheConnectionEndsWithIt) {
  TestServer test;
  const std::string body(1'000'000, 's');
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  const std::string old = "POST /stream HTTP/1.0\r\nHost: t\r\n" + length + "\r\n";
  std::size_t streamed = 0;
  for (const std::string& head :
       {PostRequest("/stream", body, "Connection: close\r\n"), old + body}) {
    SCOPED_TRACE(head.substr(0, 22));
    for (const std::size_t first : {head.size(), head.size() - body.size(), head.size() - 1}) {
      RawClient client = test.Connect();
      client.Send(head.substr(0, first));
      if (first < head.size()) {
        EXPECT_TRUE(client.IsSilent(std::chrono::milliseconds(20)));
        client.Send(head.substr(first));
      }
      const auto answer = client.Read();
      ASSERT_TRUE(answer.has_value()) << first;
      EXPECT_EQ(answer->body, std::to_string(streamed += body.size()));
      EXPECT_EQ(answer->Header("Connection"), "close");
      EXPECT_TRUE(client.WaitForClose());
    }
  }
  RawClient client = test.Connect();
  const int handled = test.handled_count();
  client.Send(PostRequest("/stream", "abc", "Connection: close\r\n") + GetRequest("/hello"));
  EXPECT_EQ(client.ReadAll().size(), 1u);
  EXPECT_EQ(test.handled_count(), handled + 1) << "what follows a last request is not looked at";
}

}  // namespace
}  // namespace tallyd
