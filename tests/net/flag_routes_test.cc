// Flagged ballots over HTTP: from a burst to a decision and back, what each reader is told, and
// each rule's refusal.

#include <string>

#include "tests/net/merge_patch.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr const char* kWatched = R"(,"state":"open","revote":"replace","withdraw":true,)"
                                 R"("fraud":{"network_burst":{"ballots":10,"window_s":60}})";

class FlagRoutesTest : public ServiceTest {
 protected:
  HttpAnswer VoteFrom(const std::string& network, const std::string& voter,
                      const std::string& choices) {
    return Vote("p", voter, choices, {{"X-Forwarded-For", network}});
  }
  // Ten people behind one address; the odd ones name b too.
  void Burst(const std::string& network, const std::string& prefix) {
    for (int i = 0; i < 10; ++i) {
      const std::string choices = i % 2 == 0 ? R"(["a"])" : R"(["a","b"])";
      ASSERT_EQ(VoteFrom(network, prefix + std::to_string(i), choices).status, 201);
    }
  }
  HttpAnswer Groups(const std::string& query = "") {
    return AskAdmin(Call("GET", "/v1/polls/p/flags" + query));
  }
  HttpAnswer Group(int group) {
    return AskAdmin(Call("GET", "/v1/polls/p/flags/" + std::to_string(group)));
  }
  HttpAnswer Decide(const std::string& group, const std::string& decision, Headers headers = {}) {
    headers.emplace_back("Tallyd-Actor", "a.beispiel");
    return AskAdmin(JsonCall("POST", "/v1/polls/p/flags/" + group + "/decision",
                             R"({"decision":")" + decision + R"(","reason":"one address"})",
                             std::move(headers)));
  }
  json::value Ranking() { return Ask(Call("GET", "/v1/polls/p/ranking")).Json(); }
  std::int64_t Score(const std::string& option) {
    return Ranking().at("options").at(option).at("score").as_int64();
  }
  std::int64_t Total(const std::string& member) {
    return Ranking().at("totals").at(member).as_int64();
  }
  void Move(const std::string& to) {
    ASSERT_EQ(
        AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":")" + to + "\"}")).status,
        200);
  }
  void ExpectLasting() {
    const std::string before = Ask(Call("GET", "/v1/polls/p/ranking")).body;
    const std::string groups = Group(1).body;
    StopServing();
    Serve();
    EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking")).body, before);
    EXPECT_EQ(Group(1).body, groups);
    const HttpAnswer verified = AskAdmin(JsonCall("POST", "/v1/admin/verify", ""));
    EXPECT_EQ(verified.Json().at("ok"), true) << verified.body;
  }
};

