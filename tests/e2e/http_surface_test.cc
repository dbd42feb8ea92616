// API.md sections 2 and 9: what is common to all routes, and the routes of operations.

#include <algorithm>

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class HttpSurface : public ServerTest {};

TEST_F(HttpSurface, HealthOnBothListeners) {
  for (HttpClient* client : {&public_, &admin_}) {
    EXPECT_EQ(client->Send({"GET", "/livez", {}, {}}).status, 200);
    EXPECT_EQ(client->Send({"GET", "/readyz", {}, {}}).status, 200);
    EXPECT_EQ(client->Send({"HEAD", "/readyz", {}, {}}).status, 200);
    EXPECT_EQ(client->Send({"GET", "/version", {}, {}}).status, 200);
  }
}

TEST_F(HttpSurface, MetricsArePrivateAndCount) {
  const std::string poll = CreatePoll();
  EXPECT_EQ(Vote(poll, ChoicesBody("v", {"alpha"})).status, 201);
  const HttpAnswer answer = admin_.Send({"GET", "/metrics", {}, {}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("content-type").substr(0, 10), "text/plain");
  EXPECT_NE(answer.body.find("# TYPE tallyd_"), std::string::npos);
  EXPECT_EQ(answer.body.find("alpha"), std::string::npos) << "no options in labels";
}

TEST_F(HttpSurface, TheServerRecountsItself) {
  const std::string poll = CreatePoll();
  EXPECT_EQ(Vote(poll, ChoicesBody("v", {"alpha"})).status, 201);
  const HttpAnswer answer = admin_.Send({"POST", "/v1/admin/verify", {}, ""});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.Json().at("ok").as_bool()) << answer.body;
  EXPECT_NE(answer.body.find('"' + poll + '"'), std::string::npos);
  ExpectProblem(public_.Send({"POST", "/v1/admin/verify", {}, ""}), "not_found");
}

TEST_F(HttpSurface, WhoHasTheAnswerOfARecountMayAskForTheNext) {
  for (int i = 0; i < 300; ++i) {
    const HttpAnswer answer = admin_.Send({"POST", "/v1/admin/verify", {}, ""});
    ASSERT_EQ(answer.status, 200) << i << answer.body;
  }
}

TEST_F(HttpSurface, TheContractIsServed) {
  const HttpAnswer answer = Get("/openapi.json");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("content-type"), "application/json");
  const boost::json::value json = answer.Json();
  EXPECT_EQ(std::string(json.at("openapi").as_string()).substr(0, 3), "3.1");
  EXPECT_TRUE(json.at("paths").as_object().contains("/v1/polls/{poll}/votes"));
}

TEST_F(HttpSurface, TheContractIsServedAsAPageToo) {
  const HttpAnswer page = Get("/docs");
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.Header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  const boost::json::value contract = Get("/openapi.json").Json();
  for (const auto& path : contract.at("paths").as_object()) {
    EXPECT_NE(page.body.find(path.key()), std::string::npos) << path.key();
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      const std::string id(operation.value().at("operationId").as_string());
      EXPECT_NE(page.body.find("<h3 id=\"" + id + "\">"), std::string::npos) << id;
    }
  }
}

TEST_F(HttpSurface, EveryProblemHasAPage) {
  for (const char* code : {"already_voted", "option_unknown", "overloaded", "four_eyes"}) {
    const HttpAnswer answer = Get(std::string("/problems/") + code);
    EXPECT_EQ(answer.status, 200) << code << answer.body;
    EXPECT_NE(answer.body.find(code), std::string::npos);
  }
  ExpectProblem(Get("/problems/no_such_code"), "not_found");
}

TEST_F(HttpSurface, ProblemsSpeakTheReadersLanguage) {
  const std::string target = "/v1/polls/no-such-poll";
  const HttpAnswer english = Get(target);
  const HttpAnswer german = Get(target, {{"Accept-Language", "de-AT,de;q=0.9,en;q=0.5"}});
  const HttpAnswer other = Get(target, {{"Accept-Language", "en,de;q=0.3"}});
  EXPECT_NE(TextMember(english, "title"), TextMember(german, "title"));
  EXPECT_EQ(TextMember(english, "title"), TextMember(other, "title"));
  EXPECT_EQ(german.Header("content-language"), "de");
  EXPECT_EQ(english.Header("content-language"), "en");
  EXPECT_EQ(TextMember(german, "code"), TextMember(english, "code"));
}

