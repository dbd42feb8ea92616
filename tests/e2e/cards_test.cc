// Cards with codes, rolls and channel rules over the real server: a person is counted once, in
// whatever order they vote, also if the server is killed between.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "boost/json/parse.hpp"

#include "tests/e2e/server_fixture.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

boost::json::object CardPoll(const std::string& rule, bool confirm = true) {
  boost::json::object poll = PollBody();
  poll["boxes"] = {{{"id", "hall"}, {"place", "Foyer"}, {"handed_out", 10}}};
  poll["paper"] = {{"confirm", confirm}};
  poll["channel_rule"] = rule;
  return poll;
}

std::string CardLine(const std::string& card, const std::string& option) {
  return R"({"card":")" + card + R"(","choices":[")" + option + "\"]}\n";
}

HttpCall Paper(const std::string& method, const std::string& target, const std::string& body,
               const std::string& actor, const std::string& type = "application/json") {
  return {method, target, {{"Content-Type", type}, {"Tallyd-Actor", actor}}, body};
}
HttpCall Cards(const std::string& poll, const std::string& batch, const std::string& lines,
               const std::string& actor = "anna", const std::string& query = "") {
  return Paper("POST", "/v1/polls/" + poll + "/paper-batches/" + batch + "/cards" + query, lines,
               actor, "application/x-ndjson");
}
HttpCall Confirm(const std::string& poll, const std::string& batch, const std::string& actor) {
  return {"POST",
          "/v1/polls/" + poll + "/paper-batches/" + batch + "/confirm",
          {{"Tallyd-Actor", actor}},
          ""};
}

std::int64_t Lines(const HttpAnswer& answer, const char* result) {
  return answer.Json().at("card_lines").at(result).as_int64();
}

class CardsTest : public ServerTest {
 protected:
  std::vector<std::string> MakeCodes(const std::string& poll, int count) {
    const HttpAnswer made = admin_.Send(JsonCall("POST", "/v1/polls/" + poll + "/codes",
                                                 R"({"count":)" + std::to_string(count) + "}"));
    EXPECT_EQ(made.status, 201) << made.body;
    std::vector<std::string> codes;
    const boost::json::value answer = made.Json();
    for (const auto& code : answer.at("codes").as_array()) {
      codes.emplace_back(code.as_string());
    }
    return codes;
  }
  void ExpectVerified() {
    const HttpAnswer verified = admin_.Send({"POST", "/v1/admin/verify", {}, ""});
    EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
  }
};

TEST_F(CardsTest, CountAsAWholeOnceASecondPersonConfirmed) {
  const std::string poll = CreatePoll(CardPoll("first"));
  const std::string lines = CardLine("C1", "alpha") + CardLine("C2", "alpha") + "\n" +
                            CardLine("C1", "beta") + CardLine("C3", "beta");
  const HttpAnswer entered = admin_.Send(Cards(poll, "b1", lines, "anna", "?invalid=2&seal=7"));
  ASSERT_EQ(entered.status, 201) << entered.body;
  EXPECT_EQ(TextMember(entered, "status"), "entered");
  EXPECT_EQ(IntegerMember(entered, "cards"), 6);
  EXPECT_EQ(entered.Json().at("counts").at("alpha").as_int64(), 2);
  EXPECT_EQ(Lines(entered, "counted"), 3);
  EXPECT_EQ(Lines(entered, "on_paper"), 1);  // a code that comes twice
  EXPECT_EQ(entered.Json().at("card_lines").at("items").at(0).at("line").as_int64(), 3);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 0);

  EXPECT_EQ(admin_.Send(Cards(poll, "b1", lines)).status, 200);
  ExpectProblem(admin_.Send(Cards(poll, "b1", CardLine("C1", "alpha"))), "batch_exists");
  ExpectProblem(admin_.Send(Confirm(poll, "b1", "anna")), "four_eyes");
  const HttpAnswer confirmed = admin_.Send(Confirm(poll, "b1", "bert"));
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_EQ(TextMember(confirmed, "status"), "counted");
  const auto ranking = Ranking(poll);
  EXPECT_EQ(TotalsFigure(ranking, "paper"), 3);
  EXPECT_EQ(TotalsFigure(ranking, "invalid"), 2);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "paper"), 2);
  EXPECT_FALSE(ranking.contains("channels_linked"));
  // Once more in another batch: counted before.
  const HttpAnswer again = admin_.Send(Cards(poll, "b2", CardLine("C2", "beta")));
  EXPECT_EQ(Lines(again, "on_paper"), 1) << again.body;
  ASSERT_EQ(admin_.Send(Confirm(poll, "b2", "bert")).status, 200);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 3);
  ExpectVerified();
}

