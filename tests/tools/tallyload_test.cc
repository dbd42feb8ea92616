// The load generator's parts: its histogram, its requests, its reading of answers.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tools/tallyload/answer_reader.h"
#include "tools/tallyload/latency_histogram.h"
#include "tools/tallyload/load_plan.h"

namespace tallyd {
namespace {

TEST(LatencyHistogram, PercentilesAreWithinOnePercentOfTheSortedValues) {
  const std::uint64_t seed = 20260511;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> spread(12, 2);
  LatencyHistogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 50'000; ++i) {
    values.push_back(static_cast<std::int64_t>(spread(random)));
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percentile : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto place = static_cast<std::size_t>(percentile / 100 * 50'000);
    const std::int64_t exact = values[place == 0 ? 0 : place - 1];
    const std::int64_t read = histogram.PercentileNs(percentile);
    EXPECT_GE(read, exact) << percentile;
    EXPECT_LE(static_cast<double>(read), static_cast<double>(exact) * 1.01 + 1) << percentile;
  }
  EXPECT_EQ(histogram.max_ns(), values.back());
}

TEST(LatencyHistogram, HgrmEndsWithEverything) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.Add(i * 1'000'000);
  const std::string text = histogram.ToHgrm();
  EXPECT_NE(text.find("1.000000000000       1000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Total count = 1000"), std::string::npos);
}

LoadPlanOptions OnePoll() {
  LoadPlanOptions options;
  options.polls = {{.id = "load", .options = {"a", "b", "c"}}};
  return options;
}

std::string BodyOf(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

TEST(LoadPlan, EveryNewVoteIsAnotherVoterAndFramedRight) {
  LoadPlan plan(OnePoll());
  std::set<std::string> voters;
  for (int i = 0; i < 10'000; ++i) {
    std::string request;
    EXPECT_EQ(plan.AppendNext(&request), LoadKind::kNew);
    const std::string body = BodyOf(request);
    EXPECT_NE(request.find("Content-Length: " + std::to_string(body.size()) + "\r\n"),
              std::string::npos);
    voters.insert(body.substr(10, 16));
  }
  EXPECT_EQ(voters.size(), 10'000u);
}

TEST(LoadPlan, EachVoterShowsTheirOwnTokenAndThePlanEndsWithTheLast) {
  LoadPlanOptions options = OnePoll();
  options.voter_tokens = {"aaaa.1111.xx", "bbbb.2222.yy", "cccc.3333.zz"};
  options.first_voter = 1u << 20;
  LoadPlan plan(options);
  for (const std::string& token : options.voter_tokens) {
    ASSERT_FALSE(plan.is_exhausted());
    std::string request;
    EXPECT_EQ(plan.AppendNext(&request), LoadKind::kNew);
    EXPECT_NE(request.find("\r\nAuthorization: Bearer " + token + "\r\n"), std::string::npos)
        << request;
    const std::string body = BodyOf(request);
    EXPECT_EQ(body.substr(0, 12), R"({"choices":[)");
    EXPECT_NE(request.find("Content-Length: " + std::to_string(body.size()) + "\r\n"),
              std::string::npos);
  }
  EXPECT_TRUE(plan.is_exhausted());
}

TEST(LoadPlan, ARetrySaysExactlyWhatTheVoterSaidAndAChangeSaysAnotherOption) {
  LoadPlanOptions options = OnePoll();
  options.mix = {.fresh = 40, .retry = 30, .change = 30, .invalid = 0};
  LoadPlan plan(options);
  std::map<std::string, std::string> said;
  int retries = 0;
  int changes = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string request;
    const LoadKind kind = plan.AppendNext(&request);
    const std::string body = BodyOf(request);
    const std::string voter = body.substr(10, 16);
    if (kind == LoadKind::kNew) {
      said[voter] = body;
    } else {
      ASSERT_TRUE(said.contains(voter));
      EXPECT_EQ(said[voter] == body, kind == LoadKind::kRetry);
      ++(kind == LoadKind::kRetry ? retries : changes);
    }
  }
  EXPECT_GT(retries, 2'500);
  EXPECT_GT(changes, 2'500);
}

TEST(LoadPlan, TheHotOptionGetsItsShareAndTheFirstPollMost) {
  LoadPlanOptions options = OnePoll();
  options.polls.push_back({.id = "second", .options = {"a", "b", "c"}});
  options.hot = 0.9;
  LoadPlan plan(options);
  int hot = 0;
  int first_poll = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string request;
    plan.AppendNext(&request);
    if (request.find("[\"a\"]") != std::string::npos) ++hot;
    if (request.find("/polls/load/") != std::string::npos) ++first_poll;
  }
  EXPECT_GT(hot, 8'900);
  EXPECT_NEAR(first_poll, 6'667, 300);
}

TEST(LoadPlan, ABatchHoldsItsLines) {
  LoadPlanOptions options = OnePoll();
  options.batch_lines = 7;
  LoadPlan plan(options);
  std::string request;
  plan.AppendNext(&request);
  const std::string body = BodyOf(request);
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 7);
  EXPECT_NE(request.find("Content-Length: " + std::to_string(body.size()) + "\r\n"),
            std::string::npos);
}

TEST(LoadPlan, AGetIsTheSameRequestAgainAndAgain) {
  LoadPlanOptions options;
  options.get_target = "/v1/polls/load/ranking";
  options.if_none_match = "W/\"e3-18200\"";
  LoadPlan plan(options);
  std::string requests;
  EXPECT_EQ(plan.AppendNext(&requests), LoadKind::kGet);
  EXPECT_EQ(requests,
            "GET /v1/polls/load/ranking HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "If-None-Match: W/\"e3-18200\"\r\n\r\n");
  const std::string once = requests;
  plan.AppendNext(&requests);
  EXPECT_EQ(requests, once + once);
}

std::string Answer(int status, const std::string& body, const std::string& more = "") {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + more + "\r\n\r\n" + body;
}

TEST(AnswerReader, CountsEachKindWhereverTheBytesAreCut) {
  const std::string stream =
      Answer(201, R"({"status":"counted","poll":"p","seq":1})") +
      Answer(200, R"({"status":"duplicate","poll":"p","seq":1})") +
      Answer(200, R"({"status":"replaced","poll":"p","seq":2})") + Answer(422, "{}") +
      Answer(503, "{}") + Answer(503, "{}", "\r\nRetry-After: 2") +
      Answer(429, "{}", "\r\nRetry-After: 60") +
      Answer(200,
             R"({"counted":5,"duplicate":4,"replaced":3,"rejected":2,"last_seq":9,"items":[]})") +
      Answer(201, R"({"status":"counted"})", "\r\nConnection: close");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    AnswerReader reader;
    LoadCounts counts;
    bool closes = false;
    int answers = 0;
    for (const std::string& part : {stream.substr(0, cut), stream.substr(cut)}) {
      std::memcpy(reader.Room(part.size() + 1), part.data(), part.size());
      reader.Received(part.size());
      while (reader.Next(1, &counts, &closes) == AnswerReader::Found::kAnswer) ++answers;
    }
    ASSERT_EQ(answers, 9) << "cut at " << cut;
    EXPECT_EQ(counts.counted, 7u);
    EXPECT_EQ(counts.duplicate, 5u);
    EXPECT_EQ(counts.replaced, 4u);
    EXPECT_EQ(counts.refused, 3u);
    EXPECT_EQ(counts.shed, 3u);
    EXPECT_EQ(counts.shed_by_retry_after, (std::array<std::uint64_t, 8>{1, 0, 1, 0, 0, 0, 0, 1}));
    EXPECT_TRUE(closes);
  }
}

TEST(AnswerReader, ANotModifiedHasNoBodyWhateverItsLengthSays) {
  const std::string stream = "HTTP/1.1 304 Not Modified\r\nETag: W/\"e3-1\"\r\n\r\n" +
                             std::string("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n") +
                             Answer(200, "{}");
  AnswerReader reader;
  std::memcpy(reader.Room(stream.size()), stream.data(), stream.size());
  reader.Received(stream.size());
  LoadCounts counts;
  bool closes = false;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reader.Next(1, &counts, &closes), AnswerReader::Found::kAnswer) << i;
  }
  EXPECT_EQ(counts.counted, 3u);
  EXPECT_EQ(reader.Next(1, &counts, &closes), AnswerReader::Found::kMore);
}

TEST(AnswerReader, RefusesWhatIsNotHttp) {
  AnswerReader reader;
  const std::string garbage = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
  std::memcpy(reader.Room(garbage.size()), garbage.data(), garbage.size());
  reader.Received(garbage.size());
  LoadCounts counts;
  bool closes = false;
  EXPECT_EQ(reader.Next(1, &counts, &closes), AnswerReader::Found::kBroken);
}

}  // namespace
}  // namespace tallyd
