// Every bound at max - 1, max and max + 1; every deadline; the connection cap; the orderly end.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include <gtest/gtest.h>

#include "tests/net/http_fixture.h"

namespace tallyd {
namespace {

using std::chrono::milliseconds;

milliseconds Since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

// A GET whose header block has exactly this many bytes.
std::string GetOfSize(std::size_t bytes) {
  const std::string head = "GET /hello HTTP/1.1\r\nHost: t\r\nX: ";
  return head + std::string(bytes - head.size() - 4, 'x') + "\r\n\r\n";
}

// Whether a connection made while the server stops listening comes to an end. Linux may drop one
// that is made in the very moment in which the listening socket is closed without telling its
// client, which hears of it when it sends.
bool IsTurnedAway(RawClient& client) {
  client.set_timeout(milliseconds(2000));
  if (client.WaitForClose()) return true;
  client.Send("G");
  return client.WaitForClose();
}

TEST(HttpLimits, HeaderBytes) {
  TestServer test;
  for (const std::size_t bytes : {8191u, 8192u}) {
    EXPECT_EQ(test.Ask(GetOfSize(bytes)).status, 200) << bytes;
  }
  RawClient over = test.Connect();
  over.Send(GetOfSize(8193));
  EXPECT_EQ(over.Read().value_or(RawAnswer{}).status, 431);
  EXPECT_TRUE(over.WaitForClose());
  RawClient endless = test.Connect();
  endless.Send("GET /hello HTTP/1.1\r\nHost: t\r\nX: " + std::string(100'000, 'x'));
  EXPECT_EQ(endless.Read().value_or(RawAnswer{}).status, 431);
}

TEST(HttpLimits, HeaderFields) {
  TestServer test;
  const auto fields = [](int count) {
    std::string lines;
    for (int i = 1; i < count; ++i) lines += "X: y\r\n";  // and Host
    return GetRequest("/hello", lines);
  };
  EXPECT_EQ(test.Ask(fields(99)).status, 200);
  EXPECT_EQ(test.Ask(fields(100)).status, 200);
  EXPECT_EQ(test.Ask(fields(101)).status, 431);
}

TEST(HttpLimits, TargetBytes) {
  TestServer test;
  const auto target = [](std::size_t bytes) {
    return GetRequest("/hello?" + std::string(bytes - 7, 'q'));
  };
  EXPECT_EQ(test.Ask(target(2047)).status, 200);
  EXPECT_EQ(test.Ask(target(2048)).status, 200);
  EXPECT_EQ(test.Ask(target(2049)).status, 414);
  RawClient endless = test.Connect();
  endless.Send("GET /" + std::string(5000, 'x'));
  EXPECT_EQ(endless.Read().value_or(RawAnswer{}).status, 414);
}

TEST(HttpLimits, SmallBodyBytes) {
  TestServer test;
  for (const std::size_t bytes : {0u, 1u, 16383u, 16384u}) {
    const RawAnswer answer = test.Ask(PostRequest("/echo", std::string(bytes, 'b')));
    EXPECT_EQ(answer.status, 200) << bytes;
    EXPECT_EQ(answer.body.size(), bytes);
  }
  RawClient client = test.Connect();
  client.Send(PostRequest("/echo", std::string(16385, 'b')));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 413);
  EXPECT_TRUE(client.WaitForClose());
}

TEST(HttpLimits, StreamBytes) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send("POST /stream HTTP/1.1\r\nHost: t\r\nContent-Length: " +
              std::to_string((64 << 20) + 1) + "\r\n\r\nabc");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 413);
  EXPECT_TRUE(client.WaitForClose());
}

TEST(HttpLimits, ALargeHeaderAndBodyTogetherFitTheBuffer) {
  TestServer test;
  const std::string body(16384, 'b');
  const std::string request =
      PostRequest("/echo", body, "X: " + std::string(8000, 'x') + "\r\n") + GetRequest("/hello");
  RawClient client = test.Connect();
  for (int i = 0; i < 20; ++i) {
    client.Send(request);
    ASSERT_EQ(client.Read().value_or(RawAnswer{}).body, body);
    ASSERT_EQ(client.Read().value_or(RawAnswer{}).body, "hello");
  }
}

TEST(HttpLimits, IdleConnectionsAreClosed) {
  TestServer test([](ServerOptions& options) { options.limits.idle_ms_max = 150; });
  RawClient never = test.Connect();
  RawClient once = test.Connect();
  once.Send(GetRequest("/hello"));
  EXPECT_EQ(once.Read().value_or(RawAnswer{}).status, 200);
  EXPECT_TRUE(never.WaitForClose());
  EXPECT_TRUE(once.WaitForClose());
  EXPECT_TRUE(never.unread().empty() && once.unread().empty());
  EXPECT_EQ(test.Sum(&HttpMetrics::timeouts_idle), 2u);
}

TEST(HttpLimits, AnEmptyLineBehindABodyIsIdleness) {
  TestServer test([](ServerOptions& options) {
    options.limits.header_ms_max = 50;
    options.limits.idle_ms_max = 400;
  });
  RawClient client = test.Connect();
  client.Send(PostRequest("/echo", "abc") + "\r\n");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "abc");
  EXPECT_TRUE(client.IsSilent(milliseconds(200)));
  client.Send(PostRequest("/echo", "def") + "\r\n");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "def");
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_TRUE(client.unread().empty());
}

