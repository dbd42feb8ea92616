// API.md sections 3 and 4: votes up and down, surveys, blank ballots, several ballots per voter.

#include <chrono>
#include <ctime>

#include "boost/json/parse.hpp"

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class BallotTypes : public ServerTest {
 protected:
  HttpAnswer Put(const std::string& target, const std::string& body, Headers headers = {}) {
    return admin_.Send(JsonCall("PUT", target, body, std::move(headers)));
  }
  static boost::json::object Survey() {
    boost::json::object body = PollBody();
    body.erase("options");
    body["ballot"] = boost::json::parse(
        R"({"type":"survey","questions":[)"
        R"({"id":"was","title":{"de":"Was?"},"ballot":{"type":"choose","min":1,"max":2},)"
        R"("options":[{"id":"ja"},{"id":"nein"}]},)"
        R"({"id":"wie","ballot":{"type":"updown"},"options":[{"id":"ja"},{"id":"laut"}]}]})");
    return body;
  }
  static std::int64_t AnswerFigure(const boost::json::object& ranking, const char* question,
                                   const char* option, const char* member) {
    return ranking.at("questions")
        .at(question)
        .at("options")
        .at(option)
        .at(member)
        .to_number<std::int64_t>();
  }
};

TEST_F(BallotTypes, VotesUpAndDownAddUp) {
  boost::json::object body = PollBody();
  body["ballot"] = {{"type", "updown"}};
  const std::string poll = CreatePoll(body);
  const HttpAnswer first = Vote(poll, R"({"voter":"v1","votes":{"alpha":1,"beta":-1}})");
  EXPECT_EQ(first.status, 201) << first.body;
  const HttpAnswer again = Vote(poll, R"({"voter":"v1","votes":{"beta":-1,"alpha":1}})");
  EXPECT_EQ(StatusMember(again), "duplicate");
  EXPECT_EQ(TextMember(again, "receipt"), TextMember(first, "receipt"));
  EXPECT_EQ(Vote(poll, R"({"voter":"v2","votes":{"beta":-1,"gamma":0}})").status, 201);
  EXPECT_EQ(Vote(poll, R"({"voter":"v3","votes":{}})").status, 201);
  ExpectProblem(Vote(poll, R"({"voter":"v4","votes":{"alpha":2}})"), "member_invalid",
                "/votes/alpha");
  ExpectProblem(Vote(poll, R"({"voter":"v4","choices":["alpha"]})"), "wrong_ballot_type",
                "/choices");
  const boost::json::object ranking = Ranking(poll);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "score"), 1);
  EXPECT_EQ(OptionFigure(ranking, "beta", "score"), -2);
  EXPECT_EQ(OptionFigure(ranking, "beta", "ballots"), 2);
  EXPECT_EQ(OptionFigure(ranking, "beta", "rank"), 4);
  EXPECT_EQ(OptionFigure(ranking, "gamma", "score"), 0);
  EXPECT_EQ(OptionFigure(ranking, "gamma", "ballots"), 1);
  EXPECT_EQ(TotalsFigure(ranking, "blank"), 1);
  const HttpAnswer mine = Get("/v1/polls/" + poll + "/votes/me", {{"Tallyd-Voter", "v1"}});
  EXPECT_EQ(boost::json::serialize(mine.Json().at("votes")), R"({"alpha":1,"beta":-1})");
}

TEST_F(BallotTypes, ASurveyIsOneBallot) {
  const std::string poll = CreatePoll(Survey());
  const std::string both =
      R"({"voter":"v1","answers":{"was":{"choices":["ja"]},"wie":{"votes":{"laut":-1}}}})";
  const HttpAnswer first = Vote(poll, both);
  EXPECT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(StatusMember(Vote(poll, both)), "duplicate");
  EXPECT_EQ(Vote(poll, R"({"voter":"v2","answers":{"was":{"choices":["ja","nein"]}}})").status,
            201);
  // One bad answer, and nothing counts.
  ExpectProblem(Vote(poll, R"({"voter":"v3","answers":{"was":{"choices":["ja"]},)"
                           R"("wie":{"votes":{"leise":1}}}})"),
                "option_unknown", "/answers/wie/votes/leise");
  ExpectProblem(Vote(poll, R"({"voter":"v3","answers":{"wie":{"votes":{"ja":1}}}})"),
                "too_few_choices", "/answers/was/choices");
  ExpectProblem(Vote(poll, R"({"voter":"v3","answers":{"wer":{"choices":["ja"]}}})"),
                "question_unknown", "/answers/wer");
  const boost::json::object ranking = Ranking(poll);
  EXPECT_FALSE(ranking.contains("options"));
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 2);
  EXPECT_EQ(AnswerFigure(ranking, "was", "ja", "score"), 2);
  EXPECT_EQ(AnswerFigure(ranking, "was", "nein", "rank"), 2);
  EXPECT_EQ(AnswerFigure(ranking, "wie", "ja", "score"), 0);
  EXPECT_EQ(AnswerFigure(ranking, "wie", "ja", "rank"), 1) << "each question ranks its own";
  EXPECT_EQ(AnswerFigure(ranking, "wie", "laut", "score"), -1);
  const HttpAnswer mine = Get("/v1/polls/" + poll + "/votes/me", {{"Tallyd-Voter", "v2"}});
  EXPECT_EQ(boost::json::serialize(mine.Json().at("answers")),
            R"({"was":{"choices":["ja","nein"]},"wie":{"votes":{}}})");
  const HttpAnswer csv = Get("/v1/polls/" + poll + "/ranking.csv");
  EXPECT_EQ(csv.body.substr(0, csv.body.find('\r')),
            "question,rank,option,score,ballots,online,paper");
}

