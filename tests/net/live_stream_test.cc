// ranking/stream and ranking/ws: what readers are told, how many there may be, and how it ends.

#include <map>

#include "net/web_socket.h"
#include "tests/net/live_client.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using Kind = LiveClient::Kind;

constexpr char kOpenLive[] = R"(,"state":"open","revote":"replace")";

class LiveStreamTest : public ServiceTest, public testing::WithParamInterface<Kind> {
 protected:
  LiveClient Follow(const std::string& poll, const std::string& lines = "", int buffer_bytes = 0) {
    return {server_->public_port(), GetParam(), poll, lines, buffer_bytes};
  }
  int Accepted() const { return GetParam() == Kind::kEvents ? 200 : 101; }
  json::value Live(const std::string& poll) {
    return Ask(Call("GET", "/v1/polls/" + poll + "/ranking?form=live")).Json();
  }
  static std::string VersionOf(const json::value& live) {
    return std::string(live.at("version").as_string());
  }
  void Move(const std::string& poll, const std::string& to) {
    const HttpAnswer answer =
        AskAdmin(JsonCall("POST", "/v1/polls/" + poll + "/transitions", R"({"to":")" + to + "\"}"));
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  // Looks at the metrics until the line is there; 20 s.
  bool AwaitMetric(const std::string& line) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (AskAdmin(Call("GET", "/metrics")).body.find(line + "\n") != std::string::npos)
        return true;
    }
    return false;
  }
  std::string ReadersMetric() const {
    return std::string("tallyd_live_readers{kind=\"") +
           (GetParam() == Kind::kEvents ? "sse" : "websocket") + "\"} ";
  }
};

TEST_P(LiveStreamTest, ASnapshotAndThenPatchesThatLeadToTheLiveForm) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  LiveClient reader = Follow("p");
  ASSERT_EQ(reader.status(), Accepted());
  ASSERT_TRUE(reader.Take());
  EXPECT_EQ(reader.last_name, "snapshot");
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(
        Vote("p", "v" + std::to_string(i % 7), i % 2 == 0 ? R"(["a"])" : R"(["b","c"])").status /
            100,
        2);
    const json::value live = Live("p");
    ASSERT_TRUE(reader.FollowTo(VersionOf(live)));
    EXPECT_EQ(reader.last_name, "delta");
    EXPECT_EQ(reader.live, live);
  }
}

TEST_P(LiveStreamTest, ResumesWhereTheClientWas) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  const json::value before = Live("p");
  ASSERT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  const json::value now = Live("p");
  LiveClient known = Follow("p", "Last-Event-ID: " + VersionOf(before) + "\r\n");
  known.live = before;
  ASSERT_TRUE(known.Take());
  EXPECT_EQ(known.last_name, "delta");
  EXPECT_EQ(known.live, now);
  for (const char* id : {"e1-1", "e9-999999", "nonsense", "e999999999999-1"}) {
    LiveClient unknown = Follow("p", std::string("Last-Event-ID: ") + id + "\r\n");
    ASSERT_TRUE(unknown.Take()) << id;
    EXPECT_EQ(unknown.last_name, "snapshot") << id;
    EXPECT_EQ(unknown.live, now);
  }
  // Who has the newest hears nothing until there is something.
  LiveClient current = Follow("p", "Last-Event-ID: " + VersionOf(now) + "\r\n");
  current.live = now;
  ASSERT_EQ(Vote("p", "w", R"(["b"])").status, 201);
  ASSERT_TRUE(current.Take());
  EXPECT_EQ(current.last_name, "delta");
  EXPECT_EQ(current.live, Live("p"));
}

