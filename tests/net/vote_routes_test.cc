#include "net/vote_routes.h"

#include <set>

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

using VoteRoutesTest = ServiceTest;

constexpr const char* kReplace =
    R"(,"state":"open","revote":"replace","withdraw":true,"changes_max":20)";

TEST_F(VoteRoutesTest, CountsOnceAndSaysSoAgain) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const HttpAnswer counted = Vote("p", "f:1", R"(["b","a"])");
  EXPECT_EQ(counted.status, 201);
  EXPECT_EQ(Text(counted, "status"), "counted");
  EXPECT_EQ(Text(counted, "poll"), "p");
  EXPECT_EQ(counted.Header("content-type"), "application/json");
  EXPECT_EQ(counted.Header("cache-control"), "no-store");
  const std::string receipt = Text(counted, "receipt");
  EXPECT_EQ(receipt.size(), kReceiptLength);
  EXPECT_EQ(counted.Header("location"), "/v1/receipts/" + receipt);

  const HttpAnswer again = Vote("p", "f:1", R"(["a","b"])");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(Text(again, "status"), "duplicate");
  EXPECT_EQ(Text(again, "receipt"), receipt);
  EXPECT_EQ(Number(again, "seq"), Number(counted, "seq"));
  const HttpAnswer other = Vote("p", "f:1", R"(["c"])");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(Code(other), "already_voted");
}

TEST_F(VoteRoutesTest, ReplacesAndTellsReceipts) {
  Serve();
  ASSERT_EQ(PutPoll("p", kReplace).status, 201);
  const HttpAnswer first = Vote("p", "f:1", R"(["a"])");
  const HttpAnswer second = Vote("p", "f:1", R"(["b"])");
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(Text(second, "status"), "replaced");
  EXPECT_EQ(Number(second, "replaces"), Number(first, "seq"));
  const auto state = [&](const HttpAnswer& vote) {
    const HttpAnswer answer = Ask(Call("GET", "/v1/receipts/" + Text(vote, "receipt")));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(Text(answer, "poll"), "p");
    EXPECT_EQ(Number(answer, "seq"), Number(vote, "seq"));
    return Text(answer, "status");
  };
  EXPECT_EQ(state(first), "superseded");
  EXPECT_EQ(state(second), "counted");
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/receipts/00000000000000000000000000"))), "receipt_not_found");
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/receipts/nonsense"))), "receipt_not_found");
}

TEST_F(VoteRoutesTest, MyVote) {
  Serve();
  ASSERT_EQ(PutPoll("p", kReplace).status, 201);
  const Headers me = {{"Tallyd-Voter", "f:1"}};
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls/p/votes/me", me))), "no_ballot");
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls/p/votes/me"))), "voter_missing");
  const HttpAnswer counted = Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"choices":["b"]})", me));
  ASSERT_EQ(counted.status, 201);
  const HttpAnswer mine = Ask(Call("GET", "/v1/polls/p/votes/me", me));
  EXPECT_EQ(mine.status, 200);
  EXPECT_EQ(mine.Header("cache-control"), "no-store");
  EXPECT_EQ(mine.Json().at("choices").at(0).as_string(), "b");
  EXPECT_EQ(Text(mine, "receipt"), Text(counted, "receipt"));
  EXPECT_EQ(Text(mine, "channel"), "online");
  const HttpAnswer withdrawn = Ask(Call("DELETE", "/v1/polls/p/votes/me", me));
  EXPECT_EQ(withdrawn.status, 200);
  EXPECT_EQ(Text(withdrawn, "status"), "withdrawn");
  EXPECT_EQ(Number(withdrawn, "replaces"), Number(counted, "seq"));
  EXPECT_EQ(Text(Ask(Call("GET", "/v1/polls/p/votes/me", me)), "status"), "withdrawn");
}

