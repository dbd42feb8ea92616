// Ideas over HTTP: handed in once, read by their own, decided by moderators, and there after a
// restart.

#include <string>

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

constexpr const char* kBody = R"({"title":{"de":"Mehr B\u00e4nke"},"text":{"de":"Am Fluss."}})";

class IdeaRoutesTest : public ServiceTest {
 protected:
  void ServeWithPoll() {
    Serve();
    ASSERT_EQ(PutPoll("p", R"(,"state":"open")").status, 201);
  }
  HttpAnswer Submit(const std::string& voter, const std::string& key,
                    const std::string& body = kBody, const std::string& project = "stadt") {
    Headers headers{{"Tallyd-Voter", voter}};
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    return Ask(JsonCall("POST", "/v1/projects/" + project + "/ideas", body, headers));
  }
  HttpAnswer Own(const std::string& voter, const std::string& idea) {
    return Ask(Call("GET", "/v1/projects/stadt/ideas/" + idea, {{"Tallyd-Voter", voter}}));
  }
  HttpAnswer Moderated(const std::string& idea) {
    return AskAdmin(Call("GET", "/v1/moderation/ideas/" + idea));
  }
  HttpAnswer Decide(const std::string& idea, const std::string& body) {
    return DecideIf(idea, body, Moderated(idea).Header("etag"));
  }
  HttpAnswer DecideIf(const std::string& idea, const std::string& body, const std::string& etag) {
    Headers headers{{"Tallyd-Actor", "m.muster"}};
    if (!etag.empty()) headers.emplace_back("If-Match", etag);
    return AskAdmin(JsonCall("POST", "/v1/moderation/ideas/" + idea + "/decision", body, headers));
  }
  std::string Metric() {
    const std::string text = AskAdmin(Call("GET", "/metrics")).body;
    const std::size_t at = text.find("\ntallyd_ideas_pending ");
    return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  }
};

TEST_F(IdeaRoutesTest, ComeOnceAndWait) {
  ServeWithPoll();
  const HttpAnswer first = Submit("anna", "k1");
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(Text(first, "state"), "pending");
  EXPECT_EQ(first.Header("location"), "/v1/projects/stadt/ideas/idea-1");
  EXPECT_EQ(first.body.find("moderator"), std::string::npos);
  const HttpAnswer again = Submit("anna", "k1");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.Header("idempotent-replayed"), "true");
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(Code(Submit("anna", "k1", R"({"title":{"de":"Anderes"}})")), "key_reused");
  EXPECT_EQ(Text(Submit("berta", "k1"), "id"), "idea-2") << "a key is its owner's";
  EXPECT_EQ(Own("anna", "idea-1").body, first.body);
  EXPECT_EQ(Code(Own("berta", "idea-1")), "idea_not_found");
  EXPECT_EQ(Code(Own("anna", "idea-01")), "idea_not_found");
  EXPECT_EQ(Code(Own("anna", "idea-7")), "idea_not_found");
  EXPECT_EQ(Metric(), "tallyd_ideas_pending 2");
  StopServing();
  Serve();
  EXPECT_EQ(Own("anna", "idea-1").body, first.body);
  EXPECT_EQ(Submit("anna", "k1").status, 200) << "also after a restart";
  EXPECT_EQ(Metric(), "tallyd_ideas_pending 2");
}

