// API.md section 5: boxes, batches, two clerks, voids; over the real server.

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/e2e/server_fixture.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

using Figures = std::vector<std::pair<std::string, int>>;

boost::json::object PaperPoll(bool confirm = true) {
  boost::json::object poll = PollBody();
  poll["boxes"] = {{{"id", "rathaus"}, {"place", "Foyer"}}, {{"id", "markt"}}};
  poll["paper"] = {{"confirm", confirm}};
  return poll;
}

boost::json::object BatchBody(int cards, int invalid, int blank, const Figures& counts) {
  boost::json::object body{{"box", "rathaus"},
                           {"opened_at", "2026-05-20T16:00:00+02:00"},
                           {"counted_by", {"m.muster"}},
                           {"seal", "0412"},
                           {"cards", cards},
                           {"invalid", invalid},
                           {"blank", blank}};
  boost::json::object& figures = body["counts"].emplace_object();
  for (const auto& [option, ballots] : counts) figures[option] = ballots;
  return body;
}

class Paper : public ServerTest {
 protected:
  static std::string Target(const std::string& poll, const std::string& batch) {
    return "/v1/polls/" + poll + "/paper-batches/" + batch;
  }
  HttpAnswer Put(const std::string& poll, const std::string& batch, const boost::json::object& body,
                 const std::string& actor = "anna") {
    return admin_.Send(JsonCall("PUT", Target(poll, batch), boost::json::serialize(body),
                                {{"Tallyd-Actor", actor}}));
  }
  HttpAnswer Confirm(const std::string& poll, const std::string& batch, const std::string& actor) {
    return admin_.Send({"POST", Target(poll, batch) + "/confirm", {{"Tallyd-Actor", actor}}, ""});
  }
  HttpAnswer ConfirmBlind(const std::string& poll, const std::string& batch,
                          const boost::json::object& body, const std::string& actor) {
    return admin_.Send(JsonCall("POST", Target(poll, batch) + "/confirm",
                                boost::json::serialize(body), {{"Tallyd-Actor", actor}}));
  }
  HttpAnswer Void(const std::string& poll, const std::string& batch, const std::string& reason) {
    boost::json::object body;
    body["reason"] = reason;
    return admin_.Send(JsonCall("POST", Target(poll, batch) + "/void", boost::json::serialize(body),
                                {{"Tallyd-Actor", "anna"}}));
  }
  HttpAnswer Read(const std::string& poll, const std::string& batch) {
    return admin_.Send({"GET", Target(poll, batch), {}, {}});
  }
  void ExpectVerified() {
    const HttpAnswer verified = admin_.Send({"POST", "/v1/admin/verify", {}, ""});
    ASSERT_EQ(verified.status, 200) << verified.body;
    EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
  }
};

TEST_F(Paper, CountsOnlyAfterAnotherPersonConfirmed) {
  const std::string poll = CreatePoll(PaperPoll());
  const boost::json::object body = BatchBody(131, 4, 0, {{"alpha", 77}, {"beta", 50}});
  const HttpAnswer entered = Put(poll, "b1", body);
  ASSERT_EQ(entered.status, 201) << entered.body;
  EXPECT_EQ(entered.Header("location"), Target(poll, "b1"));
  EXPECT_EQ(TextMember(entered, "status"), "entered");
  EXPECT_EQ(TextMember(entered, "opened_at"), "2026-05-20T14:00:00Z");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 0);

  ExpectProblem(Confirm(poll, "b1", "anna"), "four_eyes");
  ExpectProblem(Confirm(poll, "b1", ""), "four_eyes");
  ExpectProblem(Confirm(poll, "nix", "bert"), "batch_not_found");
  const HttpAnswer confirmed = Confirm(poll, "b1", "bert");
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_EQ(TextMember(confirmed, "status"), "counted");
  EXPECT_EQ(Confirm(poll, "b1", "bert").body, confirmed.body);  // again: harmless
  const auto ranking = Ranking(poll);
  EXPECT_EQ(TotalsFigure(ranking, "paper"), 127);
  EXPECT_EQ(TotalsFigure(ranking, "invalid"), 4);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "paper"), 77);
  EXPECT_EQ(OptionFigure(ranking, "beta", "ballots"), 50);
  EXPECT_EQ(Read(poll, "b1").body, confirmed.body);
  ExpectVerified();
}

