// What analysts read: the log of ballots, curves, rankings of the past, PabuLib files.

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "absl/synchronization/notification.h"
#include "boost/json.hpp"

#include "net/analysis_thread.h"
#include "net/io_thread.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

namespace json = boost::json;

std::vector<json::value> ParsedLines(const std::string& body) {
  std::vector<json::value> lines;
  std::istringstream in(body);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

std::string NextOf(const HttpAnswer& answer) {
  const std::string link = answer.Header("link");
  return link.empty() ? "" : link.substr(1, link.find('>') - 1);
}

class ExportRoutesTest : public ServiceTest {
 protected:
  HttpAnswer Export(const std::string& rest, Headers headers = {}) {
    return AskAdmin(Call("GET", "/v1/polls/p/export/" + rest, std::move(headers)));
  }
  // Every page from `target` on; full pages are asked for twice.
  std::vector<json::value> AllLines(std::string target, std::string* cursor = nullptr) {
    std::vector<json::value> all;
    while (!target.empty()) {
      const HttpAnswer page = AskAdmin(Call("GET", target));
      EXPECT_EQ(page.status, 200) << page.body;
      if (page.status != 200) break;
      for (json::value& line : ParsedLines(page.body)) all.push_back(std::move(line));
      if (cursor != nullptr) *cursor = page.Header("tallyd-cursor");
      target = NextOf(page);
    }
    return all;
  }
  // A random life of a poll; returns what the ranking was after each seq.
  std::map<std::int64_t, json::value> Live(std::mt19937& random, int votes) {
    std::map<std::int64_t, json::value> rankings;
    const std::vector<std::string> ballots = {R"(["a"])", R"(["b"])", R"(["c"])", R"(["a","c"])"};
    for (int i = 0; i < votes; ++i) {
      const std::string voter = "v" + std::to_string(random() % 12);
      const HttpAnswer answer =
          random() % 6 == 0 ? Ask(Call("DELETE", "/v1/polls/p/votes/me", {{"Tallyd-Voter", voter}}))
                            : Vote("p", voter, ballots[random() % ballots.size()]);
      if (answer.status != 200 && answer.status != 201) continue;
      const std::int64_t seq = Number(answer, "seq");
      if (rankings.contains(seq)) continue;  // a retry is answered with the seq it had
      rankings[seq] = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
    }
    return rankings;
  }
  // Ballots in force by a log of them, counted by hand.
  static std::map<std::string, std::int64_t> Count(const std::vector<json::value>& log) {
    std::map<std::string, json::value> in_force;
    for (const json::value& line : log) {
      const std::string voter(line.at("ballot").as_string());
      if (line.at("act").as_string() == "withdraw") {
        in_force.erase(voter);
      } else {
        in_force[voter] = line.at("choices");
      }
    }
    std::map<std::string, std::int64_t> counts;
    for (const auto& [voter, choices] : in_force) {
      for (const json::value& option : choices.as_array()) {
        ++counts[std::string(option.as_string())];
      }
    }
    return counts;
  }
};

TEST_F(ExportRoutesTest, TheLogOfBallotsAddsUpToTheRanking) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("TALLYD_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const auto rankings = Live(random, 80);
  const json::value newest = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
  std::string cursor;
  const auto log = AllLines("/v1/polls/p/export/ballots.ndjson?limit=7", &cursor);
  EXPECT_EQ(log.size(), rankings.size());
  const auto counts = Count(log);
  for (const auto& option : newest.at("options").as_object()) {
    const auto counted = counts.find(std::string(option.key()));
    EXPECT_EQ(option.value().at("ballots").as_int64(),
              counted == counts.end() ? 0 : counted->second);
  }
  const HttpAnswer end = Export("ballots.ndjson?after=" + cursor);
  EXPECT_EQ(end.body, "");
  EXPECT_EQ(end.Header("tallyd-through"), newest.at("version").as_string());
  // An increment is what came after, and nothing else.
  ASSERT_EQ(Vote("p", "late", R"(["b"])").status, 201);
  const auto increment = AllLines("/v1/polls/p/export/ballots.ndjson?after=" + cursor);
  ASSERT_EQ(increment.size(), 1u);
  EXPECT_EQ(increment[0].at("act"), "cast");
}

TEST_F(ExportRoutesTest, AFullPageNeverChanges) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  for (int i = 0; i < 20; ++i) Vote("p", "v" + std::to_string(i), R"(["a"])");
  const HttpAnswer full = Export("ballots.ndjson?limit=5");
  EXPECT_EQ(full.Header("cache-control"), "private, max-age=31536000, immutable");
  EXPECT_EQ(ParsedLines(full.body).size(), 5u);
  const HttpAnswer last = Export("ballots.ndjson?limit=100");
  EXPECT_EQ(last.Header("cache-control"), "private, no-cache");
  EXPECT_EQ(last.Header("link"), "");
  for (int i = 0; i < 20; ++i) Vote("p", "v" + std::to_string(i), R"(["b"])");
  const HttpAnswer again = Export("ballots.ndjson?limit=5");
  EXPECT_EQ(again.body, full.body);
  EXPECT_EQ(again.Header("etag"), full.Header("etag"));
  EXPECT_NE(Export("ballots.ndjson?limit=100").body, last.body);
  for (const HttpAnswer& known : {full, last}) {
    const std::string query = known.body == full.body ? "5" : "100";
    const HttpAnswer answer =
        Export("ballots.ndjson?limit=" + query, {{"If-None-Match", known.Header("etag")}});
    EXPECT_EQ(answer.status, known.body == full.body ? 304 : 200);
  }
  StopServing();
  Serve();
  EXPECT_EQ(Export("ballots.ndjson?limit=5").body, full.body);
}