TEST_P(LiveStreamTest, TheFinalResultEndsTheStream) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  LiveClient reader = Follow("p");
  ASSERT_TRUE(reader.Take());
  ASSERT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  Move("p", "closed");
  Move("p", "final");
  while (reader.last_name != "final") ASSERT_TRUE(reader.Take());
  EXPECT_EQ(reader.live, Live("p"));
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.raw().WaitForClose());
  EXPECT_EQ(reader.close_code, GetParam() == Kind::kEvents ? 0 : 1000);

  LiveClient late = Follow("p");
  ASSERT_TRUE(late.Take());
  EXPECT_EQ(late.last_name, "snapshot");
  ASSERT_TRUE(late.Take());
  EXPECT_EQ(late.last_name, "final");
  EXPECT_EQ(late.live, Live("p"));
  EXPECT_TRUE(late.raw().WaitForClose() || late.close_code == 0);

  LiveClient done = Follow("p", "Last-Event-ID: " + VersionOf(Live("p")) + "\r\n");
  if (GetParam() == Kind::kEvents) {
    EXPECT_EQ(done.status(), 204);
  } else {
    ASSERT_TRUE(done.Take());
    EXPECT_EQ(done.last_name, "final");
  }
  EXPECT_TRUE(AwaitMetric(ReadersMetric() + "0"));
}

TEST_P(LiveStreamTest, TooManyReadersAreToldSo) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.live.network_readers_max = 2; });
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  // Behind the proxy of this machine, which is believed: each counts for its own address.
  const std::string from_here = "X-Forwarded-For: 203.0.113.9\r\n";
  LiveClient first = Follow("p", from_here);
  ASSERT_EQ(first.status(), Accepted());
  {
    LiveClient second = Follow("p", from_here);
    ASSERT_EQ(second.status(), Accepted());
    LiveClient third = Follow("p", from_here);
    EXPECT_EQ(third.status(), 429);
    EXPECT_TRUE(third.head().Header("Retry-After").has_value());
    EXPECT_NE(third.head().body.find("too_many_requests"), std::string::npos);
    EXPECT_EQ(Follow("p", "X-Forwarded-For: 203.0.113.10\r\n").status(), Accepted());
    EXPECT_TRUE(AwaitMetric(R"(tallyd_live_rejected_total{reason="network"} 1)"));
  }
  // Who leaves makes room.
  EXPECT_TRUE(AwaitMetric(ReadersMetric() + "1"));
  EXPECT_EQ(Follow("p", from_here).status(), Accepted());
  // Whom nobody names is in no address's count.
  std::vector<LiveClient> unknown;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(unknown.emplace_back(Follow("p")).status(), Accepted());
}

// A proxy that is not believed is one client, whatever it says.
TEST_P(LiveStreamTest, OnlyBelievedProxiesNameReaders) {
  Serve([](ServiceOptions& options, EngineOptions&) {
    options.http.proxies.believed.clear();
    options.live.network_readers_max = 1;
  });
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  LiveClient first = Follow("p", "X-Forwarded-For: 203.0.113.9\r\n");
  ASSERT_EQ(first.status(), Accepted());
  EXPECT_EQ(Follow("p", "X-Forwarded-For: 203.0.113.10\r\n").status(), 429);
}

TEST_P(LiveStreamTest, AFullServerSaysSo) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.live.readers_max = 1; });
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  LiveClient first = Follow("p");
  LiveClient second = Follow("p");
  EXPECT_EQ(second.status(), 503);
  EXPECT_TRUE(second.head().Header("Retry-After").has_value());
  EXPECT_TRUE(AwaitMetric(R"(tallyd_live_rejected_total{reason="full"} 1)"));
  EXPECT_EQ(Follow("nothing").status(), 404);
}