TEST_F(CardsTest, AnAnnouncedBatchTakesAsManyCardsAsItSays) {
  const std::string poll = CreatePoll(CardPoll("first"));
  const std::string target = "/v1/polls/" + poll + "/paper-batches/b1";
  const HttpAnswer announced =
      admin_.Send(Paper("PUT", target, R"({"box":"hall","cards":3,"invalid":1})", "anna"));
  ASSERT_EQ(announced.status, 201) << announced.body;
  EXPECT_EQ(TextMember(announced, "status"), "announced");
  ExpectProblem(admin_.Send(Confirm(poll, "b1", "bert")), "cards_missing");
  ExpectProblem(admin_.Send(Cards(poll, "b1", CardLine("C1", "alpha"))), "sum_mismatch");
  const HttpAnswer entered =
      admin_.Send(Cards(poll, "b1", CardLine("C1", "alpha") + CardLine("C2", "beta"), "carl"));
  ASSERT_EQ(entered.status, 200) << entered.body;
  ExpectProblem(admin_.Send(Confirm(poll, "b1", "carl")), "four_eyes");
  // A second person may count the stack by option, and the sums must agree.
  const std::string wrong = R"({"cards":3,"invalid":1,"counts":{"alpha":2}})";
  ExpectProblem(admin_.Send(Paper("POST", target + "/confirm", wrong, "bert")), "entries_differ",
                "/counts/alpha");
  const std::string right = R"({"cards":3,"invalid":1,"counts":{"alpha":1,"beta":1}})";
  ASSERT_EQ(admin_.Send(Paper("POST", target + "/confirm", right, "bert")).status, 200);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 2);
  ExpectVerified();
}

TEST_F(CardsTest, FaultsNameTheLine) {
  const std::string poll = CreatePoll(CardPoll("first"));
  const auto send = [&](const std::string& lines) { return admin_.Send(Cards(poll, "b1", lines)); };
  ExpectProblem(send(CardLine("C1", "alpha") + CardLine("C2", "nix")), "option_unknown",
                "/1/choices/0");
  ExpectProblem(send(R"({"choices":["alpha"]})"), "member_missing", "/0/card");
  ExpectProblem(send(R"({"voter":"x","choices":["alpha"]})"), "json_unknown_member", "/0/voter");
  ExpectProblem(send("nonsense\n"), "not_json");
  ExpectProblem(admin_.Send(Cards(poll, "b1", CardLine("C1", "alpha"), "anna", "?box=nix")),
                "box_unknown");
  ExpectProblem(admin_.Send(Cards("nix", "b1", CardLine("C1", "alpha"))), "poll_not_found");
  std::string many;
  for (int i = 0; i < 3'001; ++i) many += CardLine("C" + std::to_string(i), "alpha");
  ExpectProblem(send(many), "too_many_lines", "/3000");
  EXPECT_EQ(admin_.Send({"GET", "/v1/polls/" + poll + "/paper-batches/b1", {}, {}}).status, 404);
  // All but one of them: the most that one commit takes.
  many.resize(many.rfind('{'));
  ASSERT_EQ(send(many).status, 201);
  ASSERT_EQ(admin_.Send(Confirm(poll, "b1", "bert")).status, 200);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 3'000);
  ASSERT_EQ(admin_
                .Send(Paper("POST", "/v1/polls/" + poll + "/paper-batches/b1/void",
                            R"({"reason":"test"})", "anna"))
                .status,
            200);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 0);
  ExpectVerified();
}

