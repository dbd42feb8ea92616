// Sessions over real sockets: order, keep-alive, deferred answers, streams.

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/http_fixture.h"

namespace tallyd {
namespace {

TEST(HttpSession, AnswersAGetWithTheHeadersEveryAnswerCarries) {
  TestServer test;
  const RawAnswer answer = test.Ask(GetRequest("/hello"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.Header("Content-Type"), "text/plain");
  EXPECT_EQ(answer.Header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.Header("X-Content-Type-Options"), "nosniff");
  EXPECT_FALSE(answer.Header("Request-Id").value_or("").empty());
  EXPECT_EQ(answer.Header("Date").value_or("").size(), 29u);
  EXPECT_FALSE(answer.Header("Server").has_value());
  EXPECT_FALSE(answer.Header("Connection").has_value());
}

TEST(HttpSession, ServesManyRequestsOnOneConnection) {
  TestServer test;
  RawClient client = test.Connect();
  for (int i = 0; i < 100; ++i) {
    const std::string body = "body " + std::to_string(i);
    ASSERT_TRUE(client.Send(PostRequest("/echo", body)));
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->body, body);
  }
}

TEST(HttpSession, AnswersAThousandPipelinedRequestsInOrder) {
  TestServer test;
  RawClient client = test.Connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += PostRequest("/echo", std::to_string(i));
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 1000; ++i) {
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(answer->body, std::to_string(i));
  }
  EXPECT_EQ(test.handled_count(), 1000);
}

TEST(HttpSession, RawAnswersCarryTheSameFrame) {
  TestServer test;
  const RawAnswer answer = test.Ask(PostRequest("/raw", "x"));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "{}");
  EXPECT_EQ(answer.Header("Content-Type"), "application/json");
  EXPECT_EQ(answer.Header("Cache-Control"), "no-store");
  EXPECT_TRUE(answer.Header("Request-Id").has_value());
}

TEST(HttpSession, DeferredAnswersLeaveInTheOrderOfTheRequests) {
  TestServer test;
  RawClient client = test.Connect();
  std::string requests;
  for (int i = 0; i < 5; ++i) requests += PostRequest("/defer", std::to_string(i));
  ASSERT_TRUE(client.Send(requests));
  ASSERT_TRUE(test.WaitForDeferred(5));
  for (const std::size_t index : {3u, 1u, 4u, 2u}) test.AnswerDeferred(index);
  EXPECT_TRUE(client.IsSilent(std::chrono::milliseconds(50)));
  test.AnswerDeferred(0);
  for (int i = 0; i < 5; ++i) {
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->body, std::to_string(i));
  }
}

TEST(HttpSession, ReadsNoMoreThanThePipelineHoldsUntilAnswersLeave) {
  TestServer test([](ServerOptions& options) { options.limits.pipelined_requests_max = 8; });
  RawClient client = test.Connect();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += PostRequest("/defer", "");
  ASSERT_TRUE(client.Send(requests));
  ASSERT_TRUE(test.WaitForDeferred(8));
  EXPECT_TRUE(client.IsSilent(std::chrono::milliseconds(50)));
  EXPECT_EQ(test.handled_count(), 8);
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(test.WaitForDeferred(i + 1));
    test.AnswerDeferred(i);
    ASSERT_EQ(client.Read().value_or(RawAnswer{}).body, std::to_string(i));
  }
}

TEST(HttpSession, ALostResponderAnswers500) {
  TestServer test;
  EXPECT_EQ(test.Ask(GetRequest("/drop")).status, 500);
  EXPECT_EQ(test.Sum(&HttpMetrics::responder_dropped), 1u);
}

TEST(HttpSession, AnAnswerAfterTheClientLeftIsOnlyCounted) {
  TestServer test;
  {
    RawClient client = test.Connect();
    client.Send(PostRequest("/defer", ""));
    ASSERT_TRUE(test.WaitForDeferred(1));
    client.Reset();
  }
  ASSERT_TRUE(Eventually([&] { return test.server().connections_open() == 0; }));
  test.AnswerDeferred(0);
  EXPECT_TRUE(Eventually([&] { return test.Sum(&HttpMetrics::answers_after_close) == 1; }));
}

TEST(HttpSession, AHalfClosedClientStillGetsItsAnswers) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(PostRequest("/defer", "") + PostRequest("/defer", ""));
  client.ShutdownSend();
  ASSERT_TRUE(test.WaitForDeferred(2));
  test.AnswerDeferred(1);
  test.AnswerDeferred(0);
  EXPECT_EQ(client.ReadAll().size(), 2u);
  EXPECT_TRUE(client.WaitForClose());
}