TEST_F(FlagRoutesTest, ABurstIsFlaggedAndDecidedAbout) {
  Serve();
  ASSERT_EQ(PutPoll("p", kWatched).status, 201);
  for (int i = 0; i < 20; ++i) {  // many networks, one ballot each
    const std::string network = "203.0.113." + std::to_string(i);
    ASSERT_EQ(VoteFrom(network, "honest" + std::to_string(i), R"(["c"])").status, 201);
  }
  EXPECT_TRUE(Groups().Json().at("groups").as_array().empty());
  Burst("198.51.100.7", "bot");
  const std::string live = Text(Ask(Call("GET", "/v1/polls/p/ranking?form=live")), "version");
  const json::value live_before = Ask(Call("GET", "/v1/polls/p/ranking?form=live")).Json();
  EXPECT_EQ(Score("a"), 10) << "a flag counts nothing";
  EXPECT_FALSE(Ranking().at("totals").as_object().contains("quarantined"));

  const HttpAnswer groups = Groups();
  ASSERT_EQ(groups.status, 200) << groups.body;
  const json::value listed = groups.Json();
  const json::value& first = listed.at("groups").at(0);
  EXPECT_EQ(first.at("group").as_int64(), 1);
  EXPECT_EQ(first.at("state"), "flagged");
  EXPECT_EQ(first.at("channel"), "online");
  EXPECT_EQ(first.at("voters").as_int64(), 10);
  EXPECT_EQ(first.at("network_burst").at("window_s").as_int64(), 60);
  EXPECT_TRUE(groups.Json().at("next").is_null());
  EXPECT_EQ(groups.body.find("198.51"), std::string::npos);
  const json::value shown = Group(1).Json();
  EXPECT_EQ(shown.at("ballots").as_int64(), 10);
  EXPECT_EQ(shown.at("options").at("a").at("score").as_int64(), 10);
  EXPECT_EQ(shown.at("options").at("b").at("ballots").as_int64(), 5);

  const HttpAnswer quarantined = Decide("1", "quarantine");
  ASSERT_EQ(quarantined.status, 200) << quarantined.body;
  EXPECT_EQ(Text(quarantined, "state"), "quarantined");
  EXPECT_EQ(Text(quarantined, "by"), "a.beispiel");
  EXPECT_EQ(Text(quarantined, "reason"), "one address");
  EXPECT_EQ(Score("a"), 0);
  EXPECT_EQ(Score("c"), 20);
  EXPECT_EQ(Total("ballots"), 20);
  EXPECT_EQ(Total("quarantined"), 10);
  EXPECT_EQ(Total("voided"), 0);
  // Who follows the ranking sees the same.
  const HttpAnswer patch = Ask(Call("GET", "/v1/polls/p/ranking/changes?since=" + live));
  ASSERT_EQ(patch.status, 200) << patch.body;
  EXPECT_EQ(MergePatch(live_before, patch.Json()),
            Ask(Call("GET", "/v1/polls/p/ranking?form=live")).Json());
  // Another who comes to the burst is not taken out by a decision made before.
  ASSERT_EQ(VoteFrom("198.51.100.7", "late", R"(["a"])").status, 201);
  EXPECT_EQ(Score("a"), 1);
  EXPECT_EQ(Groups().Json().at("groups").as_array().size(), 2U);
  ExpectLasting();

  ASSERT_EQ(Decide("1", "release").status, 200);
  EXPECT_EQ(Score("a"), 11);
  EXPECT_EQ(Total("quarantined"), 0);
  const std::string audit = AskAdmin(Call("GET", "/v1/polls/p/audit")).body;
  EXPECT_NE(audit.find(R"("act":"ballots_flagged","group":1,"rule":"network_burst")"),
            std::string::npos)
      << audit;
  EXPECT_NE(audit.find(R"("act":"flags_decided","by":"a.beispiel","group":1,"was":"flagged",)"
                       R"("to":"quarantined","ballots":10,"reason":"one address")"),
            std::string::npos)
      << audit;
  ExpectLasting();
}

TEST_F(FlagRoutesTest, VotersAreToldOfAVoidAndNotOfAQuarantine) {
  Serve();
  ASSERT_EQ(PutPoll("p", kWatched).status, 201);
  const std::string receipt = Text(VoteFrom("198.51.100.7", "first", R"(["a"])"), "receipt");
  Burst("198.51.100.7", "bot");
  const auto word = [&] { return Text(Ask(Call("GET", "/v1/receipts/" + receipt)), "status"); };
  const auto mine = [&] {
    return Ask(Call("GET", "/v1/polls/p/votes/me", {{"Tallyd-Voter", "first"}})).body;
  };
  const std::string own = mine();
  EXPECT_EQ(word(), "counted");
  ASSERT_EQ(Decide("1", "quarantine").status, 200);
  EXPECT_EQ(word(), "counted") << "a machine does not learn that it was found";
  EXPECT_EQ(mine(), own);
  EXPECT_EQ(Text(VoteFrom("198.51.100.7", "first", R"(["a"])"), "status"), "duplicate");
  ASSERT_EQ(Decide("1", "void").status, 200);
  EXPECT_EQ(word(), "voided");
  EXPECT_EQ(mine(), own);
  EXPECT_EQ(Total("voided"), 11);
  EXPECT_EQ(Total("quarantined"), 0);
  // A void is not escaped by another ballot, nor is its voter counted twice after a release.
  EXPECT_EQ(Text(VoteFrom("203.0.113.9", "first", R"(["c"])"), "status"), "replaced");
  EXPECT_EQ(word(), "superseded");
  EXPECT_EQ(Score("c"), 0);
  EXPECT_EQ(Total("voided"), 11);
  const HttpAnswer taken = Ask(Call("DELETE", "/v1/polls/p/votes/me", {{"Tallyd-Voter", "bot3"}}));
  EXPECT_EQ(Text(taken, "status"), "withdrawn");
  EXPECT_EQ(Total("voided"), 10);
  ASSERT_EQ(Decide("1", "release").status, 200);
  EXPECT_EQ(Score("c"), 1);
  EXPECT_EQ(Score("a"), 9);
  EXPECT_EQ(Total("ballots"), 10);
  ExpectLasting();
}