TEST_F(ExportRoutesTest, NoOrderFinerThanACommitAndNoTag) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  ASSERT_EQ(PutPoll("q", kOpenForChanges).status, 201);
  std::string lines;
  for (int i = 0; i < 200; ++i)
    lines += R"({"voter":"v)" + std::to_string(i) +
             R"(","choices":["a"]})"
             "\n";
  ASSERT_EQ(Ask(BatchCall("p", lines)).status, 200);
  ASSERT_EQ(Ask(BatchCall("q", lines)).status, 200);
  std::map<std::int64_t, std::vector<std::string>> by_commit;
  std::set<std::string> pseudonyms;
  for (const json::value& line : AllLines("/v1/polls/p/export/ballots.ndjson")) {
    by_commit[line.at("commit").as_int64()].emplace_back(line.at("ballot").as_string());
    pseudonyms.emplace(line.at("ballot").as_string());
    EXPECT_FALSE(line.as_object().contains("seq"));
  }
  EXPECT_EQ(pseudonyms.size(), 200u);
  for (const auto& [commit, ballots] : by_commit) {
    EXPECT_TRUE(std::is_sorted(ballots.begin(), ballots.end())) << commit;
  }
  for (const json::value& line : AllLines("/v1/polls/q/export/ballots.ndjson")) {
    EXPECT_FALSE(pseudonyms.contains(std::string(line.at("ballot").as_string())));
  }
}

TEST_F(ExportRoutesTest, CsvAlsoForAGermanExcel) {
  Serve();
  ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/p",
                              R"({"title":{"de":"P"},"project":"stadt","state":"open",
                                  "ballot":{"type":"points","total":5,"max_per_option":5},
                                  "options":[{"id":"-cmd"},{"id":"b"}]})",
                              {{"If-None-Match", "*"}}))
                .status,
            201);
  ASSERT_EQ(Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"voter":"v","points":{"-cmd":2,"b":1}})"))
                .status,
            201);
  const HttpAnswer csv = Export("ballots.csv");
  EXPECT_EQ(csv.Header("content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(csv.body.substr(0, csv.body.find("\r\n")),
            "ballot,version,act,commit,channel,box,option,value");
  EXPECT_NE(csv.body.find(",online,,'-cmd,2\r\n"), std::string::npos) << csv.body;
  const HttpAnswer excel = Export("ballots.csv?dialect=excel-de");
  EXPECT_TRUE(
      excel.body.starts_with("\xef\xbb\xbf"
                             "ballot;version;"))
      << excel.body;
  EXPECT_NE(excel.body.find(";online;;'-cmd;2\r\n"), std::string::npos) << excel.body;
  const HttpAnswer head = AskAdmin(Call("HEAD", "/v1/polls/p/export/ballots.csv"));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.Header("content-length"), std::to_string(csv.body.size()));
}

