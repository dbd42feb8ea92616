// The operator's tool against a real server.

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

const std::vector<std::string>& Fixtures() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> all;
    for (const char* name : {"approval.pb", "choose_one_bom_crlf.pb", "cumulative.pb",
                             "ordinal_borda.pb", "ordinal_borda_ballot.pb"}) {
      all.push_back(std::string(TALLYD_SOURCE_DIR "/tests/fixtures/") + name);
    }
    return all;
  }();
  return paths;
}

class TallyctlProgramTest : public testing::Test {
 protected:
  void StartServer(std::uint16_t port = 0, std::uint16_t admin_port = 0) {
    server_ = std::make_unique<TallydProcess>(
        TallydOptions{.data_directory = data_, .port = port, .admin_port = admin_port});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }
  std::vector<std::string> With(std::vector<std::string> arguments) const {
    arguments.push_back("--server=http://127.0.0.1:" + std::to_string(server_->admin_port()));
    return arguments;
  }
  ToolResult Run(std::vector<std::string> arguments) const {
    return RunTallyctl(With(std::move(arguments)));
  }
  std::vector<std::string> ImportArguments(const std::vector<std::string>& paths,
                                           const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"import", "pabulib", "--json"};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("--public-server=http://127.0.0.1:" +
                        std::to_string(server_->public_port()));
    return With(arguments);
  }
  // The sums of a member over all files of an import's report.
  static std::int64_t SumOf(const ToolResult& result, const char* member) {
    std::int64_t sum = 0;
    const boost::json::value report = boost::json::parse(result.out);
    for (const auto& file : report.at("files").as_array()) sum += file.at(member).as_int64();
    return sum;
  }

  TempDirectory temp_;
  const std::string data_ = temp_.File("data");
  std::unique_ptr<TallydProcess> server_;
};

TEST_F(TallyctlProgramTest, APollFromItsCreationToItsEnd) {
  StartServer();
  const std::string file = temp_.File("summer.json");
  std::ofstream(file) << R"({"id":"summer","title":{"en":"Summer in town"},"project":"town",
      "ballot":{"type":"choose","max":1},"options":[{"id":"a"},{"id":"b"}]})";
  const ToolResult created = Run({"poll", "create", file});
  EXPECT_EQ(created.exit, 0) << created.err;
  EXPECT_EQ(created.out, "summer  draft  town  Summer in town\n");
  const ToolResult again = Run({"poll", "create", file});
  EXPECT_EQ(again.exit, 1);
  EXPECT_NE(again.err.find("412 poll_exists"), std::string::npos) << again.err;
  for (const auto& [command, state] :
       {std::pair("open", "open"), std::pair("pause", "paused"), std::pair("open", "open"),
        std::pair("close", "closed"), std::pair("final", "final")}) {
    const ToolResult moved = Run({"poll", command, "summer", "--json"});
    EXPECT_EQ(moved.exit, 0) << moved.err;
    EXPECT_EQ(boost::json::parse(moved.out).at("state").as_string(), state);
  }
  EXPECT_EQ(Run({"poll", "open", "summer"}).exit, 1);
  const ToolResult list = Run({"poll", "list", "--json"});
  EXPECT_EQ(boost::json::parse(list.out).at("polls").as_array().size(), 1u) << list.out;
  EXPECT_NE(Run({"poll", "show", "summer"}).out.find("option a"), std::string::npos);
  EXPECT_EQ(Run({"poll", "show", "winter"}).exit, 1);
}

TEST_F(TallyctlProgramTest, ElectionsComeOutAsPublishedAndASecondTimeAsDuplicates) {
  StartServer();
  const ToolResult first = RunTallyctl(ImportArguments(Fixtures()));
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(SumOf(first, "counted"), 16);
  EXPECT_EQ(SumOf(first, "rejected"), 0);
  const ToolResult second = RunTallyctl(ImportArguments(Fixtures()));
  EXPECT_EQ(second.exit, 0) << second.err;
  EXPECT_EQ(SumOf(second, "counted"), 0);
  EXPECT_EQ(SumOf(second, "duplicate"), 16);
  const ToolResult single = RunTallyctl(
      ImportArguments(Fixtures(), {"--single", "--connections=8", "--poll-prefix=single-"}));
  EXPECT_EQ(single.exit, 0) << single.err;
  EXPECT_EQ(SumOf(single, "counted"), 16);
}

