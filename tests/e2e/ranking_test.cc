// API.md section 6: the ranking in all its forms, and that it holds what was acknowledged.

#include <atomic>
#include <sstream>
#include <thread>

#include "tests/e2e/server_fixture.h"

namespace tallyd {
namespace {

class RankingRoute : public ServerTest {
 protected:
  HttpAnswer Fetch(const std::string& poll, const std::string& suffix = "", Headers headers = {}) {
    return Get("/v1/polls/" + poll + "/ranking" + suffix, std::move(headers));
  }
  // beta 2, alpha 1, delta 1, gamma 0.
  std::string VotedPoll() {
    const std::string poll = CreatePoll();
    const std::string lines = ChoicesBody("1", {"beta"}) + "\n" + ChoicesBody("2", {"beta"}) +
                              "\n" + ChoicesBody("3", {"delta"}) + "\n" +
                              ChoicesBody("4", {"alpha"}) + "\n";
    EXPECT_EQ(public_.Send(BatchCall(poll, lines)).status, 200);
    return poll;
  }
};

TEST_F(RankingRoute, HasTheFieldsOfTheContract) {
  const std::string poll = VotedPoll();
  const HttpAnswer answer = Fetch(poll);
  EXPECT_EQ(answer.Header("content-type"), "application/json");
  EXPECT_EQ(answer.Header("cache-control"), "public, max-age=1, stale-while-revalidate=5");
  EXPECT_EQ(answer.Header("vary"), "Accept-Encoding, Origin");
  const boost::json::value json = answer.Json();
  const boost::json::object& ranking = json.as_object();
  EXPECT_EQ(ranking.at("poll").as_string(), poll);
  EXPECT_EQ(ranking.at("state").as_string(), "open");
  const std::string version(ranking.at("version").as_string());
  EXPECT_EQ(answer.Header("etag"), "W/\"" + version + "\"");
  EXPECT_EQ(version.substr(0, 1), "e");
  EXPECT_NE(version.find('-'), std::string::npos);
  const std::string as_of(ranking.at("as_of").as_string());
  EXPECT_EQ(as_of.size(), std::string("2026-06-03T12:00:00.250Z").size()) << as_of;
  EXPECT_EQ(as_of.back(), 'Z');
  for (const char* member : {"ballots", "online", "paper", "blank", "invalid"}) {
    EXPECT_GE(TotalsFigure(ranking, member), 0) << member;
  }
  for (const char* member : {"rank", "score", "ballots", "online", "paper"}) {
    EXPECT_GE(OptionFigure(ranking, "gamma", member), 0) << member;
  }
}

TEST_F(RankingRoute, ChangesLeadFromOneLiveFormToTheNext) {
  const std::string poll = VotedPoll();
  const boost::json::value live = Fetch(poll, "?form=live").Json();
  EXPECT_FALSE(live.at("options").at("beta").as_object().contains("rank"));
  const std::string since = "/changes?since=" + std::string(live.at("version").as_string());
  EXPECT_EQ(Fetch(poll, since).status, 204);
  EXPECT_EQ(Vote(poll, ChoicesBody("5", {"gamma"})).status, 201);
  const HttpAnswer patch = Fetch(poll, since + "&wait=5");
  ASSERT_EQ(patch.status, 200) << patch.body;
  EXPECT_EQ(patch.Header("content-type"), "application/merge-patch+json");
  EXPECT_EQ(patch.Json().at("options").as_object().size(), 1u);
  EXPECT_EQ(patch.Json().at("options").at("gamma").at("score").as_int64(), 1);
  ExpectProblem(Fetch(poll, "/changes?since=e1-1"), "epoch_changed");
  ExpectProblem(Fetch(poll, "/changes"), "parameter_invalid");
}

TEST_F(RankingRoute, EqualScoresShareARank) {
  const std::string poll = VotedPoll();
  const boost::json::object ranking = Ranking(poll);
  EXPECT_EQ(OptionFigure(ranking, "beta", "rank"), 1);
  EXPECT_EQ(OptionFigure(ranking, "alpha", "rank"), 2);
  EXPECT_EQ(OptionFigure(ranking, "delta", "rank"), 2);
  EXPECT_EQ(OptionFigure(ranking, "gamma", "rank"), 4);
  EXPECT_EQ(OptionFigure(ranking, "beta", "score"), 2);
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 4);
}

TEST_F(RankingRoute, EtagSavesTheSecondReading) {
  const std::string poll = VotedPoll();
  const HttpAnswer full = Fetch(poll);
  const std::string etag = full.Header("etag");
  const HttpAnswer again = Fetch(poll, "", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.Header("etag"), etag);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(Fetch(poll, "", {{"If-None-Match", "\"x\", " + etag}}).status, 304);
  EXPECT_EQ(Fetch(poll, "", {{"If-None-Match", "*"}}).status, 304);
  EXPECT_EQ(Fetch(poll, "", {{"If-None-Match", "W/\"e1-1\""}}).status, 200);
  EXPECT_EQ(Fetch(poll).body, full.body) << "same version, same bytes";
  EXPECT_EQ(Vote(poll, ChoicesBody("5", {"gamma"})).status, 201);
  const HttpAnswer next = Fetch(poll, "", {{"If-None-Match", etag}});
  EXPECT_EQ(next.status, 200);
  EXPECT_NE(next.Header("etag"), etag);
}

TEST_F(RankingRoute, TopCutsAtTheRank) {
  const std::string poll = VotedPoll();
  const boost::json::object one = Ranking(poll, "?top=1");
  EXPECT_EQ(one.at("options").as_object().size(), 1u);
  EXPECT_EQ(OptionFigure(one, "beta", "rank"), 1);
  EXPECT_EQ(TotalsFigure(one, "ballots"), 4) << "the totals are those of the poll";
  EXPECT_EQ(Ranking(poll, "?top=100").at("options").as_object().size(), 4u);
  ExpectProblem(Fetch(poll, "?top=0"), "parameter_invalid");
  ExpectProblem(Fetch(poll, "?top=many"), "parameter_invalid");
  ExpectProblem(Fetch(poll, "?tip=1"), "parameter_invalid");
}

TEST_F(RankingRoute, CsvAndNdjsonSayTheSame) {
  const std::string poll = VotedPoll();
  const HttpAnswer csv = Fetch(poll, ".csv");
  ASSERT_EQ(csv.status, 200) << csv.body;
  EXPECT_EQ(csv.Header("content-type").substr(0, 8), "text/csv");
  std::istringstream rows(csv.body);
  std::string row;
  std::getline(rows, row);
  EXPECT_NE(row.find("option"), std::string::npos) << row;
  std::getline(rows, row);
  EXPECT_NE(row.find("beta"), std::string::npos) << "sorted by rank: " << row;
  std::getline(rows, row);
  EXPECT_NE(row.find("alpha"), std::string::npos) << "then by id: " << row;

  const HttpAnswer ndjson = Fetch(poll, ".ndjson");
  ASSERT_EQ(ndjson.status, 200) << ndjson.body;
  EXPECT_EQ(ndjson.Header("content-type"), "application/x-ndjson");
  EXPECT_NE(ndjson.body.find("\"beta\""), std::string::npos);
  EXPECT_EQ(ndjson.body.back(), '\n');
}

TEST_F(RankingRoute, GzipIsOffered) {
  const std::string poll = VotedPoll();
  const HttpAnswer answer = Fetch(poll, "", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(answer.status, 200);
  if (answer.Header("content-encoding") == "gzip") {
    EXPECT_EQ(answer.body.substr(0, 2), "\x1f\x8b");
  } else {
    EXPECT_EQ(answer.body, Fetch(poll).body) << "small answers may stay as they are";
  }
}

TEST_F(RankingRoute, HeadHasTheSameHeadAndNoBody) {
  const std::string poll = VotedPoll();
  const HttpAnswer get = Fetch(poll);
  const HttpAnswer head = public_.Send({"HEAD", "/v1/polls/" + poll + "/ranking", {}, {}});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-length"), get.Header("content-length"));
  EXPECT_EQ(head.Header("etag"), get.Header("etag"));
  EXPECT_EQ(Get("/livez").status, 200) << "the connection is still in step";
}

TEST_F(RankingRoute, PollsWithoutVotesHaveARanking) {
  const boost::json::object ranking = Ranking(CreatePoll());
  EXPECT_EQ(TotalsFigure(ranking, "ballots"), 0);
  for (const char* option : {"alpha", "beta", "gamma", "delta"}) {
    EXPECT_EQ(OptionFigure(ranking, option, "rank"), 1);
  }
}

// After every acknowledgement a ranking asked for by the same voter holds at least as many ballots
// as this voter knows to be acknowledged, and its version never goes back.
TEST_F(RankingRoute, ReadersReadTheirWritesUnderThirtyTwoVoters) {
  const std::string poll = CreatePoll();
  constexpr int kThreads = 32;
  constexpr int kVotesEach = 40;
  std::atomic<int> acknowledged{0};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      HttpClient client(Server().public_port(), /*record=*/t == 0);
      std::int64_t newest = 0;
      for (int i = 0; i < kVotesEach; ++i) {
        const std::string voter = "t" + std::to_string(t) + "-" + std::to_string(i);
        if (client.Send(VoteCall(poll, ChoicesBody(voter, {"alpha"}))).status != 201) ++failures;
        const int known = ++acknowledged;
        const HttpAnswer answer = client.Send({"GET", "/v1/polls/" + poll + "/ranking", {}, {}});
        const boost::json::value json = answer.Json();
        if (!json.is_object() || TotalsFigure(json.as_object(), "ballots") < known) ++failures;
        const std::string version = TextMember(answer, "version");
        const std::int64_t position = std::stoll(version.substr(version.find('-') + 1));
        if (position < newest) ++failures;
        newest = position;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures.load(), 0);
  EXPECT_EQ(TotalsFigure(Ranking(poll), "ballots"), kThreads * kVotesEach);
}

}  // namespace
}  // namespace tallyd
