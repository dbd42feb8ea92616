// ranking?form=live and ranking/changes: patches lead from any live form to the newest.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "boost/json.hpp"

#include "tests/net/merge_patch.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

namespace json = boost::json;

class RankingChangesTest : public ServiceTest {
 protected:
  json::value Live(const std::string& poll) {
    const HttpAnswer answer = Ask(Call("GET", "/v1/polls/" + poll + "/ranking?form=live"));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.Json();
  }
  HttpAnswer Changes(const std::string& poll, const json::value& live, int wait_s = 0) {
    return Ask(Call("GET", "/v1/polls/" + poll + "/ranking/changes?since=" + VersionOf(live) +
                               "&wait=" + std::to_string(wait_s)));
  }
  void AwaitWaiter() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (AskAdmin(Call("GET", "/metrics")).body.find("tallyd_ranking_waiters 1\n") ==
               std::string::npos &&
           std::chrono::steady_clock::now() < deadline) {
    }
  }
  static std::string VersionOf(const json::value& live) {
    return std::string(live.at("version").as_string());
  }
};

TEST_F(RankingChangesTest, TheLiveFormIsTheRankingWithoutRanks) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  ASSERT_EQ(Vote("p", "v", R"(["b"])").status, 201);
  json::value ranking = Ask(Call("GET", "/v1/polls/p/ranking")).Json();
  for (auto& option : ranking.at("options").as_object()) option.value().as_object().erase("rank");
  EXPECT_EQ(Live("p"), ranking);
  const std::string tag = "W/\"" + VersionOf(ranking) + "\"";
  EXPECT_EQ(Ask(Call("GET", "/v1/polls/p/ranking?form=live", {{"If-None-Match", tag}})).status,
            304);
}

TEST_F(RankingChangesTest, APatchNamesWhatChanged) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const json::value before = Live("p");
  EXPECT_EQ(Changes("p", before).status, 204);
  ASSERT_EQ(Vote("p", "v", R"(["b"])").status, 201);
  const HttpAnswer answer = Changes("p", before);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("content-type"), "application/merge-patch+json");
  const json::value patch = answer.Json();
  EXPECT_EQ(answer.Header("etag"), "W/\"" + VersionOf(patch) + "\"");
  EXPECT_EQ(patch.at("options").as_object().size(), 1u) << answer.body;
  EXPECT_EQ(patch.at("options").at("b").at("score"), 1);
  EXPECT_EQ(MergePatch(before, patch), Live("p"));
}

TEST_F(RankingChangesTest, NewOptionsAndStatesAreInThePatch) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const json::value before = Live("p");
  const std::string tag = AskAdmin(Call("GET", "/v1/polls/p")).Header("etag");
  ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/p/options/late", R"({"title":{"de":"Spät"}})",
                              {{"If-None-Match", "*"}}))
                .status,
            201);
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"paused"})")).status,
            200);
  const json::value patched = MergePatch(before, Changes("p", before).Json());
  EXPECT_EQ(patched.at("state"), "paused");
  EXPECT_EQ(patched.at("options").at("late").at("score"), 0);
  EXPECT_EQ(patched, Live("p"));
}

TEST_F(RankingChangesTest, RandomVotesArePatchedFromAnyVersion) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("TALLYD_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  std::vector<json::value> seen = {Live("p")};
  const std::vector<std::string> ballots = {R"(["a"])", R"(["b"])", R"(["c"])", R"(["a","c"])"};
  for (int i = 0; i < 60; ++i) {
    Vote("p", "v" + std::to_string(random() % 9), ballots[random() % ballots.size()]);
    if (random() % 2 == 0) seen.push_back(Live("p"));
  }
  const json::value newest = Live("p");
  for (const json::value& old : seen) {
    const HttpAnswer answer = Changes("p", old);
    if (VersionOf(old) == VersionOf(newest)) {
      EXPECT_EQ(answer.status, 204);
      continue;
    }
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(MergePatch(old, answer.Json()), newest);
  }
}

TEST_F(RankingChangesTest, WhoWaitsIsToldAtOnce) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const json::value before = Live("p");
  HttpClient waiting(server_->public_port(), false);
  HttpAnswer answer;
  const auto started = std::chrono::steady_clock::now();
  std::thread reader([&] {
    answer = waiting.Send(
        Call("GET", "/v1/polls/p/ranking/changes?since=" + VersionOf(before) + "&wait=30"));
  });
  AwaitWaiter();
  EXPECT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(MergePatch(before, answer.Json()), Live("p"));
}

