// Real city elections through the whole program, over HTTP: the result must be the published one.
//
// The files lie beside the project (TALLYD_SHARED_DIR or ../shared, data/pabulib); small invented
// ones in tests/fixtures/pabulib are always replayed. TALLYD_PABULIB=large replays the three
// largest files instead of the others.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/parse.hpp"
#include "gtest/gtest.h"

#include "tests/e2e/pabulib_directories.h"
#include "tests/e2e/pabulib_reader.h"
#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace fs = std::filesystem;

// The .pb files of a directory. Of the real ones, as TALLYD_PABULIB says: the three largest
// ("large"), every third of the smaller half ("some", for the sanitizers, where a vote costs a
// hundred times as much), else all but the three largest.
std::vector<std::string> Files(const std::string& directory) {
  std::vector<std::string> files = ElectionsIn(directory);
  std::sort(files.begin(), files.end(), [](const std::string& a, const std::string& b) {
    return fs::file_size(a) > fs::file_size(b);
  });
  if (directory == TrialElections()) return files;
  const char* given = std::getenv("TALLYD_PABULIB");
  const std::string part = given == nullptr ? "" : given;
  const auto cut =
      files.begin() + std::min<std::ptrdiff_t>(3, static_cast<std::ptrdiff_t>(files.size()));
  if (part == "large") return {files.begin(), cut};
  files.erase(files.begin(), cut);
  if (part != "some") return files;
  std::vector<std::string> some;
  for (std::size_t i = files.size() / 2; i < files.size(); i += 3) some.push_back(files[i]);
  return some;
}

class PabulibReplay : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    const std::string directory = GetParam() ? RealElections() : TrialElections();
    if (!fs::is_directory(directory)) {
      GTEST_SKIP() << "the real elections are not here: no directory " << directory;
    }
    for (const std::string& file : Files(directory)) {
      files_.push_back(directory_.File("election-" + std::to_string(files_.size()) + ".pb"));
      fs::create_symlink(file, files_.back());
      elections_.push_back(ReadPabulib(files_.back()));
    }
    ASSERT_FALSE(files_.empty()) << directory;
  }

  void Start() {
    server_ = std::make_unique<TallydProcess>(
        TallydOptions{.data_directory = Data(), .port = public_port_, .admin_port = admin_port_});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
    public_port_ = server_->public_port();
    admin_port_ = server_->admin_port();
  }
  void Stop() {
    server_->Terminate();
    ASSERT_EQ(server_->Wait(), 0) << server_->Log();
  }

  std::string Data() const { return directory_.File("data"); }

  std::vector<std::string> ImportCommand(const std::vector<std::string>& options) const {
    std::vector<std::string> command = {
        "import", "pabulib", "--json", "--server=http://127.0.0.1:" + std::to_string(admin_port_),
        "--public-server=http://127.0.0.1:" + std::to_string(public_port_)};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), files_.begin(), files_.end());
    return command;
  }

  // Polls are named after the files, which have short names here.
  static std::string PollOf(const PabulibElection& election) {
    return fs::path(election.path).stem();
  }

  std::string Ranking(const PabulibElection& election, const std::string& query = "") const {
    HttpClient client(public_port_, /*record=*/false);
    const HttpAnswer answer =
        client.Send({"GET", "/v1/polls/" + PollOf(election) + "/ranking" + query, {}, {}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }
  std::vector<std::string> Rankings() const {
    std::vector<std::string> rankings;
    for (const PabulibElection& election : elections_) rankings.push_back(Ranking(election));
    return rankings;
  }

  void ExpectPublishedResults() const {
    int compared = 0;
    std::string differences;
    for (const PabulibElection& election : elections_) {
      ExpectPublishedResult(election);
      if (SelectAsPublished(election).empty()) continue;  // no greedy rule, or nothing published
      ++compared;
      differences += ExpectPublishedSelection(election);
    }
    std::cout << compared
              << " elections with a greedy rule and published selections, the others by "
              << "lot:\n"
              << differences;
    EXPECT_GT(compared, 0);
  }
  void ExpectPublishedResult(const PabulibElection& election) const;
  // A line if another set is selected than the city's; "" if it is the same.
  std::string ExpectPublishedSelection(const PabulibElection& election) const;
  static void ExpectEveryLineIsADuplicate(const std::string& report) {
    const boost::json::value json = boost::json::parse(report);
    for (const boost::json::value& file : json.at("files").as_array()) {
      EXPECT_EQ(file.at("counted"), 0) << file.at("file");
      EXPECT_EQ(file.at("duplicate"), file.at("ballots")) << file.at("file");
    }
  }

  TempDirectory directory_;
  std::vector<std::string> files_;
  std::vector<PabulibElection> elections_;
  std::unique_ptr<TallydProcess> server_;
  std::uint16_t public_port_ = 0;
  std::uint16_t admin_port_ = 0;
};

void PabulibReplay::ExpectPublishedResult(const PabulibElection& election) const {
  SCOPED_TRACE(fs::read_symlink(election.path).string());
  const boost::json::value ranking = boost::json::parse(Ranking(election));
  const boost::json::object& options = ranking.at("options").as_object();
  ASSERT_EQ(options.size(), election.projects.size());
  const std::map<std::string, ChannelCount> recount = Recount(election);
  std::int64_t refused = 0;
  for (const auto& ballot : election.ballots) refused += ballot.repeats_an_option ? 1 : 0;
  for (const auto& [id, project] : election.projects) {
    SCOPED_TRACE(id);
    ASSERT_TRUE(options.contains(id));
    const boost::json::object& row = options.at(id).as_object();
    const ChannelCount& counted = recount.at(id);
    EXPECT_EQ(row.at("ballots").to_number<std::int64_t>(), counted.ballots);
    EXPECT_EQ(row.at("score").to_number<std::int64_t>(), counted.score());
    EXPECT_EQ(row.at("online").to_number<std::int64_t>(), counted.online);
    EXPECT_EQ(row.at("paper").to_number<std::int64_t>(), counted.paper);
    if (refused == 0) {  // the city counted even what tallyd refuses
      EXPECT_EQ(row.at("ballots").to_number<std::int64_t>(), project.votes);
      EXPECT_EQ(row.at("score").to_number<std::int64_t>(), project.score);
    }
  }
  std::int64_t paper = 0;
  for (const auto& ballot : election.ballots) paper += ballot.paper && !ballot.repeats_an_option;
  const boost::json::value& totals = ranking.at("totals");
  EXPECT_EQ(totals.at("ballots").to_number<std::int64_t>(),
            static_cast<std::int64_t>(election.ballots.size()) - refused);
  EXPECT_EQ(totals.at("paper").to_number<std::int64_t>(), paper);
}

// The selected set is the city's, but for the order among equal scores: where the city drew lots,
// the rule selects what the city did once they fall alike, and the selection says that a tie
// decided.
std::string PabulibReplay::ExpectPublishedSelection(const PabulibElection& election) const {
  const std::set<std::string> by_rule = SelectAsPublished(election);
  const std::string file = fs::read_symlink(election.path).filename();
  SCOPED_TRACE(file);
  std::set<std::string> published;
  for (const auto& [id, project] : election.projects) {
    if (project.selected == "1") published.insert(id);
  }
  EXPECT_EQ(by_rule, published) << "the city's rule is not the one that META names";
  const boost::json::value ranking = boost::json::parse(Ranking(election, "?explain=selection"));
  const boost::json::object& selection = ranking.at("selection").as_object();
  std::set<std::string> selected;
  std::int64_t spent = 0;
  for (const boost::json::value& option : selection.at("options").as_array()) {
    if (!option.at("selected").as_bool()) continue;
    const std::string id(option.at("option").as_string());
    selected.insert(id);
    spent += election.projects.at(id).cost;
  }
  EXPECT_EQ(selection.at("spent").to_number<std::int64_t>(), spent);
  if (selected == published) return "";
  EXPECT_TRUE(selection.at("tie_decided").as_bool())
      << "other options are selected than the city did, and no tie explains it";
  std::string line = file + " (" + election.meta.at("rule") + "): equal scores, by id";
  for (const std::string& id : selected) line += published.contains(id) ? "" : " +" + id;
  for (const std::string& id : published) line += selected.contains(id) ? "" : " -" + id;
  return line + "\n";
}

TEST_P(PabulibReplay, BatchTwiceThenVerifyAndRebuild) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const ToolResult first = RunTallyctl(ImportCommand({}));
  ASSERT_EQ(first.exit, 0) << first.out << first.err;
  ExpectPublishedResults();
  const std::vector<std::string> rankings = Rankings();

  const ToolResult second = RunTallyctl(ImportCommand({}));
  ASSERT_EQ(second.exit, 0) << second.out << second.err;
  ExpectEveryLineIsADuplicate(second.out);
  EXPECT_EQ(Rankings(), rankings) << "a second import changes nothing, byte for byte";
  ASSERT_NO_FATAL_FAILURE(Stop());

  const ToolResult verify = RunTallyctl({"verify", "--data-dir=" + Data()});
  EXPECT_EQ(verify.exit, 0) << verify.out << verify.err;
  const ToolResult rebuild = RunTallyctl({"rebuild", "--data-dir=" + Data()});
  EXPECT_EQ(rebuild.exit, 0) << rebuild.out << rebuild.err;
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(Rankings(), rankings) << "rebuilt from the journal, byte for byte";
  ASSERT_NO_FATAL_FAILURE(Stop());
}

