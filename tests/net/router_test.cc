// Routes, refusals of routing, CORS; problem documents; all without sockets where that is enough.

#include "net/router.h"

#include <string>

#include <gtest/gtest.h>

#include "net/problem_response.h"
#include "net/request_guard.h"
#include "tests/net/http_fixture.h"

namespace tallyd {
namespace {

Handler Ignore() {
  return [](const HttpRequest&, Responder) {};
}

struct Looked {
  HttpRequest request;
  Router::Match match;
};

void Look(const Router& router, Method method, std::string_view target, Looked& looked,
          ListenerKind listener = ListenerKind::kPublic) {
  ASSERT_TRUE(IsValidTarget(target)) << target;
  SessionLimits limits;
  RequestGuard guard(limits, looked.request);
  ASSERT_FALSE(guard.OnRequestLine(MethodName(method), target, 11).has_value());
  looked.request.listener = listener;
  looked.match = router.Find(looked.request);
}

TEST(Router, PrefersLiteralsAndStepsBack) {
  Router router;
  router.Add(Method::kGet, "/v1/polls/{poll}", kBothListeners, BodyPolicy::None(), Ignore());
  router.Add(Method::kGet, "/v1/polls/{poll}/ranking", kBothListeners, BodyPolicy::None(),
             Ignore());
  router.Add(Method::kGet, "/v1/polls/special", kBothListeners, BodyPolicy::None(), Ignore());
  router.Add(Method::kPut, "/v1/polls/{p}/options/{option}", kPrivateListener, BodyPolicy::Small(),
             Ignore());
  const auto index = [&](Method method, std::string_view target,
                         ListenerKind listener = ListenerKind::kPublic) {
    Looked looked;
    Look(router, method, target, looked, listener);
    return looked.match.outcome == Router::Outcome::kFound ? looked.match.route->index : -1;
  };
  EXPECT_EQ(index(Method::kGet, "/v1/polls/a"), 0);
  EXPECT_EQ(index(Method::kHead, "/v1/polls/a"), 0);
  EXPECT_EQ(index(Method::kGet, "/v1/polls/special"), 2);
  EXPECT_EQ(index(Method::kGet, "/v1/polls/special/ranking"), 1);
  EXPECT_EQ(index(Method::kGet, "/v1/polls"), -1);
  EXPECT_EQ(index(Method::kGet, "/v1/polls/"), -1);
  EXPECT_EQ(index(Method::kGet, "/"), -1);
  EXPECT_EQ(index(Method::kPut, "/v1/polls/a/options/b"), -1);
  EXPECT_EQ(index(Method::kPut, "/v1/polls/a/options/b", ListenerKind::kPrivate), 3);
}

TEST(Router, DecodesASegmentOnceAndKeepsSlashesInIt) {
  Router router;
  router.Add(Method::kGet, "/special/{x}/end", kBothListeners, BodyPolicy::None(), Ignore());
  router.Add(Method::kGet, "/{poll}/{option}", kBothListeners, BodyPolicy::None(), Ignore());
  Looked looked;
  Look(router, Method::kGet,
       "/sp%65cial/2025%2FOGM%2f0007?n%61me=a%20b%2526&flag&=x&empty=", looked);
  ASSERT_EQ(looked.match.outcome, Router::Outcome::kFound);
  EXPECT_EQ(looked.request.Param("poll"), "special");
  EXPECT_EQ(looked.request.Param("option"), "2025/OGM/0007");
  EXPECT_EQ(looked.request.Param("other"), "");
  EXPECT_EQ(looked.request.Query("name"), "a b%26");
  EXPECT_EQ(looked.request.Query("flag"), "");
  EXPECT_EQ(looked.request.Query("empty"), "");
  EXPECT_EQ(looked.request.Query("nothing"), std::nullopt);
  Looked twice;
  Look(router, Method::kGet, "/a/%252e%252e", twice);
  EXPECT_EQ(twice.request.Param("option"), "%2e%2e");
}

// As forms and URLSearchParams write it (WHATWG URL Standard); in a path it is itself.
TEST(Router, APlusInAQueryIsASpace) {
  Router router;
  router.Add(Method::kGet, "/{option}", kBothListeners, BodyPolicy::None(), Ignore());
  Looked looked;
  Look(router, Method::kGet, "/a+b?the+reason=built+already%2B1&x=%2b+", looked);
  EXPECT_EQ(looked.request.Param("option"), "a+b");
  EXPECT_EQ(looked.request.Query("the reason"), "built already+1");
  EXPECT_EQ(looked.request.Query("x"), "+ ");
}

TEST(Router, NamesTheMethodsOfAPath) {
  TestServer test;
  RawClient client = test.Connect();
  client.Send(PostRequest("/items/a", ""));
  const auto refused = client.Read();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 405);
  EXPECT_EQ(refused->Header("Allow"), "GET, HEAD, DELETE, OPTIONS");
  client.Send("OPTIONS /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto options = client.Read();
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->status, 204);
  EXPECT_EQ(options->Header("Allow"), "POST, PUT, OPTIONS");
}

TEST(Router, KeepsPrivateRoutesOffThePublicListener) {
  TestServer test;
  EXPECT_EQ(test.Ask(GetRequest("/private")).status, 404);
  EXPECT_EQ(test.Ask(PostRequest("/private", "")).status, 404);
  RawClient client = test.ConnectPrivate();
  client.Send(GetRequest("/private"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).status, 200);
}

std::string Preflight(std::string_view target, std::string_view origin) {
  return "OPTIONS " + std::string(target) +
         " HTTP/1.1\r\nHost: t\r\nOrigin: " + std::string(origin) +
         "\r\nAccess-Control-Request-Method: POST\r\n"
         "Access-Control-Request-Headers: content-type\r\n\r\n";
}

TEST(Cors, AllowedOriginsMayReadAnswers) {
  TestServer test;
  const RawAnswer preflight = test.Ask(Preflight("/echo", "https://city.example"));
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Origin"), "https://city.example");
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Methods"), "POST, PUT, OPTIONS");
  EXPECT_EQ(preflight.Header("Access-Control-Max-Age"), "7200");
  EXPECT_EQ(preflight.Header("Vary"), "Origin");
  EXPECT_NE(preflight.Header("Access-Control-Allow-Headers")->find("Idempotency-Key"),
            std::string::npos);

  for (const std::string target : {"/hello", "/nowhere"}) {
    const RawAnswer answer = test.Ask(GetRequest(target, "Origin: https://city.example\r\n"));
    EXPECT_EQ(answer.Header("Access-Control-Allow-Origin"), "https://city.example");
    EXPECT_NE(answer.Header("Access-Control-Expose-Headers")->find("ETag, Location"),
              std::string::npos);
    EXPECT_FALSE(answer.Header("Access-Control-Allow-Credentials").has_value());
  }
  // A page sees the 404 of an unknown path, not an error of CORS.
  EXPECT_EQ(test.Ask(Preflight("/nowhere", "https://city.example")).status, 204);
}

TEST(Cors, OtherOriginsGetNoPermission) {
  TestServer test;
  for (const std::string origin :
       {"https://city.example.evil.example", "http://city.example", "https://City.example", "null",
        "https://city.example:443", "https://evil.example"}) {
    const RawAnswer preflight = test.Ask(Preflight("/echo", origin));
    EXPECT_FALSE(preflight.Header("Access-Control-Allow-Origin").has_value()) << origin;
    EXPECT_EQ(preflight.Header("Vary"), "Origin");
    const RawAnswer answer = test.Ask(GetRequest("/hello", "Origin: " + origin + "\r\n"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.Header("Access-Control-Allow-Origin").has_value()) << origin;
  }
  RawClient client = test.ConnectPrivate();
  client.Send(GetRequest("/hello", "Origin: https://city.example\r\n"));
  EXPECT_FALSE(client.Read()->Header("Access-Control-Allow-Origin").has_value());
}

TEST(ProblemResponse, IsADocumentInTheReadersLanguage) {
  TestServer test;
  const RawAnswer english = test.Ask(GetRequest("/nowhere"));
  EXPECT_EQ(english.Header("Content-Language"), "en");
  EXPECT_NE(english.body.find(
                "{\"type\":\"/problems/not_found\",\"title\":\"Not found\",\"status\":404,"),
            std::string::npos)
      << english.body;
  const RawAnswer german = test.Ask(GetRequest("/nowhere", "Accept-Language: de-DE, en;q=0.5\r\n"));
  EXPECT_EQ(german.Header("Content-Language"), "de");
  EXPECT_NE(german.body, english.body);
}

TEST(ProblemResponse, PrefersGermanByWeightThenByOrder) {
  for (const char* german : {"de", "de-AT", "DE", "de,en", "en;q=0.5, de", "fr, de;q=0.3",
                             "de;q=0.9, en;q=0.8", "de, *"}) {
    EXPECT_TRUE(PrefersGerman(german)) << german;
  }
  for (const char* english : {"", "en", "en, de", "de;q=0.5, en", "fr", "*", "de;q=0", "den",
                              "de;q=0.1, *", "de;q=x", ",,;q="}) {
    EXPECT_FALSE(PrefersGerman(english)) << english;
  }
}

TEST(ProblemResponse, EscapesWhatCameFromOutside) {
  std::string out;
  AppendJsonString("a\"b\\c\n\x01\x7f\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x97\xb3\xc3", out);
  EXPECT_EQ(out,
            "\"a\\\"b\\\\c\\n\\u0001\\u007f\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
            "\xf0\x9f\x97\xb3\xef\xbf\xbd\"");
  const std::vector<BodyError> errors = {{"/choices/0", ProblemCode::kOptionUnknown, "no \"x\""},
                                         {"/voter", ProblemCode::kVoterInvalid, ""}};
  const HttpResponse response = ProblemResponse(ProblemCode::kMemberInvalid, "why", errors);
  EXPECT_NE(response.body.find("\"detail\":\"why\",\"code\":\"member_invalid\",\"errors\":["
                               "{\"pointer\":\"/choices/0\",\"code\":\"option_unknown\","
                               "\"detail\":\"no \\\"x\\\"\"},{\"pointer\":\"/voter\""),
            std::string::npos)
      << response.body;
}

}  // namespace
}  // namespace tallyd
