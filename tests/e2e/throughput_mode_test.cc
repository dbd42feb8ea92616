// Correct where it is fastest: many connections, requests pipelined on each of them, batches
// between them. Random histories against a naive oracle, and real elections against what was
// published.
//
// Every voter has one connection, whose order is the order of what the voter said; so each answer
// is known before it comes, whatever the connections do to each other. TALLYD_TEST_SEED repeats a
// run, TALLYD_THROUGHPUT_ROUNDS makes it longer, TALLYD_THROUGHPUT_MEGABYTES takes more elections.
// With TALLYD_PABULIB=some (the sanitizers) there is less of both.

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "gtest/gtest.h"

#include "tests/e2e/pabulib_directories.h"
#include "tests/support/environment.h"
#include "tests/support/http_client.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"
#include "tools/pabulib/pabulib_poll.h"

namespace tallyd {
namespace {

constexpr int kThreads = 4;
constexpr int kConnectionsEach = 16;
constexpr int kPipelined = 16;
constexpr int kBatchLines = 200;
constexpr int kOptions = 12;
// Small enough that most of what a connection says is about somebody who has voted before.
constexpr int kVotersEach = 150;

bool IsShort() {
  return EnvironmentText("TALLYD_PABULIB") == "some";
}

std::string OptionId(std::size_t option) {
  return "o" + std::to_string(option);
}

using Choice = std::set<std::size_t>;

std::string ChoiceBody(const std::string& voter, const Choice& choice) {
  std::vector<std::string> ids;
  for (const std::size_t option : choice) ids.push_back(OptionId(option));
  return ChoicesBody(voter, ids);
}

// One connection, its voters, and what the server must say to them.
class Speaker {
 public:
  Speaker(std::uint16_t port, std::string poll, int number, std::uint64_t seed)
      : client_(port, /*record=*/false),
        poll_(std::move(poll)),
        name_("c" + std::to_string(number) + "-"),
        batches_(number % 4 == 3),
        random_(seed + static_cast<std::uint64_t>(number)) {}

  void SendRound() {
    if (batches_) return SendBatchRound();
    std::string wire;
    for (int i = 0; i < kPipelined; ++i) {
      const Turn turn = NextTurn();
      expected_.push_back(turn.status);
      wire += Render(VoteCall(poll_, turn.body));
    }
    ASSERT_TRUE(client_.SendBytes(wire));
  }

  void ReadRound() {
    if (batches_) return ReadBatchRound();
    for (const std::string& expected : expected_) {
      const HttpAnswer answer = client_.ReadAnswer();
      EXPECT_EQ(answer.status, StatusCodeOf(expected)) << expected << ": " << answer.body;
      if (expected != kRefused) {
        EXPECT_NE(answer.body.find("\"status\":\"" + expected + "\""), std::string::npos)
            << answer.body;
      }
    }
    answered_ += expected_.size();
    expected_.clear();
  }

  const std::map<std::string, Choice>& in_force() const { return in_force_; }
  std::uint64_t answered() const { return answered_; }

 private:
  static constexpr const char* kRefused = "refused";
  struct Turn {
    std::string body;
    std::string status;  // of the answer
  };

  static int StatusCodeOf(const std::string& expected) {
    if (expected == kRefused) return 422;
    return expected == "counted" ? 201 : 200;
  }

  std::size_t Draw(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }

  Turn NextTurn() {
    const std::string voter = name_ + std::to_string(Draw(kVotersEach));
    const auto before = in_force_.find(voter);
    const std::size_t dice = Draw(100);
    if (dice < 5) return {ChoicesBody(voter, {"nobody-knows-it"}), kRefused};
    if (before != in_force_.end() && dice < 30) {
      return {ChoiceBody(voter, before->second), "duplicate"};
    }
    Choice choice = {Draw(kOptions), Draw(kOptions)};
    const std::string body = ChoiceBody(voter, choice);
    if (before == in_force_.end()) {
      in_force_.emplace(voter, std::move(choice));
      return {body, "counted"};
    }
    const bool same = before->second == choice;
    before->second = std::move(choice);
    return {body, same ? "duplicate" : "replaced"};
  }

  void SendBatchRound() {
    std::string lines;
    for (int i = 0; i < kBatchLines; ++i) {
      const Turn turn = NextTurn();
      expected_.push_back(turn.status);
      lines += turn.body + "\n";
    }
    ASSERT_TRUE(client_.SendBytes(Render(BatchCall(poll_, lines))));
  }

  void ReadBatchRound() {
    const HttpAnswer answer = client_.ReadAnswer();
    ASSERT_EQ(answer.status, 200) << answer.body;
    const boost::json::value report = answer.Json();
    const auto said = [&](const char* what) {
      return std::count(expected_.begin(), expected_.end(), what);
    };
    EXPECT_EQ(report.at("counted").to_number<std::int64_t>(), said("counted"));
    EXPECT_EQ(report.at("replaced").to_number<std::int64_t>(), said("replaced"));
    EXPECT_EQ(report.at("duplicate").to_number<std::int64_t>(), said("duplicate"));
    EXPECT_EQ(report.at("rejected").to_number<std::int64_t>(), said(kRefused));
    answered_ += expected_.size();
    expected_.clear();
  }