TEST_F(CardsTest, OnlyWhoIsOnTheRollVotes) {
  boost::json::object body = CardPoll("first");
  body["eligible"] = {{"roll", true}};
  const std::string poll = CreatePoll(body);
  ExpectProblem(Vote(poll, ChoicesBody("somebody", {"alpha"})), "not_on_roll");
  const std::vector<std::string> codes = MakeCodes(poll, 3);
  ASSERT_EQ(codes.size(), 3u);
  EXPECT_EQ(codes[0].size(), 14u);
  EXPECT_NE(codes[0], codes[1]);
  EXPECT_EQ(Vote(poll, ChoicesBody(codes[0], {"alpha"})).status, 201);
  const HttpAnswer cards =
      admin_.Send(Cards(poll, "b1", CardLine(codes[1], "beta") + CardLine("stranger", "beta")));
  EXPECT_EQ(Lines(cards, "counted"), 1) << cards.body;
  EXPECT_EQ(Lines(cards, "not_on_roll"), 1);
  // Names from elsewhere; the answer does not repeat them.
  const std::string target = "/v1/polls/" + poll + "/codes";
  const HttpAnswer named =
      admin_.Send(JsonCall("POST", target, R"({"codes":["m:1","m:2"],"batch":"members"})"));
  ASSERT_EQ(named.status, 201) << named.body;
  EXPECT_EQ(named.body.find("m:1"), std::string::npos);
  EXPECT_EQ(Vote(poll, ChoicesBody("m:1", {"alpha"})).status, 201);
  ExpectProblem(admin_.Send(JsonCall("POST", target, R"({"count":2,"batch":"members"})")),
                "batch_exists");
  ExpectProblem(admin_.Send(JsonCall("POST", target, R"({"count":10001})")), "member_invalid",
                "/count");
  ExpectProblem(admin_.Send(JsonCall("POST", target, "{}")), "member_missing");
}

TEST_F(CardsTest, ASurveyIsEnteredCardByCard) {
  boost::json::object body = CardPoll("first");
  body["ballot"] = boost::json::parse(
      R"({"type":"survey","questions":[
          {"id":"q1","ballot":{"type":"choose","max":1},"options":[{"id":"a"},{"id":"b"}]},
          {"id":"q2","ballot":{"type":"points","total":5,"max_per_option":3},
           "options":[{"id":"a"}]}]})");
  body.erase("options");
  const std::string poll = CreatePoll(body);
  const HttpAnswer entered = admin_.Send(Cards(
      poll, "b1",
      "{\"card\":\"C1\",\"answers\":{\"q1\":{\"choices\":[\"a\"]},\"q2\":{\"points\":{\"a\":3}}}}\n"
      "{\"card\":\"C2\",\"answers\":{\"q1\":{\"choices\":[\"a\"]},\"q2\":{\"points\":{\"a\":1}}}}"
      "\n"));
  ASSERT_EQ(entered.status, 201) << entered.body;
  EXPECT_EQ(entered.Json().at("counts").at("q1").at("a").as_int64(), 2);
  EXPECT_EQ(entered.Json().at("counts").at("q2").at("a").at("score").as_int64(), 4);
  ASSERT_EQ(admin_.Send(Confirm(poll, "b1", "bert")).status, 200);
  EXPECT_EQ(Ranking(poll).at("questions").at("q2").at("options").at("a").at("paper").as_int64(), 4);
}

TEST_F(CardsTest, CardsWithoutCodesSayThatChannelsAreNotLinked) {
  const std::string poll = CreatePoll(CardPoll("first", false));
  EXPECT_FALSE(Ranking(poll).contains("channels_linked"));
  const std::string target = "/v1/polls/" + poll + "/paper-batches/b1";
  ASSERT_EQ(
      admin_.Send(Paper("PUT", target, R"({"box":"hall","cards":1,"counts":{"alpha":1}})", "a"))
          .status,
      201);
  EXPECT_EQ(Ranking(poll).at("channels_linked").as_bool(), false);
  ASSERT_EQ(admin_.Send(Paper("POST", target + "/void", R"({"reason":"x"})", "a")).status, 200);
  EXPECT_FALSE(Ranking(poll).contains("channels_linked"));
}

TEST_F(CardsTest, PaperLinesOfABatchFollowTheChannelRuleToo) {
  const std::string poll = CreatePoll(CardPoll("paper_beats_online", false));
  ASSERT_EQ(Vote(poll, ChoicesBody("v", {"alpha"})).status, 201);
  const std::string line = R"({"voter":"v","choices":["alpha"],"channel":"paper","box":"hall"})"
                           "\n";
  const auto send = [&] { return admin_.Send(BatchCall(poll, line)).Json(); };
  EXPECT_EQ(send().at("replaced").as_int64(), 1);  // even though it says the same
  EXPECT_EQ(send().at("duplicate").as_int64(), 1);
  ExpectProblem(Vote(poll, ChoicesBody("v", {"beta"})), "already_voted");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "online"), 0);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 1);
}