TEST_F(VoteRoutesTest, IdempotencyKeysAndIfMatch) {
  Serve();
  ASSERT_EQ(PutPoll("p", kReplace).status, 201);
  const Headers key = {{"Idempotency-Key", "\"k1\""}};
  const HttpAnswer first = Vote("p", "f:1", R"(["a"])", key);
  ASSERT_EQ(first.status, 201);
  const HttpAnswer second = Vote("p", "f:1", R"(["b"])");
  ASSERT_EQ(second.status, 200);
  const HttpAnswer replay = Vote("p", "f:1", R"(["a"])", {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(replay.status, 200);
  EXPECT_EQ(Number(replay, "seq"), Number(first, "seq"));
  EXPECT_EQ(replay.Json().at("in_force"), false);
  EXPECT_EQ(Code(Vote("p", "f:1", R"(["c"])", key)), "key_reused");
  EXPECT_EQ(Code(Vote("p", "f:1", R"(["c"])", {{"Idempotency-Key", std::string(65, 'k')}})),
            "header_invalid");

  const auto if_seq = [](std::int64_t seq) {
    return Headers{{"If-Match", "\"" + std::to_string(seq) + "\""}};
  };
  EXPECT_EQ(Vote("p", "f:1", R"(["c"])", if_seq(Number(first, "seq"))).status, 412);
  EXPECT_EQ(Vote("p", "f:1", R"(["c"])", if_seq(Number(second, "seq"))).status, 200);
  EXPECT_EQ(Code(Vote("p", "f:1", R"(["a"])", {{"If-Match", "7"}})), "header_invalid");
}

TEST_F(VoteRoutesTest, RefusesWrongVotes) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  ASSERT_EQ(PutPoll("draft").status, 201);
  const auto post = [&](std::string body, Headers headers = {}) {
    return Ask(JsonCall("POST", "/v1/polls/p/votes", std::move(body), std::move(headers)));
  };
  const HttpAnswer unknown = post(R"({"voter":"v","choices":["nix"]})");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(Code(unknown), "option_unknown");
  EXPECT_EQ(Pointer(unknown), "/choices/0");
  EXPECT_EQ(Code(post("{")), "not_json");
  EXPECT_EQ(Code(post(R"({"choices":["a"]})")), "voter_missing");
  EXPECT_EQ(Code(post(R"({"voter":"v","choices":["a"]})", {{"Tallyd-Voter", "w"}})),
            "voter_mismatch");
  EXPECT_EQ(post(R"({"voter":"v","choices":["a"]})", {{"Tallyd-Voter", "v"}}).status, 201);
  EXPECT_EQ(Code(post(R"({"choices":["a"]})", {{"Tallyd-Voter", "\xff"}})), "voter_invalid");
  EXPECT_EQ(Code(Vote("nix", "v", R"(["a"])")), "poll_not_found");
  EXPECT_EQ(Code(Vote("draft", "v", R"(["a"])")), "poll_not_open");
  HttpCall plain = JsonCall("POST", "/v1/polls/p/votes", "{}");
  plain.headers = {{"Content-Type", "text/plain"}};
  EXPECT_EQ(Code(Ask(plain)), "unsupported_media_type");
  EXPECT_EQ(Code(post("{}", {{"Content-Encoding", "gzip"}})), "unsupported_media_type");
  EXPECT_EQ(Code(post(std::string(20'000, ' '))), "body_too_large");
  EXPECT_EQ(Code(Ask(JsonCall("POST", "/v1/polls/p/votes?x=1", "{}"))), "parameter_invalid");
  EXPECT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/votes", "{}")).status, 404);
}

TEST_F(VoteRoutesTest, WithoutATokenNothingIsTaken) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.auth.insecure_no_auth = false; });
  const HttpAnswer answer = Vote("p", "v", R"(["a"])");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(Code(answer), "unauthorized");
  EXPECT_EQ(answer.Header("www-authenticate"), R"(Bearer realm="tallyd")");
  EXPECT_EQ(PutPoll("p").status, 401);
  EXPECT_EQ(Ask(BatchCall("p", "")).status, 401);
  EXPECT_EQ(AskAdmin(JsonCall("POST", "/v1/admin/verify", "")).status, 401);
  EXPECT_EQ(Ask(Call("GET", "/v1/polls")).status, 200);
  EXPECT_EQ(Ask(Call("GET", "/livez")).status, 200);
}

TEST_F(VoteRoutesTest, PipelinedVotesAreAllCounted) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  std::vector<HttpCall> calls;
  for (int i = 0; i < 500; ++i) {
    calls.push_back(JsonCall("POST", "/v1/polls/p/votes",
                             R"({"voter":"f:)" + std::to_string(i) + R"(","choices":["a"]})"));
  }
  std::set<std::string> receipts;
  for (const HttpAnswer& answer : public_->Pipeline(calls)) {
    ASSERT_EQ(answer.status, 201);
    receipts.insert(Text(answer, "receipt"));
  }
  EXPECT_EQ(receipts.size(), 500U);
  const HttpAnswer ranking = Ask(Call("GET", "/v1/polls/p/ranking"));
  EXPECT_EQ(ranking.Json().at("totals").at("ballots").as_int64(), 500);
}

// A table of pending requests that is too small: what does not fit is told so, nothing is lost.
TEST_F(VoteRoutesTest, AFullTableRefusesWithRetryAfter) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.pending_votes_max = 4; });
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  std::vector<HttpCall> calls;
  for (int i = 0; i < 64; ++i) {
    calls.push_back(JsonCall("POST", "/v1/polls/p/votes",
                             R"({"voter":"f:)" + std::to_string(i) + R"(","choices":["a"]})"));
  }
  int counted = 0;
  for (const HttpAnswer& answer : public_->Pipeline(calls)) {
    if (answer.status == 201) {
      ++counted;
      continue;
    }
    ASSERT_EQ(answer.status, 503);
    EXPECT_EQ(Code(answer), "overloaded");
    const int seconds = std::stoi(answer.Header("retry-after"));
    EXPECT_GE(seconds, 1);
    EXPECT_LE(seconds, 3);
  }
  EXPECT_GE(counted, 4);
  EXPECT_LT(counted, 64);
  const HttpAnswer ranking = Ask(Call("GET", "/v1/polls/p/ranking"));
  EXPECT_EQ(ranking.Json().at("totals").at("ballots").as_int64(), counted);
}

}  // namespace
}  // namespace tallyd
