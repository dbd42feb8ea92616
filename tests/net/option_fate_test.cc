// What becomes of the votes of an option that is withdrawn or merged into another, over HTTP.

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class OptionFateTest : public ServiceTest {
 protected:
  HttpAnswer Withdraw(const std::string& option, const std::string& query = "",
                      Headers headers = {}) {
    return AskAdmin(Call("DELETE", "/v1/polls/p/options/" + option + query, std::move(headers)));
  }
  HttpAnswer PutPaper(const std::string& batch, const std::string& counts, int cards) {
    return AskAdmin(JsonCall("PUT", "/v1/polls/p/paper-batches/" + batch,
                             R"({"box":"x","cards":)" + std::to_string(cards) +
                                 R"(,"invalid":0,"blank":0,"counts":)" + counts + "}"));
  }
  boost::json::value Ranking() { return Ask(Call("GET", "/v1/polls/p/ranking")).Json(); }
  boost::json::value Option(const std::string& id) { return Ranking().at("options").at(id); }
  std::int64_t Score(const std::string& id) { return Option(id).at("score").as_int64(); }
  std::int64_t Ballots(const std::string& id) { return Option(id).at("ballots").as_int64(); }

  // The same ranking after a restart, and an independent recount that agrees.
  void ExpectLasting() {
    const std::string before = Ask(Call("GET", "/v1/polls/p/ranking")).body;
    StopServing();
    Serve();
    EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking")).body, before);
    const HttpAnswer verified = AskAdmin(JsonCall("POST", "/v1/admin/verify", ""));
    EXPECT_EQ(verified.Json().at("ok"), true) << verified.body;
  }
};

TEST_F(OptionFateTest, KeptVotesStayAndTheRankingSaysSo) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  EXPECT_EQ(Vote("p", "v", R"(["a","b"])").status, 201);
  const std::string before = Text(Ask(Call("GET", "/v1/polls/p/ranking")), "version");
  const HttpAnswer withdrawn = Withdraw("a", "?reason=too%20dear");
  ASSERT_EQ(withdrawn.status, 200) << withdrawn.body;
  EXPECT_EQ(withdrawn.Json().at("options").at(0).at("fate"), "kept");
  EXPECT_EQ(Score("a"), 1);
  EXPECT_EQ(Option("a").at("withdrawn"), true);
  EXPECT_EQ(Option("a").at("fate"), "kept");
  // Who follows the ranking is told, too.
  const HttpAnswer changes = Ask(Call("GET", "/v1/polls/p/ranking/changes?since=" + before));
  ASSERT_EQ(changes.status, 200);
  EXPECT_EQ(changes.Json().at("options").at("a").at("fate"), "kept");
  EXPECT_EQ(Withdraw("a").status, 200) << "the same again";
  ExpectLasting();
}

TEST_F(OptionFateTest, MovedVotesCountOncePerBallot) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  EXPECT_EQ(Vote("p", "both", R"(["a","b"])").status, 201);
  EXPECT_EQ(Vote("p", "a", R"(["a"])").status, 201);
  EXPECT_EQ(Vote("p", "ac", R"(["a","c"])").status, 201);
  const HttpAnswer merged = Withdraw("a", "?fate=moved&into=b");
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(merged.Json().at("options").at(0).at("merged_into"), "b");
  EXPECT_EQ(Score("a"), 0);
  EXPECT_EQ(Score("b"), 3) << "who named both is counted once";
  EXPECT_EQ(Ballots("b"), 3);
  EXPECT_EQ(Score("c"), 1);
  EXPECT_EQ(Option("a").at("merged_into"), "b");
  EXPECT_EQ(Code(Vote("p", "new", R"(["a"])")), "option_withdrawn");
  // A late retry of what is in force changes nothing, and neither does its refusal of a change.
  EXPECT_EQ(Text(Vote("p", "both", R"(["a","b"])"), "status"), "duplicate");
  EXPECT_EQ(Code(Vote("p", "both", R"(["b"])")), "already_voted");
  const std::string audit = AskAdmin(Call("GET", "/v1/polls/p/audit")).body;
  EXPECT_NE(audit.find(R"("act":"option_merged","option":"a","into":"b","overlap":{"ballots":1)"),
            std::string::npos)
      << audit;
  // Chains: b goes into c, and whoever named a, b or c counts there once.
  ASSERT_EQ(Withdraw("b", "?fate=moved&into=c").status, 200);
  EXPECT_EQ(Score("c"), 3);
  EXPECT_EQ(Score("b"), 0);
  ExpectLasting();
}

