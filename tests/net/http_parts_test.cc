// The parts of a session without sockets: scanner, guard, answer queue, read buffer, io thread.

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/answer_queue.h"
#include "net/io_thread.h"
#include "net/read_buffer.h"
#include "net/request_guard.h"
#include "net/request_header.h"
#include "net/request_parser.h"
#include "tests/net/http_fixture.h"
#include "tests/net/smuggling_corpus.h"

namespace tallyd {
namespace {

TEST(HeaderScanner, ComesToTheSameEndHoweverTheBytesCome) {
  const SessionLimits limits;
  for (const RawCase& raw : SmugglingCorpus()) {
    SCOPED_TRACE(raw.name);
    HeaderScanner whole;
    const HeaderScanner::Result expected = whole.Scan(raw.bytes, limits);
    HeaderScanner bytewise;
    HeaderScanner::Result result = HeaderScanner::Result::kNeedMore;
    for (std::size_t size = 1;
         size <= raw.bytes.size() && result == HeaderScanner::Result::kNeedMore; ++size) {
      result = bytewise.Scan(std::string_view(raw.bytes).substr(0, size), limits);
    }
    ASSERT_EQ(result, expected);
    if (result == HeaderScanner::Result::kComplete) {
      EXPECT_EQ(bytewise.begin(), whole.begin());
      EXPECT_EQ(bytewise.end(), whole.end());
    }
  }
}

TEST(HeaderScanner, RandomBytesAreNeverTakenForARequest) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<RawCase> corpus = SmugglingCorpus();
  const SessionLimits limits;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = corpus[random() % corpus.size()].bytes;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.insert(at, 1, "\r\n :\t\0,;%"[random() % 9]);
          break;
        default:
          if (bytes.size() > 1) bytes.erase(at, 1);
          break;
      }
    }
    HeaderScanner scanner;
    if (scanner.Scan(bytes, limits) != HeaderScanner::Result::kComplete) continue;
    const std::string_view block =
        std::string_view(bytes).substr(scanner.begin(), scanner.end() - scanner.begin());
    HttpRequest request;
    HeaderFacts facts;
    if (ParseHeader(block, limits, request, facts).has_value()) continue;
    // What is taken keeps the rules: one host, a clean target, no coding, views into the block.
    ASSERT_TRUE(IsValidHost(request.host));
    ASSERT_TRUE(IsValidTarget(request.target));
    ASSERT_LE(request.content_length, kContentLengthMax);
    ASSERT_TRUE(block.ends_with("\r\n\r\n"));
    ASSERT_EQ(block.find('\0'), std::string_view::npos);
    ASSERT_GE(request.target.data(), block.data());
    ASSERT_LE(request.host.data() + request.host.size(), block.data() + block.size());
    std::string lower;
    for (const char c : block)
      lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    ASSERT_EQ(lower.find("\r\ntransfer-encoding:"), std::string::npos);
  }
}

TEST(RequestGuard, TellsAbsentHeadersFromEmptyOnes) {
  const std::string block = "GET / HTTP/1.1\r\nHost: t\r\nIdempotency-Key:\r\n\r\n";
  HttpRequest request;
  HeaderFacts facts;
  ASSERT_FALSE(ParseHeader(block, SessionLimits(), request, facts).has_value());
  EXPECT_NE(request.idempotency_key.data(), nullptr);
  EXPECT_TRUE(request.idempotency_key.empty());
  EXPECT_EQ(request.if_match.data(), nullptr);
}