  HttpClient client_;
  const std::string poll_;
  const std::string name_;
  const bool batches_;
  std::mt19937_64 random_;
  std::map<std::string, Choice> in_force_;
  std::vector<std::string> expected_;
  std::uint64_t answered_ = 0;
};

class ThroughputMode : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ =
        std::make_unique<TallydProcess>(TallydOptions{.data_directory = directory_.File("data")});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }

  void PutPoll(const std::string& poll, const boost::json::object& document) {
    HttpClient admin(server_->admin_port(), /*record=*/false);
    const HttpAnswer put = admin.Send(JsonCall(
        "PUT", "/v1/polls/" + poll, boost::json::serialize(document), {{"If-None-Match", "*"}}));
    ASSERT_EQ(put.status, 201) << put.body;
    if (document.contains("state") && document.at("state") == "open") return;
    const HttpAnswer opened =
        admin.Send(JsonCall("POST", "/v1/polls/" + poll + "/transitions", R"({"to":"open"})"));
    ASSERT_EQ(opened.status, 200) << opened.body;
  }

  boost::json::value Ranking(const std::string& poll) {
    HttpClient client(server_->admin_port(), /*record=*/false);
    const HttpAnswer answer = client.Send(GetCall("/v1/polls/" + poll + "/ranking?form=live"));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.Json();
  }

  // The journal, the tallies and the ballot store agree, counted by other code.
  void StopAndVerify() {
    server_->Terminate();
    ASSERT_EQ(server_->Wait(), 0) << server_->Log();
    const ToolResult verify = RunTallyctl({"verify", "--data-dir=" + directory_.File("data")});
    EXPECT_EQ(verify.exit, 0) << verify.out << verify.err;
  }

  TempDirectory directory_;
  std::unique_ptr<TallydProcess> server_;
};

