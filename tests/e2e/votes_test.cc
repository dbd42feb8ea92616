// API.md section 4: one vote, its repeats, changes, keys and receipts.

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class Votes : public ServerTest {
 protected:
  std::string ReplacePoll(int changes_max = 20) {
    boost::json::object body = PollBody();
    body["revote"] = "replace";
    body["changes_max"] = changes_max;
    body["withdraw"] = true;
    return CreatePoll(body);
  }
  std::string ReceiptStatus(const std::string& receipt) {
    const HttpAnswer answer = Get("/v1/receipts/" + receipt);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return StatusMember(answer);
  }
  HttpAnswer Mine(const std::string& poll, const std::string& voter,
                  const std::string& method = "GET") {
    return public_.Send({method, "/v1/polls/" + poll + "/votes/me", {{"Tallyd-Voter", voter}}, {}});
  }
};

void ExpectCounted(const HttpAnswer& answer) {
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(StatusMember(answer), "counted");
  EXPECT_GT(IntegerMember(answer, "seq"), 0);
  EXPECT_EQ(TextMember(answer, "receipt").size(), 26u);
  EXPECT_EQ(answer.Header("location"), "/v1/receipts/" + TextMember(answer, "receipt"));
  EXPECT_EQ(answer.Header("content-type"), "application/json");
  EXPECT_EQ(answer.Header("cache-control"), "no-store");
}

void ExpectRepeat(const HttpAnswer& answer, const HttpAnswer& first) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(StatusMember(answer), "duplicate");
  EXPECT_EQ(IntegerMember(answer, "seq"), IntegerMember(first, "seq"));
  EXPECT_EQ(TextMember(answer, "receipt"), TextMember(first, "receipt"));
}

TEST_F(Votes, ChooseIsASet) {
  boost::json::object body = PollBody();
  body["ballot"] = ChooseRules(0, 3);
  const std::string poll = CreatePoll(body);
  const HttpAnswer first = Vote(poll, ChoicesBody("f:1001", {"alpha", "gamma"}));
  ExpectCounted(first);
  EXPECT_EQ(TextMember(first, "poll"), poll);
  ExpectRepeat(Vote(poll, ChoicesBody("f:1001", {"gamma", "alpha"})), first);
  ExpectProblem(Vote(poll, ChoicesBody("f:1001", {"gamma"})), "already_voted");
  ExpectProblem(Vote(poll, ChoicesBody("f:1001", {})), "already_voted");
  ExpectCounted(Vote(poll, ChoicesBody("f:1002", {})));  // blank

  const boost::json::object ranking = Ranking(poll);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "score"), 1);
  EXPECT_EQ(OptionFigure(ranking, "gamma", "ballots"), 1);
  EXPECT_EQ(OptionFigure(ranking, "beta", "score"), 0);
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 2);
  EXPECT_EQ(TotalsFigure(ranking, "blank"), 1);
}

TEST_F(Votes, PointsAreByOption) {
  boost::json::object body = PollBody();
  body["ballot"] = PointsRules(5, 4);
  const std::string poll = CreatePoll(body);
  const HttpAnswer first = Vote(poll, PointsBody("v1", {{"alpha", 2}, {"beta", 0}, {"delta", 3}}));
  ExpectCounted(first);
  ExpectRepeat(Vote(poll, PointsBody("v1", {{"delta", 3}, {"alpha", 2}, {"beta", 0}})), first);
  ExpectProblem(Vote(poll, PointsBody("v1", {{"alpha", 2}, {"delta", 3}})), "already_voted");
  const boost::json::object ranking = Ranking(poll);
  EXPECT_EQ(OptionFigure(ranking, "delta", "score"), 3);
  EXPECT_EQ(OptionFigure(ranking, "beta", "score"), 0);
  EXPECT_EQ(OptionFigure(ranking, "beta", "ballots"), 1) << "0 points count as named";
  EXPECT_EQ(OptionFigure(ranking, "gamma", "ballots"), 0);
}