TEST(HttpSession, HonoursConnectionHeaders) {
  TestServer test;
  RawClient closing = test.Connect();
  closing.Send(GetRequest("/hello", "Connection: close\r\n") + GetRequest("/hello"));
  const auto last = closing.Read();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->Header("Connection"), "close");
  EXPECT_TRUE(closing.WaitForClose());
  EXPECT_TRUE(closing.unread().empty());

  RawClient old = test.Connect();
  old.Send("GET /hello HTTP/1.0\r\nHost: t\r\n\r\n");
  EXPECT_EQ(old.Read().value_or(RawAnswer{}).Header("Connection"), "close");
  EXPECT_TRUE(old.WaitForClose());

  RawClient kept = test.Connect();
  for (int i = 0; i < 2; ++i) {
    kept.Send("GET /hello HTTP/1.0\r\nHost: t\r\nConnection: keep-alive\r\n\r\n");
    const auto answer = kept.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->Header("Connection"), "keep-alive");
  }
}

TEST(HttpSession, AHandlerMayEndTheConnection) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(GetRequest("/close"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).Header("Connection"), "close");
  EXPECT_TRUE(client.WaitForClose());

  RawClient deferred = test.Connect();
  deferred.Send(PostRequest("/defer", "") + PostRequest("/defer", ""));
  ASSERT_TRUE(test.WaitForDeferred(2));
  test.AnswerDeferred(1);
  test.AnswerDeferred(0, /*close=*/true);
  EXPECT_EQ(deferred.ReadAll().size(), 1u);
}

TEST(HttpSession, HeadIsGetWithoutABody) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n" + GetRequest("/hello"));
  const auto head = client.Read(/*head=*/true);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->Header("Content-Length"), "5");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "hello");
  const RawAnswer big = test.Ask("HEAD /big HTTP/1.1\r\nHost: t\r\n\r\n", true);
  EXPECT_EQ(big.Header("Content-Length"), std::to_string(4 << 20));
}

TEST(HttpSession, A204HasNeitherLengthNorBody) {
  TestServer test;
  const RawAnswer answer = test.Ask("DELETE /items/a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(answer.status, 204);
  EXPECT_FALSE(answer.Header("Content-Length").has_value());
}

TEST(HttpSession, EchoesASaneRequestIdAndReplacesOthers) {
  TestServer test;
  const RawAnswer echoed = test.Ask(GetRequest("/id", "Request-Id: abc.DEF_1-2\r\n"));
  EXPECT_EQ(echoed.Header("Request-Id"), "abc.DEF_1-2");
  EXPECT_EQ(echoed.body, "abc.DEF_1-2");
  const std::vector<std::string> insane = {"a b", "a\"b", "", std::string(65, 'x')};
  for (const std::string& bad : insane) {
    const RawAnswer fresh = test.Ask(GetRequest("/id", "Request-Id: " + bad + "\r\n"));
    EXPECT_EQ(fresh.status, 200);
    EXPECT_NE(fresh.Header("Request-Id"), bad);
    EXPECT_EQ(fresh.Header("Request-Id"), fresh.body);
  }
  const std::string longest(64, 'x');
  EXPECT_EQ(test.Ask(GetRequest("/id", "Request-Id: " + longest + "\r\n")).body, longest);
}

TEST(HttpSession, DropsHeaderValuesThatWouldSplitTheAnswer) {
  TestServer test;
  const RawAnswer answer = test.Ask(GetRequest("/bad-header"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.Header("Location").has_value());
  EXPECT_FALSE(answer.Header("Set-Cookie").has_value());
  EXPECT_EQ(answer.Header("Cache-Control"), "max-age=1");
  EXPECT_EQ(test.Sum(&HttpMetrics::headers_dropped), 1u);
}

TEST(HttpSession, SharedBodiesAreSentWhole) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(GetRequest("/big") + GetRequest("/hello") + GetRequest("/big"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, std::string(4 << 20, 'b'));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "hello");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, std::string(4 << 20, 'b'));
}

TEST(HttpSession, AsksForABodyThatWaitsForLeave) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 100);
  client.Send("12345");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "12345");

  // The body is there already: no interim answer. HTTP/1.0 knows none.
  client.Send(PostRequest("/echo", "abc", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 200);
  RawClient old = test.Connect();
  old.Send("POST /echo HTTP/1.0\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(old.IsSilent(std::chrono::milliseconds(50)));
  old.Send("ok");
  EXPECT_EQ(old.Read().value_or(RawAnswer{}).body, "ok");
}

TEST(HttpSession, TheInterimAnswerWaitsForEarlierAnswers) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(
      PostRequest("/defer", "") +
      "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(test.WaitForDeferred(1));
  EXPECT_TRUE(client.IsSilent(std::chrono::milliseconds(50)));
  test.AnswerDeferred(0);
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 200);
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 100);
  client.Send("ok");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "ok");
}

TEST(HttpSession, ARefusalInPlaceOfLeaveClosesTheConnection) {
  TestServer test;
  for (const std::string target : {"/nowhere", "/hello"}) {
    RawClient client = test.Connect();
    client.Send("POST " + target +
                " HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_GE(answer->status, 404);
    EXPECT_EQ(answer->Header("Connection"), "close");
    EXPECT_TRUE(client.WaitForClose());
  }
}

TEST(HttpSession, ARefusedRouteSkipsASmallBodyAndGoesOn) {
  TestServer test;
  RawClient client = test.Connect();
  const std::string smuggled = GetRequest("/hello");
  client.Send(PostRequest("/nowhere", smuggled));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 404);
  client.Send(PostRequest("/hello", smuggled) + PostRequest("/echo", "still here"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 405);
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "still here");
  EXPECT_EQ(test.handled_count(), 1);
}