// Sends one byte every 10 ms until the server has had enough; returns how long that took.
milliseconds Drip(RawClient& client, char byte) {
  const auto start = std::chrono::steady_clock::now();
  while (Since(start) < milliseconds(5000) && client.IsSilent(milliseconds(10))) {
    client.Send(std::string(1, byte));
  }
  return Since(start);
}

TEST(HttpLimits, ADripOfHeaderBytesExtendsNothing) {
  TestServer test([](ServerOptions& options) { options.limits.header_ms_max = 500; });
  RawClient client = test.Connect();
  const auto start = std::chrono::steady_clock::now();
  client.Send("GET /hello HTTP/1.1\r\nX: ");
  EXPECT_LT(Drip(client, 'x'), milliseconds(2500));
  // The server's clock for deadlines is as old as its last sweep, which a busy machine puts off.
  EXPECT_GE(Since(start), milliseconds(250));
  const RawAnswer answer = client.Read().value_or(RawAnswer{});
  EXPECT_EQ(answer.status, 408);
  EXPECT_NE(answer.body.find("\"request_timeout\""), std::string::npos) << answer.body;
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_EQ(test.Sum(&HttpMetrics::timeouts_header), 1u);
}

TEST(HttpLimits, ADripOfBodyBytesExtendsNothing) {
  TestServer test([](ServerOptions& options) { options.limits.body_ms_max = 200; });
  RawClient client = test.Connect();
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10000\r\n\r\n");
  EXPECT_LT(Drip(client, 'x'), milliseconds(1500));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 408);
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_EQ(test.Sum(&HttpMetrics::timeouts_body), 1u);
  EXPECT_EQ(test.handled_count(), 0);

  // A body nobody wants has the same deadline, and its answer already.
  RawClient refused = test.Connect();
  refused.Send("POST /no HTTP/1.1\r\nHost: t\r\nContent-Length: 10000\r\n\r\nx");
  EXPECT_EQ(refused.ReadAll().size(), 1u);
  EXPECT_TRUE(refused.WaitForClose());
}

TEST(HttpLimits, A408WaitsForTheAnswersBeforeIt) {
  TestServer test([](ServerOptions& options) { options.limits.header_ms_max = 100; });
  RawClient client = test.Connect();
  client.Send(PostRequest("/defer", "") + "GET /hel");
  ASSERT_TRUE(test.WaitForDeferred(1));
  ASSERT_TRUE(Eventually([&] { return test.Sum(&HttpMetrics::timeouts_header) == 1; }));
  test.AnswerDeferred(0);
  const std::vector<RawAnswer> answers = client.ReadAll();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].status, 200);
  EXPECT_EQ(answers[1].status, 408);
}

TEST(HttpLimits, AStreamMustMove) {
  TestServer test([](ServerOptions& options) {
    options.limits.stream_window_ms = 150;
    options.limits.stream_window_bytes_min = 1000;
  });
  RawClient client = test.Connect();
  client.Send("POST /stream HTTP/1.1\r\nHost: t\r\nContent-Length: 10000\r\n\r\n");
  EXPECT_LT(Drip(client, 'x'), milliseconds(1500));
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_TRUE(Eventually([&] { return test.stream().aborted.load() == 1; }));
}