TEST_F(FlagRoutesTest, EachRuleHasItsRefusal) {
  Serve();
  ASSERT_EQ(PutPoll("p", kWatched).status, 201);
  Burst("198.51.100.7", "bot");
  EXPECT_EQ(Code(Decide("2", "void")), "flags_not_found");
  EXPECT_EQ(Code(Decide("x", "void")), "flags_not_found");
  EXPECT_EQ(Code(Group(7)), "flags_not_found");
  EXPECT_EQ(Code(AskAdmin(Call("GET", "/v1/polls/nix/flags"))), "poll_not_found");
  EXPECT_EQ(Code(Decide("1", "forget")), "member_invalid");
  EXPECT_EQ(
      Code(AskAdmin(JsonCall("POST", "/v1/polls/p/flags/1/decision", R"({"decision":"void"})"))),
      "member_missing");
  EXPECT_EQ(Code(AskAdmin(JsonCall("POST", "/v1/polls/p/flags/1/decision",
                                   R"({"decision":"void","reason":"x","colour":1})"))),
            "json_unknown_member");
  EXPECT_EQ(Code(Groups("?cursor=nix")), "parameter_invalid");
  EXPECT_EQ(Code(Groups("?colour=1")), "parameter_invalid");
  // Somebody else has decided meanwhile.
  const std::string etag = Group(1).Header("etag");
  EXPECT_EQ(Code(Decide("1", "void", {{"If-None-Match", "*"}})), "header_invalid");
  ASSERT_EQ(Decide("1", "quarantine", {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(Code(Decide("1", "void", {{"If-Match", etag}})), "precondition_failed");
  EXPECT_EQ(Code(Decide("1", "void", {{"If-Match", "\"e1-1\""}})), "precondition_failed");
  const HttpAnswer again = Decide("1", "quarantine");
  EXPECT_EQ(again.status, 200) << "the same again is harmless";
  EXPECT_EQ(again.Header("idempotent-replayed"), "true");
  // Final freezes the count.
  Move("closed");
  ASSERT_EQ(Decide("1", "void").status, 200);
  Move("final");
  EXPECT_EQ(Decide("1", "void").status, 200);
  EXPECT_EQ(Code(Decide("1", "release")), "poll_not_open");
  EXPECT_EQ(Total("voided"), 10);
  ExpectLasting();
}

TEST_F(FlagRoutesTest, TheRulesOfAPollAreForOperators) {
  Serve();
  for (const char* faulty :
       {R"(,"fraud":{"network_burst":{"ballots":9,"window_s":60}})",
        R"(,"fraud":{"network_burst":{"ballots":10,"window_s":3601}})",
        R"(,"fraud":{"poll_burst":{"ballots":10001,"window_s":1}})", R"(,"fraud":[])"}) {
    EXPECT_EQ(Code(PutPoll("p", faulty)), "member_invalid") << faulty;
  }
  EXPECT_EQ(Code(PutPoll("p", R"(,"fraud":{"poll_burst":{"ballots":10}})")), "member_missing");
  EXPECT_EQ(Code(PutPoll("p", R"(,"fraud":{"colour":1})")), "json_unknown_member");
  ASSERT_EQ(PutPoll("p", kWatched).status, 201);
  const HttpAnswer told = AskAdmin(Call("GET", "/v1/polls/p"));
  EXPECT_EQ(told.Json().at("fraud").at("network_burst").at("ballots").as_int64(), 10);
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p")).body.find("fraud"), std::string::npos);
  // They flag and decide nothing, so they may change while the poll is open.
  const HttpAnswer changed =
      AskAdmin(JsonCall("PUT", "/v1/polls/p",
                        PollBody(R"(,"revote":"replace","withdraw":true,)"
                                 R"("fraud":{"poll_burst":{"ballots":12,"window_s":5}})"),
                        {{"If-Match", told.Header("etag")}}));
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.Json().at("fraud").at("poll_burst").at("window_s").as_int64(), 5);
}

// The address of a client counts where a believed proxy names it; else nobody knows the network.
TEST_F(FlagRoutesTest, AnUnknownNetworkIsNoBurstAndAPollsIs) {
  Serve();
  const std::string both =
      R"(,"state":"open","fraud":{"network_burst":{"ballots":10,"window_s":60},)"
      R"("poll_burst":{"ballots":15,"window_s":60}})";
  ASSERT_EQ(PutPoll("p", both).status, 201);
  for (int i = 0; i < 14; ++i) ASSERT_EQ(Vote("p", std::to_string(i), R"(["a"])").status, 201);
  EXPECT_TRUE(Groups().Json().at("groups").as_array().empty());
  ASSERT_EQ(Vote("p", "one-more", R"(["a"])").status, 201);
  const HttpAnswer groups = Groups();
  ASSERT_EQ(groups.Json().at("groups").as_array().size(), 1U) << groups.body;
  EXPECT_TRUE(groups.Json().at("groups").at(0).as_object().contains("poll_burst"));
  // An IPv6 network is its /64.
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(
        VoteFrom("2001:db8::" + std::to_string(i), "six" + std::to_string(i), R"(["b"])").status,
        201);
  }
  const json::value both_groups = Groups().Json();
  const json::array& listed = both_groups.at("groups").as_array();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed.at(0).at("voters").as_int64(), 24) << "the poll's burst goes on";
  EXPECT_TRUE(listed.at(1).as_object().contains("network_burst"));
  EXPECT_EQ(listed.at(1).at("voters").as_int64(), 1) << "a voter is in one group";
  const std::string metrics = AskAdmin(Call("GET", "/metrics")).body;
  EXPECT_NE(metrics.find("tallyd_fraud_voters 25"), std::string::npos) << metrics;
}