TEST_F(Paper, TheSameAgainIsHarmlessAndOtherFiguresAreRefused) {
  const std::string poll = CreatePoll(PaperPoll());
  const boost::json::object body = BatchBody(10, 0, 1, {{"alpha", 9}});
  ASSERT_EQ(Put(poll, "b1", body).status, 201);
  boost::json::object same = body;
  same["counts"].as_object()["delta"] = 0;  // counted as none is not counted
  same["opened_at"] = "2026-05-20T14:00:00Z";
  EXPECT_EQ(Put(poll, "b1", same).status, 200);
  ExpectProblem(Put(poll, "b1", BatchBody(10, 0, 0, {{"alpha", 10}})), "batch_exists");
}

TEST_F(Paper, ASecondEntryIsComparedCellByCell) {
  const std::string poll = CreatePoll(PaperPoll());
  ASSERT_EQ(Put(poll, "b1", BatchBody(131, 4, 0, {{"alpha", 77}, {"beta", 50}})).status, 201);
  const HttpAnswer differs = ConfirmBlind(
      poll, "b1", BatchBody(131, 4, 0, {{"alpha", 76}, {"beta", 50}, {"gamma", 1}}), "bert");
  ExpectProblem(differs, "entries_differ", "/counts/alpha");
  const auto cells = differs.Json().at("errors").as_array();
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[1].at("pointer").as_string(), "/counts/gamma");
  EXPECT_EQ(cells[0].at("detail").as_string(), "the first entry has 77, the second has 76");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 0);
  const HttpAnswer agrees =
      ConfirmBlind(poll, "b1", BatchBody(131, 4, 0, {{"beta", 50}, {"alpha", 77}}), "bert");
  ASSERT_EQ(agrees.status, 200) << agrees.body;
  EXPECT_TRUE(agrees.Json().at("confirmed").at("blind").as_bool());
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 127);
}

TEST_F(Paper, AVoidReversesAndACorrectionIsANewBatch) {
  const std::string poll = CreatePoll(PaperPoll());
  ASSERT_EQ(Put(poll, "b1", BatchBody(10, 1, 1, {{"alpha", 8}})).status, 201);
  ASSERT_EQ(Confirm(poll, "b1", "bert").status, 200);
  ExpectProblem(Void(poll, "b1", ""), "member_invalid", "/reason");
  const HttpAnswer voided = Void(poll, "b1", "counted twice");
  ASSERT_EQ(voided.status, 200) << voided.body;
  EXPECT_EQ(voided.Json().at("voided").at("reason").as_string(), "counted twice");
  EXPECT_EQ(Void(poll, "b1", "counted twice").body, voided.body);
  ExpectProblem(Void(poll, "b1", "another reason"), "batch_voided");
  ExpectProblem(Confirm(poll, "b1", "carl"), "batch_voided");
  auto ranking = Ranking(poll);
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 0);
  EXPECT_EQ(TotalsFigure(ranking, "invalid"), 0);
  EXPECT_EQ(TotalsFigure(ranking, "blank"), 0);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "score"), 0);

  ASSERT_EQ(Put(poll, "b1-corrected", BatchBody(9, 1, 1, {{"alpha", 7}})).status, 201);
  ASSERT_EQ(Confirm(poll, "b1-corrected", "bert").status, 200);
  EXPECT_EQ(OptionFigure(Ranking(poll), "alpha", "paper"), 7);
  const auto list = admin_.Send({"GET", "/v1/polls/" + poll + "/paper-batches", {}, {}}).Json();
  ASSERT_EQ(list.at("batches").as_array().size(), 2u);
  EXPECT_EQ(list.at("batches").at(0).at("status").as_string(), "voided");
  EXPECT_EQ(list.at("batches").at(1).at("status").as_string(), "counted");
  ExpectVerified();
}

