// A survey on paper as counts: a postcard with several questions, counted question by question, by
// two people who do not see each other's figures.

#include <string>

#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

constexpr const char* kSurvey = R"({"title":{"de":"Postkarte"},"project":"stadt","state":"open",
  "ballot":{"type":"survey","questions":[
    {"id":"idee","ballot":{"type":"choose","min":0,"max":1},
     "options":[{"id":"kino"},{"id":"lauf"}]},
    {"id":"geld","ballot":{"type":"points","total":5,"max_per_option":3},
     "options":[{"id":"kino"},{"id":"bank"}]}]},
  "boxes":[{"id":"hall","handed_out":50}],"paper":{"confirm":true,"blind":true}})";

constexpr const char* kBatch = R"({"box":"hall","seal":"7","cards":12,"invalid":1,"blank":1,
  "counts":{"idee":{"kino":6,"lauf":2},
            "geld":{"kino":{"ballots":4,"score":9},"bank":{"ballots":5,"score":5}}}})";

class PaperSurveyTest : public ServiceTest {
 protected:
  void SetUp() override {
    Serve();
    ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/p", kSurvey, {{"If-None-Match", "*"}})).status,
              201);
  }
  HttpAnswer Send(const std::string& method, const std::string& path, const std::string& body,
                  const std::string& actor, const std::string& type = "application/json") {
    return AskAdmin({method,
                     "/v1/polls/p/paper-batches/" + path,
                     {{"Content-Type", type}, {"Tallyd-Actor", actor}},
                     body});
  }
  HttpAnswer Read(const std::string& path, const std::string& actor) {
    return AskAdmin(Call("GET", "/v1/polls/p/" + path, {{"Tallyd-Actor", actor}}));
  }
  // "score/ballots/paper" of an option.
  std::string Row(const char* question, const char* option) {
    const auto ranking = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
    const auto& row = ranking.at("questions").at(question).at("options").at(option);
    return std::to_string(row.at("score").as_int64()) + "/" +
           std::to_string(row.at("ballots").as_int64()) + "/" +
           std::to_string(row.at("paper").as_int64());
  }
};

TEST_F(PaperSurveyTest, CountsByQuestionOnceBothPeopleAgree) {
  const HttpAnswer entered = Send("PUT", "b1", kBatch, "anna");
  ASSERT_EQ(entered.status, 201) << entered.body;
  EXPECT_EQ(entered.Json().at("counts").at("idee").at("kino").as_int64(), 6);
  EXPECT_EQ(entered.Json().at("counts").at("geld").at("kino").at("score").as_int64(), 9);
  EXPECT_EQ(Send("PUT", "b1", kBatch, "anna").status, 200);
  EXPECT_EQ(Row("idee", "kino"), "0/0/0") << "not yet";

  const HttpAnswer differs = Send("POST", "b1/confirm",
                                  R"({"cards":12,"invalid":1,"blank":1,"counts":{
      "idee":{"kino":5,"lauf":3},
      "geld":{"kino":{"ballots":4,"score":9},"bank":{"ballots":5,"score":6}}}})",
                                  "bert");
  EXPECT_EQ(Code(differs), "entries_differ");
  const auto cells = differs.Json().at("errors").as_array();
  ASSERT_EQ(cells.size(), 3u) << differs.body;
  EXPECT_EQ(cells[0].at("pointer").as_string(), "/counts/idee/kino");
  EXPECT_EQ(cells[0].at("detail").as_string(), "the first entry has 6, the second has 5");
  EXPECT_EQ(cells[2].at("pointer").as_string(), "/counts/geld/bank");
  EXPECT_EQ(cells[2].at("detail").as_string(),
            "the first entry has 5 ballots with a score of 5, the second has 5 ballots with a "
            "score of 6");
  EXPECT_EQ(Code(Send("POST", "b1/confirm", kBatch, "anna")), "four_eyes");
  ASSERT_EQ(Send("POST", "b1/confirm", kBatch, "bert").status, 200);

  EXPECT_EQ(Row("idee", "kino"), "6/6/6");
  EXPECT_EQ(Row("geld", "kino"), "9/4/9");
  EXPECT_EQ(Row("geld", "bank"), "5/5/5");
  // One vote online besides: the ranking splits each question by channel.
  ASSERT_EQ(Ask(JsonCall("POST", "/v1/polls/p/votes",
                         R"({"voter":"v","answers":{"idee":{"choices":["kino"]},)"
                         R"("geld":{"points":{"bank":2}}}})"))
                .status,
            201);
  EXPECT_EQ(Row("idee", "kino"), "7/7/6");
  EXPECT_EQ(Row("geld", "bank"), "7/6/5");
  const auto totals = Ask(Call("GET", "/v1/polls/p/ranking")).Json().at("totals");
  EXPECT_EQ(totals.at("paper").as_int64(), 11);
  EXPECT_EQ(totals.at("invalid").as_int64(), 1);
  EXPECT_EQ(totals.at("blank").as_int64(), 1);

  const auto box = Read("paper-reconciliation", "anna").Json().at("boxes").at(0);
  EXPECT_EQ(box.at("counted").at("cards").as_int64(), 12);
  EXPECT_EQ(box.at("not_returned").as_int64(), 38);
  const std::string audit = Read("audit", "anna").body;
  EXPECT_NE(audit.find(R"("geld/kino":{"ballots":4,"score":9})"), std::string::npos) << audit;

  ASSERT_EQ(Send("POST", "b1/void", R"({"reason":"falscher Stapel"})", "chief").status, 200);
  EXPECT_EQ(Row("idee", "kino"), "1/1/0");
  EXPECT_EQ(Row("geld", "bank"), "2/1/0");
  const HttpAnswer verified = AskAdmin(HttpCall{"POST", "/v1/admin/verify", {}, ""});
  EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
}