TEST_F(BallotTypes, AQuestionTakesNewOptionsAndWithdrawsOldOnes) {
  const std::string poll = CreatePoll(Survey());
  const std::string options = "/v1/polls/" + poll + "/questions/was/options/";
  EXPECT_EQ(Put(options + "vielleicht", "{}").status, 201);
  EXPECT_EQ(Vote(poll, R"({"voter":"v1","answers":{"was":{"choices":["vielleicht"]}}})").status,
            201);
  EXPECT_EQ(admin_.Send({"DELETE", options + "ja", {}, {}}).status, 200);
  ExpectProblem(Vote(poll, R"({"voter":"v2","answers":{"was":{"choices":["ja"]}}})"),
                "option_withdrawn");
  EXPECT_EQ(Vote(poll, R"({"voter":"v2","answers":{"was":{"choices":["nein"]},)"
                       R"("wie":{"votes":{"ja":1}}}})")
                .status,
            201)
      << "the other question's option of that name goes on";
  ExpectProblem(Put("/v1/polls/" + poll + "/options/x", "{}"), "question_not_found");
  ExpectProblem(Put("/v1/polls/" + poll + "/questions/wer/options/x", "{}"), "question_not_found");
  ExpectProblem(Put("/v1/polls/" + CreatePoll() + "/questions/was/options/x", "{}"),
                "question_not_found");
}

TEST_F(BallotTypes, QuestionsAreFrozenAtTheOpening) {
  const std::string poll = CreatePoll(Survey());
  boost::json::object changed = Survey();
  changed["ballot"].at("questions").at(0).at("ballot").as_object()["max"] = 1;
  const std::string etag = admin_.Send({"GET", "/v1/polls/" + poll, {}, {}}).Header("etag");
  ExpectProblem(Put("/v1/polls/" + poll, boost::json::serialize(changed), {{"If-Match", etag}}),
                "rules_frozen", "/ballot");
  changed = Survey();
  changed["ballot"].at("questions").at(0).as_object()["title"] = {{"de", "Was denn?"}};
  EXPECT_EQ(Put("/v1/polls/" + poll, boost::json::serialize(changed), {{"If-Match", etag}}).status,
            200);
}

TEST_F(BallotTypes, SeveralBallotsOfAVoterAreToldApartByNumber) {
  boost::json::object body = PollBody();
  body["ballots_per_voter"] = 2;
  const std::string poll = CreatePoll(body);
  EXPECT_EQ(Get("/v1/polls/" + poll).Json().at("ballots_per_voter").to_number<int>(), 2);
  ExpectProblem(Vote(poll, R"({"voter":"v","choices":["alpha"]})"), "ballot_no_required",
                "/ballot_no");
  const HttpAnswer one = Vote(poll, R"({"voter":"v","choices":["alpha"],"ballot_no":1})");
  const HttpAnswer two = Vote(poll, R"({"voter":"v","choices":["alpha"],"ballot_no":2})");
  EXPECT_EQ(one.status, 201);
  EXPECT_EQ(two.status, 201);
  EXPECT_NE(TextMember(one, "receipt"), TextMember(two, "receipt"));
  const HttpAnswer again = Vote(poll, R"({"voter":"v","choices":["alpha"],"ballot_no":2})");
  EXPECT_EQ(StatusMember(again), "duplicate");
  EXPECT_EQ(TextMember(again, "receipt"), TextMember(two, "receipt"));
  ExpectProblem(Vote(poll, R"({"voter":"v","choices":["beta"],"ballot_no":1})"), "already_voted");
  ExpectProblem(Vote(poll, R"({"voter":"v","choices":["beta"],"ballot_no":3})"), "member_invalid",
                "/ballot_no");
  EXPECT_EQ(OptionFigure(Ranking(poll), "alpha", "score"), 2);
  const std::string mine = "/v1/polls/" + poll + "/votes/me";
  ExpectProblem(Get(mine, {{"Tallyd-Voter", "v"}}), "ballot_no_required");
  ExpectProblem(Get(mine + "?ballot_no=3", {{"Tallyd-Voter", "v"}}), "parameter_invalid");
  EXPECT_EQ(IntegerMember(Get(mine + "?ballot_no=2", {{"Tallyd-Voter", "v"}}), "seq"),
            IntegerMember(two, "seq"));
  const HttpAnswer batch =
      public_.Send(BatchCall(poll,
                             "{\"voter\":\"w\",\"choices\":[\"beta\"]}\n"
                             "{\"voter\":\"w\",\"choices\":[\"beta\"],\"ballot_no\":1}\n"
                             "{\"voter\":\"w\",\"choices\":[\"beta\"],\"ballot_no\":2}\n"));
  EXPECT_EQ(IntegerMember(batch, "counted"), 2) << batch.body;
  EXPECT_EQ(IntegerMember(batch, "rejected"), 1);
}