TEST_F(Votes, RankingIsInOrder) {
  for (const bool per_ballot : {false, true}) {
    boost::json::object body = PollBody();
    body["ballot"] = RankRules(3, per_ballot ? "borda_ballot" : "borda");
    const std::string poll = CreatePoll(body);
    const HttpAnswer first = Vote(poll, RankingBody("v1", {"gamma", "alpha"}));
    ExpectCounted(first);
    ExpectRepeat(Vote(poll, RankingBody("v1", {"gamma", "alpha"})), first);
    ExpectProblem(Vote(poll, RankingBody("v1", {"alpha", "gamma"})), "already_voted");
    const boost::json::object ranking = Ranking(poll);
    EXPECT_EQ(OptionFigure(ranking, "gamma", "score"), per_ballot ? 2 : 3);
    EXPECT_EQ(OptionFigure(ranking, "alpha", "score"), per_ballot ? 1 : 2);
    EXPECT_EQ(OptionFigure(ranking, "alpha", "ballots"), 1);
  }
}

TEST_F(Votes, ReplacingKeepsTheLast) {
  const std::string poll = ReplacePoll();
  const HttpAnswer first = Vote(poll, ChoicesBody("v", {"alpha"}));
  ExpectCounted(first);
  const HttpAnswer second = Vote(poll, ChoicesBody("v", {"beta"}));
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(StatusMember(second), "replaced");
  EXPECT_EQ(IntegerMember(second, "replaces"), IntegerMember(first, "seq"));
  EXPECT_GT(IntegerMember(second, "seq"), IntegerMember(first, "seq"));
  EXPECT_NE(TextMember(second, "receipt"), TextMember(first, "receipt"));
  EXPECT_EQ(ReceiptStatus(TextMember(first, "receipt")), "superseded");
  EXPECT_EQ(ReceiptStatus(TextMember(second, "receipt")), "counted");
  ExpectRepeat(Vote(poll, ChoicesBody("v", {"beta"})), second);
  const boost::json::object ranking = Ranking(poll);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "score"), 0);
  EXPECT_EQ(OptionFigure(ranking, "beta", "score"), 1);
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 1);
}

TEST_F(Votes, ChangesRunOut) {
  const std::string poll = ReplacePoll(2);
  ExpectCounted(Vote(poll, ChoicesBody("v", {"alpha"})));
  EXPECT_EQ(StatusMember(Vote(poll, ChoicesBody("v", {"beta"}))), "replaced");
  const HttpAnswer last = Vote(poll, ChoicesBody("v", {"gamma"}));
  EXPECT_EQ(StatusMember(last), "replaced");
  ExpectProblem(Vote(poll, ChoicesBody("v", {"delta"})), "changes_exhausted");
  ExpectRepeat(Vote(poll, ChoicesBody("v", {"gamma"})), last);
}

TEST_F(Votes, OnlyAnOpenPollTakesNewBallots) {
  boost::json::object draft = PollBody();
  draft["state"] = "draft";
  const std::string poll = CreatePoll(draft);
  ExpectProblem(Vote(poll, ChoicesBody("early", {"alpha"})), "poll_not_open");
  ASSERT_EQ(Transition(poll, "open").status, 200);
  const HttpAnswer first = Vote(poll, ChoicesBody("early", {"alpha"}));
  ExpectCounted(first);
  ASSERT_EQ(Transition(poll, "paused").status, 200);
  ExpectProblem(Vote(poll, ChoicesBody("late", {"alpha"})), "poll_not_open");
  ExpectRepeat(Vote(poll, ChoicesBody("early", {"alpha"})), first);
  ASSERT_EQ(Transition(poll, "open").status, 200);
  ASSERT_EQ(Transition(poll, "closed").status, 200);
  ExpectProblem(Vote(poll, ChoicesBody("late", {"alpha"})), "poll_not_open");
  ExpectRepeat(Vote(poll, ChoicesBody("early", {"alpha"})), first);
  ASSERT_EQ(Transition(poll, "final").status, 200);
  ExpectRepeat(Vote(poll, ChoicesBody("early", {"alpha"})), first);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 1);
}

