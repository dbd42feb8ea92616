// API.md section 4, the rows 400 to 422: each wrong vote gets its status, its code and its pointer.

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class VoteRefusals : public ServerTest {
 protected:
  struct Row {
    std::string body;
    std::string code;
    std::string pointer;  // "-": the contract names no place
  };
  // Sends each row and sees that nothing was counted.
  void ExpectRows(const std::string& poll, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      SCOPED_TRACE(row.body);
      ExpectProblem(Vote(poll, row.body), row.code, row.pointer);
    }
    EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 0);
  }
};

TEST_F(VoteRefusals, WhatIsNotJson) {
  const std::string poll = CreatePoll();
  ExpectRows(
      poll,
      {
          {"", "not_json", "-"},
          {"{", "not_json", "-"},
          {"choices=alpha", "not_json", "-"},
          {R"({"voter":"v","choices":["alpha"]} x)", "not_json", "-"},
          {R"({"voter":"v","choices":["alpha"],})", "not_json", "-"},
          {"{\"voter\":\"\xff\",\"choices\":[\"alpha\"]}", "not_json", "-"},
          {R"({"voter":"v","voter":"w","choices":["alpha"]})", "json_duplicate_member", "/voter"},
          {R"({"voter":"v","choices":[[[[[[[[[[[[[[[[[[[[[[["a"]]]]]]]]]]]]]]]]]]]]]]]})",
           "json_too_deep", "-"},
      });
}

TEST_F(VoteRefusals, MembersThatAreNotTheContracts) {
  const std::string poll = CreatePoll();
  ExpectRows(poll, {
                       {R"({"voter":"v","choices":["alpha"],"weight":9})", "json_unknown_member",
                        "/weight"},
                       {R"({"voter":"v"})", "member_missing", "-"},
                       {R"({"voter":"v","choices":"alpha"})", "member_invalid", "/choices"},
                       {R"({"voter":"v","choices":[7]})", "member_invalid", "/choices/0"},
                       {R"({"voter":7,"choices":["alpha"]})", "member_invalid", "/voter"},
                       {R"(["alpha"])", "member_invalid", ""},
                       {R"({"choices":["alpha"]})", "voter_missing", "-"},
                       {R"({"voter":"","choices":["alpha"]})", "voter_invalid", "/voter"},
                       {R"({"voter":"a\u0007b","choices":["alpha"]})", "voter_invalid", "/voter"},
                       {ChoicesBody(std::string(129, 'v'), {"alpha"}), "voter_invalid", "/voter"},
                   });
}

TEST_F(VoteRefusals, RulesOfChoose) {
  boost::json::object body = PollBody();
  body["ballot"] = ChooseRules(1, 2);
  const std::string poll = CreatePoll(body);
  ExpectRows(poll,
             {
                 {ChoicesBody("v", {"alpha", "omega"}), "option_unknown", "/choices/1"},
                 {ChoicesBody("v", {"alpha", "beta", "gamma"}), "too_many_choices", "/choices"},
                 {ChoicesBody("v", {}), "too_few_choices", "/choices"},
                 {ChoicesBody("v", {"alpha", "alpha"}), "option_repeated", "/choices/1"},
                 {PointsBody("v", {{"alpha", 1}}), "wrong_ballot_type", "-"},
                 {RankingBody("v", {"alpha"}), "wrong_ballot_type", "-"},
             });
}

TEST_F(VoteRefusals, RulesOfPoints) {
  boost::json::object body = PollBody();
  body["ballot"] = PointsRules(5, 4);
  const std::string poll = CreatePoll(body);
  ExpectRows(poll,
             {
                 {PointsBody("v", {{"omega", 1}}), "option_unknown", "/points/omega"},
                 {PointsBody("v", {{"alpha", 3}, {"beta", 3}}), "points_exceeded", "/points"},
                 {PointsBody("v", {{"alpha", 5}}), "points_exceeded", "/points/alpha"},
                 {R"({"voter":"v","points":{"alpha":-1}})", "member_invalid", "/points/alpha"},
                 {R"({"voter":"v","points":{"alpha":1.5}})", "member_invalid", "/points/alpha"},
                 {R"({"voter":"v","points":{"alpha":1e0}})", "member_invalid", "/points/alpha"},
                 {R"({"voter":"v","points":{"alpha":1,"alpha":2}})", "json_duplicate_member",
                  "/points/alpha"},
                 {ChoicesBody("v", {"alpha"}), "wrong_ballot_type", "-"},
             });
}

TEST_F(VoteRefusals, RulesOfRank) {
  boost::json::object body = PollBody();
  body["ballot"] = RankRules(2, "borda");
  const std::string poll = CreatePoll(body);
  ExpectRows(poll,
             {
                 {RankingBody("v", {"omega"}), "option_unknown", "/ranking/0"},
                 {RankingBody("v", {"alpha", "beta", "gamma"}), "too_many_choices", "/ranking"},
                 {RankingBody("v", {"beta", "beta"}), "option_repeated", "/ranking/1"},
                 {ChoicesBody("v", {"alpha"}), "wrong_ballot_type", "-"},
             });
}

TEST_F(VoteRefusals, TheMediaTypeIsJson) {
  const std::string poll = CreatePoll();
  const std::string target = "/v1/polls/" + poll + "/votes";
  const std::string body = ChoicesBody("v", {"alpha"});
  ExpectProblem(public_.Send({"POST", target, {{"Content-Type", "text/plain"}}, body}),
                "unsupported_media_type");
  ExpectProblem(public_.Send({"POST", target, {}, body}), "unsupported_media_type");
  ExpectProblem(public_.Send({"POST",
                              target,
                              {{"Content-Type", "application/json"}, {"Content-Encoding", "br"}},
                              body}),
                "unsupported_media_type");
  EXPECT_EQ(
      public_.Send({"POST", target, {{"Content-Type", "application/json; charset=utf-8"}}, body})
          .status,
      201);
}

TEST_F(VoteRefusals, SixteenKibibytesAreTheMost) {
  const std::string poll = CreatePoll();
  const std::string body = ChoicesBody("v", {"alpha"});
  const std::string fits = body + std::string(16 * 1024 - body.size(), ' ');
  EXPECT_EQ(Vote(poll, fits).status, 201);
  ExpectProblem(Vote(poll, fits + " "), "body_too_large");
}

TEST_F(VoteRefusals, NoSuchPoll) {
  ExpectProblem(Vote("no-such-poll", ChoicesBody("v", {"alpha"})), "poll_not_found");
  ExpectProblem(Get("/v1/polls/no-such-poll/ranking"), "poll_not_found");
  ExpectProblem(Get("/v1/polls/no-such-poll"), "poll_not_found");
  ExpectProblem(public_.Send(BatchCall("no-such-poll", ChoicesBody("v", {"alpha"}) + "\n")),
                "poll_not_found");
}

TEST_F(VoteRefusals, TransferEncodingIsNeverTaken) {
  const std::string poll = CreatePoll();
  HttpClient client(Server().public_port());
  ASSERT_TRUE(client.SendBytes("POST /v1/polls/" + poll +
                               "/votes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
  ExpectProblem(client.ReadAnswer(), "length_required");
  EXPECT_TRUE(client.ReadEnd());
}

TEST_F(VoteRefusals, PaperDoesNotComeThisWay) {
  const std::string poll = CreatePoll();
  const HttpAnswer answer =
      Vote(poll, R"({"voter":"v","choices":["alpha"],"channel":"paper","box":"rathaus"})");
  EXPECT_GE(answer.status, 400) << answer.body;
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 0);
}

}  // namespace
}  // namespace tallyd