TEST_F(Paper, FaultsAreNamed) {
  const std::string poll = CreatePoll(PaperPoll());
  const boost::json::object good = BatchBody(5, 0, 0, {{"alpha", 5}});
  const auto with = [&](const char* member, boost::json::value value) {
    boost::json::object body = good;
    body[member] = std::move(value);
    return body;
  };
  const HttpAnswer sums = Put(poll, "b1", BatchBody(131, 4, 0, {{"alpha", 77}, {"beta", 49}}));
  ExpectProblem(sums, "sum_mismatch", "/counts");
  EXPECT_NE(TextMember(sums, "detail").find("126"), std::string::npos) << sums.body;
  EXPECT_NE(TextMember(sums, "detail").find("127"), std::string::npos) << sums.body;
  ExpectProblem(Put(poll, "b1", with("box", "nix")), "box_unknown", "/box");
  ExpectProblem(Put(poll, "b1", with("counts", {{"nix", 5}})), "option_unknown", "/counts/nix");
  ExpectProblem(Put(poll, "b1", with("counts", {{"alpha", -1}})), "member_invalid",
                "/counts/alpha");
  ExpectProblem(Put(poll, "b1", with("cards", 1'000'001)), "member_invalid", "/cards");
  ExpectProblem(Put(poll, "b1", with("opened_at", "noon")), "member_invalid", "/opened_at");
  ExpectProblem(Put(poll, "b1", with("colour", 1)), "json_unknown_member", "/colour");
  boost::json::object no_box = good;
  no_box.erase("box");
  ExpectProblem(Put(poll, "b1", no_box), "member_missing", "/box");
  ExpectProblem(Put(poll, "B1", good), "id_invalid");
  ExpectProblem(Put("nix", "b1", good), "poll_not_found");
  ExpectProblem(Read(poll, "b1"), "batch_not_found");
}

TEST_F(Paper, GoesOnUntilThePollIsFinal) {
  boost::json::object draft = PaperPoll();
  draft["state"] = "draft";
  const std::string poll = CreatePoll(draft);
  const boost::json::object body = BatchBody(1, 0, 0, {{"alpha", 1}});
  ExpectProblem(Put(poll, "b0", body), "poll_not_open");
  for (const char* state : {"open", "paused", "closed"}) {
    ASSERT_EQ(Transition(poll, state).status, 200);
    ASSERT_EQ(Put(poll, state, body).status, 201) << state;
    ASSERT_EQ(Confirm(poll, state, "bert").status, 200) << state;
  }
  ASSERT_EQ(Put(poll, "late", body).status, 201);
  ASSERT_EQ(Transition(poll, "final").status, 200);
  ExpectProblem(Put(poll, "later", body), "poll_not_open");
  ExpectProblem(Confirm(poll, "late", "bert"), "poll_not_open");
  ExpectProblem(Void(poll, "open", "too late"), "poll_not_open");
  EXPECT_EQ(Put(poll, "late", body).status, 200);  // a retry is never an error
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 3);
}

TEST_F(Paper, OtherBallotsGiveBallotsAndScore) {
  boost::json::object rules = PaperPoll(false);
  rules["ballot"] = PointsRules(10, 5);
  const std::string poll = CreatePoll(rules);
  boost::json::object body = BatchBody(3, 0, 1, {});
  body["counts"] = {{"alpha", {{"ballots", 2}, {"score", 9}}}};
  const HttpAnswer put = Put(poll, "b1", body);
  ASSERT_EQ(put.status, 201) << put.body;
  EXPECT_EQ(TextMember(put, "status"), "counted");
  EXPECT_EQ(put.Json().at("counts").at("alpha").at("score").to_number<int>(), 9);
  EXPECT_EQ(OptionFigure(Ranking(poll), "alpha", "score"), 9);
  body["counts"] = {{"alpha", {{"ballots", 2}, {"score", 11}}}};
  ExpectProblem(Put(poll, "b2", body), "sum_mismatch", "/counts/alpha");
  body["counts"] = {{"alpha", 2}};
  ExpectProblem(Put(poll, "b2", body), "member_invalid", "/counts/alpha");
}

