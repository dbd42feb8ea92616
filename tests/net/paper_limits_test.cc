// How much paper a poll takes, and what the metrics say of it.

#include <string>

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class PaperLimitsTest : public ServiceTest {
 protected:
  HttpAnswer Send(const std::string& method, const std::string& path, const std::string& body) {
    return AskAdmin(JsonCall(method, "/v1/polls/p/" + path, body, {{"Tallyd-Actor", "anna"}}));
  }
  std::string Metric(const std::string& name) {
    const std::string text = AskAdmin(Call("GET", "/metrics")).body;
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
};

TEST_F(PaperLimitsTest, APollHoldsAMillionCounts) {
  Serve();
  constexpr int kOptions = 5'000;
  std::string options;
  std::string counts;
  for (int i = 0; i < kOptions; ++i) {
    const std::string id = "o" + std::to_string(i);
    options += (i == 0 ? R"({"id":")" : R"(,{"id":")") + id + R"("})";
    counts += (i == 0 ? "\"" : ",\"") + id + "\":1";
  }
  const HttpAnswer made = AskAdmin(JsonCall(
      "PUT", "/v1/polls/p",
      R"({"title":{"de":"x"},"project":"s","ballot":{"type":"choose","max":1},"options":[)" +
          options + R"(],"boxes":[{"id":"hall"}],"state":"open"})",
      {{"If-None-Match", "*"}}));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string body = R"({"box":"hall","cards":5000,"counts":{)" + counts + "}}";
  for (int i = 0; i < 200; ++i) {
    const HttpAnswer put = Send("PUT", "paper-batches/b" + std::to_string(i), body);
    ASSERT_EQ(put.status, 201) << i << put.body.substr(0, 300);
  }
  EXPECT_EQ(Code(Send("PUT", "paper-batches/one-too-many", body)), "limit_reached");
  EXPECT_EQ(Send("PUT", "paper-batches/b7", body).status, 200);  // a retry is no new batch
  EXPECT_EQ(Metric(R"(tallyd_paper_batches_total{act="entered"})"), "200");
  ASSERT_EQ(Send("POST", "paper-batches/b7/void", R"({"reason":"x"})").status, 200);
  EXPECT_EQ(Metric(R"(tallyd_paper_batches_total{act="voided"})"), "1");
  // One for the definition, one for its opening.
  EXPECT_EQ(Metric("tallyd_audit_acts_total"), "203");
}

TEST_F(PaperLimitsTest, CodesComeInBatchesOfTenThousand) {
  Serve();
  ASSERT_EQ(PutPoll("p", R"(,"state":"open","eligible":{"roll":true})").status, 201);
  EXPECT_EQ(Code(Send("POST", "codes", R"({"count":10001})")), "member_invalid");
  ASSERT_EQ(Send("POST", "codes", R"({"count":10000,"batch":"all"})").status, 201);
  EXPECT_EQ(Code(Send("POST", "codes", R"({"count":1,"batch":"all"})")), "batch_exists");
  EXPECT_EQ(Code(Send("POST", "codes", R"({"count":1,"codes":["x"]})")), "member_missing");
  EXPECT_EQ(Code(Vote("p", "stranger", R"(["a"])")), "not_on_roll");
  EXPECT_EQ(Code(Ask(JsonCall("POST", "/v1/polls/p/codes", R"({"count":1})"))), "not_found");
}

}  // namespace
}  // namespace tallyd