TEST_F(ExportRoutesTest, TheRankingOfAnySeqIsWhatItWas) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("TALLYD_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  for (const auto& [seq, ranking] : Live(random, 60)) {
    const HttpAnswer past =
        AskAdmin(Call("GET", "/v1/polls/p/ranking?as_of_seq=" + std::to_string(seq)));
    ASSERT_EQ(past.status, 200) << past.body;
    json::value expected = ranking;
    expected.as_object()["as_of_seq"] = seq;
    EXPECT_EQ(past.Json(), expected);
  }
  EXPECT_EQ(Code(AskAdmin(Call("GET", "/v1/polls/p/ranking?as_of_seq=100000"))),
            "parameter_invalid");
  // The public listener does not know the question.
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls/p/ranking?as_of_seq=1"))), "parameter_invalid");
}

// What the ranking keeps to itself leaves by no other door, and the doors open when it does.
TEST_F(ExportRoutesTest, WhatIsWithheldFromTheRankingIsNotExported) {
  Serve();
  const std::string base = R"(,"state":"open","visibility":)";
  ASSERT_EQ(PutPoll("sealed", base + R"("sealed","visible_from":"closed")").status, 201);
  ASSERT_EQ(PutPoll("coarse", base + R"("coarse","coarse":{"k":5})").status, 201);
  for (const char* poll : {"sealed", "coarse"}) {
    ASSERT_EQ(Vote(poll, "v1", R"(["a"])").status, 201);
    const std::string at = std::string("/v1/polls/") + poll;
    const auto ask_all = [&](int status) {
      for (const char* rest :
           {"/export/ballots.ndjson", "/export/ballots.csv", "/export/history.ndjson",
            "/export/pabulib.pb", "/ranking?as_of_seq=1"}) {
        const HttpAnswer answer = AskAdmin(Call("GET", at + rest));
        EXPECT_EQ(answer.status, status) << at << rest;
        if (status == 403) {
          EXPECT_EQ(Code(answer), "forbidden") << at << rest;
        }
      }
    };
    ask_all(403);
    for (const char* to : {"closed", "final"}) {
      const std::string body = std::string(R"({"to":")") + to + R"("})";
      ASSERT_EQ(AskAdmin(JsonCall("POST", at + "/transitions", body)).status, 200);
    }
    ask_all(200);
  }
}

TEST_F(ExportRoutesTest, WhatIfABatchHadNotBeenCounted) {
  Serve();
  ASSERT_EQ(PutPoll("p", std::string(kOpenForChanges) +
                             R"(,"boxes":[{"id":"rathaus"}],"paper":{"confirm":false})")
                .status,
            201);
  ASSERT_EQ(Vote("p", "v", R"(["b"])").status, 201);
  const json::value before = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
  const HttpAnswer batch =
      AskAdmin(JsonCall("PUT", "/v1/polls/p/paper-batches/one",
                        R"({"box":"rathaus","cards":3,"invalid":0,"blank":0,"counts":{"a":3}})",
                        {{"Tallyd-Actor", "m"}}));
  ASSERT_EQ(batch.status, 201) << batch.body;
  const json::value with = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
  EXPECT_EQ(with.at("options").at("a").at("paper"), 3);
  const HttpAnswer without = AskAdmin(Call("GET", "/v1/polls/p/ranking?without_batch=one"));
  ASSERT_EQ(without.status, 200) << without.body;
  EXPECT_EQ(without.Json().at("options"), before.at("options"));
  EXPECT_EQ(without.Json().at("totals"), before.at("totals"));
  EXPECT_EQ(without.Json().at("without_batch"), "one");
  EXPECT_EQ(Code(AskAdmin(Call("GET", "/v1/polls/p/ranking?without_batch=two"))),
            "batch_not_found");
}

TEST_F(ExportRoutesTest, HistoryEndsWhereTheRankingIs) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  for (int i = 0; i < 9; ++i) Vote("p", "v" + std::to_string(i), R"(["a"])");
  const auto lines = AllLines("/v1/polls/p/export/history.ndjson?step=1&limit=1");
  ASSERT_FALSE(lines.empty());
  std::int64_t score = 0;
  std::string at;
  for (const json::value& line : lines) {
    EXPECT_LT(at, std::string(line.at("at").as_string()));
    at = std::string(line.at("at").as_string());
    if (const auto* changed = line.at("options").as_object().if_contains("a")) {
      EXPECT_GE(changed->at("score").as_int64(), score);
      score = changed->at("score").as_int64();
    }
  }
  EXPECT_EQ(score, 9);
  EXPECT_EQ(lines.back().at("totals").at("ballots"), 9);
}