TEST_F(TallyctlProgramTest, RefusedBallotsAreNamedAndADifferenceExits65) {
  StartServer();
  const std::string file = temp_.File("twice.pb");
  std::ofstream(file) << "META\nkey;value\nnum_votes;2\nvote_type;approval\nPROJECTS\n"
                         "project_id;cost;votes\na;1;3\nb;1;1\nVOTES\nvoter_id;vote\n"
                         "1;a,a\n2;a,b\n";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--single", "--poll-prefix=s-"}}) {
    const ToolResult result = RunTallyctl(ImportArguments({file}, more));
    EXPECT_EQ(result.exit, 65);
    EXPECT_NE(result.err.find("twice.pb:11: refused: 422 option_repeated"), std::string::npos)
        << result.err;
    EXPECT_NE(result.err.find("differs: options a ballots: published 3, served 1"),
              std::string::npos)
        << result.err;
    EXPECT_EQ(SumOf(result, "counted"), 1);
  }
}

TEST_F(TallyctlProgramTest, AnotherPollOfThatNameIsNotTouched) {
  StartServer();
  const std::string file = temp_.File("approval.json");
  std::ofstream(file) << R"({"title":{"en":"x"},"project":"town",
      "ballot":{"type":"choose","max":1},"options":[{"id":"a"}]})";
  ASSERT_EQ(Run({"poll", "create", file}).exit, 0);
  const ToolResult result = RunTallyctl(ImportArguments({Fixtures()[0]}));
  EXPECT_EQ(result.exit, 1);
  EXPECT_NE(result.err.find("exists with another definition"), std::string::npos) << result.err;
}

TEST_F(TallyctlProgramTest, VerifyAndRebuildAgreeWithWhatIsServed) {
  StartServer();
  ASSERT_EQ(RunTallyctl(ImportArguments(Fixtures())).exit, 0);
  const ToolResult online = Run({"verify", "--json"});
  EXPECT_EQ(online.exit, 0) << online.err;
  EXPECT_TRUE(boost::json::parse(online.out).at("ok").as_bool());
  EXPECT_EQ(RunTallyctl({"verify", "--data-dir", data_}).exit, 75);
  EXPECT_EQ(RunTallyctl({"rebuild", "--data-dir", data_}).exit, 75);
  const auto ranking = [this] {
    return HttpClient(server_->public_port(), false)
        .Send(GetCall("/v1/polls/ordinal-borda/ranking"))
        .body;
  };
  const std::string before = ranking();
  server_->Terminate();
  ASSERT_EQ(server_->Wait(), 0);

  const ToolResult recount = RunTallyctl({"verify", "--data-dir", data_, "--json"});
  EXPECT_EQ(recount.exit, 0) << recount.err;
  const boost::json::value report = boost::json::parse(recount.out);
  EXPECT_EQ(report.at("polls").as_array().size(), 5u);
  EXPECT_EQ(report.at("checked").as_array().size(), 2u) << recount.out;
  const ToolResult rebuilt = RunTallyctl({"rebuild", "--data-dir", data_});
  EXPECT_EQ(rebuilt.exit, 0) << rebuilt.err;
  StartServer();
  EXPECT_EQ(ranking(), before);
}

TEST_F(TallyctlProgramTest, SelectSharesTheBudgetEqually) {
  StartServer();
  ASSERT_EQ(RunTallyctl(ImportArguments(Fixtures())).exit, 0);
  const auto select = [this](const std::string& poll, const std::string& budget) {
    return RunTallyctl(
        {"select", "--json", "--data-dir", data_, "--poll", poll, "--budget", budget});
  };
  EXPECT_EQ(select("approval", "2100").exit, 75) << "the server runs";
  server_->Terminate();
  ASSERT_EQ(server_->Wait(), 0);
  // Four ballots, 525 each: two can pay 900, two cannot pay 1200.
  const ToolResult scarce = select("approval", "2100");
  ASSERT_EQ(scarce.exit, 0) << scarce.err;
  const boost::json::value report = boost::json::parse(scarce.out);
  EXPECT_EQ(report.at("spent").to_number<int>(), 900);
  ASSERT_EQ(report.at("selected").as_array().size(), 1u);
  EXPECT_EQ(report.at("selected").at(0).at("option").as_string(), "2024/OGM/0008");
  EXPECT_EQ(report.at("selected").at(0).at("price").to_number<double>(), 450);
  const ToolResult plenty = select("approval", "5000");
  ASSERT_EQ(plenty.exit, 0) << plenty.err;
  EXPECT_EQ(boost::json::parse(plenty.out).at("spent").to_number<int>(), 2100);
  EXPECT_EQ(select("no-such-poll", "1").exit, 65);
  EXPECT_EQ(select("cumulative", "1").exit, 65);
  EXPECT_EQ(select("approval", "-1").exit, 2);
}

