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
  // One for the project, one for the definition, one for its opening.
  EXPECT_EQ(Metric("tallyd_audit_acts_total"), "204");
  EXPECT_EQ(Metric("tallyd_paper_full_total"), "1");
}

// The bounds of a poll, made small: each is reached, answered, counted, and outlives a restart.
TEST_F(PaperLimitsTest, EachBoundOfAPollHasItsAnswer) {
  const auto serve_small = [this] {
    Serve([](ServiceOptions&, EngineOptions& options) {
      options.paper = {.batches_max = 3,
                       .counts_max = 100,
                       .cards_max = 4,
                       .codes_max = 5,
                       .code_batches_max = 2};
    });
  };
  serve_small();
  ASSERT_EQ(PutPoll("p", R"(,"state":"open","boxes":[{"id":"hall"}],"channel_rule":"list")").status,
            201);
  const auto cards = [this](const std::string& batch, int from, int count) {
    std::string lines;
    for (int i = from; i < from + count; ++i) {
      lines += R"({"card":"C)" + std::to_string(i) + R"(","choices":["a"]})" + "\n";
    }
    return AskAdmin({"POST",
                     "/v1/polls/p/paper-batches/" + batch + "/cards",
                     {{"Content-Type", "application/x-ndjson"}, {"Tallyd-Actor", "anna"}},
                     lines});
  };
  const std::string sums = R"({"box":"hall","cards":1,"counts":{"a":1}})";
  // Cards with codes, then batches.
  ASSERT_EQ(cards("c1", 0, 3).status, 201);
  EXPECT_EQ(Code(cards("c2", 3, 2)), "limit_reached");
  ASSERT_EQ(cards("c2", 3, 1).status, 201);
  ASSERT_EQ(Send("PUT", "paper-batches/s1", sums).status, 201);
  const HttpAnswer full = Send("PUT", "paper-batches/s2", sums);
  EXPECT_EQ(full.status, 409);
  EXPECT_EQ(Code(full), "limit_reached");
  EXPECT_EQ(Send("PUT", "paper-batches/s1", sums).status, 200) << "a retry is no new batch";
  EXPECT_EQ(cards("c1", 0, 3).status, 200);
  // Codes, then batches of codes.
  ASSERT_EQ(Send("POST", "codes", R"({"count":3,"batch":"one"})").status, 201);
  EXPECT_EQ(Code(Send("POST", "codes", R"({"count":3,"batch":"two"})")), "limit_reached");
  ASSERT_EQ(Send("POST", "codes", R"({"count":1,"batch":"two"})").status, 201);
  EXPECT_EQ(Code(Send("POST", "codes", R"({"count":1,"batch":"three"})")), "limit_reached");
  EXPECT_EQ(Metric("tallyd_paper_full_total"), "4");
  StopServing();
  serve_small();
  EXPECT_EQ(Code(Send("PUT", "paper-batches/s2", sums)), "limit_reached");
  EXPECT_EQ(Code(Send("POST", "codes", R"({"count":1,"batch":"three"})")), "limit_reached");
  EXPECT_EQ(Metric("tallyd_paper_full_total"), "2");
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
