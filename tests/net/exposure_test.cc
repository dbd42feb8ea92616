// What the open net can reach: the routes of the public listener are named here, one by one, and
// whoever adds one has to add it here too.

#include <set>
#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "net/openapi_document.h"
#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

// "GET /v1/polls" of everything the API's description knows.
std::vector<std::pair<std::string, std::string>> DescribedOperations() {
  std::vector<std::pair<std::string, std::string>> all;
  const boost::json::value document =
      boost::json::parse(boost::json::string_view(OpenApiJson().data(), OpenApiJson().size()));
  for (const auto& [path, item] : document.at("paths").as_object()) {
    for (const char* method : {"get", "post", "put", "patch", "delete"}) {
      if (!item.as_object().contains(method)) continue;
      std::string upper(method);
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      all.emplace_back(upper, std::string(path));
    }
  }
  return all;
}

bool IsForPublic(const std::string& operation) {
  static const std::set<std::string> known = {
      "POST /v1/polls/{poll}/votes",
      "GET /v1/polls/{poll}/votes/me",
      "DELETE /v1/polls/{poll}/votes/me",
      "POST /v1/polls/{poll}/votes/batch",
      "GET /v1/receipts/{receipt}",
      "POST /v1/projects/{project}/ideas",
      "GET /v1/projects/{project}/ideas/{idea}",
      "GET /v1/polls",
      "GET /v1/polls/{poll}",
      "GET /v1/polls/{poll}/ranking",
      "GET /v1/polls/{poll}/selection",
      "GET /v1/polls/{poll}/ranking.csv",
      "GET /v1/polls/{poll}/ranking.ndjson",
      "GET /v1/polls/{poll}/ranking/changes",
      "GET /v1/polls/{poll}/ranking/stream",
      "GET /v1/polls/{poll}/ranking/ws",
      "GET /livez",
      "GET /readyz",
      "GET /healthz",
      "GET /version",
      "GET /openapi.json",
      "GET /docs",
      "GET /problems/{code}",
      "GET /",
  };
  return known.contains(operation);
}

std::string Filled(std::string path) {
  if (path == "/problems/{code}") return "/problems/not_found";
  for (std::size_t at = 0; (at = path.find('{')) != std::string::npos;) {
    path.replace(at, path.find('}') - at + 1, "x");
  }
  return path;
}

class ExposureTest : public ServiceTest {};

TEST_F(ExposureTest, ThePublicListenerKnowsNothingElse) {
  const TokenMint mint;
  mint.WriteFiles(directory_.path());
  Serve([&](ServiceOptions& options, EngineOptions&) {
    options.auth.insecure_no_auth = false;
    options.auth.files.issuers_file = directory_.File("issuers.json");
  });
  // Even for somebody who may do everything.
  const std::string token = mint.Sign(
      "hmac", TokenMint::Header("HS256", "hmac"),
      TokenMint::Claims("anna", R"(,"scope":"vote vote:on-behalf paper admin analyse moderate")"));
  int hidden = 0;
  for (const auto& [method, path] : DescribedOperations()) {
    const std::string operation = method + " " + path;
    SCOPED_TRACE(operation);
    const HttpCall call{method, Filled(path), {{"Authorization", "Bearer " + token}}, ""};
    const HttpAnswer answer = Ask(call);
    ASSERT_NE(answer.status, 0);
    const std::string code = answer.status >= 400 ? Code(answer) : "";
    const bool known = code != "not_found" && code != "method_not_allowed";
    EXPECT_EQ(known, IsForPublic(operation)) << answer.status << " " << answer.body;
    if (known) continue;
    ++hidden;
    // It is there, but elsewhere.
    const HttpAnswer inside = AskAdmin(call);
    const std::string inside_code = inside.status >= 400 ? Code(inside) : "";
    EXPECT_NE(inside_code, "not_found");
    EXPECT_NE(inside_code, "method_not_allowed");
  }
  EXPECT_GE(hidden, 5);
}

// It tells what was in the boxes, and what options had when they were withdrawn.
TEST_F(ExposureTest, TheAuditOfASealedPollIsSealedToo) {
  const TokenMint mint;
  mint.WriteFiles(directory_.path());
  Serve([&](ServiceOptions& options, EngineOptions&) {
    options.auth.insecure_no_auth = false;
    options.auth.files.issuers_file = directory_.File("issuers.json");
  });
  const auto as = [&](const std::string& scope) -> Headers {
    return {{"Authorization",
             "Bearer " + mint.Sign("hmac", TokenMint::Header("HS256", "hmac"),
                                   TokenMint::Claims("anna", R"(,"scope":")" + scope + "\""))}};
  };
  Headers admin = as("admin");
  admin.emplace_back("If-None-Match", "*");
  const HttpAnswer created = AskAdmin(
      JsonCall("PUT", "/v1/polls/p", PollBody(R"(,"state":"open","visibility":"sealed")"), admin));
  ASSERT_EQ(created.status, 201) << created.body;
  const auto audit = [&](const std::string& scope) {
    return AskAdmin(Call("GET", "/v1/polls/p/audit", as(scope)));
  };
  EXPECT_EQ(Code(audit("analyse")), "forbidden");
  EXPECT_EQ(Code(audit("admin")), "forbidden");
  EXPECT_EQ(Code(audit("paper")), "forbidden");
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"closed"})", as("admin")))
                .status,
            200);
  EXPECT_EQ(audit("analyse").status, 200);
}

TEST_F(ExposureTest, NoSpellingOfAPrivatePathReachesIt) {
  Serve();
  for (const char* path :
       {"/metrics", "/metrics/", "//metrics", "/./metrics", "/x/../metrics", "/%6detrics",
        "/metrics%00", "/metrics%2f", "/%2e%2e/metrics", "/v1/admin/verify", "/v1/%61dmin/verify",
        "/v1//admin/verify", "/v1/polls/../admin/verify", "/v1/polls/x/transitions",
        "/v1/polls/x/%74ransitions", "/METRICS", "/metrics;x", "/metrics?x=/livez"}) {
    for (const char* method : {"GET", "POST"}) {
      const HttpAnswer answer = Ask({method, path, {}, ""});
      EXPECT_GE(answer.status, 400) << method << " " << path;
      EXPECT_LT(answer.status, 500) << method << " " << path;
      EXPECT_EQ(answer.body.find("tallyd_build_info"), std::string::npos) << path;
    }
  }
}

}  // namespace
}  // namespace tallyd
