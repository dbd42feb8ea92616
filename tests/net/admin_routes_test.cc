// Polls, options, projects, rankings and operations over real sockets and a real engine.

#include <string>

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class AdminRoutesTest : public ServiceTest {
 protected:
  HttpAnswer Replace(const std::string& id, const std::string& body, const std::string& etag) {
    return AskAdmin(JsonCall("PUT", "/v1/polls/" + id, body, {{"If-Match", etag}}));
  }
  HttpAnswer Move(const std::string& id, const std::string& to) {
    return AskAdmin(
        JsonCall("POST", "/v1/polls/" + id + "/transitions", R"({"to":")" + to + R"("})"));
  }
};

TEST_F(AdminRoutesTest, PutNeedsAPreconditionThatHolds) {
  Serve();
  const HttpAnswer none = AskAdmin(JsonCall("PUT", "/v1/polls/p", PollBody()));
  EXPECT_EQ(none.status, 428);
  EXPECT_EQ(Code(none), "precondition_required");
  const HttpAnswer created = PutPoll("p");
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.Header("location"), "/v1/polls/p");
  const std::string etag = created.Header("etag");
  EXPECT_EQ(etag.substr(0, 2), "\"e");
  EXPECT_EQ(Code(PutPoll("p")), "poll_exists");
  const HttpAnswer replaced = Replace("p", PollBody(R"(,"revote":"replace")"), etag);
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(Text(replaced, "revote"), "replace");
  EXPECT_NE(replaced.Header("etag"), etag);
  EXPECT_EQ(Code(Replace("p", PollBody(), etag)), "precondition_failed");
  EXPECT_EQ(Code(Replace("nix", PollBody(), etag)), "precondition_failed");
  EXPECT_EQ(Code(Replace("p", PollBody(), "unquoted")), "header_invalid");
  EXPECT_EQ(Code(Replace("Nix", PollBody(), etag)), "id_invalid");
  const HttpAnswer wrong = Replace("p", PollBody(R"(,"colour":1)"), replaced.Header("etag"));
  EXPECT_EQ(Code(wrong), "json_unknown_member");
  EXPECT_EQ(Pointer(wrong), "/colour");
  EXPECT_EQ(Ask(JsonCall("PUT", "/v1/polls/q", PollBody(), {{"If-None-Match", "*"}})).status, 405);
}

TEST_F(AdminRoutesTest, StatesFollowTheirOrder) {
  Serve();
  ASSERT_EQ(PutPoll("p").status, 201);
  EXPECT_EQ(Code(Move("p", "closed")), "transition_not_allowed");
  for (const char* state : {"open", "open", "paused", "open", "closed", "final", "final"}) {
    const HttpAnswer moved = Move("p", state);
    EXPECT_EQ(moved.status, 200) << state << moved.body;
    EXPECT_EQ(Text(moved, "state"), state);
  }
  EXPECT_EQ(Code(Move("p", "open")), "transition_not_allowed");
  EXPECT_EQ(Code(Move("nix", "open")), "poll_not_found");
  EXPECT_EQ(Code(Move("p", "gone")), "member_invalid");
}

TEST_F(AdminRoutesTest, RulesFreezeAndOptionsGrow) {
  Serve();
  const HttpAnswer created = PutPoll("p", kOpen);
  ASSERT_EQ(created.status, 201);
  const HttpAnswer frozen =
      Replace("p", PollBody("", R"({"type":"choose","max":3})"), created.Header("etag"));
  EXPECT_EQ(frozen.status, 409);
  EXPECT_EQ(Code(frozen), "rules_frozen");
  EXPECT_EQ(Pointer(frozen), "/ballot");

  const auto put = [&](const std::string& option, const std::string& body) {
    return AskAdmin(JsonCall("PUT", "/v1/polls/p/options/" + option, body));
  };
  EXPECT_EQ(put("2026%2F7", R"({"cost":5})").status, 201);
  EXPECT_EQ(put("2026%2F7", R"({"cost":5,"title":{"de":"x"}})").status, 200);
  EXPECT_EQ(Code(put("2026%2F7", R"({"cost":6})")), "rules_frozen");
  EXPECT_EQ(Code(put("x%20y", "{}")), "id_invalid");
  EXPECT_EQ(Vote("p", "v", R"(["2026/7"])").status, 201);
  const HttpAnswer withdrawn = AskAdmin(Call("DELETE", "/v1/polls/p/options/a"));
  EXPECT_EQ(withdrawn.status, 200) << withdrawn.body;
  EXPECT_EQ(withdrawn.Json().at("options").at(0).at("withdrawn"), true);
  EXPECT_EQ(Code(Vote("p", "w", R"(["a"])")), "option_withdrawn");
  EXPECT_EQ(Code(put("a", "{}")), "option_withdrawn");
  EXPECT_EQ(Code(AskAdmin(Call("DELETE", "/v1/polls/p/options/nix"))), "option_not_found");
}

TEST_F(AdminRoutesTest, DraftsAreNotPublic) {
  Serve();
  ASSERT_EQ(PutPoll("draft").status, 201);
  ASSERT_EQ(PutPoll("open", kOpen).status, 201);
  for (const char* path : {"/v1/polls/draft", "/v1/polls/draft/ranking"}) {
    EXPECT_EQ(Code(Ask(Call("GET", path))), "poll_not_found") << path;
    EXPECT_EQ(AskAdmin(Call("GET", path)).status, 200) << path;
  }
  const auto cache_control = [&](const char* path) {
    return AskAdmin(Call("GET", path)).Header("cache-control");
  };
  EXPECT_EQ(cache_control("/v1/polls/draft/ranking"), "private, no-store");
  EXPECT_EQ(cache_control("/v1/polls/open/ranking"), "public, max-age=1, stale-while-revalidate=5");
  EXPECT_EQ(Ask(Call("GET", "/v1/polls")).Json().at("polls").as_array().size(), 1U);
  EXPECT_EQ(AskAdmin(Call("GET", "/v1/polls")).Json().at("polls").as_array().size(), 2U);
}