TEST_F(Paper, ABlindPollWantsAllFiguresAgain) {
  boost::json::object rules = PaperPoll();
  rules["paper"] = {{"confirm", true}, {"blind", true}};
  const std::string poll = CreatePoll(rules);
  const boost::json::object body = BatchBody(3, 0, 0, {{"alpha", 3}});
  ASSERT_EQ(Put(poll, "b1", body).status, 201);
  ExpectProblem(Confirm(poll, "b1", "bert"), "blind_entry_required");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 0);
  ASSERT_EQ(ConfirmBlind(poll, "b1", body, "bert").status, 200);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 3);
  rules["paper"] = {{"confirm", false}, {"blind", true}};
  ExpectProblem(admin_.Send(JsonCall("PUT", "/v1/polls/" + FreshId(), boost::json::serialize(rules),
                                     {{"If-None-Match", "*"}})),
                "member_invalid", "/paper/blind");
}

TEST_F(Paper, AReconciliationSaysWhatCameBackOfEachBox) {
  boost::json::object rules = PaperPoll();
  rules["boxes"] = {{{"id", "rathaus"}, {"place", "Foyer"}, {"handed_out", 20}}, {{"id", "markt"}}};
  const std::string poll = CreatePoll(rules);
  for (const char* id : {"counted", "entered", "voided"}) {
    ASSERT_EQ(Put(poll, id, BatchBody(6, 1, 1, {{"beta", 4}})).status, 201);
  }
  ASSERT_EQ(Confirm(poll, "counted", "bert").status, 200);
  ASSERT_EQ(Void(poll, "voided", "twice").status, 200);
  const HttpAnswer report =
      admin_.Send({"GET", "/v1/polls/" + poll + "/paper-reconciliation", {}, {}});
  ASSERT_EQ(report.status, 200) << report.body;
  const auto boxes = report.Json().at("boxes").as_array();
  ASSERT_EQ(boxes.size(), 2u);
  EXPECT_EQ(boxes[0].at("place").as_string(), "Foyer");
  EXPECT_EQ(boxes[0].at("not_returned").as_int64(), 8);
  for (const char* state : {"counted", "entered", "voided"}) {
    EXPECT_EQ(boxes[0].at(state).at("batches").as_int64(), 1) << state;
    EXPECT_EQ(boxes[0].at(state).at("cards").as_int64(), 6) << state;
    EXPECT_EQ(boxes[0].at(state).at("invalid").as_int64(), 1) << state;
    EXPECT_EQ(boxes[1].at(state).at("batches").as_int64(), 0) << state;
  }
  EXPECT_FALSE(boxes[1].as_object().contains("handed_out"));
}

TEST_F(Paper, ATableAsExcelSavesItIsABatch) {
  const std::string poll = CreatePoll(PaperPoll());
  const auto send = [&](const std::string& method, const std::string& path,
                        const std::string& table, const std::string& actor) {
    return admin_.Send({method,
                        Target(poll, path),
                        {{"Content-Type", "text/csv"}, {"Tallyd-Actor", actor}},
                        table});
  };
  // Semicolons, CRLF, and "ungültig" in Windows-1252.
  const std::string table =
      "Urne;rathaus\r\nKarten;10\r\nung\xfcltig;1\r\n;\r\nIdee;Stimmen\r\nalpha;6\r\nbeta;3\r\n";
  const HttpAnswer entered = send("PUT", "b1", table, "anna");
  ASSERT_EQ(entered.status, 201) << entered.body;
  EXPECT_EQ(IntegerMember(entered, "invalid"), 1);
  EXPECT_EQ(entered.Json().at("counts").at("beta").as_int64(), 3);
  std::string wrong = table;
  wrong.replace(wrong.find("beta;3"), 6, "beta;2");
  ExpectProblem(send("POST", "b1/confirm", wrong, "bert"), "entries_differ", "/counts/beta");
  ASSERT_EQ(send("POST", "b1/confirm", table, "bert").status, 200);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 9);
  ExpectProblem(send("PUT", "b2", "Urne;rathaus\nKarten;1\nIdee;Stimmen\nnix;1\n", "anna"),
                "option_unknown", "/4");
  ExpectProblem(send("PUT", "b2", wrong, "anna"), "sum_mismatch");
}

