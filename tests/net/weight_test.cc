// Weights: a poll says which claim of the voter's token is the weight; ballots count that often.

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "storage/data_directory.h"
#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

constexpr const char* kWeighted =
    R"(,"state":"open","revote":"replace","withdraw":true,"boxes":[{"id":"hall"}],)"
    R"("weight":{"claim":"shares","max":100})";

std::pair<std::string, std::string> Token(const std::string& subject, const std::string& scope,
                                          const std::string& more = "") {
  return {"Authorization",
          "Bearer " +
              SharedMint().Sign("hmac", TokenMint::Header("HS256", "hmac"),
                                TokenMint::Claims(subject, R"(,"scope":")" + scope + "\"" + more))};
}

class WeightTest : public ServiceTest {
 protected:
  void Start() {
    SharedMint().WriteFiles(directory_.path(), R"(,"claims":["shares"])");
    Serve([&](ServiceOptions& options, EngineOptions&) {
      options.auth.insecure_no_auth = false;
      options.auth.files.issuers_file = directory_.File("issuers.json");
    });
  }
  HttpAnswer Admin(std::string method, const std::string& target, std::string body = "",
                   Headers more = {}) {
    more.push_back(Token("chief", "admin paper analyse"));
    if (body.empty() && method != "POST") {
      return AskAdmin(Call(std::move(method), target, std::move(more)));
    }
    return AskAdmin(JsonCall(std::move(method), target, std::move(body), std::move(more)));
  }
  void StartWithPoll(const std::string& ballot = R"({"type":"choose","min":0,"max":2})") {
    Start();
    const HttpAnswer made =
        Admin("PUT", "/v1/polls/p", PollBody(kWeighted, ballot), {{"If-None-Match", "*"}});
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.Json().at("weight").at("max").as_int64(), 100);
  }
  HttpAnswer Cast(const std::string& voter, const std::string& claim, const std::string& body) {
    return Ask(JsonCall("POST", "/v1/polls/p/votes", body, {Token(voter, "vote", claim)}));
  }
  HttpAnswer Mine(const std::string& method, const std::string& voter) {
    return Ask(Call(method, "/v1/polls/p/votes/me", {Token(voter, "vote")}));
  }
  // "score/ballots" of an option.
  std::string Row(const std::string& option) {
    const auto ranking = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
    const auto& row = ranking.at("options").at(option);
    return std::to_string(row.at("score").as_int64()) + "/" +
           std::to_string(row.at("ballots").as_int64());
  }
  void ExpectVerified() {
    const HttpAnswer verified = Admin("POST", "/v1/admin/verify");
    EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
  }
};

TEST_F(WeightTest, ABallotCountsAsOftenAsTheTokenSays) {
  StartWithPoll();
  ASSERT_EQ(Cast("anna", R"(,"shares":7)", R"({"choices":["a","b"]})").status, 201);
  ASSERT_EQ(Cast("bert", R"(,"shares":"3")", R"({"choices":["a"]})").status, 201);
  ASSERT_EQ(Cast("carl", R"(,"shares":100)", R"({"choices":[]})").status, 201);  // blank
  EXPECT_EQ(Row("a"), "10/2");
  EXPECT_EQ(Row("b"), "7/1");
  const auto totals = Ask(Call("GET", "/v1/polls/p/ranking")).Json().at("totals");
  EXPECT_EQ(totals.at("ballots").as_int64(), 3) << "people, not weights";
  EXPECT_EQ(totals.at("blank").as_int64(), 1);
  EXPECT_EQ(Number(Mine("GET", "anna"), "weight"), 7);
  ExpectVerified();
}

TEST_F(WeightTest, WhoSaysNoWeightIsRefused) {
  StartWithPoll();
  for (const char* claim :
       {"", R"(,"shares":0)", R"(,"shares":-1)", R"(,"shares":101)", R"(,"shares":"many")",
        R"(,"shares":["2","3"])", R"(,"shares":1.5)", R"(,"other":2)"}) {
    const HttpAnswer refused = Cast("anna", claim, R"({"choices":["a"]})");
    EXPECT_EQ(refused.status, 403) << claim;
    EXPECT_EQ(Code(refused), "weight_missing") << claim;
  }
  // A frontend's own claim says nothing about the voter that it names, one by one or in a batch.
  const auto frontend = Token("frontend", "vote:on-behalf", R"(,"shares":9)");
  EXPECT_EQ(Code(Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"voter":"v","choices":["a"]})",
                              {frontend}))),
            "weight_missing");
  const HttpAnswer batch = Ask(BatchCall("p",
                                         R"({"voter":"v","choices":["a"]})"
                                         "\n",
                                         "", {frontend}));
  EXPECT_EQ(batch.Json().at("items").at(0).at("code").as_string(), "weight_missing") << batch.body;
  EXPECT_EQ(Row("a"), "0/0");
}