TEST_F(Votes, AKeyGetsItsOwnVersionsAnswerAgain) {
  const std::string poll = ReplacePoll();
  const HttpAnswer first = Vote(poll, ChoicesBody("v", {"alpha"}), {{"Idempotency-Key", "k1"}});
  ExpectCounted(first);
  ExpectRepeat(Vote(poll, ChoicesBody("v", {"alpha"}), {{"Idempotency-Key", "k1"}}), first);
  const HttpAnswer second = Vote(poll, ChoicesBody("v", {"beta"}), {{"Idempotency-Key", "k2"}});
  EXPECT_EQ(StatusMember(second), "replaced") << second.body;

  const HttpAnswer late = Vote(poll, ChoicesBody("v", {"alpha"}), {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(late.status, 200) << late.body;
  EXPECT_EQ(IntegerMember(late, "seq"), IntegerMember(first, "seq"));
  EXPECT_EQ(TextMember(late, "receipt"), TextMember(first, "receipt"));
  ASSERT_TRUE(late.Json().as_object().contains("in_force")) << late.body;
  EXPECT_FALSE(late.Json().at("in_force").as_bool());
  EXPECT_EQ(OptionFigure(Ranking(poll), "beta", "score"), 1) << "nothing changed";

  ExpectProblem(Vote(poll, ChoicesBody("v", {"gamma"}), {{"Idempotency-Key", "k1"}}), "key_reused");
  ExpectProblem(Vote(poll, ChoicesBody("v", {"gamma"}), {{"Idempotency-Key", "k2"}}), "key_reused");
  // Scoped to the voter: another one may use the same key.
  ExpectCounted(Vote(poll, ChoicesBody("w", {"gamma"}), {{"Idempotency-Key", "k1"}}));
}

TEST_F(Votes, IfMatchNamesTheSeqInForce) {
  const std::string poll = ReplacePoll();
  const HttpAnswer first = Vote(poll, ChoicesBody("v", {"alpha"}));
  const std::string seq = std::to_string(IntegerMember(first, "seq"));
  const HttpAnswer second = Vote(poll, ChoicesBody("v", {"beta"}), {{"If-Match", '"' + seq + '"'}});
  EXPECT_EQ(StatusMember(second), "replaced") << second.body;
  ExpectProblem(Vote(poll, ChoicesBody("v", {"gamma"}), {{"If-Match", '"' + seq + '"'}}),
                "precondition_failed");
  EXPECT_EQ(OptionFigure(Ranking(poll), "beta", "score"), 1);
  ExpectProblem(Vote(poll, ChoicesBody("v", {"gamma"}), {{"If-Match", "seven"}}), "header_invalid");
}

TEST_F(Votes, MineShowsWhatIsInForce) {
  const std::string poll = ReplacePoll();
  ExpectProblem(Mine(poll, "v"), "no_ballot");
  Vote(poll, ChoicesBody("v", {"alpha"}));
  const HttpAnswer second = Vote(poll, ChoicesBody("v", {"beta"}));
  const HttpAnswer mine = Mine(poll, "v");
  EXPECT_EQ(mine.status, 200) << mine.body;
  EXPECT_EQ(IntegerMember(mine, "seq"), IntegerMember(second, "seq"));
  EXPECT_EQ(TextMember(mine, "receipt"), TextMember(second, "receipt"));
  EXPECT_EQ(mine.Json().at("choices"), boost::json::array({"beta"}));
  EXPECT_EQ(mine.Header("cache-control"), "no-store");
  ExpectProblem(Get("/v1/polls/" + poll + "/votes/me"), "voter_missing");
}

TEST_F(Votes, WithdrawingTakesTheBallotOut) {
  const std::string poll = ReplacePoll();
  ExpectProblem(Mine(poll, "v", "DELETE"), "no_ballot");
  const HttpAnswer first = Vote(poll, ChoicesBody("v", {"alpha"}));
  const HttpAnswer withdrawn = Mine(poll, "v", "DELETE");
  EXPECT_EQ(withdrawn.status, 200) << withdrawn.body;
  EXPECT_EQ(StatusMember(withdrawn), "withdrawn");
  const HttpAnswer again = Mine(poll, "v", "DELETE");
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.body, withdrawn.body) << "a retry is never an error";
  EXPECT_EQ(ReceiptStatus(TextMember(first, "receipt")), "withdrawn");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 0);
  EXPECT_EQ(StatusMember(Mine(poll, "v")), "withdrawn");
  const HttpAnswer anew = Vote(poll, ChoicesBody("v", {"beta"}));
  ExpectCounted(anew);
  EXPECT_GT(IntegerMember(anew, "seq"), IntegerMember(first, "seq"));
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 1);
}