TEST_P(PabulibReplay, SingleVotesOnSixtyFourConnections) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const ToolResult import = RunTallyctl(ImportCommand({"--single", "--connections=64"}));
  ASSERT_EQ(import.exit, 0) << import.out << import.err;
  ExpectPublishedResults();
  ASSERT_NO_FATAL_FAILURE(Stop());
}

TEST_P(PabulibReplay, KilledInTheMiddleAndResumed) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const pid_t import = StartTallyctl(ImportCommand({"--batch-lines=50", "--connections=8"}));
  // In the middle: when some votes are counted.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  HttpClient admin(admin_port_, /*record=*/false);
  HttpAnswer ranking;
  do {
    ranking = admin.Send({"GET", "/v1/polls/" + PollOf(elections_.front()) + "/ranking", {}, {}});
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << ranking.body;
  } while (ranking.status != 200 ||
           ranking.Json().at("totals").at("ballots").to_number<std::int64_t>() < 50);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(WaitForChild(import), 0) << "an import goes on when its server is back";
  ExpectPublishedResults();
  const std::vector<std::string> rankings = Rankings();
  const ToolResult again = RunTallyctl(ImportCommand({}));
  ASSERT_EQ(again.exit, 0) << again.out << again.err;
  ExpectEveryLineIsADuplicate(again.out);
  EXPECT_EQ(Rankings(), rankings);
  ASSERT_NO_FATAL_FAILURE(Stop());
  const ToolResult verify = RunTallyctl({"verify", "--data-dir=" + Data()});
  EXPECT_EQ(verify.exit, 0) << verify.out << verify.err;
}

INSTANTIATE_TEST_SUITE_P(Elections, PabulibReplay, ::testing::Values(false, true),
                         [](const auto& elections) { return elections.param ? "Real" : "Trial"; });

}  // namespace
}  // namespace tallyd
