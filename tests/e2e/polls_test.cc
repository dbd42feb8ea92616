// API.md section 3: making, changing and moving polls.

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class Polls : public ServerTest {
 protected:
  HttpAnswer Put(const std::string& id, const boost::json::object& body, Headers headers) {
    return admin_.Send(
        JsonCall("PUT", "/v1/polls/" + id, boost::json::serialize(body), std::move(headers)));
  }
  std::string Etag(const std::string& id) {
    return admin_.Send({"GET", "/v1/polls/" + id, {}, {}}).Header("etag");
  }
  static boost::json::object Draft() {
    boost::json::object body = PollBody();
    body["state"] = "draft";
    return body;
  }
};

TEST_F(Polls, CreatingAndReplacingNeedAPrecondition) {
  const std::string id = FreshId();
  ExpectProblem(Put(id, Draft(), {}), "precondition_required");
  EXPECT_EQ(Put(id, Draft(), {{"If-None-Match", "*"}}).status, 201);
  ExpectProblem(Put(id, Draft(), {{"If-None-Match", "*"}}), "poll_exists");
  ExpectProblem(Put(id, Draft(), {}), "precondition_required");
  ExpectProblem(Put(FreshId(), Draft(), {{"If-Match", "\"1\""}}), "precondition_failed");
}

TEST_F(Polls, ReplacingNeedsThePresentEtag) {
  const std::string id = CreatePoll(Draft());
  const std::string first = Etag(id);
  ASSERT_FALSE(first.empty());
  boost::json::object changed = Draft();
  changed["title"].as_object()["en"] = "Another title";
  const HttpAnswer replaced = Put(id, changed, {{"If-Match", first}});
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_NE(Etag(id), first);
  ExpectProblem(Put(id, Draft(), {{"If-Match", first}}), "precondition_failed");
  const HttpAnswer now = admin_.Send({"GET", "/v1/polls/" + id, {}, {}});
  EXPECT_EQ(now.Json().at("title").at("en").as_string(), "Another title");
}

TEST_F(Polls, WhatWasPutIsWhatIsRead) {
  boost::json::object body = PollBody();
  body["ballot"] = ChooseRules(1, 3);
  body["revote"] = "replace";
  body["changes_max"] = 7;
  body["withdraw"] = true;
  body["opens"] = "2026-05-01T06:00:00Z";
  body["closes"] = "2126-06-15T22:00:00Z";
  body["time_zone"] = "Europe/Berlin";
  body["paper"] = {{"confirm", false}};
  body["boxes"] = {{{"id", "rathaus"}, {"place", "Foyer im Rathaus"}}};
  const std::string id = CreatePoll(body);
  const HttpAnswer answer = Get("/v1/polls/" + id);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const boost::json::value json = answer.Json();
  const boost::json::object& read = json.as_object();
  for (const auto& [name, value] : body) {
    ASSERT_TRUE(read.contains(name)) << name;
    if (name == "options") continue;  // rows may carry more than was given (cost 0)
    EXPECT_EQ(read.at(name), value) << name;
  }
  ASSERT_EQ(read.at("options").as_array().size(), 4u);
  EXPECT_EQ(read.at("options").at(2).at("id").as_string(), "gamma");
  EXPECT_EQ(read.at("options").at(2).at("title").at("en").as_string(), "Option gamma");
}

TEST_F(Polls, DefaultsAreThoseOfTheContract) {
  boost::json::object body = PollBody();
  body.erase("state");
  const std::string id = CreatePoll(body);
  const boost::json::value read = admin_.Send({"GET", "/v1/polls/" + id, {}, {}}).Json();
  EXPECT_EQ(read.at("state").as_string(), "draft");
  EXPECT_EQ(read.at("revote").as_string(), "refuse");
  EXPECT_EQ(read.at("changes_max").to_number<int>(), 20);
  EXPECT_EQ(read.at("withdraw").as_bool(), false);
  EXPECT_EQ(read.at("channel_rule").as_string(), "first");
  EXPECT_EQ(read.at("paper").at("confirm").as_bool(), true);
}

TEST_F(Polls, MissingMembersAreNamed) {
  for (const char* member : {"title", "project", "ballot", "options"}) {
    boost::json::object body = Draft();
    body.erase(member);
    ExpectProblem(Put(FreshId(), body, {{"If-None-Match", "*"}}), "member_missing",
                  std::string("/") + member);
  }
}