TEST_F(RankingChangesTest, WaitingEndsWithTheTimeAndWithTheServer) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const json::value live = Live("p");
  EXPECT_EQ(Changes("p", live, 1).status, 204);
  HttpClient waiting(server_->public_port(), false);
  HttpAnswer answer;
  std::thread reader([&] {
    answer = waiting.Send(
        Call("GET", "/v1/polls/p/ranking/changes?since=" + VersionOf(live) + "&wait=30"));
  });
  AwaitWaiter();
  const auto started = std::chrono::steady_clock::now();
  StopServing();
  reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(9));
  EXPECT_EQ(answer.status, 204);
}

TEST_F(RankingChangesTest, ARestartCompactsButNeverGoesBack) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const json::value first = Live("p");
  ASSERT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  const json::value second = Live("p");
  StopServing();
  Serve();
  EXPECT_EQ(Live("p"), second);
  EXPECT_EQ(Code(Changes("p", first)), "version_compacted");
  EXPECT_EQ(Changes("p", second).status, 204);
  ASSERT_EQ(Vote("p", "w", R"(["b"])").status, 201);
  EXPECT_EQ(MergePatch(second, Changes("p", second).Json()), Live("p"));
}

TEST_F(RankingChangesTest, WrongQuestionsAreRefused) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const auto code = [&](const std::string& target) { return Code(Ask(Call("GET", target))); };
  EXPECT_EQ(code("/v1/polls/p/ranking/changes"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since="), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since=18200"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since=e1-1&wait=31"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since=e1-1&wait=x"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since=e1-1&top=1"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since=e1-1"), "epoch_changed");
  EXPECT_EQ(code("/v1/polls/nix/ranking/changes?since=e1-1"), "poll_not_found");
  EXPECT_EQ(code("/v1/polls/p/ranking?form=dead"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking?form=live&top=3"), "parameter_invalid");
  EXPECT_EQ(code("/v1/polls/p/ranking.csv?form=live"), "parameter_invalid");
  const std::string version = VersionOf(Live("p"));
  const std::string epoch = version.substr(0, version.find('-'));
  EXPECT_EQ(code("/v1/polls/p/ranking/changes?since=" + epoch + "-999999"), "version_compacted");
}

TEST_F(RankingChangesTest, OneReaderTooManyIsSentAway) {
  Serve([](ServiceOptions& options, EngineOptions&) { options.ranking_waiters_max = 1; });
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  const json::value live = Live("p");
  HttpAnswer answer;
  std::thread reader([&, client = std::make_shared<HttpClient>(server_->public_port(), false)] {
    answer = client->Send(
        Call("GET", "/v1/polls/p/ranking/changes?since=" + VersionOf(live) + "&wait=30"));
  });
  AwaitWaiter();
  const HttpAnswer refused = Changes("p", live, 30);
  EXPECT_EQ(Code(refused), "overloaded");
  const int seconds = std::stoi(refused.Header("retry-after"));
  EXPECT_TRUE(seconds >= 1 && seconds <= 3) << seconds;
  EXPECT_EQ(Changes("p", live).status, 204) << "who does not wait needs no place";
  EXPECT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  reader.join();
  EXPECT_EQ(answer.status, 200);
}

// Readers of their own pace while votes come in: versions grow, patched is always what is served.
TEST_F(RankingChangesTest, ManyReadersFollowWhileVotesComeIn) {
  Serve();
  ASSERT_EQ(PutPoll("p", kOpenForChanges).status, 201);
  constexpr int kReaders = 8;
  std::atomic<bool> over{false};
  std::vector<json::value> states(kReaders);
  std::vector<std::thread> readers;
  const json::value start = Live("p");
  for (int r = 0; r < kReaders; ++r) {
    readers.emplace_back([&, r] {
      HttpClient client(server_->public_port(), false);
      json::value state = start;
      bool last_round = false;
      while (true) {
        const bool was_over = over.load();
        const HttpAnswer answer =
            client.Send(Call("GET", "/v1/polls/p/ranking/changes?since=" + VersionOf(state) +
                                        "&wait=" + std::to_string(last_round ? 0 : 1)));
        if (answer.status == 204 && was_over) break;
        last_round = was_over;
        if (answer.status != 200) continue;
        const std::string before = VersionOf(state);
        state = MergePatch(std::move(state), answer.Json());
        const auto number = [](const std::string& version) {
          return std::stoull(version.substr(version.find('-') + 1));
        };
        EXPECT_GT(number(VersionOf(state)), number(before));
      }
      states[static_cast<std::size_t>(r)] = std::move(state);
    });
  }
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(Vote("p", "v" + std::to_string(i), i % 3 == 0 ? R"(["a"])" : R"(["b","c"])").status,
              201);
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  const json::value newest = Live("p");
  for (const json::value& state : states) EXPECT_EQ(state, newest);
}

}  // namespace
}  // namespace tallyd