TEST_F(ExportRoutesTest, RefusesWhatItCannotGive) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.history_bytes_max = 1; });
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  for (const char* query :
       {"ballots.ndjson?limit=0", "ballots.ndjson?limit=100001", "ballots.ndjson?after=nonsense",
        "ballots.ndjson?dialect=excel-de", "ballots.csv?dialect=excel", "history.ndjson?step=0",
        "pabulib.pb?x=1"}) {
    EXPECT_EQ(Code(Export(query)), "parameter_invalid") << query;
  }
  EXPECT_EQ(Code(Export("history.ndjson")), "not_supported");  // longer than the bound
  EXPECT_EQ(Code(AskAdmin(Call("GET", "/v1/polls/p/ranking?without_batch=x"))), "not_supported");
  EXPECT_EQ(Code(AskAdmin(Call("GET", "/v1/polls/nothing/export/pabulib.pb"))), "poll_not_found");
  // Of another history: "b1.0.0".
  EXPECT_EQ(Code(Export("ballots.ndjson?after=YjEuMC4w")), "epoch_changed");
  EXPECT_NE(AskAdmin(Call("GET", "/metrics")).body.find("tallyd_analysis_refused_total 0"),
            std::string::npos);
}

// Counts answers by status.
class CountingSink final : public ResponseSink {
 public:
  explicit CountingSink(IoThread* thread) : thread_(thread) {}
  void Answer(std::uint64_t, HttpResponse&& response) override {
    ++(response.status == 200 ? served : refused);
  }
  void AnswerRaw(std::uint64_t, int, std::string_view, std::string_view) override {}
  void AnswerDropped(std::uint64_t) override {}
  IoThread& io_thread() override { return *thread_; }

  std::atomic<std::size_t> served{0};
  std::atomic<std::size_t> refused{0};

 private:
  IoThread* thread_;
};

TEST(AnalysisThreadTest, TakesSoManyAndAnswersAllWhenItStops) {
  IoThread io_thread(0, 0, std::chrono::milliseconds(100));
  io_thread.Start();
  const auto sink = std::make_shared<CountingSink>(&io_thread);
  AnalysisThread analysis;
  absl::Notification go_on;
  const auto submit = [&] {
    Responder responder(sink, 0);
    const bool taken = analysis.Submit(responder, false, [&go_on] {
      go_on.WaitForNotification();
      return HttpResponse();
    });
    EXPECT_EQ(static_cast<bool>(responder), !taken);
    if (!taken) {
      HttpResponse busy;
      busy.status = 503;
      std::move(responder).Send(std::move(busy));
    }
    return taken;
  };
  ASSERT_TRUE(submit());
  while (analysis.waiting() > 0) std::this_thread::yield();  // it is at work
  for (std::size_t i = 0; i < AnalysisThread::kWaitingMax; ++i) EXPECT_TRUE(submit());
  EXPECT_FALSE(submit());
  EXPECT_EQ(analysis.refused(), 1u);
  std::thread release([&] {
    while (analysis.keep_on()) std::this_thread::yield();
    go_on.Notify();
  });
  analysis.Stop();
  release.join();
  EXPECT_EQ(analysis.done(), 1 + AnalysisThread::kWaitingMax);
  EXPECT_FALSE(submit());
  io_thread.Post([] {});
  while (sink->served + sink->refused < 3 + AnalysisThread::kWaitingMax) std::this_thread::yield();
  io_thread.Stop();
  EXPECT_EQ(sink->served, 1u);  // the others are told that the server goes
}

}  // namespace
}  // namespace tallyd