TEST(HttpLimits, AStreamThatWaitsForItsConsumerIsNotBlamedOnTheClient) {
  TestServer test([](ServerOptions& options) {
    options.limits.stream_window_ms = 100;
    options.limits.stream_window_bytes_min = 1000;
  });
  test.stream().hold = true;
  RawClient client = test.Connect();
  client.Send("POST /stream HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n01234");
  ASSERT_TRUE(Eventually([&] { return test.stream().bytes.load() == 5; }));
  EXPECT_TRUE(client.IsSilent(milliseconds(400)));
  test.stream().hold = false;
  test.ResumeStream();
  client.Send("56789");
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "10");
}

TEST(HttpLimits, AStreamHasATotalDeadline) {
  TestServer test([](ServerOptions& options) { options.limits.stream_ms_max = 150; });
  RawClient client = test.Connect();
  client.Send("POST /stream HTTP/1.1\r\nHost: t\r\nContent-Length: 10000\r\n\r\n");
  EXPECT_LT(Drip(client, 'x'), milliseconds(1500));
  EXPECT_TRUE(client.WaitForClose());
}

TEST(HttpLimits, AClientThatDoesNotReadIsCutOff) {
  TestServer test([](ServerOptions& options) { options.limits.write_ms_max = 150; });
  RawClient client(test.port(), 4096);
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += GetRequest("/big");
  client.Send(requests);
  EXPECT_TRUE(Eventually([&] { return test.Sum(&HttpMetrics::timeouts_write) == 1; }));
  EXPECT_TRUE(Eventually([&] { return test.server().connections_open() == 0; }));
}

TEST(HttpLimits, UnreadAnswersStopTheReading) {
  TestServer test([](ServerOptions& options) { options.limits.write_buffer_bytes_max = 1 << 20; });
  RawClient client(test.port(), 4096);
  client.set_timeout(milliseconds(100));
  // Answers are as long as requests; without a bound the server would take all of them.
  const std::string request = PostRequest("/echo", std::string(16384, 'e'));
  int sent = 0;
  while (sent < 4000 && client.Send(request)) ++sent;
  EXPECT_LT(sent, 4000);
  EXPECT_LT(test.handled_count(), 2000);
}

TEST(HttpLimits, ConnectionsOverTheCapAreToldSo) {
  TestServer test([](ServerOptions& options) { options.public_listener.connections_max = 2; });
  RawClient first = test.Connect();
  {
    RawClient second = test.Connect();
    for (RawClient* client : {&first, &second}) {
      client->Send(GetRequest("/hello"));
      ASSERT_EQ(client->Read().value_or(RawAnswer{}).status, 200);
    }
    RawClient third = test.Connect();
    third.Send(GetRequest("/hello"));
    const auto refused = third.Read();
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(refused->status, 503);
    EXPECT_EQ(refused->Header("Connection"), "close");
    EXPECT_TRUE(refused->Header("Retry-After").has_value());
    EXPECT_TRUE(third.WaitForClose());
    EXPECT_EQ(test.Sum(&HttpMetrics::rejected_connections), 1u);
    EXPECT_EQ(test.handled_count(), 2);
    // The other listener has a cap of its own.
    RawClient other = test.ConnectPrivate();
    other.Send(GetRequest("/private"));
    EXPECT_EQ(other.Read().value_or(RawAnswer{}).status, 200);
  }
  ASSERT_TRUE(Eventually([&] { return test.server().connections_open() == 1; }));
  EXPECT_EQ(test.Ask(GetRequest("/hello")).status, 200);
}