TEST_F(Votes, WithdrawingNeedsThePollsLeave) {
  const std::string poll = CreatePoll();
  const HttpAnswer first = Vote(poll, ChoicesBody("v", {"alpha"}));
  ExpectProblem(Mine(poll, "v", "DELETE"), "withdraw_not_allowed");
  EXPECT_EQ(ReceiptStatus(TextMember(first, "receipt")), "counted");
}

TEST_F(Votes, ReceiptsAreUnguessableAndSayNotWhat) {
  const std::string poll = CreatePoll();
  const HttpAnswer vote = Vote(poll, ChoicesBody("v", {"alpha"}));
  std::string receipt = TextMember(vote, "receipt");
  const HttpAnswer answer = Get("/v1/receipts/" + receipt);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.find("alpha"), std::string::npos);
  EXPECT_EQ(TextMember(answer, "poll"), poll);
  EXPECT_EQ(IntegerMember(answer, "seq"), IntegerMember(vote, "seq"));
  for (std::size_t i = 0; i < receipt.size(); ++i) {
    std::string wrong = receipt;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    ExpectProblem(Get("/v1/receipts/" + wrong), "receipt_not_found");
  }
  ExpectProblem(Get("/v1/receipts/short"), "receipt_not_found");
}

TEST_F(Votes, TheVoterMayComeInTheHeader) {
  const std::string poll = CreatePoll();
  const HttpAnswer first = Vote(poll, ChoicesBody("", {"alpha"}), {{"Tallyd-Voter", "f:1"}});
  ExpectCounted(first);
  ExpectRepeat(Vote(poll, ChoicesBody("f:1", {"alpha"})), first);
  ExpectRepeat(Vote(poll, ChoicesBody("f:1", {"alpha"}), {{"Tallyd-Voter", "f:1"}}), first);
  ExpectProblem(Vote(poll, ChoicesBody("f:1", {"alpha"}), {{"Tallyd-Voter", "f:2"}}),
                "voter_mismatch");
}

TEST_F(Votes, VotersOfTwoPollsAreTwoVoters) {
  const std::string one = CreatePoll();
  const std::string two = CreatePoll();
  ExpectCounted(Vote(one, ChoicesBody("v", {"alpha"})));
  ExpectCounted(Vote(two, ChoicesBody("v", {"beta"})));
}

TEST_F(Votes, SixtyFourPipelinedAnswersComeInOrder) {
  const std::string poll = CreatePoll();
  std::vector<HttpCall> calls;
  for (int i = 0; i < 64; ++i) {
    const std::string voter = "p" + std::to_string(i / 2);
    calls.push_back(VoteCall(poll, ChoicesBody(voter, {"alpha"}),
                             {{"Request-Id", "order-" + std::to_string(i)}}));
  }
  const std::vector<HttpAnswer> answers = public_.Pipeline(calls);
  ASSERT_EQ(answers.size(), calls.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].Header("request-id"), "order-" + std::to_string(i));
    if (i % 2 == 0) ExpectCounted(answers[i]);
    if (i % 2 == 1) ExpectRepeat(answers[i], answers[i - 1]);
  }
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 32);
}

}  // namespace
}  // namespace tallyd