TEST_F(Polls, UnknownAndWrongMembersAreNamed) {
  const Headers create = {{"If-None-Match", "*"}};
  boost::json::object body = Draft();
  body["colour"] = "red";
  ExpectProblem(Put(FreshId(), body, create), "json_unknown_member", "/colour");
  body = Draft();
  body["ballot"].as_object()["colour"] = 1;
  ExpectProblem(Put(FreshId(), body, create), "json_unknown_member", "/ballot/colour");
  body = Draft();
  body["revote"] = "sometimes";
  ExpectProblem(Put(FreshId(), body, create), "member_invalid", "/revote");
  body = Draft();
  body["changes_max"] = 1.5;
  ExpectProblem(Put(FreshId(), body, create), "member_invalid", "/changes_max");
  body = Draft();
  body["ballot"] = ChooseRules(3, 1);
  EXPECT_EQ(Put(FreshId(), body, create).status, 422);
  body = Draft();
  body["options"] = OptionList({"alpha", "alpha"});
  EXPECT_EQ(Put(FreshId(), body, create).status, 422);
  body = Draft();
  body["project"] = "Not An Id";
  ExpectProblem(Put(FreshId(), body, create), "id_invalid", "/project");
  ExpectProblem(admin_.Send(JsonCall("PUT", "/v1/polls/" + FreshId(), "{", create)), "not_json");
}

TEST_F(Polls, DraftsAreNotPublic) {
  const std::string id = CreatePoll(Draft());
  ExpectProblem(Get("/v1/polls/" + id), "poll_not_found");
  ExpectProblem(Get("/v1/polls/" + id + "/ranking"), "poll_not_found");
  EXPECT_EQ(admin_.Send({"GET", "/v1/polls/" + id, {}, {}}).status, 200);
  EXPECT_EQ(Transition(id, "open").status, 200);
  EXPECT_EQ(Get("/v1/polls/" + id).status, 200);
}

