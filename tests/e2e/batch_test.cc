// API.md section 4: votes/batch.

#include <zlib.h>

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class Batch : public ServerTest {
 protected:
  HttpAnswer Send(const std::string& poll, const std::string& lines, const std::string& query = "",
                  Headers headers = {}) {
    return public_.Send(BatchCall(poll, lines, query, std::move(headers)));
  }
  HttpAnswer SendPrivately(const std::string& poll, const std::string& lines) {
    return admin_.Send(BatchCall(poll, lines));
  }
};

void ExpectCounts(const HttpAnswer& answer, int counted, int duplicate, int replaced,
                  int rejected) {
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(IntegerMember(answer, "counted"), counted) << answer.body;
  EXPECT_EQ(IntegerMember(answer, "duplicate"), duplicate) << answer.body;
  EXPECT_EQ(IntegerMember(answer, "replaced"), replaced) << answer.body;
  EXPECT_EQ(IntegerMember(answer, "rejected"), rejected) << answer.body;
}

std::string Lines(int from, int to, const std::string& option = "alpha") {
  std::string lines;
  for (int i = from; i < to; ++i) lines += ChoicesBody("b" + std::to_string(i), {option}) + "\n";
  return lines;
}

std::string Gzip(const std::string& plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(compressBound(plain.size()) + 64, '\0');
  std::string in = plain;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Batch, CountsAndSentTwiceChangesNothing) {
  const std::string poll = CreatePoll();
  const HttpAnswer first = Send(poll, Lines(0, 1000));
  ExpectCounts(first, 1000, 0, 0, 0);
  EXPECT_EQ(IntegerMember(first, "last_seq"), 1000);
  EXPECT_TRUE(first.Json().at("items").as_array().empty());
  EXPECT_FALSE(first.Json().at("truncated").as_bool());
  const HttpAnswer before = Get("/v1/polls/" + poll + "/ranking");
  ExpectCounts(Send(poll, Lines(0, 1000)), 0, 1000, 0, 0);
  EXPECT_EQ(Get("/v1/polls/" + poll + "/ranking").body, before.body);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "online"), 1000);
}

TEST_F(Batch, AConnectionThatClosesAfterItIsServed) {
  const std::string poll = CreatePoll();
  ExpectCounts(Send(poll, Lines(0, 1000), "", {{"Connection", "close"}}), 1000, 0, 0, 0);
}

TEST_F(Batch, ABadLineNeverAffectsAnother) {
  const std::string poll = CreatePoll();
  const std::string lines = R"({"voter":"a1","choices":["alpha"],"ref":"r1"})"
                            "\n"
                            R"({"voter":"a1","choices":["alpha"],"ref":"r2"})"
                            "\n"
                            R"({"voter":"a3","choices":["omega"],"ref":"r3"})"
                            "\n"
                            "not json\n"
                            R"({"voter":"a1","choices":["beta"],"ref":"r5"})"
                            "\n"
                            R"({"voter":"a6","choices":["beta"]})";  // the last line needs no end
  const HttpAnswer answer = Send(poll, lines);
  ExpectCounts(answer, 2, 1, 0, 3);
  const boost::json::value json = answer.Json();
  const boost::json::array& items = json.at("items").as_array();
  ASSERT_EQ(items.size(), 3u) << answer.body;
  EXPECT_EQ(items[0].at("line").to_number<int>(), 3);
  EXPECT_EQ(items[0].at("ref").as_string(), "r3");
  EXPECT_EQ(items[0].at("status").to_number<int>(), 422);
  EXPECT_EQ(items[0].at("code").as_string(), "option_unknown");
  EXPECT_FALSE(items[0].at("retryable").as_bool());
  EXPECT_EQ(items[1].at("line").to_number<int>(), 4);
  EXPECT_EQ(items[1].at("code").as_string(), "not_json");
  EXPECT_FALSE(items[1].as_object().contains("ref"));
  EXPECT_EQ(items[2].at("line").to_number<int>(), 5);
  EXPECT_EQ(items[2].at("status").to_number<int>(), 409);
  EXPECT_EQ(items[2].at("code").as_string(), "already_voted");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 2);
}