TEST_F(IdeaRoutesTest, WhatIsNoIdeaIsRefused) {
  ServeWithPoll();
  const HttpAnswer no_key = Submit("anna", "");
  EXPECT_EQ(no_key.status, 428);
  EXPECT_EQ(Code(no_key), "precondition_required");
  EXPECT_EQ(Code(Submit("anna", std::string(65, 'k'))), "header_invalid");
  EXPECT_EQ(Code(Submit("anna", "k", kBody, "nix")), "project_not_found");
  EXPECT_EQ(Code(Submit("anna", "k", "{")), "not_json");
  EXPECT_EQ(Code(Submit("anna", "k", R"({"text":{"de":"x"}})")), "member_missing");
  EXPECT_EQ(Code(Submit("anna", "k", R"({"title":{"de":"x"},"colour":1})")), "json_unknown_member");
  const HttpAnswer control = Submit("anna", "k", R"({"title":{"de":"x\u0007"}})");
  EXPECT_EQ(Code(control), "member_invalid");
  EXPECT_EQ(Pointer(control), "/title/de");
  EXPECT_EQ(Code(Submit("anna", "k", R"({"title":{"de":")" + std::string(501, 'x') + R"("}})")),
            "member_invalid");
  EXPECT_EQ(Submit("anna", "k1", R"({"title":{"de":")" + std::string(500, 'x') + R"("}})").status,
            201);
  const auto with_text = [](std::size_t length) {
    return R"({"title":{"de":"x"},"text":{"de":")" + std::string(length, 'y') + R"("}})";
  };
  EXPECT_EQ(Code(Submit("anna", "k2", with_text(4001))), "member_invalid");
  EXPECT_EQ(Submit("anna", "k2", with_text(4000)).status, 201);
  EXPECT_EQ(Code(Submit("anna", "k3", with_text(17'000))), "body_too_large");
  EXPECT_EQ(
      Code(Ask(JsonCall("POST", "/v1/projects/stadt/ideas", kBody, {{"Idempotency-Key", "k"}}))),
      "voter_missing");
}

TEST_F(IdeaRoutesTest, NotMoreThanTenOfOnePersonWait) {
  ServeWithPoll();
  for (int i = 1; i <= 10; ++i) {
    EXPECT_EQ(Submit("anna", "k" + std::to_string(i)).status, 201) << i;
  }
  const HttpAnswer refused = Submit("anna", "k11");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(Code(refused), "limit_reached");
  EXPECT_EQ(Submit("anna", "k1").status, 200) << "what came before is not refused";
  EXPECT_EQ(Submit("berta", "k1").status, 201);
  ASSERT_EQ(Decide("idea-1", R"({"decision":"reject","reason_code":"spam"})").status, 200);
  EXPECT_EQ(Submit("anna", "k11").status, 201);
}

TEST_F(IdeaRoutesTest, AnApprovedIdeaIsAnOptionAtOnce) {
  ServeWithPoll();
  ASSERT_EQ(Submit("anna", "k1").status, 201);
  const HttpAnswer approved =
      Decide("idea-1", R"({"decision":"approve","poll":"p","option":"baenke","cost":40})");
  ASSERT_EQ(approved.status, 200) << approved.body;
  EXPECT_EQ(Text(approved, "state"), "approved");
  EXPECT_EQ(Text(approved, "poll"), "p");
  EXPECT_EQ(Text(approved, "option"), "baenke");
  EXPECT_EQ(Text(approved, "moderator"), "m.muster");
  EXPECT_EQ(Metric(), "tallyd_ideas_pending 0");
  const auto option = Ask(Call("GET", "/v1/polls/p")).Json().at("options").at(3);
  EXPECT_EQ(option.at("id"), "baenke");
  EXPECT_EQ(option.at("cost"), 40);
  EXPECT_EQ(option.at("title").at("de"), "Mehr B\u00e4nke");
  EXPECT_EQ(Vote("p", "v", R"(["baenke"])").status, 201);
  const std::string audit = AskAdmin(Call("GET", "/v1/polls/p/audit")).body;
  EXPECT_NE(audit.find(R"("act":"idea_approved","by":"m.muster","idea":1,"option":"baenke")"),
            std::string::npos)
      << audit;
  const HttpAnswer own = Own("anna", "idea-1");
  EXPECT_EQ(Text(own, "state"), "approved");
  EXPECT_EQ(own.body.find("m.muster"), std::string::npos) << "moderators are not named outside";
  StopServing();
  Serve();
  EXPECT_EQ(Own("anna", "idea-1").body, own.body);
  EXPECT_EQ(Moderated("idea-1").body, approved.body);
  EXPECT_EQ(Submit("anna", "k1").body, own.body) << "its key still answers for it";
}

TEST_F(IdeaRoutesTest, RejectedAndMergedIdeasKeepTheirReason) {
  ServeWithPoll();
  ASSERT_EQ(Submit("anna", "k1").status, 201);
  ASSERT_EQ(Submit("anna", "k2").status, 201);
  const HttpAnswer rejected =
      Decide("idea-1", R"({"decision":"reject","reason_code":"not_in_town"})");
  ASSERT_EQ(rejected.status, 200) << rejected.body;
  EXPECT_EQ(Text(rejected, "reason_code"), "not_in_town");
  const HttpAnswer merged = Decide(
      "idea-2", R"({"decision":"merge","poll":"p","merge_into":"b","reason_code":"duplicate"})");
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(Text(merged, "state"), "merged");
  EXPECT_EQ(Text(Own("anna", "idea-2"), "option"), "b");
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p")).Json().at("options").as_array().size(), 3U);
}

TEST_F(IdeaRoutesTest, EachRuleOfADecisionHasItsRefusal) {
  ServeWithPoll();
  ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/other",
                              R"({"title":{"de":"x"},"project":"dorf","ballot":{"type":"updown"},)"
                              R"("options":[{"id":"a"}]})",
                              {{"If-None-Match", "*"}}))
                .status,
            201);
  ASSERT_EQ(Submit("anna", "k1").status, 201);
  const std::string etag = Moderated("idea-1").Header("etag");
  constexpr const char* kReject = R"({"decision":"reject","reason_code":"x"})";
  const HttpAnswer bare = DecideIf("idea-1", kReject, "");
  EXPECT_EQ(bare.status, 428);
  EXPECT_EQ(Code(bare), "precondition_required");
  EXPECT_EQ(Code(DecideIf("idea-1", kReject, "\"e1-1\"")), "precondition_failed");
  EXPECT_EQ(Code(DecideIf("idea-9", kReject, etag)), "idea_not_found");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"reject"})")), "member_missing");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"reject","reason_code":"No!"})")),
            "member_invalid");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"reject","reason_code":"x","poll":"p"})")),
            "json_unknown_member");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"keep"})")), "member_invalid");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"approve"})")), "member_missing");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"approve","poll":"nix"})")), "poll_not_found");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"approve","poll":"p","option":"a"})")),
            "option_exists");
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"approve","poll":"p","option":"x y"})")),
            "id_invalid");
  const HttpAnswer elsewhere = Decide("idea-1", R"({"decision":"approve","poll":"other"})");
  EXPECT_EQ(Code(elsewhere), "member_invalid");
  EXPECT_EQ(Pointer(elsewhere), "/poll");
  const HttpAnswer into = Decide("idea-1", R"({"decision":"merge","poll":"p","merge_into":"nix"})");
  EXPECT_EQ(Code(into), "option_unknown");
  EXPECT_EQ(Pointer(into), "/merge_into");
  const HttpAnswer question =
      Decide("idea-1", R"({"decision":"approve","poll":"p","question":"q"})");
  EXPECT_EQ(Pointer(question), "/question");
  for (const char* state : {"closed", "final"}) {
    ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions",
                                R"({"to":")" + std::string(state) + R"("})"))
                  .status,
              200);
  }
  EXPECT_EQ(Code(Decide("idea-1", R"({"decision":"approve","poll":"p"})")), "rules_frozen");
  ASSERT_EQ(DecideIf("idea-1", kReject, etag).status, 200);
  EXPECT_EQ(Code(DecideIf("idea-1", kReject, etag)), "precondition_failed") << "it has changed";
  EXPECT_EQ(Code(DecideIf("idea-1", kReject, "*")), "precondition_failed") << "it is decided";
}