struct Pipeline {
  std::string bytes;
  std::vector<std::pair<int, std::string>>
      expected;  // status and body; a problem's body is not looked at
  std::size_t deferred = 0;
};

Pipeline RandomPipeline(std::mt19937& random) {
  Pipeline made;
  std::size_t streamed = 0;
  const auto add = [&](std::string bytes, int status, std::string body) {
    made.bytes += bytes;
    made.expected.emplace_back(status, std::move(body));
  };
  for (int i = 0; i < 300; ++i) {
    const std::string body(random() % (random() % 2 == 0 ? 50 : 16385),
                           static_cast<char>('a' + i % 26));
    switch (random() % 6) {
      case 0:
        add(GetRequest("/hello"), 200, "hello");
        break;
      case 1:
        add(PostRequest("/echo", body), 200, body);
        break;
      case 2:
        add(PostRequest("/nowhere", body), 404, "");
        break;
      case 3:
        streamed += body.size();
        add(PostRequest("/stream", body), 200, std::to_string(streamed));
        break;
      case 4:
        add(PostRequest("/raw", ""), 201, "{}");
        break;
      default:
        add(PostRequest("/defer", body), 200, std::to_string(made.deferred++));
        break;
    }
  }
  return made;
}

// Answers them in random order among those that have arrived; the rest may be waiting behind them.
void AnswerAllDeferred(TestServer& test, std::size_t count, std::mt19937& random) {
  for (std::size_t done = 0; done < count;) {
    ASSERT_TRUE(test.WaitForDeferred(done + 1));
    std::vector<std::size_t> arrived(test.deferred_count() - done);
    std::iota(arrived.begin(), arrived.end(), done);
    std::shuffle(arrived.begin(), arrived.end(), random);
    for (const std::size_t index : arrived) test.AnswerDeferred(index);
    done += arrived.size();
  }
}

// The header of a request may be that of the one before it, byte for byte: it is another request.
TEST(HttpSession, EqualHeadersAreDifferentRequests) {
  TestServer test;
  RawClient client = test.Connect();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n";
  client.Send(head + "abc" + head + "def" + "\r\n" + head + "gh");
  std::set<std::string> ids;
  for (const std::string_view body : {"abc", "def"}) {
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->body, body);
    ids.insert(answer->Header("Request-Id").value_or(""));
  }
  client.Send("i" + head + head);  // the second header is the first one's body and more
  const auto split = client.Read();
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(split->body, "ghi");
  ids.insert(split->Header("Request-Id").value_or(""));
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids.count(""), 0u);
  const auto taken = client.Read();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->body, "POS");
  EXPECT_GE(client.Read().value_or(RawAnswer{}).status, 400);  // "T /echo ..."
  EXPECT_TRUE(client.WaitForClose());
}

// One connection, a random pipeline of every kind of request, cut at random places: every answer is
// the right one, in its place.
TEST(HttpSession, KeepsStepUnderRandomPipelines) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    TestServer test([&](ServerOptions& options) {
      options.limits.pipelined_requests_max = 16 + static_cast<int>(random() % 64);
    });
    const Pipeline pipeline = RandomPipeline(random);
    RawClient client = test.Connect();
    const std::jthread sender([&, sender_random = std::mt19937(random())]() mutable {
      for (std::size_t at = 0; at < pipeline.bytes.size();) {
        const std::size_t size = 1 + sender_random() % (1 + sender_random() % 40000);
        if (!client.Send(std::string_view(pipeline.bytes).substr(at, size))) return;
        at += size;
      }
    });
    AnswerAllDeferred(test, pipeline.deferred, random);
    for (const auto& [status, body] : pipeline.expected) {
      const auto answer = client.Read();
      ASSERT_TRUE(answer.has_value());
      ASSERT_EQ(answer->status, status);
      if (status < 400) {
        ASSERT_EQ(answer->body, body);
      }
    }
  }
}

TEST(HttpSession, WorksOverSeveralIoThreads) {
  TestServer test([](ServerOptions& options) { options.io_threads = 3; });
  for (int round = 0; round < 4; ++round) {
    std::vector<RawClient> clients;
    for (int i = 0; i < 12; ++i) {
      clients.push_back(test.Connect());
      clients.back().Send(PostRequest("/echo", std::to_string(i)));
    }
    for (int i = 0; i < 12; ++i) {
      const auto answer = clients[static_cast<std::size_t>(i)].Read();
      ASSERT_EQ(answer.value_or(RawAnswer{}).body, std::to_string(i));
    }
  }
  EXPECT_EQ(test.Sum(&HttpMetrics::connections_opened), 48u);
}

}  // namespace
}  // namespace tallyd