TEST_F(AdminRoutesTest, ListsPageByPage) {
  Serve();
  for (int i = 0; i < 205; ++i) ASSERT_EQ(PutPoll("p" + std::to_string(i), kOpen).status, 201);
  std::string target = "/v1/polls";
  std::size_t polls = 0, pages = 0;
  while (!target.empty()) {
    const HttpAnswer page = Ask(Call("GET", target));
    ASSERT_EQ(page.status, 200);
    polls += page.Json().at("polls").as_array().size();
    ++pages;
    const std::string link = page.Header("link");
    target = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(polls, 205U);
  EXPECT_EQ(pages, 3U);
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls?cursor=!"))), "parameter_invalid");
}

TEST_F(AdminRoutesTest, Projects) {
  Serve();
  const auto put = [&](Headers headers) {
    return AskAdmin(JsonCall("PUT", "/v1/projects/stadt", R"({"title":{"de":"Stadt"}})", headers));
  };
  EXPECT_EQ(Code(AskAdmin(Call("GET", "/v1/projects/stadt"))), "project_not_found");
  EXPECT_EQ(put({}).status, 428);
  const HttpAnswer created = put({{"If-None-Match", "*"}});
  EXPECT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(put({{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(put({{"If-Match", created.Header("etag")}}).status, 200);
  EXPECT_EQ(Text(AskAdmin(Call("GET", "/v1/projects/stadt")), "id"), "stadt");
}

TEST_F(AdminRoutesTest, RankingIsConditionalAndCompressed) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  ASSERT_EQ(Vote("p", "v", R"(["b"])").status, 201);
  const HttpAnswer ranking = Ask(Call("GET", "/v1/polls/p/ranking"));
  ASSERT_EQ(ranking.status, 200);
  EXPECT_EQ(ranking.Header("cache-control"), "public, max-age=1, stale-while-revalidate=5");
  EXPECT_EQ(ranking.Header("vary"), "Accept-Encoding, Origin");
  const std::string etag = ranking.Header("etag");
  EXPECT_EQ(etag, "W/\"" + Text(ranking, "version") + "\"");
  for (const std::string& match : {etag, std::string("*"), "\"x\", " + etag}) {
    const HttpAnswer same = Ask(Call("GET", "/v1/polls/p/ranking", {{"If-None-Match", match}}));
    EXPECT_EQ(same.status, 304) << match;
    EXPECT_EQ(same.Header("etag"), etag);
    EXPECT_EQ(same.body, "");
  }
  ASSERT_EQ(Vote("p", "w", R"(["b"])").status, 201);
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking", {{"If-None-Match", etag}})).status, 200);
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking?top=1")).Json().at("options").as_object().size(),
            1U);
  for (const char* query : {"?top=0", "?top=x", "?top=-1", "?top=100001", "?up=1"}) {
    EXPECT_EQ(Code(Ask(Call("GET", std::string("/v1/polls/p/ranking") + query))),
              "parameter_invalid");
  }
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking.csv")).body.substr(0, 13), "rank,option,s");
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking.ndjson")).Header("content-type"),
            "application/x-ndjson");
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls/nix/ranking"))), "poll_not_found");
}

TEST_F(AdminRoutesTest, Operations) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  ASSERT_EQ(Vote("p", "v", R"(["b"])").status, 201);
  for (const char* path : {"/livez", "/readyz", "/healthz", "/version", "/openapi.json", "/"}) {
    EXPECT_EQ(Ask(Call("GET", path)).status, 200) << path;
  }
  EXPECT_EQ(Ask(Call("GET", "/metrics")).status, 404);
  const std::string metrics = AskAdmin(Call("GET", "/metrics")).body;
  EXPECT_NE(metrics.find("tallyd_votes_total{result=\"counted\",channel=\"online\"} 1\n"),
            std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("tallyd_commit_duration_seconds_bucket"), std::string::npos);
  const HttpAnswer german =
      Ask(Call("GET", "/problems/already_voted", {{"Accept-Language", "de"}}));
  EXPECT_EQ(Text(german, "title"), "Bereits abgestimmt");
  EXPECT_EQ(
      Ask(Call("GET", "/problems/already_voted", {{"Accept", "text/html"}})).Header("content-type"),
      "text/html; charset=utf-8");
  EXPECT_EQ(Code(Ask(Call("GET", "/problems/nix"))), "not_found");
  const HttpAnswer verified = AskAdmin(JsonCall("POST", "/v1/admin/verify", ""));
  EXPECT_EQ(verified.status, 200) << verified.body;
  EXPECT_EQ(verified.Json().at("ok"), true);
  EXPECT_EQ(verified.Json().at("polls").at(0).at("ballots").as_int64(), 1);
}

TEST_F(AdminRoutesTest, SameBytesAfterARestart) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  const HttpAnswer vote = Vote("p", "v", R"(["b"])");
  const std::string before = Ask(Call("GET", "/v1/polls/p/ranking")).body;
  StopServing();
  Serve();
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking")).body, before);
  EXPECT_EQ(Text(Ask(Call("GET", "/v1/receipts/" + Text(vote, "receipt"))), "status"), "counted");
  EXPECT_EQ(Text(Vote("p", "v", R"(["b"])"), "status"), "duplicate");
}

}  // namespace
}  // namespace tallyd
