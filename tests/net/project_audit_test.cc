// The audit log of a project: its definitions and quotas, and every decision on its ideas.

#include <string>
#include <vector>

#include <boost/json/parse.hpp>

#include "storage/checksums.h"
#include "storage/data_directory.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class ProjectAuditTest : public ServiceTest {
 protected:
  HttpAnswer Audit(const std::string& project, const std::string& query = "") {
    return AskAdmin(Call("GET", "/v1/projects/" + project + "/audit" + query));
  }
  HttpAnswer PutProject(const std::string& body, Headers headers) {
    headers.emplace_back("Tallyd-Actor", "chief");
    return AskAdmin(JsonCall("PUT", "/v1/projects/stadt", body, std::move(headers)));
  }
  HttpAnswer Decide(const std::string& idea, const std::string& body) {
    const std::string tag = AskAdmin(Call("GET", "/v1/moderation/ideas/" + idea)).Header("etag");
    return AskAdmin(JsonCall("POST", "/v1/moderation/ideas/" + idea + "/decision", body,
                             {{"Tallyd-Actor", "m.muster"}, {"If-Match", tag}}));
  }
  void TellAStory() {
    ASSERT_EQ(
        PutProject(R"({"title":{"de":"Stadt"},"ballots_per_voter":2})", {{"If-None-Match", "*"}})
            .status,
        201);
    const std::string tag = AskAdmin(Call("GET", "/v1/projects/stadt")).Header("etag");
    ASSERT_EQ(
        PutProject(R"({"title":{"de":"Stadt"},"ballots_per_voter":3})", {{"If-Match", tag}}).status,
        200);
    ASSERT_EQ(PutPoll("p", R"(,"state":"open")").status, 201);
    ASSERT_EQ(PutPoll("other", R"(,"state":"open")").status, 201);
    for (const char* key : {"k1", "k2", "k3"}) {
      ASSERT_EQ(Ask(JsonCall("POST", "/v1/projects/stadt/ideas", R"({"title":{"de":"Bank"}})",
                             {{"Tallyd-Voter", "anna"}, {"Idempotency-Key", key}}))
                    .status,
                201);
    }
    ASSERT_EQ(Decide("idea-1", R"({"decision":"reject","reason_code":"not_ours"})").status, 200);
    const HttpAnswer approved =
        Decide("idea-2", R"({"decision":"approve","poll":"p","option":"bank"})");
    ASSERT_EQ(approved.status, 200) << approved.body;
    const HttpAnswer merged =
        Decide("idea-3", R"({"decision":"merge","poll":"p","merge_into":"bank"})");
    ASSERT_EQ(merged.status, 200) << merged.body;
    ASSERT_EQ(Vote("p", "v", R"(["a"])").status, 201);  // spends of the quota: no act
  }
  static std::vector<std::string> Acts(const std::string& body) {
    std::vector<std::string> acts;
    std::string previous(64, '0');
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = body.find('\n', at);
      const std::string line = body.substr(at, end - at);
      const boost::json::value parsed = boost::json::parse(line);
      EXPECT_EQ(parsed.at("previous").as_string(), previous) << line;
      EXPECT_EQ(parsed.at("n").as_int64(), static_cast<std::int64_t>(acts.size() + 1));
      EXPECT_EQ(parsed.at("project").as_string(), "stadt");
      previous.clear();
      for (const std::uint8_t byte : Sha256(line).bytes) {
        previous += "0123456789abcdef"[byte >> 4];
        previous += "0123456789abcdef"[byte & 15];
      }
      acts.emplace_back(parsed.at("act").as_string());
      at = end + 1;
    }
    return acts;
  }
};

TEST_F(ProjectAuditTest, HoldsQuotasAndRejectedIdeasInOneChain) {
  Serve();
  TellAStory();
  const HttpAnswer whole = Audit("stadt");
  ASSERT_EQ(whole.status, 200) << whole.body;
  EXPECT_EQ(whole.Header("content-type"), "application/x-ndjson");
  EXPECT_EQ(Acts(whole.body),
            (std::vector<std::string>{"project_created", "quota_set", "quota_set", "idea_rejected",
                                      "idea_approved", "idea_merged"}))
      << whole.body;
  EXPECT_NE(whole.body.find(R"("act":"quota_set","by":"chief","ballots_per_voter":3)"),
            std::string::npos)
      << whole.body;
  EXPECT_NE(
      whole.body.find(R"("act":"idea_rejected","by":"m.muster","idea":1,"reason_code":"not_ours")"),
      std::string::npos)
      << whole.body;
  EXPECT_NE(whole.body.find(R"("idea":2,"poll":"p","option":"bank")"), std::string::npos);
  // Pages join; another project has a log of its own; what never was has none.
  const HttpAnswer first = Audit("stadt", "?limit=2");
  EXPECT_EQ(first.Header("link"), R"(</v1/projects/stadt/audit?after=2&limit=2>; rel="next")");
  EXPECT_EQ(first.body + Audit("stadt", "?after=2").body, whole.body);
  EXPECT_EQ(Code(Audit("nix")), "project_not_found");
  EXPECT_EQ(Code(Audit("stadt", "?limit=0")), "parameter_invalid");
}

TEST_F(ProjectAuditTest, SaysTheSameAfterARestartAndARebuild) {
  Serve();
  TellAStory();
  const std::string before = Audit("stadt").body;
  StopServing();
  Serve();
  EXPECT_EQ(Audit("stadt").body, before);
  StopServing();
  {
    DataDirectoryOptions options;
    options.directory = directory_.File("data");
    auto data = DataDirectory::Open(options);
    ASSERT_TRUE(data.ok()) << data.status();
    ASSERT_TRUE((*data)->RemoveDerived().ok());
  }
  Serve();
  EXPECT_EQ(Audit("stadt").body, before);
}

// As many readers wait as may; one more is told to come again, and it is counted.
TEST_F(ProjectAuditTest, TooManyReadersAreToldToComeAgain) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.audit_waiting_max = 0; });
  ASSERT_EQ(PutPoll("p", R"(,"state":"open")").status, 201);
  for (const char* target : {"/v1/polls/p/audit", "/v1/projects/stadt/audit"}) {
    const HttpAnswer refused = AskAdmin(Call("GET", target));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(Code(refused), "overloaded");
    EXPECT_FALSE(refused.Header("retry-after").empty());
  }
  const std::string metrics = AskAdmin(Call("GET", "/metrics")).body;
  EXPECT_NE(metrics.find("\ntallyd_audit_refused_total 2"), std::string::npos) << metrics;
}

}  // namespace
}  // namespace tallyd
