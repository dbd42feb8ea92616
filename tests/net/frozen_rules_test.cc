// Rules freeze when a poll first opens, each of them; and what came out of a ballot box is not
// changed from outside.

#include <string>

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

// A poll document by its parts, so that a test can change one of them.
struct Document {
  std::string title = "Probe";
  std::string ballot = R"({"type":"choose","min":1,"max":2})";
  std::string options = R"([{"id":"a","cost":5},{"id":"b"}])";
  std::string boxes = R"([{"id":"hall"}])";
  std::string closes = "2126-06-01T22:00:00Z";
  std::string rules = R"("revote":"replace","changes_max":3,"withdraw":true)";
  std::string more = {};
  std::string Text() const {
    return R"({"title":{"de":")" + title + R"("},"project":"stadt","ballot":)" + ballot +
           R"(,"options":)" + options + R"(,"boxes":)" + boxes + R"(,"closes":")" + closes +
           R"(",)" + rules + more + "}";
  }
};

class FrozenRulesTest : public ServiceTest {
 protected:
  HttpAnswer Replace(const Document& document) {
    const std::string tag = AskAdmin(Call("GET", "/v1/polls/p")).Header("etag");
    return AskAdmin(JsonCall("PUT", "/v1/polls/p", document.Text(), {{"If-Match", tag}}));
  }
  void Move(const char* to) {
    ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions",
                                R"({"to":")" + std::string(to) + "\"}"))
                  .status,
              200);
  }
  void ServeWithPoll() {
    Serve();
    ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/p", Document().Text(), {{"If-None-Match", "*"}}))
                  .status,
              201);
    Move("open");
  }
};

TEST_F(FrozenRulesTest, EachRuleOfAPollIsFrozen) {
  ServeWithPoll();
  const std::string rules = Document().rules;
  const std::pair<const char*, Document> changes[] = {
      {"/ballot", {.ballot = R"({"type":"choose","min":1,"max":1})"}},
      {"/ballot", {.ballot = R"({"type":"updown"})"}},
      {"/options", {.options = R"([{"id":"a","cost":5}])"}},
      {"/options", {.options = R"([{"id":"a","cost":6},{"id":"b"}])"}},
      {"/boxes", {.boxes = "[]"}},
      {"/closes", {.closes = "2126-05-01T22:00:00Z"}},
      {"/revote", {.rules = R"("revote":"refuse","changes_max":3,"withdraw":true)"}},
      {"/changes_max", {.rules = R"("revote":"replace","changes_max":4,"withdraw":true)"}},
      {"/withdraw", {.rules = R"("revote":"replace","changes_max":3)"}},
      {"/opens", {.more = R"(,"opens":"2026-01-01T00:00:00Z")"}},
      {"/ballots_per_voter", {.more = R"(,"ballots_per_voter":2)"}},
      {"/weight", {.more = R"(,"weight":{"claim":"shares","max":3})"}},
      {"/visibility", {.more = R"(,"visibility":"sealed","visible_from":"closed")"}},
      {"/channels", {.more = R"(,"channels":["online"])"}},
      {"/channel_rule", {.more = R"(,"channel_rule":"list")"}},
      {"/paper/confirm", {.more = R"(,"paper":{"confirm":false})"}},
      {"/paper/blind", {.more = R"(,"paper":{"confirm":true,"blind":true})"}},
      {"/eligible/roll", {.more = R"(,"eligible":{"roll":true})"}},
      {"/selection", {.more = R"(,"selection":{"rule":"top","count":1})"}},
  };
  for (const auto& [member, document] : changes) {
    const HttpAnswer answer = Replace(document);
    EXPECT_EQ(answer.status, 409) << member << answer.body;
    EXPECT_EQ(Code(answer), "rules_frozen") << member;
    EXPECT_NE(answer.body.find(member), std::string::npos) << member << answer.body;
  }
  // A project is the poll's for ever, opened or not.
  Document moved;
  std::string elsewhere = moved.Text();
  elsewhere.replace(elsewhere.find("stadt"), 5, "dorf1");
  const std::string tag = AskAdmin(Call("GET", "/v1/polls/p")).Header("etag");
  EXPECT_EQ(Code(AskAdmin(JsonCall("PUT", "/v1/polls/p", elsewhere, {{"If-Match", tag}}))),
            "rules_frozen");
  const Document allowed{.title = "Besser",
                         .options = R"([{"id":"a","cost":5},{"id":"b"},{"id":"c"}])",
                         .boxes = R"([{"id":"hall"},{"id":"market"}])",
                         .closes = "2126-07-01T22:00:00Z"};
  const HttpAnswer answer = Replace(allowed);
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST_F(FrozenRulesTest, FinalFreezesEverything) {
  ServeWithPoll();
  Move("closed");
  Move("final");
  EXPECT_EQ(Code(Replace({.title = "Besser"})), "rules_frozen");
  EXPECT_EQ(Code(AskAdmin(JsonCall("PUT", "/v1/polls/p/options/c", "{}"))), "rules_frozen");
  EXPECT_EQ(Code(AskAdmin(Call("DELETE", "/v1/polls/p/options/a"))), "rules_frozen");
  EXPECT_EQ(Code(AskAdmin(JsonCall("POST", "/v1/polls/p/codes", R"({"count":1})"))),
            "poll_not_open");
  EXPECT_EQ(Code(Vote("p", "v", R"(["a"])")), "poll_not_open");
}

TEST_F(FrozenRulesTest, ABallotOnPaperIsNotWithdrawnFromOutside) {
  ServeWithPoll();
  const auto send = [this](const char* method, const std::string& path, const std::string& body,
                           Headers headers) {
    headers.emplace_back("Tallyd-Actor", "anna");
    return AskAdmin({method, "/v1/polls/p/paper-batches/" + path, std::move(headers), body});
  };
  ASSERT_EQ(send("POST", "b1/cards",
                 R"({"card":"v","choices":["a"]})"
                 "\n",
                 {{"Content-Type", "application/x-ndjson"}})
                .status,
            201);
  ASSERT_EQ(
      AskAdmin(
          HttpCall{"POST", "/v1/polls/p/paper-batches/b1/confirm", {{"Tallyd-Actor", "b"}}, ""})
          .status,
      200);
  const HttpAnswer withdrawn = Ask(Call("DELETE", "/v1/polls/p/votes/me", {{"Tallyd-Voter", "v"}}));
  EXPECT_EQ(withdrawn.status, 403);
  EXPECT_EQ(Code(withdrawn), "withdraw_not_allowed");
  // A batch is entered once and never changes, so it has no versions to name.
  const HttpAnswer matched = send("PUT", "b2", R"({"box":"hall","cards":1,"counts":{"a":1}})",
                                  {{"Content-Type", "application/json"}, {"If-Match", "\"e1-1\""}});
  EXPECT_EQ(Code(matched), "header_invalid");
  EXPECT_EQ(Code(send("POST", "b1/void", "{}", {{"Content-Type", "application/json"}})),
            "member_missing");
}

}  // namespace
}  // namespace tallyd