// A reader that takes nothing holds up nobody, misses versions, and is closed in the end.
TEST_P(LiveStreamTest, ASlowReaderIsSkippedAndThenClosed) {
  Serve([](ServiceOptions& options, EngineOptions&) {
    options.live.write_ms_max = 1'000;
    options.live.send_buffer_bytes = 4'096;
  });
  std::string options;
  for (int i = 0; i < 1'000; ++i) {
    options += (i == 0 ? "" : ",") + std::string(R"({"id":"option-with-a-long-name-)") +
               std::to_string(i) + "\"}";
  }
  const HttpAnswer created = AskAdmin(JsonCall(
      "PUT", "/v1/polls/p",
      R"({"title":{"de":"x"},"project":"stadt","ballot":{"type":"choose","min":1,"max":1},)"
      R"("options":[)" +
          options + "]" + kOpenLive + "}",
      {{"If-None-Match", "*"}}));
  ASSERT_EQ(created.status, 201) << created.body;
  LiveClient quick = Follow("p");
  ASSERT_TRUE(quick.Take());
  std::vector<LiveClient> slow;
  for (int i = 0; i < 3; ++i) slow.push_back(Follow("p", "", 4'096));
  bool closed = false;
  for (int i = 0; i < 2'000 && !closed; ++i) {
    ASSERT_EQ(Vote("p", "v" + std::to_string(i),
                   R"(["option-with-a-long-name-)" + std::to_string(i % 1'000) + "\"]")
                  .status,
              201);
    const json::value live = Live("p");
    ASSERT_TRUE(quick.FollowTo(VersionOf(live)));
    ASSERT_EQ(quick.live, live);
    closed = AskAdmin(Call("GET", "/metrics"))
                 .body.find(R"(tallyd_live_rejected_total{reason="slow"} 3)") != std::string::npos;
  }
  EXPECT_TRUE(closed);
  EXPECT_TRUE(AwaitMetric(ReadersMetric() + "1"));
}

TEST_P(LiveStreamTest, ACrowdGetsTheSameBytesOnce) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  std::vector<LiveClient> crowd;
  for (int i = 0; i < 150; ++i) {
    crowd.push_back(Follow("p"));
    ASSERT_EQ(crowd.back().status(), Accepted());
  }
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(Vote("p", "v" + std::to_string(i), R"(["a"])").status, 201);
  }
  const json::value live = Live("p");
  for (LiveClient& reader : crowd) {
    ASSERT_TRUE(reader.FollowTo(VersionOf(live)));
    EXPECT_EQ(reader.live, live);
  }
}

TEST_P(LiveStreamTest, SaysThatItIsThere) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.live.heartbeat_ms = 200; });
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  LiveClient reader = Follow("p");
  ASSERT_TRUE(reader.Take());
  const auto begun = std::chrono::steady_clock::now();
  const std::string heartbeat =
      GetParam() == Kind::kEvents ? std::string(": hb\n\n") : std::string("\x89\x00", 2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(reader.raw().ReadUntil(heartbeat));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(300));
}

TEST_P(LiveStreamTest, AServerThatStopsSaysBye) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  std::vector<LiveClient> readers;
  for (int i = 0; i < 12; ++i) readers.push_back(Follow("p"));
  for (LiveClient& reader : readers) ASSERT_TRUE(reader.Take());
  server_->BeginDrain();
  std::map<std::int64_t, int> retries;
  for (LiveClient& reader : readers) {
    const auto bye = reader.Next();
    ASSERT_TRUE(bye);
    EXPECT_EQ(bye->name, "bye");
    EXPECT_EQ(bye->id, reader.version);
    const std::int64_t retry_ms = bye->data.at("retry_ms").as_int64();
    EXPECT_GE(retry_ms, 1'000);
    EXPECT_LE(retry_ms, 10'000);
    ++retries[retry_ms];
    EXPECT_FALSE(reader.Next());
    EXPECT_EQ(reader.close_code, GetParam() == Kind::kEvents ? 0 : 1001);
  }
  EXPECT_GE(retries.size(), 3U) << "not all at the same time";
}

TEST_P(LiveStreamTest, VersionsNeverGoBackOverARestart) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  ASSERT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  const json::value before = Live("p");
  StopServing();
  Serve();
  LiveClient reader = Follow("p", "Last-Event-ID: " + VersionOf(before) + "\r\n");
  reader.live = before;
  ASSERT_EQ(Vote("p", "w", R"(["b"])").status, 201);
  const json::value now = Live("p");
  ASSERT_TRUE(reader.FollowTo(VersionOf(now)));
  EXPECT_EQ(reader.live, now);
}