TEST_F(Paper, AHundredTimesInParallelCountsOnce) {
  const std::string poll = CreatePoll(PaperPoll(false));
  const std::string body = boost::json::serialize(BatchBody(7, 0, 0, {{"alpha", 7}}));
  std::atomic<int> created{0};
  std::atomic<int> repeated{0};
  std::vector<std::thread> senders;
  for (int i = 0; i < 100; ++i) {
    senders.emplace_back([&] {
      HttpClient client(Server().admin_port());
      const int status = client.Send(JsonCall("PUT", Target(poll, "b1"), body)).status;
      if (status == 201) ++created;
      if (status == 200) ++repeated;
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(repeated, 99);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "paper"), 7);
}

TEST(PaperRestart, TheLedgerAndItsCountsSurviveAKill) {
  TempDirectory directory;
  const TallydOptions options{.data_directory = directory.File("data")};
  const std::string base = "/v1/polls/town/paper-batches";
  const std::vector<std::string> reads = {base, base + "/kept", base + "/gone", base + "/open"};
  std::vector<std::string> before;
  const auto actor = [](const char* name) { return Headers{{"Tallyd-Actor", name}}; };
  {
    TallydProcess server(options);
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    HttpClient admin(server.admin_port());
    ASSERT_EQ(admin
                  .Send(JsonCall("PUT", "/v1/polls/town", boost::json::serialize(PaperPoll()),
                                 {{"If-None-Match", "*"}}))
                  .status,
              201);
    for (const char* id : {"kept", "gone", "open"}) {
      const std::string body = boost::json::serialize(BatchBody(6, 1, 1, {{"beta", 4}}));
      ASSERT_EQ(admin.Send(JsonCall("PUT", base + "/" + id, body, actor("anna"))).status, 201);
    }
    for (const char* id : {"kept", "gone"}) {
      const std::string target = base + "/" + id + "/confirm";
      ASSERT_EQ(admin.Send({"POST", target, actor("bert"), ""}).status, 200);
    }
    ASSERT_EQ(
        admin
            .Send(JsonCall("POST", base + "/gone/void", R"({"reason":"wrong box"})", actor("anna")))
            .status,
        200);
    for (const std::string& target : reads)
      before.push_back(admin.Send({"GET", target, {}, {}}).body);
    server.Kill();
    server.Wait();
  }
  TallydProcess server(options);
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient admin(server.admin_port());
  for (std::size_t i = 0; i < reads.size(); ++i) {
    EXPECT_EQ(admin.Send({"GET", reads[i], {}, {}}).body, before[i]);
  }
  ASSERT_EQ(admin.Send({"POST", base + "/open/confirm", actor("bert"), ""}).status, 200);
  HttpClient reader(server.public_port());
  const auto ranking = reader.Send({"GET", "/v1/polls/town/ranking", {}, {}}).Json();
  EXPECT_EQ(TotalsFigure(ranking.as_object(), "paper"), 10);
  EXPECT_EQ(TotalsFigure(ranking.as_object(), "invalid"), 2);
  EXPECT_EQ(OptionFigure(ranking.as_object(), "beta", "paper"), 8);
  const HttpAnswer verified = admin.Send({"POST", "/v1/admin/verify", {}, ""});
  EXPECT_TRUE(verified.Json().at("ok").as_bool()) << verified.body;
  server.Terminate();
  EXPECT_EQ(server.Wait(), 0) << server.Log();
}

}  // namespace
}  // namespace tallyd