// A second reading of equal bytes is the first one, but for what belongs to one request alone.
TEST(RequestHeader, RemembersWhatItRead) {
  Router router;
  router.Add(Method::kPost, "/v1/polls/{poll}/votes", kPublicListener, BodyPolicy::Small(),
             [](const HttpRequest&, Responder) {});
  RequestHeader header;
  const auto read = [&](std::string_view block) {
    return header.Read(block, SessionLimits(), router, ListenerKind::kPublic);
  };
  const std::string block =
      "POST /v1/polls/a%2Db/votes?x=%41 HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n";
  EXPECT_FALSE(header.BeginsSame(block));
  EXPECT_FALSE(header.BeginsSame(""));
  ASSERT_FALSE(read(block).has_value());
  header.request().body = "{}";
  header.request().request_id = "ours";
  header.EndRequest();
  EXPECT_TRUE(header.BeginsSame(block + "{}" + block));
  EXPECT_FALSE(header.BeginsSame(std::string_view(block).substr(0, block.size() - 1)));
  EXPECT_EQ(header.size(), block.size());

  ASSERT_FALSE(read(block).has_value());
  EXPECT_TRUE(header.request().body.empty());
  EXPECT_TRUE(header.request().request_id.empty());
  EXPECT_EQ(header.request().content_length, 2u);
  EXPECT_EQ(header.request().Param("poll"), "a-b");
  EXPECT_EQ(header.request().Query("x"), "A");
  EXPECT_EQ(header.match().route, router.routes()[0].get());
  EXPECT_TRUE(header.facts().keep_alive);
}

// Whatever is shown, a header that is taken for the one before is what a fresh reading makes of it.
TEST(RequestHeader, AnotherTokenTakesThePlaceOfTheOneBefore) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Router router;
  const auto block = [](const std::string& authorization) {
    return "GET /a HTTP/1.1\r\nHost: t\r\nAuthorization: " + authorization +
           "\r\nAccept: b\r\n\r\n";
  };
  const std::string first = block("Bearer aaaa.bbbb.cccc");
  ASSERT_FALSE(RequestHeader().BeginsSame(first));
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    RequestHeader header;
    ASSERT_FALSE(header.Read(first, SessionLimits(), router, ListenerKind::kPublic).has_value());
    header.EndRequest();
    std::string bytes = first;
    const bool in_value = random() % 8 != 0;
    const std::size_t at =
        in_value ? first.find("Bearer") + random() % 21 : random() % bytes.size();
    bytes[at] = static_cast<char>(random() % 256);
    if (!header.BeginsSame(bytes)) continue;
    ++taken;
    ASSERT_EQ(header.size(), bytes.size());
    ASSERT_FALSE(header.Read(bytes, SessionLimits(), router, ListenerKind::kPublic).has_value())
        << bytes;
    HttpRequest fresh;
    HeaderFacts facts;
    ASSERT_FALSE(ParseHeader(bytes, SessionLimits(), fresh, facts).has_value()) << bytes;
    ASSERT_EQ(header.request().authorization, fresh.authorization) << bytes;
    ASSERT_EQ(header.request().accept, fresh.accept);
    ASSERT_EQ(header.request().path, fresh.path);
  }
  EXPECT_GT(taken, 1'000);

  RequestHeader header;
  const auto begins_same = [&](const std::string& next) {
    EXPECT_FALSE(header.Read(first, SessionLimits(), router, ListenerKind::kPublic).has_value());
    header.EndRequest();
    return header.BeginsSame(next);
  };
  EXPECT_TRUE(begins_same(block("Bearer dddd.eeee.ffff")));
  EXPECT_FALSE(begins_same(block("Bearer dddd.eeee.fffff")));
  EXPECT_FALSE(begins_same(block("Bearer dddd.eeee.fff")));
  EXPECT_FALSE(begins_same(block("Bearer dddd.eeee fff")));
  EXPECT_FALSE(begins_same(block("Bearer dddd.eeee.ff\r\n")));
  EXPECT_FALSE(begins_same(block("Basic. dddd.eeee.ffff")));
}