TEST_F(Polls, RulesFreezeAtTheFirstOpening) {
  const std::string id = CreatePoll(Draft());
  boost::json::object body = Draft();
  body["closes"] = "2126-06-01T22:00:00Z";
  body["revote"] = "replace";
  EXPECT_EQ(Put(id, body, {{"If-Match", Etag(id)}}).status, 200) << "a draft may change";
  ASSERT_EQ(Transition(id, "open").status, 200);
  ASSERT_EQ(Transition(id, "paused").status, 200);
  body.erase("state");

  boost::json::object frozen = body;
  frozen["revote"] = "refuse";
  ExpectProblem(Put(id, frozen, {{"If-Match", Etag(id)}}), "rules_frozen");
  frozen = body;
  frozen["ballot"] = ChooseRules(1, 2);
  ExpectProblem(Put(id, frozen, {{"If-Match", Etag(id)}}), "rules_frozen");
  frozen = body;
  frozen["options"] = OptionList({"alpha", "beta", "gamma"});
  ExpectProblem(Put(id, frozen, {{"If-Match", Etag(id)}}), "rules_frozen");
  frozen = body;
  frozen["options"].as_array()[0].as_object()["cost"] = 99;
  ExpectProblem(Put(id, frozen, {{"If-Match", Etag(id)}}), "rules_frozen");
  frozen = body;
  frozen["closes"] = "2126-05-01T22:00:00Z";
  ExpectProblem(Put(id, frozen, {{"If-Match", Etag(id)}}), "rules_frozen");

  boost::json::object allowed = body;
  allowed["title"].as_object()["en"] = "Corrected title";
  allowed["options"] = OptionList({"alpha", "beta", "gamma", "delta", "epsilon"});
  allowed["closes"] = "2126-06-15T22:00:00Z";
  allowed["boxes"] = {{{"id", "rathaus"}, {"place", "Rathaus"}}};
  const HttpAnswer answer = Put(id, allowed, {{"If-Match", Etag(id)}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  ASSERT_EQ(Transition(id, "open").status, 200);
  EXPECT_EQ(Vote(id, ChoicesBody("v", {"epsilon"})).status, 201) << "a new option takes votes";
}

TEST_F(Polls, StatesFollowTheArrows) {
  const std::string id = CreatePoll(Draft());
  ExpectProblem(Transition(id, "final"), "transition_not_allowed");
  ExpectProblem(Transition(id, "paused"), "transition_not_allowed");
  for (const char* to : {"open", "paused", "open", "paused"}) {
    const HttpAnswer answer = Transition(id, to);
    EXPECT_EQ(answer.status, 200) << to << answer.body;
    EXPECT_EQ(TextMember(Get("/v1/polls/" + id), "state"), to);
  }
  ExpectProblem(Transition(id, "draft"), "transition_not_allowed");
  EXPECT_EQ(Transition(id, "open").status, 200);
  EXPECT_EQ(Transition(id, "closed").status, 200);
  ExpectProblem(Transition(id, "open"), "transition_not_allowed");
  EXPECT_EQ(Transition(id, "final").status, 200);
  ExpectProblem(Transition(id, "closed"), "transition_not_allowed");
  EXPECT_EQ(Ranking(id).at("state").as_string(), "final");
}

TEST_F(Polls, TransitionsAreReadStrictly) {
  const std::string id = CreatePoll(Draft());
  const std::string target = "/v1/polls/" + id + "/transitions";
  ExpectProblem(admin_.Send(JsonCall("POST", target, R"({"to":"ajar"})")), "member_invalid", "/to");
  ExpectProblem(admin_.Send(JsonCall("POST", target, "{}")), "member_missing", "/to");
  ExpectProblem(admin_.Send(JsonCall("POST", target, R"({"to":"open","x":1})")),
                "json_unknown_member", "/x");
  ExpectProblem(Transition("no-such-poll", "open"), "poll_not_found");
}

TEST_F(Polls, TheListIsPublicWithoutDraftsAndPaged) {
  const std::string draft = CreatePoll(Draft());
  const std::string open = CreatePoll();
  std::string seen;
  std::string cursor;
  for (int page = 0; page < 1000; ++page) {
    const HttpAnswer answer = Get("/v1/polls" + (cursor.empty() ? "" : "?cursor=" + cursor));
    ASSERT_EQ(answer.status, 200) << answer.body;
    seen += answer.body;
    cursor = TextMember(answer, "next");
    if (cursor.empty()) break;
  }
  EXPECT_NE(seen.find('"' + open + '"'), std::string::npos);
  EXPECT_EQ(seen.find('"' + draft + '"'), std::string::npos);
}

TEST_F(Polls, OptionsComeAndAreWithdrawn) {
  const std::string id = CreatePoll();
  const std::string option = "/v1/polls/" + id + "/options/2025%2FOGM%2F0007";
  const HttpAnswer added =
      admin_.Send(JsonCall("PUT", option, R"({"title":{"en":"Late idea"},"cost":5})"));
  EXPECT_EQ(added.status, 201) << added.body;
  const HttpAnswer first = Vote(id, ChoicesBody("v", {"2025/OGM/0007"}));
  EXPECT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(OptionFigure(Ranking(id), "2025/OGM/0007", "score"), 1);

  EXPECT_EQ(admin_.Send({"DELETE", option, {}, {}}).status, 200);
  ExpectProblem(Vote(id, ChoicesBody("w", {"2025/OGM/0007"})), "option_withdrawn");
  EXPECT_EQ(Vote(id, ChoicesBody("v", {"2025/OGM/0007"})).status, 200) << "a repeat stays one";
  EXPECT_EQ(OptionFigure(Ranking(id), "2025/OGM/0007", "score"), 1) << "its votes stay";
  ExpectProblem(admin_.Send({"DELETE", "/v1/polls/" + id + "/options/nothing", {}, {}}),
                "option_not_found");
}

TEST_F(Polls, ProjectsAreMadeByHandOrByTheirFirstPoll) {
  const std::string id = "project-" + FreshId();
  const std::string target = "/v1/projects/" + id;
  const std::string body = R"({"title":{"de":"Stadt.Raum.Wir"},"languages":["de","en"]})";
  const HttpAnswer created = admin_.Send(JsonCall("PUT", target, body, {{"If-None-Match", "*"}}));
  EXPECT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(admin_.Send(JsonCall("PUT", target, body, {{"If-None-Match", "*"}})).status, 412);
  const HttpAnswer read = admin_.Send({"GET", target, {}, {}});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.Json().at("title").at("de").as_string(), "Stadt.Raum.Wir");

  boost::json::object poll = PollBody();
  poll["project"] = id + "-two";
  CreatePoll(poll);
  EXPECT_EQ(admin_.Send({"GET", target + "-two", {}, {}}).status, 200);
  ExpectProblem(admin_.Send({"GET", "/v1/projects/nothing-here", {}, {}}), "project_not_found");
}

TEST_F(Polls, AdministrationIsNotOnThePublicListener) {
  const std::string id = CreatePoll();
  const HttpAnswer put = public_.Send(JsonCall(
      "PUT", "/v1/polls/" + id, boost::json::serialize(PollBody()), {{"If-None-Match", "*"}}));
  ExpectProblem(put, "method_not_allowed");
  ExpectProblem(
      public_.Send(JsonCall("POST", "/v1/polls/" + id + "/transitions", R"({"to":"closed"})")),
      "not_found");
  ExpectProblem(public_.Send(JsonCall("PUT", "/v1/projects/tests", R"({"title":{"en":"x"}})",
                                      {{"If-None-Match", "*"}})),
                "not_found");
  ExpectProblem(Get("/metrics"), "not_found");
  EXPECT_EQ(TextMember(Get("/v1/polls/" + id), "state"), "open");
}

}  // namespace
}  // namespace tallyd