TEST_F(WeightTest, RetriesAreTheSameBallotWhateverTheVoterWeighsByNow) {
  StartWithPoll();
  ASSERT_EQ(Cast("anna", R"(,"shares":7)", R"({"choices":["a"]})").status, 201);
  const HttpAnswer retry = Cast("anna", R"(,"shares":8)", R"({"choices":["a"]})");
  EXPECT_EQ(Text(retry, "status"), "duplicate");
  EXPECT_EQ(Row("a"), "7/1");
  // Another ballot counts with the weight of its own time, and takes the old one out whole.
  EXPECT_EQ(Text(Cast("anna", R"(,"shares":8)", R"({"choices":["b"]})"), "status"), "replaced");
  EXPECT_EQ(Row("a"), "0/0");
  EXPECT_EQ(Row("b"), "8/1");
  EXPECT_EQ(Mine("DELETE", "anna").status, 200);
  EXPECT_EQ(Row("b"), "0/0");
  ExpectVerified();
}

TEST_F(WeightTest, PaperWeighsOneAndTheExportTellsWeights) {
  StartWithPoll(R"({"type":"points","total":5,"max_per_option":3})");
  ASSERT_EQ(Cast("anna", R"(,"shares":10)", R"({"points":{"a":3,"b":1}})").status, 201);
  HttpCall cards{"POST",
                 "/v1/polls/p/paper-batches/b1/cards",
                 {Token("chief", "paper"), {"Content-Type", "application/x-ndjson"}},
                 R"({"card":"C1","points":{"a":2}})"
                 "\n"};
  ASSERT_EQ(AskAdmin(cards).status, 201);
  ASSERT_EQ(
      AskAdmin(
          HttpCall{"POST", "/v1/polls/p/paper-batches/b1/confirm", {Token("second", "paper")}, ""})
          .status,
      200);
  EXPECT_EQ(Row("a"), "32/2");
  EXPECT_EQ(Row("b"), "10/1");
  const HttpAnswer lines = Admin("GET", "/v1/polls/p/export/ballots.ndjson");
  EXPECT_NE(lines.body.find(R"("weight":10,"points":{"a":3,"b":1})"), std::string::npos)
      << lines.body;
  EXPECT_NE(lines.body.find(R"("weight":1,"points":{"a":2})"), std::string::npos);
  const HttpAnswer table = Admin("GET", "/v1/polls/p/export/ballots.csv");
  EXPECT_NE(table.body.find("box,weight,option,value"), std::string::npos) << table.body;
  EXPECT_NE(table.body.find(",online,,10,a,3"), std::string::npos) << table.body;
  EXPECT_EQ(Code(Admin("GET", "/v1/polls/p/export/pabulib.pb")), "not_supported");
  EXPECT_NE(Admin("GET", "/v1/polls/p/audit").body.find(R"("weight":{"claim":"shares","max":100})"),
            std::string::npos);
  ExpectVerified();
}

TEST_F(WeightTest, CountsTheSameAfterARestartARebuildAndAMerge) {
  StartWithPoll();
  ASSERT_EQ(Cast("anna", R"(,"shares":7)", R"({"choices":["a","b"]})").status, 201);
  ASSERT_EQ(Cast("bert", R"(,"shares":2)", R"({"choices":["a"]})").status, 201);
  const HttpAnswer merged = Admin("DELETE", "/v1/polls/p/options/a?fate=moved&into=b");
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(Row("b"), "9/2") << "who named both gives seven once";
  const std::string before = Ask(Call("GET", "/v1/polls/p/ranking")).body;
  StopServing();
  Start();
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking")).body, before);
  StopServing();
  {
    DataDirectoryOptions options;
    options.directory = directory_.File("data");
    auto data = DataDirectory::Open(options);
    ASSERT_TRUE(data.ok()) << data.status();
    ASSERT_TRUE((*data)->RemoveDerived().ok());
  }
  Start();
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking")).body, before);
  EXPECT_EQ(Text(Cast("anna", R"(,"shares":7)", R"({"choices":["a","b"]})"), "status"),
            "duplicate");
  ExpectVerified();
}

TEST_F(WeightTest, TheRuleIsFrozenAndBounded) {
  StartWithPoll();
  const std::string tag = Admin("GET", "/v1/polls/p").Header("etag");
  const HttpAnswer frozen =
      Admin("PUT", "/v1/polls/p",
            PollBody(R"(,"revote":"replace","withdraw":true,"boxes":)"
                     R"([{"id":"hall"}],"weight":{"claim":"shares","max":99})",
                     R"({"type":"choose","min":0,"max":2})"),
            {{"If-Match", tag}});
  EXPECT_EQ(Code(frozen), "rules_frozen") << frozen.body;
  EXPECT_NE(frozen.body.find("/weight"), std::string::npos) << frozen.body;
  const auto put = [&](const std::string& members, const std::string& ballot) {
    return Admin("PUT", "/v1/polls/q", PollBody(members, ballot), {{"If-None-Match", "*"}});
  };
  const std::string choose = R"({"type":"choose","max":1})";
  EXPECT_EQ(Pointer(put(R"(,"weight":{"max":3})", choose)), "/weight/claim");
  EXPECT_EQ(Pointer(put(R"(,"weight":{"claim":"s"})", choose)), "/weight/max");
  EXPECT_EQ(Pointer(put(R"(,"weight":{"claim":"s","max":1000001})", choose)), "/weight/max");
  EXPECT_EQ(
      Pointer(put(R"(,"weight":{"claim":"s","max":1001})", R"({"type":"points","total":1000000})")),
      "/weight/max");
}

}  // namespace
}  // namespace tallyd