TEST_F(HttpSurface, EveryAnswerCarriesARequestId) {
  const std::string first = Get("/livez").Header("request-id");
  const std::string second = Get("/livez").Header("request-id");
  EXPECT_FALSE(first.empty());
  EXPECT_NE(first, second);
  EXPECT_EQ(Get("/livez", {{"Request-Id", "mine-42"}}).Header("request-id"), "mine-42");
  EXPECT_NE(Get("/livez", {{"Request-Id", "not sane \"<>"}}).Header("request-id"), "not sane \"<>");
}

TEST_F(HttpSurface, OptionsAndCors) {
  const std::string target = "/v1/polls/" + CreatePoll() + "/votes";
  const HttpAnswer plain = public_.Send({"OPTIONS", target, {}, {}});
  EXPECT_EQ(plain.status, 204);
  EXPECT_NE(plain.Header("allow").find("POST"), std::string::npos);
  const HttpAnswer preflight = public_.Send({"OPTIONS",
                                             target,
                                             {{"Origin", "https://mitmachen.example"},
                                              {"Access-Control-Request-Method", "POST"},
                                              {"Access-Control-Request-Headers", "content-type"}},
                                             {}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("access-control-allow-origin"), "https://mitmachen.example");
  EXPECT_NE(preflight.Header("access-control-allow-methods").find("POST"), std::string::npos);
  const HttpAnswer stranger =
      public_.Send({"OPTIONS",
                    target,
                    {{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "POST"}},
                    {}});
  EXPECT_EQ(stranger.Header("access-control-allow-origin"), "");
  const HttpAnswer read = Get("/livez", {{"Origin", "https://mitmachen.example"}});
  EXPECT_EQ(read.Header("access-control-allow-origin"), "https://mitmachen.example");
  EXPECT_EQ(
      Get("/livez", {{"Origin", "https://evil.example"}}).Header("access-control-allow-origin"),
      "");
}

TEST_F(HttpSurface, WrongMethodsNameTheRightOnes) {
  const HttpAnswer answer = public_.Send({"DELETE", "/v1/polls/x/ranking", {}, {}});
  ExpectProblem(answer, "method_not_allowed");
  EXPECT_NE(answer.Header("allow").find("GET"), std::string::npos);
  ExpectProblem(Get("/v1/nothing/here"), "not_found");
}

TEST_F(HttpSurface, AnswersAreNotSniffed) {
  for (const char* target : {"/livez", "/version", "/v1/polls", "/nothing"}) {
    EXPECT_EQ(Get(target).Header("x-content-type-options"), "nosniff") << target;
    EXPECT_FALSE(Get(target).Header("date").empty()) << target;
  }
}

TEST_F(HttpSurface, FramingErrorsCloseTheConnection) {
  struct Row {
    std::string request;
    const char* code;
  };
  const std::string vote = "POST /v1/polls/x/votes HTTP/1.1\r\nHost: a\r\n";
  const Row rows[] = {
      {"GET /livez HTTP/1.1\r\n\r\n", "host_invalid"},
      {"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "host_invalid"},
      {vote + "Content-Length: 3, 3\r\n\r\nabc", "content_length_invalid"},
      {vote + "\r\nabc", "length_required"},
      {vote + "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "length_required"},
      {"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "length_required"},
      {"NONSENSE\r\n\r\n", "bad_request"},
      {"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "bad_request"},
      {"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n", "http_version_not_supported"},
      {"BREW /livez HTTP/1.1\r\nHost: a\r\n\r\n", "not_implemented"},
      {vote + "Expect: tea\r\nContent-Length: 3\r\n\r\nabc", "expectation_failed"},
      {"GET /" + std::string(3'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", "uri_too_long"},
      {"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n",
       "header_too_large"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.request.substr(0, 120));
    HttpClient client(Server().public_port());
    ASSERT_TRUE(client.SendBytes(row.request));
    ExpectProblem(client.ReadAnswer(), row.code);
    EXPECT_TRUE(client.ReadEnd());
  }
}

}  // namespace
}  // namespace tallyd