// Both orders under each rule, with a kill before every look at what came of it.
class BothChannels : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { Start(); }
  void Start() {
    server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = data_});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }
  void KillAndStart() {
    server_->Kill();
    server_->Wait();
    Start();
  }
  HttpAnswer Admin(const HttpCall& call) { return HttpClient(server_->admin_port()).Send(call); }
  HttpAnswer Public(const HttpCall& call) { return HttpClient(server_->public_port()).Send(call); }
  boost::json::object Ranking() {
    return Public({"GET", "/v1/polls/town/ranking", {}, {}}).Json().as_object();
  }
  void ExpectVerified() {
    const HttpAnswer verified = Admin({"POST", "/v1/admin/verify", {}, ""});
    EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
  }

  TempDirectory temp_;
  const std::string data_ = temp_.File("data");
  std::unique_ptr<TallydProcess> server_;
};

TEST_P(BothChannels, CountAPersonOnceInEitherOrderAcrossKills) {
  const std::string rule = GetParam();
  const bool paper_beats = rule == "paper_beats_online";
  ASSERT_EQ(Admin(JsonCall("PUT", "/v1/polls/town", boost::json::serialize(CardPoll(rule)),
                           {{"If-None-Match", "*"}}))
                .status,
            201);
  // First online, then on paper.
  ASSERT_EQ(Public(VoteCall("town", ChoicesBody("C1", {"alpha"}))).status, 201);
  KillAndStart();
  const HttpAnswer entered =
      Admin(Cards("town", "b1", CardLine("C1", "beta") + CardLine("C2", "gamma")));
  ASSERT_EQ(entered.status, 201) << entered.body;
  EXPECT_EQ(Lines(entered, paper_beats ? "beat_online" : "voted_online"), 1) << entered.body;
  KillAndStart();
  const HttpAnswer confirmed = Admin(Confirm("town", "b1", "bert"));
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  KillAndStart();
  EXPECT_EQ(Admin({"GET", "/v1/polls/town/paper-batches/b1", {}, {}}).body, confirmed.body);
  const auto ranking = Ranking();
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 2);
  EXPECT_EQ(TotalsFigure(ranking, "online"), paper_beats ? 0 : 1);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "score"), paper_beats ? 0 : 1);
  EXPECT_EQ(OptionFigure(ranking, "beta", "paper"), paper_beats ? 1 : 0);
  // First on paper, then online.
  ExpectProblem(Public(VoteCall("town", ChoicesBody("C2", {"alpha"}))), "already_voted");
  EXPECT_EQ(TotalsFigure(Ranking(), "ballots"), 2);
  // `list` shows both to the clerk: the card that counts, and that its voter came online as well.
  ExpectProblem(Public(VoteCall("town", ChoicesBody("C2", {"alpha"}))), "already_voted");
  KillAndStart();
  const HttpAnswer batch = Admin({"GET", "/v1/polls/town/paper-batches/b1", {}, {}});
  EXPECT_EQ(Lines(batch, "online_after"), rule == "list" ? 1 : 0) << batch.body;
  EXPECT_EQ(batch.body.find(R"({"line":2,"code":"online_after","channel":"online"})") !=
                std::string::npos,
            rule == "list")
      << batch.body;
  const HttpAnswer boxes = Admin({"GET", "/v1/polls/town/paper-reconciliation", {}, {}});
  EXPECT_EQ(Lines(HttpAnswer{boxes.status, boxes.headers,
                             boost::json::serialize(boxes.Json().at("boxes").at(0))},
                  "online_after"),
            rule == "list" ? 1 : 0)
      << boxes.body;
  // The batch was wrong: what was said online is in force again, and C2 may vote.
  ASSERT_EQ(Admin(Paper("POST", "/v1/polls/town/paper-batches/b1/void",
                        R"({"reason":"wrong poll"})", "chief"))
                .status,
            200);
  KillAndStart();
  EXPECT_EQ(TotalsFigure(Ranking(), "ballots"), 1);
  EXPECT_EQ(OptionFigure(Ranking(), "alpha", "online"), 1);
  EXPECT_EQ(Public(VoteCall("town", ChoicesBody("C2", {"alpha"}))).status, 201);
  EXPECT_EQ(Public(VoteCall("town", ChoicesBody("C1", {"alpha"}))).status, 200);  // a late retry
  EXPECT_EQ(TotalsFigure(Ranking(), "ballots"), 2);
  ExpectVerified();
  server_->Terminate();
  ASSERT_EQ(server_->Wait(), 0) << server_->Log();
  const ToolResult recounted = RunTallyctl({"verify", "--data-dir", data_});
  EXPECT_EQ(recounted.exit, 0) << recounted.out << recounted.err;
}

INSTANTIATE_TEST_SUITE_P(Rules, BothChannels,
                         testing::Values("first", "paper_beats_online", "list"),
                         [](const auto& rule) { return std::string(rule.param); });

}  // namespace
}  // namespace tallyd
