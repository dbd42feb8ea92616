#include "net/batch_route.h"

#include "net/content_coding.h"
#include "net/gzip_inflater.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

using BatchRouteTest = ServiceTest;

std::string Lines(int from, int to, const std::string& more = "") {
  std::string lines;
  for (int i = from; i < to; ++i) {
    lines += R"({"voter":"f:)" + std::to_string(i) + R"(","choices":["a"])" + more + "}\n";
  }
  return lines;
}

TEST_F(BatchRouteTest, OneBadLineNeverAffectsAnother) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const HttpAnswer answer =
      Ask(BatchCall("p",
                    "{\"voter\":\"f:1\",\"choices\":[\"a\"],\"ref\":\"a1\"}\n"
                    "{\"voter\":\"f:1\",\"choices\":[\"a\"]}\r\n"
                    "\n"
                    "{\"voter\":\"f:2\",\"choices\":[\"nix\"],\"ref\":\"a3\"}\n"
                    "nonsense\n" +
                        std::string(20'000, 'x') +
                        "\n"
                        "{\"choices\":[\"a\"]}\n"
                        "{\"voter\":\"f:1\",\"choices\":[\"b\"],\"ref\":\"a8\"}\n"
                        "{\"voter\":\"f:3\",\"choices\":[\"c\",\"b\"]}"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Number(answer, "counted"), 2);
  EXPECT_EQ(Number(answer, "duplicate"), 1);
  EXPECT_EQ(Number(answer, "rejected"), 5);
  const std::string items = answer.body.substr(answer.body.find("\"items\":"));
  EXPECT_EQ(
      items,
      R"("items":[{"line":4,"ref":"a3","status":422,"code":"option_unknown","retryable":false},)"
      R"({"line":5,"status":400,"code":"not_json","retryable":false},)"
      R"({"line":6,"status":413,"code":"body_too_large","retryable":false},)"
      R"({"line":7,"status":422,"code":"voter_missing","retryable":false},)"
      R"({"line":8,"ref":"a8","status":409,"code":"already_voted","retryable":false}],)"
      R"("truncated":false})"
      "\n");
}

TEST_F(BatchRouteTest, TheSameBatchAgainIsHarmless) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const std::string lines = Lines(0, 30'000);  // many chunks, more than may be in flight
  HttpAnswer answer = Ask(BatchCall("p", lines));
  EXPECT_EQ(Number(answer, "counted"), 30'000) << answer.body;
  answer = AskAdmin(BatchCall("p", lines, "?results=all"));
  EXPECT_EQ(Number(answer, "duplicate"), 30'000);
  EXPECT_EQ(Number(answer, "counted"), 0);
  EXPECT_EQ(answer.Json().at("items").as_array().size(), 1'000U);
  EXPECT_EQ(answer.Json().at("truncated"), true);
  const HttpAnswer ranking = Ask(Call("GET", "/v1/polls/p/ranking"));
  EXPECT_EQ(ranking.Json().at("totals").at("ballots").as_int64(), 30'000);
}

TEST_F(BatchRouteTest, AFullQueueMakesItWait) {
  Serve([](ServiceOptions& options, EngineOptions& engine) {
    options.pending_votes_max = 512;
    engine.queue_slots = 64;
    engine.queue_slots_reserved = 8;
  });
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const HttpAnswer answer = Ask(BatchCall("p", Lines(0, 20'000)));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(Number(answer, "counted"), 20'000) << answer.body.substr(0, 300);
  EXPECT_EQ(Number(answer, "rejected"), 0);
}

TEST_F(BatchRouteTest, TakesGzip) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const auto packed = Encode(Lines(0, 5'000), Coding::kGzip);
  ASSERT_NE(packed, nullptr);
  HttpAnswer answer = Ask(BatchCall("p", *packed, "", {{"Content-Encoding", "gzip"}}));
  EXPECT_EQ(Number(answer, "counted"), 5'000) << answer.body;
  answer = Ask(BatchCall("p", packed->substr(0, 500), "", {{"Content-Encoding", "gzip"}}));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(Code(answer), "encoding_invalid");
  answer = Ask(BatchCall("p", "plain", "", {{"Content-Encoding", "gzip"}}));
  EXPECT_EQ(Code(answer), "encoding_invalid");
  answer = Ask(BatchCall("p", "x", "", {{"Content-Encoding", "br"}}));
  EXPECT_EQ(answer.status, 415);
  EXPECT_EQ(answer.Header("accept-encoding"), "gzip");
  // 65 MiB of blanks are a few kilobytes of gzip.
  const auto bomb = Encode(std::string(65 << 20, ' '), Coding::kGzip);
  answer = Ask(BatchCall("p", *bomb, "", {{"Content-Encoding", "gzip"}}));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(Code(answer), "body_too_large");
}

TEST_F(BatchRouteTest, TooManyLinesEndTheBatch) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const HttpAnswer answer = Ask(BatchCall("p", std::string(BatchRoute::kLinesMax + 1, '\n')));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(Code(answer), "too_many_lines");
  const HttpAnswer most = Ask(BatchCall("p", std::string(BatchRoute::kLinesMax, '\n')));
  EXPECT_EQ(most.status, 200);
}

TEST_F(BatchRouteTest, PaperOnlyWhereItIsAllowed) {
  Serve();
  constexpr const char* kPaper =
      R"(,"state":"open","paper":{"confirm":false},"boxes":[{"id":"rathaus"}])";
  ASSERT_EQ(PutPoll("two-eyes", kPaper).status, 201);
  ASSERT_EQ(PutPoll("four-eyes", R"(,"state":"open","boxes":[{"id":"rathaus"}])").status, 201);
  const std::string line = R"({"voter":"c:1","choices":["b"],"channel":"paper","box":"rathaus"})";
  EXPECT_NE(
      Ask(BatchCall("two-eyes", line)).body.find("\"status\":403,\"code\":\"channel_not_allowed\""),
      std::string::npos);
  EXPECT_NE(
      AskAdmin(BatchCall("four-eyes", line)).body.find("\"status\":403,\"code\":\"four_eyes\""),
      std::string::npos);
  EXPECT_EQ(Number(AskAdmin(BatchCall("two-eyes", line)), "counted"), 1);
  const auto ranking = Ask(Call("GET", "/v1/polls/two-eyes/ranking")).Json();
  EXPECT_EQ(ranking.at("totals").at("paper").as_int64(), 1);
  EXPECT_EQ(ranking.at("options").at("b").at("paper").as_int64(), 1);
}

TEST_F(BatchRouteTest, ABrokenRequestIsRefusedAsAWhole) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  EXPECT_EQ(Code(Ask(BatchCall("p", "", "?results=some"))), "parameter_invalid");
  EXPECT_EQ(Code(Ask(BatchCall("nix", ""))), "poll_not_found");
  EXPECT_EQ(Code(Ask(JsonCall("POST", "/v1/polls/p/votes/batch", "{}"))), "unsupported_media_type");
  EXPECT_EQ(Ask(BatchCall("p", "")).status, 200);
  EXPECT_EQ(Ask(BatchCall("p", Lines(0, 3), "?results=none")).Json().at("items").as_array().size(),
            0U);
}

// The client goes away in the middle: what was submitted is counted, and the server lives on.
TEST_F(BatchRouteTest, AnAbortKeepsWhatWasSubmitted) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const std::string lines = Lines(0, 2'000);
  const HttpCall call = BatchCall("p", lines + lines);
  std::string bytes = Render(call);
  bytes.resize(bytes.size() - lines.size());
  {
    HttpClient client(server_->public_port(), false);
    ASSERT_TRUE(client.SendBytes(bytes));
    // A vote afterwards, so that the lines have been read: they were sent before it.
    const auto counted = [&] {
      return Ask(Call("GET", "/v1/polls/p/ranking")).Json().at("totals").at("ballots").as_int64();
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (counted() < 2'000 && std::chrono::steady_clock::now() < deadline) {
    }
    EXPECT_EQ(counted(), 2'000);
  }
  EXPECT_EQ(Number(Ask(BatchCall("p", Lines(0, 2'001))), "duplicate"), 2'000);
}

}  // namespace
}  // namespace tallyd