TEST_F(BallotTypes, ABallotPerDayIsTakenOnItsDayOnly) {
  boost::json::object body = PollBody();
  body["ballots_per"] = "day";
  body["time_zone"] = "UTC";
  const std::string poll = CreatePoll(body);
  ExpectProblem(Vote(poll, R"({"voter":"v","choices":["alpha"]})"), "day_required", "/day");
  ExpectProblem(Vote(poll, R"({"voter":"v","choices":["alpha"],"day":"2020-01-01"})"),
                "day_not_open");
  // Midnight may pass between the two: then the first is refused, and the test says so.
  char today[16];
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::strftime(today, sizeof today, "%Y-%m-%d", std::gmtime(&now));
  const std::string vote =
      R"({"voter":"v","choices":["alpha"],"day":")" + std::string(today) + "\"}";
  EXPECT_EQ(Vote(poll, vote).status, 201) << today;
  EXPECT_EQ(StatusMember(Vote(poll, vote)), "duplicate");
  const std::string mine = "/v1/polls/" + poll + "/votes/me";
  ExpectProblem(Get(mine, {{"Tallyd-Voter", "v"}}), "parameter_invalid");
  EXPECT_EQ(Get(mine + "?day=" + today, {{"Tallyd-Voter", "v"}}).status, 200);
  ExpectProblem(Get(mine + "?day=2020-01-01", {{"Tallyd-Voter", "v"}}), "no_ballot");
}

TEST_F(BallotTypes, ASelectionExplainsItself) {
  boost::json::object body = PollBody();
  body["options"] = boost::json::parse(
      R"([{"id":"alpha","cost":60},{"id":"beta","cost":50},{"id":"gamma","cost":40}])");
  body["ballot"] = ChooseRules(1, 3);
  body["selection"] = {{"rule", "greedy"}, {"budget", 100}};
  const std::string poll = CreatePoll(body);
  EXPECT_EQ(Vote(poll, ChoicesBody("v1", {"alpha", "beta", "gamma"})).status, 201);
  EXPECT_EQ(Vote(poll, ChoicesBody("v2", {"alpha"})).status, 201);
  const std::string target = "/v1/polls/" + poll + "/ranking";
  const boost::json::value open = Get(target + "?explain=selection").Json().at("selection");
  EXPECT_EQ(boost::json::serialize(open),
            R"({"rule":"greedy","budget":100,"spent":100,"provisional":true,)"
            R"("tie_rule":"option_id","tie_decided":false,"options":[)"
            R"({"option":"alpha","selected":true,"reason":"fits","score":2,"cost":60,)"
            R"("budget_left":100},)"
            R"({"option":"beta","selected":false,"reason":"too_expensive","score":1,"cost":50,)"
            R"("budget_left":40},)"
            R"({"option":"gamma","selected":true,"reason":"fits","score":1,"cost":40,)"
            R"("budget_left":40}]})");
  EXPECT_EQ(Transition(poll, "closed").status, 200);
  EXPECT_EQ(Get(target + "?explain=selection").Json().at("selection").at("provisional").as_bool(),
            false);
  EXPECT_FALSE(Ranking(poll).contains("selection"));
  ExpectProblem(Get(target + "?explain=everything"), "parameter_invalid");
  ExpectProblem(Get("/v1/polls/" + poll + "/ranking.csv?explain=selection"), "parameter_invalid");
  const std::string other = "/v1/polls/" + CreatePoll() + "/ranking?explain=selection";
  EXPECT_TRUE(Get(other).Json().at("selection").is_null());
  body["ballot"] = Survey()["ballot"];
  body.erase("options");
  ExpectProblem(
      Put("/v1/polls/" + FreshId(), boost::json::serialize(body), {{"If-None-Match", "*"}}),
      "not_supported", "/selection/rule");
}

}  // namespace
}  // namespace tallyd