TEST_F(Batch, ReplacesWithinOneBatch) {
  boost::json::object body = PollBody();
  body["revote"] = "replace";
  const std::string poll = CreatePoll(body);
  ExpectCounts(Send(poll, Lines(0, 10) + Lines(0, 10, "beta") + Lines(5, 10, "beta")), 10, 5, 10,
               0);
  EXPECT_EQ(OptionFigure(Ranking(poll), "beta", "score"), 10);
  EXPECT_EQ(OptionFigure(Ranking(poll), "alpha", "score"), 0);
}

TEST_F(Batch, ResultsAllListsEveryLineAndNoneLists) {
  const std::string poll = CreatePoll();
  const std::string lines = Lines(0, 3) + "{}\n";
  const HttpAnswer all = Send(poll, lines, "?results=all");
  ExpectCounts(all, 3, 0, 0, 1);
  const boost::json::value json = all.Json();
  ASSERT_EQ(json.at("items").as_array().size(), 4u) << all.body;
  EXPECT_EQ(json.at("items").at(0).at("line").to_number<int>(), 1);
  EXPECT_EQ(json.at("items").at(0).at("status").to_number<int>(), 201);
  EXPECT_EQ(json.at("items").at(2).at("seq").to_number<int>(), 3);
  const HttpAnswer none = Send(poll, lines, "?results=none");
  ExpectCounts(none, 0, 3, 0, 1);
  const boost::json::value none_json = none.Json();
  const boost::json::value* items = none_json.as_object().if_contains("items");
  EXPECT_TRUE(items == nullptr || items->as_array().empty()) << none.body;
  ExpectProblem(Send(poll, lines, "?results=some"), "parameter_invalid");
}

TEST_F(Batch, AtMostAThousandRejectedItemsAreListed) {
  const std::string poll = CreatePoll();
  std::string lines;
  for (int i = 0; i < 1500; ++i) lines += "{}\n";
  const HttpAnswer answer = Send(poll, lines + Lines(0, 1));
  ExpectCounts(answer, 1, 0, 0, 1500);
  EXPECT_EQ(answer.Json().at("items").as_array().size(), 1000u);
  EXPECT_TRUE(answer.Json().at("truncated").as_bool());
}

TEST_F(Batch, ALongLineIsRefusedAloneAndALongBatchAsAWhole) {
  const std::string poll = CreatePoll();
  const std::string line = ChoicesBody("long", {"alpha"});
  const HttpAnswer answer = Send(poll, line + std::string(16 * 1024, ' ') + "\n" + Lines(0, 1));
  ExpectCounts(answer, 1, 0, 0, 1);
  EXPECT_EQ(answer.Json().at("items").at(0).at("status").to_number<int>(), 413);
  EXPECT_EQ(answer.Json().at("items").at(0).at("code").as_string(), "body_too_large");

  // Blank lines are lines.
  HttpClient many(Server().public_port(), /*record=*/false);
  ExpectProblem(many.Send(BatchCall(poll, std::string(1'000'001, '\n'))), "too_many_lines");
  HttpClient large(Server().public_port());
  ASSERT_TRUE(large.SendBytes("POST /v1/polls/" + poll +
                              "/votes/batch HTTP/1.1\r\nHost: x\r\n"
                              "Content-Type: application/x-ndjson\r\n"
                              "Content-Length: 67108865\r\n\r\n"));
  ExpectProblem(large.ReadAnswer(), "body_too_large");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 1);
}

TEST_F(Batch, GzipIsTaken) {
  const std::string poll = CreatePoll();
  const std::string packed = Gzip(Lines(0, 5000));
  ExpectCounts(Send(poll, packed, "", {{"Content-Encoding", "gzip"}}), 5000, 0, 0, 0);
  const HttpAnswer torn =
      Send(poll, packed.substr(0, packed.size() / 2), "", {{"Content-Encoding", "gzip"}});
  ExpectProblem(torn, "encoding_invalid");
  HttpClient anew(Server().public_port());
  ExpectProblem(anew.Send(BatchCall(poll, "plain text", "", {{"Content-Encoding", "gzip"}})),
                "encoding_invalid");
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 5000);
}