TEST_F(OptionFateTest, ReleasedVotersMayVoteAgainOnce) {
  Serve();
  ASSERT_EQ(PutPoll("p", std::string(kOpen) + R"(,"revote":"refuse","changes_max":0)").status, 201);
  EXPECT_EQ(Vote("p", "v", R"(["a","b"])", {{"Idempotency-Key", "k1"}}).status, 201);
  EXPECT_EQ(Vote("p", "w", R"(["b"])").status, 201);
  EXPECT_EQ(Code(Vote("p", "v", R"(["c"])")), "already_voted");
  ASSERT_EQ(Withdraw("a", "?fate=released").status, 200);
  EXPECT_EQ(Score("a"), 0);
  EXPECT_EQ(Score("b"), 2) << "the rest of the ballot counts on";
  EXPECT_EQ(Code(Vote("p", "w", R"(["c"])")), "already_voted") << "nothing of theirs was released";
  EXPECT_EQ(Text(Vote("p", "v", R"(["c","b"])"), "status"), "replaced");
  EXPECT_EQ(Score("c"), 1);
  EXPECT_EQ(Code(Vote("p", "v", R"(["b"])")), "already_voted") << "once";
  // The first ballot arrives again, late.
  const HttpAnswer late = Vote("p", "v", R"(["a","b"])", {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(Text(late, "status"), "duplicate");
  EXPECT_EQ(late.Json().at("in_force"), false);
  EXPECT_EQ(Code(Vote("p", "v", R"(["a","b"])")), "option_withdrawn");
  EXPECT_EQ(Score("b"), 2);
  ExpectLasting();
}

TEST_F(OptionFateTest, KeptVotesMayBeMovedLaterAndMovedOnesAreNotMovedAgain) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpen).status, 201);
  EXPECT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  ASSERT_EQ(Withdraw("a").status, 200);
  ASSERT_EQ(Withdraw("a", "?fate=moved&into=b").status, 200);
  EXPECT_EQ(Score("b"), 1);
  EXPECT_EQ(Withdraw("a", "?fate=moved&into=b").status, 200) << "the same again";
  EXPECT_EQ(Code(Withdraw("a", "?fate=moved&into=c")), "fate_not_possible");
  EXPECT_EQ(Code(Withdraw("a", "?fate=released")), "fate_not_possible");
  EXPECT_EQ(Code(Withdraw("a")), "fate_not_possible");
  EXPECT_EQ(Code(Withdraw("b", "?fate=moved&into=a")), "fate_not_possible") << "no circles";
}

TEST_F(OptionFateTest, SumsOfPaperAreNotGuessedAt) {
  Serve();
  const std::string boxes = R"(,"boxes":[{"id":"x"}],"paper":{"confirm":false})";
  ASSERT_EQ(PutPoll("p", kOpen + boxes).status, 201);
  ASSERT_EQ(PutPaper("one", R"({"a":2,"b":2})", 3).status, 201);
  EXPECT_EQ(Code(Withdraw("a", "?fate=moved&into=b")), "fate_not_possible");
  ASSERT_EQ(
      AskAdmin(JsonCall("POST", "/v1/polls/p/paper-batches/one/void", R"({"reason":"x"})")).status,
      200);
  ASSERT_EQ(Withdraw("a", "?fate=moved&into=b").status, 200);
  EXPECT_EQ(Code(PutPaper("two", R"({"a":1,"b":2})", 3)), "fate_not_possible");
  ASSERT_EQ(PutPaper("two", R"({"b":3})", 3).status, 201);
  EXPECT_EQ(Score("b"), 3);
  // Released: cards that name it count for the rest they name.
  ASSERT_EQ(Withdraw("b", "?fate=released").status, 200);
  EXPECT_EQ(Score("b"), 0);
  ExpectLasting();
  ASSERT_EQ(
      AskAdmin(JsonCall("POST", "/v1/polls/p/paper-batches/two/void", R"({"reason":"x"})")).status,
      200);
  EXPECT_EQ(Ranking().at("totals").at("paper").as_int64(), 0);
}

TEST_F(OptionFateTest, SingleChoicesOnPaperMoveWithTheRest) {
  Serve();
  const std::string boxes = R"(,"boxes":[{"id":"x"}],"paper":{"confirm":false})";
  ASSERT_EQ(PutPoll("p", kOpen + boxes, R"({"type":"choose","max":1,"min":1})").status, 201);
  ASSERT_EQ(PutPaper("one", R"({"a":2,"b":1})", 3).status, 201);
  EXPECT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  ASSERT_EQ(Withdraw("a", "?fate=moved&into=b").status, 200);
  EXPECT_EQ(Score("b"), 4);
  ASSERT_EQ(PutPaper("two", R"({"a":5})", 5).status, 201) << "cards printed before say a";
  EXPECT_EQ(Score("b"), 9);
  EXPECT_EQ(Option("b").at("paper").as_int64(), 8);
  ExpectLasting();
}

TEST_F(OptionFateTest, EachRuleHasItsRefusal) {
  Serve();
  ASSERT_EQ(PutPoll("p").status, 201);
  EXPECT_EQ(Code(Withdraw("a", "?fate=released")), "fate_not_possible") << "no votes yet";
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"open"})")).status, 200);
  EXPECT_EQ(Code(Withdraw("nix")), "option_not_found");
  EXPECT_EQ(Code(Withdraw("a", "?fate=gone")), "parameter_invalid");
  EXPECT_EQ(Code(Withdraw("a", "?into=b")), "parameter_invalid");
  EXPECT_EQ(Code(Withdraw("a", "?fate=moved")), "parameter_invalid");
  EXPECT_EQ(Code(Withdraw("a", "?fate=moved&into=nix")), "parameter_invalid");
  EXPECT_EQ(Code(Withdraw("a", "?fate=moved&into=a")), "fate_not_possible");
  EXPECT_EQ(Code(Withdraw("a", "?reason=" + std::string(501, 'x'))), "parameter_invalid");
  EXPECT_EQ(Code(Withdraw("a", "?colour=1")), "parameter_invalid");
  EXPECT_EQ(Code(Withdraw("a", "", {{"If-Match", "\"e1-1\""}})), "precondition_failed");
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"closed"})")).status,
            200);
  EXPECT_EQ(Code(Withdraw("a", "?fate=released")), "fate_not_possible") << "nobody could vote";
  EXPECT_EQ(Withdraw("a", "?fate=moved&into=b").status, 200);
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"final"})")).status, 200);
  EXPECT_EQ(Code(Withdraw("b")), "rules_frozen");
}

}  // namespace
}  // namespace tallyd