TEST_F(FlagRoutesTest, FewBallotsAndSecretsAreNotShown) {
  Serve();
  ASSERT_EQ(
      PutPoll("p", std::string(kWatched) + R"(,"visibility":"sealed","visible_from":"closed")")
          .status,
      201);
  Burst("198.51.100.7", "bot");
  json::value shown = Group(1).Json();
  EXPECT_EQ(shown.at("withheld"), true);
  EXPECT_FALSE(shown.as_object().contains("options"));
  EXPECT_FALSE(shown.as_object().contains("blank"));
  EXPECT_EQ(shown.at("voters").as_int64(), 10);
  ASSERT_EQ(Decide("1", "quarantine").status, 200) << "also while it is sealed";
  EXPECT_EQ(Total("quarantined"), 10);
  EXPECT_EQ(Ask(Call("DELETE", "/v1/polls/p/votes/me", {{"Tallyd-Voter", "bot0"}})).status, 200);
  Move("closed");
  shown = Group(1).Json();
  EXPECT_EQ(shown.at("suppressed"), true) << "nine are too few";
  EXPECT_EQ(shown.at("ballots").as_int64(), 9);
  EXPECT_FALSE(shown.as_object().contains("options"));
  ASSERT_EQ(Decide("1", "release").status, 200);
  EXPECT_EQ(Score("a"), 9);
}

TEST_F(FlagRoutesTest, ACoarsePollHidesFewHeldBallots) {
  Serve();
  ASSERT_EQ(
      PutPoll("p", std::string(kWatched) + R"(,"visibility":"coarse","coarse":{"k":11})").status,
      201);
  Burst("198.51.100.7", "bot");
  EXPECT_EQ(Group(1).Json().at("withheld"), true);
  ASSERT_EQ(Decide("1", "quarantine").status, 200);
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(Vote("p", "honest" + std::to_string(i), R"(["c"])").status, 201);
  }
  EXPECT_TRUE(Ranking().at("totals").at("quarantined").is_null());
  Move("closed");
  Move("final");
  EXPECT_TRUE(Ranking().at("totals").at("quarantined").is_null()) << "ten are fewer than k";
}

}  // namespace
}  // namespace tallyd