TEST_F(ServiceTest, AHeadOfAStreamSaysNoLength) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  const HttpAnswer head = Ask(Call("HEAD", "/v1/polls/p/ranking/stream"));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-type"), "text/event-stream");
  EXPECT_EQ(head.headers.count("content-length"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LiveStreamTest, testing::Values(Kind::kEvents, Kind::kWebSocket),
                         [](const auto& kind) {
                           return kind.param == Kind::kEvents ? "Events" : "WebSocket";
                         });

class WebSocketTest : public LiveStreamTest {
 protected:
  static std::string ClientFrame(int opcode, const std::string& payload, bool masked = true) {
    std::string frame = {static_cast<char>(0x80 | opcode),
                         static_cast<char>((masked ? 0x80U : 0U) | payload.size())};
    const std::string mask = "\x11\x22\x33\x44";
    if (masked) frame += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
      frame.push_back(masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i]);
    }
    return frame;
  }
};

TEST_P(WebSocketTest, ShakesHandsAsRfc6455Says) {
  Serve([](ServiceOptions& options, EngineOptions&) {
    options.cors.allowed_origins = {"https://mitmachen.example"};
  });
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  LiveClient reader = Follow("p");
  ASSERT_EQ(reader.status(), 101);
  EXPECT_EQ(reader.head().Header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(reader.head().Header("Sec-WebSocket-Protocol"), "tallyd.ranking.v1");
  EXPECT_EQ(Follow("p", "Origin: https://mitmachen.example\r\n").status(), 101);
  EXPECT_EQ(Follow("p", "Origin: http://localhost\r\n").status(), 101);  // its own
  EXPECT_EQ(Follow("p", "Origin: https://evil.example\r\n").status(), 403);
  EXPECT_EQ(Follow("p", "Origin: null\r\n").status(), 403);
  const Headers good = {{"Upgrade", "websocket"},
                        {"Connection", "Upgrade"},
                        {"Sec-WebSocket-Version", "13"},
                        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  for (std::size_t i = 0; i < good.size(); ++i) {
    Headers missing = good;
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
    const HttpAnswer refused = Ask(Call("GET", "/v1/polls/p/ranking/ws", missing));
    EXPECT_EQ(Code(refused), "header_invalid") << good[i].first;
    EXPECT_EQ(refused.Header("sec-websocket-version"), "13");
  }
  Headers other = good;
  other.emplace_back("Sec-WebSocket-Protocol", "chat");
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls/p/ranking/ws", other))), "header_invalid");
}

TEST_P(WebSocketTest, AnswersPingsAndClosesAndRefusesTheRest) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenLive).status, 201);
  const std::map<std::string, int> ends = {{ClientFrame(8, std::string("\x03\xe8", 2)), 1000},
                                           {ClientFrame(8, ""), 1000},
                                           {ClientFrame(8, std::string("\x0b\xb8"
                                                                       "bye",
                                                                       5)),
                                            3000},
                                           {ClientFrame(8, "\x03"), 1002},
                                           {ClientFrame(8, std::string("\x03\xed", 2)), 1002},
                                           {std::string("\x81\xfe\xff\xff", 4), 1009},
                                           {std::string("\x80\x80", 2), 1002},
                                           {ClientFrame(1, "hello"), 1003},
                                           {ClientFrame(2, "x"), 1003},
                                           {ClientFrame(9, "unmasked", false), 1002},
                                           {std::string("\x09\x80", 2), 1002},
                                           {std::string("\x89\xfe", 2), 1002},
                                           {std::string("\xc9\x80", 2), 1002},
                                           {ClientFrame(3, "x"), 1002}};
  for (const auto& [bytes, code] : ends) {
    LiveClient reader = Follow("p");
    ASSERT_TRUE(reader.Take());
    // A ping in two pieces before it.
    const std::string ping = ClientFrame(9, "are you there");
    ASSERT_TRUE(reader.raw().Send(ping.substr(0, 5)));
    ASSERT_TRUE(reader.raw().Send(ping.substr(5) + bytes));
    EXPECT_FALSE(reader.Next());
    EXPECT_EQ(reader.pongs, "are you there");
    EXPECT_EQ(reader.close_code, code);
    EXPECT_TRUE(reader.raw().WaitForClose());
  }
  EXPECT_TRUE(AwaitMetric(ReadersMetric() + "0"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, WebSocketTest, testing::Values(Kind::kWebSocket));

}  // namespace
}  // namespace tallyd
