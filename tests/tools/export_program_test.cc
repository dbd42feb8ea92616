// tallyctl export against a real server: what an election was when it came in, it is when it goes
// out.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"
#include "tools/pabulib/pabulib_file.h"
#include "tools/pabulib/pabulib_poll.h"

namespace tallyd {
namespace {

namespace fs = std::filesystem;

// Real elections up to this size; TALLYD_PABULIB=large: all, =some: the small ones, for builds that
// are ten times slower.
constexpr std::uintmax_t kFileBytesMax = 700'000;
constexpr std::uintmax_t kSomeFileBytesMax = 30'000;

std::vector<std::string> Elections() {
  std::vector<std::string> files;
  const char* part = std::getenv("TALLYD_PABULIB");
  const std::string wanted = part != nullptr ? part : "";
  const std::uintmax_t bytes_max = wanted == "large"  ? UINTMAX_MAX
                                   : wanted == "some" ? kSomeFileBytesMax
                                                      : kFileBytesMax;
  const char* shared = std::getenv("TALLYD_SHARED_DIR");
  const std::string real =
      (shared != nullptr ? std::string(shared) : std::string(TALLYD_SOURCE_DIR "/../shared")) +
      "/data/pabulib";
  for (const std::string& directory : {std::string(TALLYD_SOURCE_DIR "/tests/fixtures"), real}) {
    if (!fs::is_directory(directory)) continue;
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() != ".pb") continue;
      if (fs::file_size(entry.path()) <= bytes_max) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What was voted, without who and in which order.
std::vector<std::tuple<std::vector<std::string>, std::vector<std::int64_t>, bool>> VotesOf(
    const PabulibFile& file) {
  std::vector<std::tuple<std::vector<std::string>, std::vector<std::int64_t>, bool>> votes;
  const bool ordered = file.vote_type == PabulibVoteType::kOrdinal;
  for (const PabulibVote& vote : file.votes) {
    std::vector<std::pair<std::string, std::int64_t>> named;
    for (std::size_t i = 0; i < vote.choices.size(); ++i) {
      // The points of a ranking follow from its order; some files write them, too.
      const bool pointed = !ordered && !vote.points.empty();
      named.emplace_back(vote.choices[i], pointed ? vote.points[i] : 0);
    }
    if (!ordered) std::sort(named.begin(), named.end());
    std::vector<std::string> choices;
    std::vector<std::int64_t> points;
    for (const auto& [choice, given] : named) {
      choices.push_back(choice);
      points.push_back(given);
    }
    votes.emplace_back(std::move(choices), std::move(points), vote.paper);
  }
  std::sort(votes.begin(), votes.end());
  return votes;
}

class ExportProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = temp_.File("data")});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }
  ToolResult Run(std::vector<std::string> arguments) const {
    if (arguments.front() == "import") {
      arguments.push_back("--public-server=http://127.0.0.1:" +
                          std::to_string(server_->public_port()));
    }
    arguments.push_back("--server=http://127.0.0.1:" + std::to_string(server_->admin_port()));
    return RunTallyctl(arguments);
  }
  boost::json::value Options(const std::string& poll) const {
    HttpClient client(server_->public_port(), false);
    HttpCall call;
    call.target = "/v1/polls/" + poll + "/ranking";
    return client.Send(call).Json().at("options");
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }

  TempDirectory temp_;
  std::unique_ptr<TallydProcess> server_;
};

TEST_F(ExportProgramTest, ElectionsComeOutAsTheyWentIn) {
  const auto files = Elections();
  ASSERT_GE(files.size(), 5u);
  for (const std::string& path : files) {
    SCOPED_TRACE(path);
    const auto original = ReadPabulib(path);
    ASSERT_TRUE(original.ok()) << original.status();
    const ToolResult imported = Run({"import", "pabulib", path});
    ASSERT_EQ(imported.exit, 0) << imported.err;
    const std::string poll = PollIdOf("", path);
    const std::string copy = temp_.File("copy-" + std::to_string(&path - files.data()) + ".pb");
    const ToolResult exported = Run({"export", "pabulib", poll, "--out", copy});
    ASSERT_EQ(exported.exit, 0) << exported.err;
    const auto parsed = ReadPabulib(copy);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(VotesOf(*parsed), VotesOf(*original));
    ASSERT_EQ(parsed->projects.size(), original->projects.size());
    for (std::size_t i = 0; i < parsed->projects.size(); ++i) {
      EXPECT_EQ(parsed->projects[i].id, original->projects[i].id);
      EXPECT_EQ(parsed->projects[i].cost, original->projects[i].cost);
      EXPECT_EQ(parsed->projects[i].name, original->projects[i].name);
    }
    // The importer compares with the figures of the file: those of the export must be right.
    const ToolResult again = Run({"import", "pabulib", copy, "--poll-prefix", "again-"});
    ASSERT_EQ(again.exit, 0) << again.err;
    EXPECT_EQ(Options(PollIdOf("again-", copy)), Options(poll));
  }
}

TEST_F(ExportProgramTest, IncrementsAreWhatCameSince) {
  const std::string file = TALLYD_SOURCE_DIR "/tests/fixtures/approval.pb";
  const auto election = ReadPabulib(file);
  ASSERT_TRUE(election.ok());
  ASSERT_EQ(Run({"import", "pabulib", file}).exit, 0);
  const std::string poll = PollIdOf("", file);
  const std::string cursor = temp_.File("cursor");
  const auto pull = [&](const std::string& out) {
    const ToolResult result =
        Run({"export", "ballots", poll, "--out", out, "--cursor-file", cursor});
    EXPECT_EQ(result.exit, 0) << result.err;
    const std::string text = Read(out);
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(pull(temp_.File("first")), static_cast<std::ptrdiff_t>(election->votes.size()));
  EXPECT_EQ(pull(temp_.File("second")), 0);
  const ToolResult csv = Run({"export", "ballots", poll, "--format", "csv", "--excel-de"});
  EXPECT_EQ(csv.exit, 0) << csv.err;
  EXPECT_TRUE(
      csv.out.starts_with("\xef\xbb\xbf"
                          "ballot;"))
      << csv.out.substr(0, 40);
  EXPECT_EQ(Run({"export", "history", poll, "--step", "3600"}).exit, 0);
  const ToolResult ranking = Run({"export", "ranking", poll, "--format", "csv"});
  EXPECT_TRUE(ranking.out.starts_with("rank,option,")) << ranking.out;
  EXPECT_EQ(Run({"export", "ballots", "nothing"}).exit, 1);
}

}  // namespace
}  // namespace tallyd