TEST_F(PaperSurveyTest, ImpossibleFiguresAreNamed) {
  const auto put = [&](const std::string& counts) {
    return Send("PUT", "b1", R"({"box":"hall","cards":10,"counts":)" + counts + "}", "anna");
  };
  const auto expect = [&](const std::string& counts, const char* code, const char* pointer) {
    const HttpAnswer answer = put(counts);
    EXPECT_EQ(Code(answer), code) << answer.body;
    EXPECT_EQ(Pointer(answer), pointer) << answer.body;
  };
  expect("[]", "member_invalid", "/counts");
  expect(R"({"idee":3})", "member_invalid", "/counts/idee");
  expect(R"({"nix":{}})", "question_unknown", "/counts/nix");
  expect(R"({"idee":{"bank":3}})", "option_unknown", "/counts/idee/bank");
  expect(R"({"geld":{"bank":3}})", "member_invalid", "/counts/geld/bank");
  expect(R"({"idee":{"kino":6,"lauf":5}})", "sum_mismatch", "/counts");
  expect(R"({"idee":{"kino":11}})", "sum_mismatch", "/counts/idee/kino");
  expect(R"({"geld":{"kino":{"ballots":2,"score":7}}})", "sum_mismatch", "/counts/geld/kino");
  // Ten cards that are neither invalid nor blank say something in all.
  expect(R"({"idee":{"kino":9}})", "sum_mismatch", "/counts");
  EXPECT_EQ(put(R"({"idee":{"kino":9},"geld":{"bank":{"ballots":1,"score":3}}})").status, 201);
}

TEST_F(PaperSurveyTest, ATableHasTheQuestionInItsFirstColumn) {
  constexpr const char* kTable =
      "Urne;hall\nSiegel;7\nKarten;12\nung\xc3\xbcltig;1\nleer;1\nFrage;Idee;Karten;Punkte\n"
      "idee;kino;6\nidee;lauf;2\ngeld;kino;4;9\ngeld;bank;5;5\n";
  ASSERT_EQ(Send("PUT", "b1", kTable, "anna", "text/csv").status, 201);
  EXPECT_EQ(Send("PUT", "b1", kBatch, "anna").status, 200) << "the same batch";
  ASSERT_EQ(Send("POST", "b1/confirm", kTable, "bert", "text/csv").status, 200);
  EXPECT_EQ(Row("geld", "kino"), "9/4/9");
  const auto expect = [&](const std::string& table, const char* code, const char* pointer) {
    const HttpAnswer answer = Send("PUT", "b2", table, "anna", "text/csv");
    EXPECT_EQ(Code(answer), code) << answer.body;
    EXPECT_EQ(Pointer(answer), pointer) << answer.body;
  };
  expect("Urne;hall\nKarten;1\nIdee;Karten\nkino;1\n", "member_invalid", "/3");
  expect("Urne;hall\nKarten;1\nFrage;Idee;Karten\nnix;kino;1\n", "question_unknown", "/4");
  expect("Urne;hall\nKarten;1\nFrage;Idee;Karten\nidee;bank;1\n", "option_unknown", "/4");
  expect("Urne;hall\nKarten;1\nFrage;Idee;Karten\nidee;kino;1\nidee;kino;1\n", "option_repeated",
         "/5");
}

// The second person must not learn what the first counted, by whatever door.
TEST_F(PaperSurveyTest, FiguresStayHiddenFromTheSecondPersonUntilTheyCount) {
  ASSERT_EQ(Send("PUT", "b1", kBatch, "anna").status, 201);
  const auto expect_hidden = [&](const HttpAnswer& answer) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find(R"("figures_hidden":true)"), std::string::npos) << answer.body;
    for (const char* figure : {R"("cards":12)", R"("invalid":1)", R"("counts")", R"("kino")"}) {
      EXPECT_EQ(answer.body.find(figure), std::string::npos) << figure << " in " << answer.body;
    }
  };
  expect_hidden(Read("paper-batches/b1", "bert"));
  expect_hidden(Read("paper-batches/b1", ""));
  expect_hidden(Read("paper-batches", "bert"));
  expect_hidden(Read("paper-reconciliation", "bert"));
  EXPECT_EQ(Read("audit", "bert").body.find("kino\":{\"ballots"), std::string::npos);
  EXPECT_EQ(Number(Read("paper-batches/b1", "anna"), "cards"), 12) << "her own";
  // The body that is refused says nothing of the one that is there.
  const HttpAnswer other =
      Send("PUT", "b1", R"({"box":"hall","cards":1,"counts":{"idee":{"lauf":1}}})", "bert");
  EXPECT_EQ(Code(other), "batch_exists");
  EXPECT_EQ(other.body.find("12"), std::string::npos) << other.body;
  ASSERT_EQ(Send("POST", "b1/confirm", kBatch, "bert").status, 200);
  EXPECT_EQ(Number(Read("paper-batches/b1", "carl"), "cards"), 12);
  EXPECT_NE(Read("audit", "carl").body.find("kino\":{\"ballots"), std::string::npos);
}

}  // namespace
}  // namespace tallyd