TEST(HttpLimits, RunningOutOfDescriptorsIsAPauseNotTheEnd) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 200;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  {
    TestServer test;
    std::vector<int> hoard;
    for (int descriptor = ::dup(0); descriptor >= 0; descriptor = ::dup(0)) {
      hoard.push_back(descriptor);
    }
    ASSERT_FALSE(hoard.empty());
    ::close(hoard.back());  // for the client; the server has none left
    hoard.pop_back();
    RawClient client = test.Connect();
    client.Send(GetRequest("/hello"));
    EXPECT_TRUE(Eventually([&] { return test.Sum(&HttpMetrics::accept_out_of_descriptors) >= 1; }));
    for (const int descriptor : hoard) ::close(descriptor);
    EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 200);
    EXPECT_LT(test.Sum(&HttpMetrics::accept_out_of_descriptors), 100u);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(HttpDrain, IdleConnectionsGoAndAnswersInFlightSayClose) {
  TestServer test([](ServerOptions& options) { options.limits.linger_ms_max = 100; });
  RawClient idle = test.Connect();
  RawClient busy = test.Connect();
  idle.Send(GetRequest("/hello"));
  ASSERT_EQ(idle.Read().value_or(RawAnswer{}).status, 200);
  busy.Send(PostRequest("/defer", ""));
  ASSERT_TRUE(test.WaitForDeferred(1));

  test.server().BeginDrain();
  EXPECT_TRUE(idle.WaitForClose());
  RawClient late = test.Connect();
  EXPECT_TRUE(IsTurnedAway(late));
  EXPECT_TRUE(late.unread().empty());
  test.AnswerDeferred(0);
  const auto answer = busy.Read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->Header("Connection"), "close");
  EXPECT_TRUE(busy.WaitForClose());
  EXPECT_TRUE(test.server().Stop(milliseconds(5000)));
}

TEST(HttpDrain, ARequestThatHadBegunIsServed) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_TRUE(Eventually([&] { return test.Sum(&HttpMetrics::bytes_received) > 0; }));
  test.server().BeginDrain();
  RawClient late = test.Connect();
  EXPECT_TRUE(IsTurnedAway(late));
  client.Send("cd");
  const auto answer = client.Read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, "abcd");
  EXPECT_EQ(answer->Header("Connection"), "close");
}

// The io thread is busy while the request comes in and while the drain is asked for.
TEST(HttpDrain, ARequestThatLiesUnreadIsServed) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(GetRequest("/hello"));
  ASSERT_EQ(client.Read().value_or(RawAnswer{}).status, 200);
  absl::Notification held;
  absl::Notification go_on;
  test.server().io_threads().front()->Post([&] {
    held.Notify();
    go_on.WaitForNotification();
  });
  held.WaitForNotification();
  client.Send(PostRequest("/echo", "abcd"));
  test.server().BeginDrain();
  go_on.Notify();
  const auto answer = client.Read();
  ASSERT_TRUE(answer.has_value()) << "the connection was taken for an idle one";
  EXPECT_EQ(answer->body, "abcd");
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_TRUE(test.server().Stop(milliseconds(5000)));
}

TEST(HttpDrain, AStreamedBodyThatHadBegunIsRead) {
  const std::string request = PostRequest("/stream", "abcd");
  for (const std::size_t before : {request.size() - 2, request.size() - 20}) {
    SCOPED_TRACE(request.substr(0, before));
    TestServer test;
    RawClient client = test.Connect();
    client.Send(request.substr(0, before));
    ASSERT_TRUE(Eventually([&] { return test.Sum(&HttpMetrics::bytes_received) > 0; }));
    test.server().BeginDrain();
    RawClient late = test.Connect();
    EXPECT_TRUE(IsTurnedAway(late));
    client.Send(request.substr(before));
    EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "4");
    EXPECT_TRUE(client.WaitForClose());
  }
}

TEST(HttpDrain, StopDoesNotWaitLongerThanItsDeadline) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(PostRequest("/defer", ""));
  ASSERT_TRUE(test.WaitForDeferred(1));
  const auto start = std::chrono::steady_clock::now();
  test.DropDeferred();
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_FALSE(test.server().Stop(milliseconds(100)) && Since(start) > milliseconds(3000));
  EXPECT_LT(Since(start), milliseconds(3000));
}

TEST(HttpServer, RefusesAnAddressItCannotBind) {
  TestServer test;
  Router router;
  ServerOptions taken;
  taken.public_listener.port = test.port();
  EXPECT_FALSE(HttpServer(taken, router).Start().ok());
  ServerOptions nonsense;
  nonsense.public_listener.address = "not-an-address";
  EXPECT_FALSE(HttpServer(nonsense, router).Start().ok());
}

}  // namespace
}  // namespace tallyd