TEST_F(Batch, TheMediaTypeIsNdjson) {
  const std::string poll = CreatePoll();
  ExpectProblem(public_.Send(JsonCall("POST", "/v1/polls/" + poll + "/votes/batch", Lines(0, 1))),
                "unsupported_media_type");
  HttpClient anew(Server().public_port());
  ExpectProblem(anew.Send(BatchCall(poll, Lines(0, 1), "", {{"Content-Encoding", "br"}})),
                "unsupported_media_type");
}

TEST_F(Batch, AnEmptyBatchIsABatch) {
  ExpectCounts(Send(CreatePoll(), ""), 0, 0, 0, 0);
}

TEST_F(Batch, PaperWhereOnePersonMay) {
  boost::json::object body = PollBody();
  body["paper"] = {{"confirm", false}};
  body["boxes"] = {{{"id", "rathaus"}, {"place", "Rathaus"}}};
  const std::string poll = CreatePoll(body);
  const std::string paper =
      R"({"voter":"c1","choices":["alpha"],"channel":"paper","box":"rathaus"})"
      "\n"
      R"({"voter":"c2","choices":["alpha"],"channel":"paper"})"
      "\n"
      R"({"voter":"c3","choices":["alpha"],"channel":"paper","box":"nowhere"})"
      "\n";
  const HttpAnswer answer = SendPrivately(poll, paper + Lines(0, 2));
  ExpectCounts(answer, 3, 0, 0, 2);
  EXPECT_EQ(answer.Json().at("items").at(0).at("code").as_string(), "member_missing") << "no box";
  EXPECT_EQ(answer.Json().at("items").at(1).at("code").as_string(), "box_unknown");
  const boost::json::object ranking = Ranking(poll);
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 3);
  EXPECT_EQ(TotalsFigure(ranking, "online"), 2);
  EXPECT_EQ(TotalsFigure(ranking, "paper"), 1);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "online"), 2);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "paper"), 1);

  // The same person in the other channel: first counts.
  const HttpAnswer other = SendPrivately(poll, R"({"voter":"c1","choices":["alpha"]})"
                                               "\n"
                                               R"({"voter":"c1","choices":["beta"]})");
  ExpectCounts(other, 0, 1, 0, 1);
  EXPECT_NE(other.body.find("already_voted"), std::string::npos);

  // Paper goes on when the poll is closed; online does not.
  ASSERT_EQ(Transition(poll, "closed").status, 200);
  ExpectCounts(
      SendPrivately(poll, R"({"voter":"c9","choices":["beta"],"channel":"paper","box":"rathaus"})"),
      1, 0, 0, 0);
  ExpectCounts(SendPrivately(poll, Lines(50, 51)), 0, 0, 0, 1);
  ASSERT_EQ(Transition(poll, "final").status, 200);
  ExpectCounts(
      SendPrivately(poll, R"({"voter":"d1","choices":["beta"],"channel":"paper","box":"rathaus"})"),
      0, 0, 0, 1);
}

TEST_F(Batch, PaperNeedsTwoWhereThePollSaysSo) {
  boost::json::object body = PollBody();
  body["boxes"] = {{{"id", "rathaus"}, {"place", "Rathaus"}}};
  const std::string poll = CreatePoll(body);
  const HttpAnswer answer = SendPrivately(
      poll, R"({"voter":"c1","choices":["alpha"],"channel":"paper","box":"rathaus"})");
  ExpectCounts(answer, 0, 0, 0, 1);
  EXPECT_EQ(answer.Json().at("items").at(0).at("status").to_number<int>(), 403);
  EXPECT_EQ(answer.Json().at("items").at(0).at("code").as_string(), "four_eyes");
}

TEST_F(Batch, PaperDoesNotComeByThePublicListener) {
  boost::json::object body = PollBody();
  body["paper"] = {{"confirm", false}};
  body["boxes"] = {{{"id", "rathaus"}, {"place", "Rathaus"}}};
  const std::string poll = CreatePoll(body);
  const HttpAnswer answer =
      Send(poll, R"({"voter":"c1","choices":["alpha"],"channel":"paper","box":"rathaus"})");
  ExpectCounts(answer, 0, 0, 0, 1);
  EXPECT_EQ(answer.Json().at("items").at(0).at("status").to_number<int>(), 403);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), 0);
}

}  // namespace
}  // namespace tallyd
