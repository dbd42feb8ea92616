// Polls that ask for claims: who may vote by what the token says, and who may not.

#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "engine/claim_rule.h"
#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

constexpr std::string_view kRule =
    R"(,"eligible":{"claims":{"district":["mitte","nord, }]}"],"age":["16","17"]}})";

class EligibleTest : public ServiceTest {
 protected:
  void SetUp() override {
    SharedMint().WriteFiles(directory_.path(), R"(,"claims":["district","age"])");
    Start();
    ASSERT_EQ(Create("p", R"(,"state":"open")" + std::string(kRule)).status, 201);
  }
  void Start() {
    Serve([&](ServiceOptions& options, EngineOptions&) {
      options.auth.insecure_no_auth = false;
      options.auth.files.issuers_file = directory_.File("issuers.json");
    });
  }
  static std::pair<std::string, std::string> Bearer(const std::string& subject,
                                                    const std::string& more) {
    return {"Authorization",
            "Bearer " + SharedMint().Sign("hmac", TokenMint::Header("HS256", "hmac"),
                                          TokenMint::Claims(subject, more))};
  }
  HttpAnswer Create(const std::string& id, const std::string& members) {
    return AskAdmin(JsonCall("PUT", "/v1/polls/" + id, PollBody(members),
                             {{"If-None-Match", "*"}, Bearer("anna", R"(,"scope":"admin")")}));
  }
  HttpAnswer VoteAs(const std::string& subject, const std::string& claims,
                    const std::string& scope = "vote") {
    return Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"choices":["a"]})",
                        {Bearer(subject, R"(,"scope":")" + scope + "\"" + claims)}));
  }
};

TEST_F(EligibleTest, EveryNameNeedsOneOfItsValues) {
  int voters = 0;
  for (const char* claims : {R"(,"district":"mitte","age":"16")", R"(,"district":"mitte","age":17)",
                             R"(,"district":["west","nord, }]}"],"age":"16")"}) {
    EXPECT_EQ(VoteAs("v" + std::to_string(++voters), claims).status, 201) << claims;
  }
  for (const char* claims :
       {"", R"(,"district":"mitte")", R"(,"age":"16")", R"(,"district":"mitte","age":18)",
        R"(,"district":"Mitte","age":"16")", R"(,"district":"mitt","age":"16")",
        R"(,"district":"","age":"16")", R"(,"district":[],"age":"16")",
        R"(,"district":{"mitte":true},"age":"16")", R"(,"district":"16","age":"mitte")",
        R"(,"district":"mitte\",\"nord","age":"16")", R"(,"district":null,"age":true)"}) {
    const HttpAnswer refused = VoteAs("refused", claims);
    EXPECT_EQ(refused.status, 403) << claims;
    EXPECT_EQ(Code(refused), "forbidden");
  }
  EXPECT_NE(Text(VoteAs("refused", R"(,"age":"16")"), "detail").find("district"),
            std::string::npos);
  const HttpAnswer ranking = Ask(Call("GET", "/v1/polls/p/ranking"));
  EXPECT_EQ(ranking.Json().at("totals").at("ballots").as_int64(), 3);
}

TEST_F(EligibleTest, WhoMayNameVotersVouchesForThem) {
  const HttpAnswer answer =
      Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"voter":"f:1","choices":["a"]})",
                   {Bearer("town", R"(,"scope":"vote:on-behalf")")}));
  EXPECT_EQ(answer.status, 201) << answer.body;
}

TEST_F(EligibleTest, TheRuleIsShownFixedAndSurvivesARestart) {
  const auto shown = [&] { return Ask(Call("GET", "/v1/polls/p")).Json(); };
  const boost::json::value before = shown();
  EXPECT_EQ(boost::json::serialize(before.at("eligible")),
            R"({"claims":{"age":["16","17"],"district":["mitte","nord, }]}"]}})");
  EXPECT_EQ(before.at("title").at("de").as_string(), "Probe");
  const auto put = [&](const std::string& members) {
    const std::string revision = Ask(Call("GET", "/v1/polls/p")).Header("etag");
    return AskAdmin(JsonCall("PUT", "/v1/polls/p", PollBody(members),
                             {{"If-Match", revision}, Bearer("anna", R"(,"scope":"admin")")}));
  };
  const HttpAnswer changed = put(R"(,"eligible":{"claims":{"district":["mitte"]}})");
  EXPECT_EQ(Code(changed), "rules_frozen");
  EXPECT_EQ(Pointer(changed), "/eligible/claims");
  EXPECT_EQ(Code(put("")), "rules_frozen");  // nor can it be left out
  const HttpAnswer audit =
      AskAdmin(Call("GET", "/v1/polls/p/audit", {Bearer("anna", R"(,"scope":"admin")")}));
  EXPECT_NE(audit.body.find(R"("claims":{"age":["16","17"],"district":["mitte","nord, }]}"]})"),
            std::string::npos)
      << audit.body;
  StopServing();
  Start();
  EXPECT_EQ(shown(), before);
  EXPECT_EQ(VoteAs("late", R"(,"district":"west","age":"16")").status, 403);
  EXPECT_EQ(VoteAs("late", R"(,"district":"mitte","age":"16")").status, 201);
}

TEST(ClaimRuleTest, EveryNameNeedsOneOfItsValues) {
  const std::vector<ClaimRule> rules = {{"a", {"b", "c"}}, {"d", {"e"}}};
  EXPECT_EQ(MissingClaim(rules, {{"a", "c"}, {"d", "c"}}), "d");
  EXPECT_EQ(MissingClaim(rules, {{"d", "e"}}), "a");
  EXPECT_EQ(MissingClaim(rules, {{"a", "x"}, {"a", "c"}, {"d", "e"}}), "");
  EXPECT_EQ(MissingClaim({}, {}), "");
}

}  // namespace
}  // namespace tallyd