TEST_F(ThroughputMode, EveryAnswerAndTheTallyAreTheOracles) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t rounds = EnvironmentNumber("TALLYD_THROUGHPUT_ROUNDS", IsShort() ? 4 : 20);
  std::cout << "TALLYD_TEST_SEED=" << seed << "\n";
  boost::json::object document = PollBody();
  document["revote"] = "replace";
  document["changes_max"] = 1'000'000;
  document["ballot"] = ChooseRules(1, 2);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kOptions; ++i) ids.push_back(OptionId(i));
  document["options"] = OptionList(ids);
  ASSERT_NO_FATAL_FAILURE(PutPoll("torrent", document));

  std::vector<std::vector<std::unique_ptr<Speaker>>> speakers(kThreads);
  for (int i = 0; i < kThreads * kConnectionsEach; ++i) {
    speakers[static_cast<std::size_t>(i % kThreads)].push_back(
        std::make_unique<Speaker>(server_->public_port(), "torrent", i, seed));
  }
  std::vector<std::thread> threads;
  threads.reserve(speakers.size());
  for (auto& mine : speakers) {
    threads.emplace_back([&mine, rounds] {
      for (std::uint64_t round = 0; round < rounds; ++round) {
        for (const auto& speaker : mine) speaker->SendRound();
        for (const auto& speaker : mine) speaker->ReadRound();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::uint64_t answered = 0;
  std::int64_t voters = 0;
  std::array<std::int64_t, kOptions> score{};
  for (const auto& mine : speakers) {
    for (const auto& speaker : mine) {
      answered += speaker->answered();
      voters += static_cast<std::int64_t>(speaker->in_force().size());
      for (const auto& [voter, choice] : speaker->in_force()) {
        for (const std::size_t option : choice) ++score[option];
      }
    }
  }
  const boost::json::value ranking = Ranking("torrent");
  for (std::size_t i = 0; i < kOptions; ++i) {
    EXPECT_EQ(ranking.at("options").at(OptionId(i)).at("score").to_number<std::int64_t>(), score[i])
        << OptionId(i);
  }
  EXPECT_EQ(ranking.at("totals").at("ballots").to_number<std::int64_t>(), voters);
  std::cout << answered << " votes answered on " << kThreads * kConnectionsEach << " connections, "
            << voters << " voters\n";
  StopAndVerify();
}

// The elections that are replayed: those of the project's own, and of the real ones some that
// together have so many bytes.
std::vector<std::string> ElectionFiles(std::uintmax_t bytes_max) {
  namespace fs = std::filesystem;
  std::vector<std::string> files = ElectionsIn(TrialElections());
  if (!fs::is_directory(RealElections())) {
    std::cout << "the real elections are not here: no directory " << RealElections() << "\n";
    return files;
  }
  std::vector<std::string> candidates = ElectionsIn(RealElections());
  std::sort(candidates.begin(), candidates.end());
  for (const std::string& candidate : candidates) {
    const std::uintmax_t size = fs::file_size(candidate);
    if (size > bytes_max) continue;
    bytes_max -= size;
    files.push_back(candidate);
  }
  return files;
}

// One election's online ballots as single votes, pipelined on many connections, its paper as
// batches meanwhile. Returns how many ballots were refused.
class ElectionTorrent {
 public:
  ElectionTorrent(const PabulibFile& file, const PollPlan& plan, const TallydProcess& server)
      : file_(file), plan_(plan), server_(server) {
    for (const PabulibVote& vote : file.votes) (vote.paper ? paper_ : online_).push_back(&vote);
  }

  std::size_t Run() {
    std::vector<std::thread> threads;
    std::array<std::size_t, kThreads> refused{};
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, i, &refused] { refused[i] = SendOnline(i); });
    }
    SendPaper();
    for (std::thread& thread : threads) thread.join();
    std::size_t sum = refused_paper_;
    for (const std::size_t one : refused) sum += one;
    return sum;
  }

 private:
  std::size_t SendOnline(std::size_t thread) {
    std::vector<HttpClient> clients;
    for (int i = 0; i < kConnectionsEach; ++i) clients.emplace_back(server_.public_port(), false);
    std::size_t refused = 0;
    std::size_t next = thread;
    while (next < online_.size()) {
      std::vector<int> sent;
      for (HttpClient& client : clients) {
        std::string wire;
        int requests = 0;
        for (; requests < kPipelined && next < online_.size(); ++requests, next += kThreads) {
          wire += Render(VoteCall(plan_.poll, VoteLine(file_, plan_, *online_[next], false)));
        }
        sent.push_back(requests);
        EXPECT_TRUE(wire.empty() || client.SendBytes(wire));
      }
      for (std::size_t i = 0; i < clients.size(); ++i) {
        for (int k = 0; k < sent[i]; ++k) {
          const HttpAnswer answer = clients[i].ReadAnswer();
          if (answer.status == 422) ++refused;
          EXPECT_TRUE(answer.status == 201 || answer.status == 422) << answer.body;
        }
      }
    }
    return refused;
  }

  void SendPaper() {
    HttpClient client(server_.admin_port(), false);
    for (std::size_t begin = 0; begin < paper_.size(); begin += kBatchLines) {
      std::string lines;
      const std::size_t end = std::min(paper_.size(), begin + kBatchLines);
      for (std::size_t i = begin; i < end; ++i) lines += VoteLine(file_, plan_, *paper_[i], true);
      const HttpAnswer answer = client.Send(BatchCall(plan_.poll, lines));
      ASSERT_EQ(answer.status, 200) << answer.body;
      refused_paper_ +=
          static_cast<std::size_t>(answer.Json().at("rejected").to_number<std::int64_t>());
    }
  }

  const PabulibFile& file_;
  const PollPlan& plan_;
  const TallydProcess& server_;
  std::vector<const PabulibVote*> online_;
  std::vector<const PabulibVote*> paper_;
  std::size_t refused_paper_ = 0;
};

TEST_F(ThroughputMode, ElectionsComeOutAsPublished) {
  const std::uint64_t megabytes =
      EnvironmentNumber("TALLYD_THROUGHPUT_MEGABYTES", IsShort() ? 1 : 12);
  std::size_t compared = 0;
  std::size_t ballots = 0;
  for (const std::string& path : ElectionFiles(megabytes << 20)) {
    SCOPED_TRACE(path);
    const auto file = ReadPabulib(path);
    ASSERT_TRUE(file.ok()) << file.status();
    const auto plan = PlanPoll(*file, PollIdOf("", path), "tests");
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_NO_FATAL_FAILURE(PutPoll(plan->poll, plan->document));
    const std::size_t refused = ElectionTorrent(*file, *plan, *server_).Run();
    const boost::json::value ranking = Ranking(plan->poll);
    EXPECT_EQ(ranking.at("totals").at("ballots").to_number<std::size_t>(),
              file->votes.size() - refused);
    ballots += file->votes.size() - refused;
    if (refused > 0) continue;  // the city counted what tallyd refuses
    ++compared;
    for (const PabulibProject& project : file->projects) {
      const boost::json::value& row = ranking.at("options").at(project.id);
      if (project.votes) {
        EXPECT_EQ(row.at("ballots").to_number<std::int64_t>(), *project.votes) << project.id;
      }
      if (project.score) {
        EXPECT_EQ(row.at("score").to_number<std::int64_t>(), *project.score) << project.id;
      }
    }
  }
  std::cout << ballots << " ballots, " << compared
            << " elections compared with what was published\n";
  EXPECT_GT(compared, 0u);
  StopAndVerify();
}

}  // namespace
}  // namespace tallyd