TEST_F(IdeaRoutesTest, ModeratorsReadPageByPage) {
  ServeWithPoll();
  for (int i = 0; i < 205; ++i) {
    ASSERT_EQ(Submit("v" + std::to_string(i), "k").status, 201);
  }
  std::string target = "/v1/moderation/ideas?state=pending&project=stadt";
  std::size_t ideas = 0;
  std::size_t pages = 0;
  while (!target.empty()) {
    const HttpAnswer page = AskAdmin(Call("GET", target));
    ASSERT_EQ(page.status, 200) << page.body;
    ideas += page.Json().at("ideas").as_array().size();
    ++pages;
    const std::string link = page.Header("link");
    target = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(ideas, 205U);
  EXPECT_EQ(pages, 3U);
  const auto count = [&](const std::string& query) {
    return AskAdmin(Call("GET", "/v1/moderation/ideas" + query))
        .Json()
        .at("ideas")
        .as_array()
        .size();
  };
  EXPECT_EQ(count("?project=dorf"), 0U);
  EXPECT_EQ(count("?state=approved"), 0U);
  for (const char* query : {"?state=gone", "?cursor=!", "?project=X", "?colour=1"}) {
    EXPECT_EQ(Code(AskAdmin(Call("GET", std::string("/v1/moderation/ideas") + query))),
              "parameter_invalid")
        << query;
  }
}

}  // namespace
}  // namespace tallyd