TEST_F(TallyctlProgramTest, AnImportOutlivesAKilledServer) {
  const std::string file = temp_.File("large.pb");
  {
    constexpr int kBallots = 20'000;
    std::ofstream out(file);
    out << "META\nkey;value\nnum_votes;" << kBallots
        << "\nvote_type;approval\nPROJECTS\nproject_id;cost;votes\na;1;" << kBallots << "\nb;1;"
        << kBallots / 2 << "\nVOTES\nvoter_id;vote;voting_method\n";
    for (int i = 0; i < kBallots; ++i) {
      out << i << (i % 2 == 0 ? ";a,b;" : ";a;") << (i % 5 == 0 ? "paper" : "internet") << "\n";
    }
  }
  StartServer();
  const std::uint16_t port = server_->public_port();
  const std::uint16_t admin_port = server_->admin_port();
  const pid_t import = StartTallyctl(ImportArguments({file}, {"--batch-lines=20"}));
  HttpClient watcher(port, false);
  const auto ballots_served = [&]() -> std::int64_t {
    const HttpAnswer answer = watcher.Send(GetCall("/v1/polls/large/ranking"));
    return answer.status == 200 ? answer.Json().at("totals").at("ballots").as_int64() : 0;
  };
  std::int64_t served = 0;
  while (served == 0) served = ballots_served();
  server_->Kill();
  EXPECT_LT(served, 20'000) << "the import was over before the kill";
  StartServer(port, admin_port);
  EXPECT_EQ(WaitForChild(import), 0);
  EXPECT_EQ(ballots_served(), 20'000);
}

TEST_F(TallyctlProgramTest, PaperOfOtherPlatformsComesOutAsTheirFilesSay) {
  StartServer();
  const std::string fixtures = TALLYD_SOURCE_DIR "/tests/fixtures/platforms/";
  const std::vector<std::string> sheets = {
      "import",        "consul", fixtures + "booth-market.csv", fixtures + "booth-school.csv",
      "--poll=budget", "--json"};
  const ToolResult first = Run(sheets);
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(SumOf(first, "counted"), 9) << first.out;
  EXPECT_EQ(SumOf(first, "rejected"), 0);
  const ToolResult again = Run(sheets);
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(SumOf(again, "duplicate"), 9);
  const auto ranking = [this](const std::string& poll) {
    return HttpClient(server_->public_port(), false)
        .Send(GetCall("/v1/polls/" + poll + "/ranking"))
        .Json();
  };
  // 4,5,6 / 7,8 / 4 / 5 / 4,7 / blank / 8, and 8 / 4,5.
  const boost::json::value budget = ranking("budget");
  EXPECT_EQ(budget.at("totals").at("paper").as_int64(), 9);
  EXPECT_EQ(budget.at("totals").at("blank").as_int64(), 1);
  EXPECT_EQ(budget.at("options").at("4").at("paper").as_int64(), 4);
  EXPECT_EQ(budget.at("options").at("8").at("paper").as_int64(), 3);

  const std::vector<std::string> table = {
      "import",  "decidim",      fixtures + "decidim-projects.csv", "--cards=80", "--blank=3",
      "--max=2", "--poll=rivers"};
  const ToolResult sums = Run(table);
  ASSERT_EQ(sums.exit, 0) << sums.err;
  EXPECT_NE(sums.out.find("equals the file"), std::string::npos) << sums.out;
  EXPECT_EQ(Run(table).exit, 0) << "the same again";
  EXPECT_EQ(ranking("rivers").at("options").at("12").at("paper").as_int64(), 75);
  EXPECT_EQ(ranking("rivers").at("totals").at("paper").as_int64(), 80);
  const ToolResult few =
      Run({"import", "decidim", fixtures + "decidim-projects.csv", "--cards=10", "--poll=few"});
  EXPECT_EQ(few.exit, 1);
  EXPECT_NE(few.err.find("sum_mismatch"), std::string::npos) << few.err;
  EXPECT_EQ(Run({"import", "decidim", fixtures + "booth-market.csv", "--cards=1"}).exit, 65);
  EXPECT_EQ(Run({"import", "decidim", fixtures + "decidim-projects.csv"}).exit, 2) << "no cards";
  EXPECT_EQ(Run({"import", "consul", fixtures + "decidim-projects.csv"}).exit, 65);
}

TEST_F(TallyctlProgramTest, WrongUseExits2AndNoServer1) {
  EXPECT_EQ(RunTallyctl({}).exit, 2);
  EXPECT_EQ(RunTallyctl({"poll"}).exit, 2);
  EXPECT_EQ(RunTallyctl({"import", "pabulib"}).exit, 2);
  EXPECT_EQ(RunTallyctl({"import", "pabulib", "--help"}).exit, 0);
  EXPECT_EQ(RunTallyctl({"import", "pabulib", "/nowhere.pb"}).exit, 65);
  EXPECT_EQ(RunTallyctl({"poll", "list", "--server=http://127.0.0.1:1"}).exit, 1);
  EXPECT_EQ(RunTallyctl({"version"}).exit, 0);
}

}  // namespace
}  // namespace tallyd