TEST(RequestHeader, ForgetsWhatItRefusedAndWhatIsLong) {
  Router router;
  RequestHeader header;
  const auto read = [&](std::string_view block) {
    return header.Read(block, SessionLimits(), router, ListenerKind::kPublic);
  };
  const std::string good = "GET /a HTTP/1.1\r\nHost: t\r\nRequest-Id: theirs\r\n\r\n";
  const std::string bad = "GET /a HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n";
  ASSERT_FALSE(read(good).has_value());
  header.EndRequest();
  ASSERT_FALSE(read(good).has_value());
  EXPECT_EQ(header.request().request_id, "theirs");
  header.EndRequest();
  EXPECT_TRUE(read(bad).has_value());
  EXPECT_FALSE(header.BeginsSame(bad));
  EXPECT_FALSE(header.BeginsSame(good));
  EXPECT_TRUE(read(bad).has_value());

  const std::string lines = "GET /b HTTP/1.1\r\nHost: t\r\nX: ";
  const std::size_t most = RequestHeader::kRememberedBytesMax;
  for (const std::size_t bytes : {most, most + 1}) {
    const std::string block = lines + std::string(bytes - lines.size() - 4, 'x') + "\r\n\r\n";
    ASSERT_FALSE(read(block).has_value());
    EXPECT_EQ(header.request().path, "/b");
    header.EndRequest();
    EXPECT_EQ(header.BeginsSame(block), bytes == most);
  }
}

TEST(RequestGuard, TakesEveryNamedHeader) {
  const std::string block =
      "POST /p?q HTTP/1.1\r\nHost: t\r\nContent-Type: a\r\ncontent-encoding: b\r\nACCEPT: c\r\n"
      "Accept-Encoding: d\r\nAccept-Language: e\r\nAuthorization: f\r\nIdempotency-Key: g\r\n"
      "If-Match: h\r\nIf-None-Match: i\r\nOrigin: j\r\nAccess-Control-Request-Method: k\r\n"
      "Access-Control-Request-Headers: l\r\nLast-Event-ID: m\r\nPrefer: n\r\nTallyd-Voter: o\r\n"
      "Tallyd-Actor: p\r\ntraceparent: q\r\nRequest-Id: r\r\nContent-Length: 7\r\nX-Y: z\r\n\r\n";
  HttpRequest request;
  HeaderFacts facts;
  ASSERT_FALSE(ParseHeader(block, SessionLimits(), request, facts).has_value());
  std::string all;
  for (const std::string_view value :
       {request.content_type, request.content_encoding, request.accept, request.accept_encoding,
        request.accept_language, request.authorization, request.idempotency_key, request.if_match,
        request.if_none_match, request.origin, request.access_control_request_method,
        request.access_control_request_headers, request.last_event_id, request.prefer,
        request.tallyd_voter, request.tallyd_actor, request.traceparent, request.request_id}) {
    all += value;
  }
  EXPECT_EQ(all, "abcdefghijklmnopqr");
  EXPECT_EQ(request.method, Method::kPost);
  EXPECT_EQ(request.path, "/p");
  EXPECT_EQ(request.query_string, "q");
  EXPECT_EQ(request.content_length, 7u);
  EXPECT_TRUE(facts.keep_alive);
}

// Takes random tickets, answers them in random order with and without shared bodies, sends random
// amounts: the bytes that come out are all answers in the order of the tickets.
TEST(AnswerQueue, KeepsTheOrderUnderAnyHistory) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int history = 0; history < 200; ++history) {
    AnswerQueue queue;
    std::vector<std::uint64_t> open;
    std::vector<std::string> expected;
    std::string sent;
    const auto send_some = [&] {
      std::string_view views[3];
      const std::size_t count = queue.Gather(views, 3);
      std::size_t total = 0;
      for (std::size_t i = 0; i < count; ++i) total += views[i].size();
      std::size_t amount = total == 0 ? 0 : random() % (total + 1);
      const std::size_t all = amount;
      for (std::size_t i = 0; i < count && amount > 0; ++i) {
        const std::size_t here = std::min(amount, views[i].size());
        sent += views[i].substr(0, here);
        amount -= here;
      }
      if (all > 0) queue.Sent(all);
    };
    for (int step = 0; step < 200; ++step) {
      const unsigned choice = random() % 3;
      if (choice == 0 && queue.in_flight() < 40) {
        open.push_back(queue.Open());
        expected.emplace_back();
      } else if (choice == 1 && !open.empty()) {
        const std::size_t which = random() % open.size();
        const std::uint64_t ticket = open[which];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        ASSERT_NE(queue.Find(ticket), nullptr);
        const std::string head = "<" + std::to_string(ticket) + ">";
        queue.Target(ticket) += head;
        std::shared_ptr<const std::string> shared;
        if (random() % 2 == 0) {
          shared = std::make_shared<const std::string>(random() % 50, 'a' + ticket % 26);
        }
        expected[ticket] = head + (shared ? *shared : "");
        queue.Finish(ticket, shared);
        EXPECT_EQ(queue.Find(ticket), nullptr);
      } else {
        send_some();
      }
    }
    for (const std::uint64_t ticket : open) {
      queue.Target(ticket) += "late";
      expected[ticket] = "late";
      queue.Finish(ticket, nullptr);
    }
    while (queue.unsent_bytes() > 0) send_some();
    std::string whole;
    for (const std::string& answer : expected) whole += answer;
    ASSERT_EQ(sent, whole);
    ASSERT_EQ(queue.in_flight(), 0u);
  }
}

