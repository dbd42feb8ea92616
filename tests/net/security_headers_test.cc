// What an answer tells a browser: no guessing of types, no frames, no foreign scripts, no referrer,
// and to whom it may be shown. And what a log line does with hostile text.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/log.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class SecurityHeadersTest : public ServiceTest {
 protected:
  void SetUp() override {
    Serve([](ServiceOptions& options, EngineOptions&) {
      options.cors.allowed_origins = {"https://stadt.example", "https://mitmachen.example:8443"};
    });
    ASSERT_EQ(PutPoll("p", R"(,"state":"open")").status, 201);
  }
};

TEST_F(SecurityHeadersTest, EveryAnswerForbidsGuessingItsType) {
  const std::vector<HttpCall> calls = {
      Call("GET", "/"),
      Call("GET", "/livez"),
      Call("GET", "/docs"),
      Call("GET", "/v1/polls/p/ranking"),
      Call("GET", "/v1/polls"),
      Call("GET", "/nothing"),
      Call("POST", "/livez"),
      Call("OPTIONS", "/v1/polls/p/votes"),
      Call("GET", "/table"),
      Call("GET", "/problems/overloaded"),
      Call("HEAD", "/v1/polls"),
      JsonCall("POST", "/v1/polls/p/votes", "{"),
      JsonCall("POST", "/v1/polls/p/votes", R"({"voter":"v","choices":["a"]})")};
  for (const HttpCall& call : calls) {
    SCOPED_TRACE(call.method + " " + call.target);
    if (call.method == "HEAD") {
      ASSERT_TRUE(public_->SendBytes(Render(call)));
      EXPECT_EQ(public_->ReadAnswer(true).Header("x-content-type-options"), "nosniff");
      continue;
    }
    const HttpAnswer answer = Ask(call);
    ASSERT_NE(answer.status, 0);
    EXPECT_EQ(answer.Header("x-content-type-options"), "nosniff");
    EXPECT_NE(answer.Header("cache-control"), "");
  }
}

TEST_F(SecurityHeadersTest, EveryPageForbidsFramesForeignCodeAndReferrers) {
  int pages = 0;
  for (HttpClient* client : {public_.get(), admin_.get()}) {
    for (const std::string target : {"/", "/docs", "/table", "/table/p", "/problems/overloaded"}) {
      SCOPED_TRACE(target);
      const HttpAnswer answer = client->Send(Call("GET", target, {{"Accept", "text/html"}}));
      if (answer.Header("content-type").find("text/html") == std::string::npos) continue;
      ++pages;
      const std::string policy = answer.Header("content-security-policy");
      EXPECT_EQ(policy.find("default-src 'none'"), 0u) << policy;
      EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << policy;
      EXPECT_NE(policy.find("base-uri 'none'"), std::string::npos) << policy;
      EXPECT_EQ(policy.find("script-src 'unsafe"), std::string::npos) << policy;
      EXPECT_EQ(answer.Header("referrer-policy"), "no-referrer");
    }
  }
  EXPECT_GE(pages, 6);
}

TEST_F(SecurityHeadersTest, OnlyListedOriginsMayRead) {
  for (const std::string origin :
       {"https://stadt.example", "https://mitmachen.example:8443", "https://stadt.example.evil",
        "https://evil.example", "http://stadt.example", "https://stadt.example:443", "null",
        "https://STADT.example", "https://a.stadt.example"}) {
    SCOPED_TRACE(origin);
    const bool listed =
        origin == "https://stadt.example" || origin == "https://mitmachen.example:8443";
    const std::string allowed = listed ? origin : "";
    const HttpAnswer read = Ask(Call("GET", "/v1/polls/p/ranking", {{"Origin", origin}}));
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(read.Header("access-control-allow-origin"), allowed);
    EXPECT_EQ(read.Header("access-control-allow-credentials"), "") << "there are no cookies";
    EXPECT_NE(read.Header("vary").find("Origin"), std::string::npos);
    const HttpAnswer preflight = Ask(Call("OPTIONS", "/v1/polls/p/votes",
                                          {{"Origin", origin},
                                           {"Access-Control-Request-Method", "POST"},
                                           {"Access-Control-Request-Headers", "content-type"}}));
    EXPECT_EQ(preflight.status, 204);
    EXPECT_EQ(preflight.Header("access-control-allow-origin"), allowed);
    // An error is to be readable too.
    const HttpAnswer error = Ask(Call("GET", "/v1/polls/none", {{"Origin", origin}}));
    EXPECT_EQ(error.Header("access-control-allow-origin"), allowed);
  }
  const HttpAnswer admin =
      AskAdmin(Call("GET", "/v1/polls", {{"Origin", "https://stadt.example"}}));
  EXPECT_EQ(admin.Header("access-control-allow-origin"), "") << "never on the private listener";
}

TEST(LogTest, HostileTextStaysInItsField) {
  for (const bool json : {false, true}) {
    LogOptions options;
    options.json = json;
    StartLog(options);
    testing::internal::CaptureStderr();
    const std::string hostile =
        "a\r\nlevel=error event=forged \"q\" \\ \x1b[2J \x7f \xc2\x9b[31m \xc2\x85 \xe2\x80\xa8 "
        "\xe2\x80\xa9 \xff" +
        std::string(1, '\0') + std::string(65'536, '\n');
    Log(LogLevel::kWarning, "test", {{"text", hostile}, {"empty", ""}});
    FlushLog();
    const std::string line = testing::internal::GetCapturedStderr();
    ASSERT_FALSE(line.empty());
    EXPECT_EQ(line.find('\n'), line.size() - 1) << "one event, one line";
    for (const char c : line.substr(0, line.size() - 1)) {
      ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
    for (const std::string bad : {"\xc2\x9b", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"}) {
      EXPECT_EQ(line.find(bad), std::string::npos);
    }
    EXPECT_NE(line.find(R"(a\r\nlevel=error event=forged \"q\")"), std::string::npos);
  }
  StartLog(LogOptions());
}

}  // namespace
}  // namespace tallyd