TEST(AnswerQueue, ForgetsWhatComesAfterTheLast) {
  AnswerQueue queue;
  const std::uint64_t first = queue.Open();
  const std::uint64_t second = queue.Open();
  queue.CloseAfter(first);
  EXPECT_EQ(queue.Find(second), nullptr);
  EXPECT_FALSE(queue.is_finished());
  queue.Target(first) += "x";
  queue.Finish(first, nullptr);
  EXPECT_TRUE(queue.is_finished());
}

TEST(ReadBuffer, GrowsKeepsItsBytesAndShrinks) {
  ReadBuffer buffer(8);
  std::string expected;
  const auto write = [&](std::string_view bytes, std::size_t max) {
    while (!bytes.empty()) {
      const ReadBuffer::Space space = buffer.Prepare(max);
      ASSERT_GT(space.size, 0u);
      const std::size_t here = std::min(space.size, bytes.size());
      std::copy_n(bytes.begin(), here, space.data);
      buffer.Commit(here);
      expected += bytes.substr(0, here);
      bytes.remove_prefix(here);
    }
  };
  for (int i = 0; i < 50; ++i) {
    write(std::string(5, static_cast<char>('a' + i % 26)), 64);
    if (buffer.size() > 40) {
      buffer.Consume(33);
      expected.erase(0, 33);
    }
    ASSERT_EQ(buffer.data(), expected);
  }
  buffer.Consume(buffer.size());
  expected.clear();
  EXPECT_GE(buffer.Prepare(64).size, 32u);
  for (int i = 0; i < 20; ++i) {
    write("ab", 64);
    buffer.Consume(2);
    expected.clear();
  }
  EXPECT_EQ(buffer.Prepare(64).size, 8u);
}

TEST(IoThread, TheEndOfARoundComesAfterAllRequestsOfARead) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> events;
  std::vector<Responder> waiting;
  bool scheduled = false;
  Router router;
  router.Add(Method::kGet, "/{n}", kBothListeners, BodyPolicy::None(),
             [&](const HttpRequest& request, Responder responder) {
               const std::lock_guard lock(mutex);
               events.emplace_back(request.Param("n"));
               IoThread& thread = responder.io_thread();
               waiting.push_back(std::move(responder));
               if (std::exchange(scheduled, true)) return;
               thread.AtEndOfRound([&] {
                 const std::lock_guard inner(mutex);
                 scheduled = false;
                 events.emplace_back("round");
                 for (Responder& each : waiting) std::move(each).SendRaw(200, "", "ok");
                 waiting.clear();
                 changed.notify_all();
               });
             });
  HttpServer server(ServerOptions(), router);
  ASSERT_TRUE(server.Start().ok());
  RawClient client(server.port(ListenerKind::kPublic));
  client.Send(GetRequest("/1") + GetRequest("/2") + GetRequest("/3"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "ok");
  const std::lock_guard lock(mutex);
  EXPECT_EQ(events, (std::vector<std::string>{"1", "2", "3", "round"}));
}

TEST(IoThread, PostedFunctionsRunOnItInOrder) {
  IoThread thread(0, 0, std::chrono::milliseconds(50));
  thread.Start();
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) {
    thread.Post([&order, i] { order.push_back(i); });
  }
  thread.Stop();
  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace tallyd
