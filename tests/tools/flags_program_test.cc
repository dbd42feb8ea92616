// docs/operations.md, "Bursts of ballots", as an operator would follow it with tallyctl; and what
// the recount of a stopped directory counts.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class FlagsProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    Start();
    HttpClient admin(server_->admin_port());
    const std::string poll =
        R"({"title":{"en":"Summer"},"project":"town","state":"open",
            "ballot":{"type":"choose","max":1},"options":[{"id":"kino"},{"id":"stadtlauf"}],
            "fraud":{"network_burst":{"ballots":10,"window_s":60}}})";
    ASSERT_EQ(admin
                  .Send({"PUT",
                         "/v1/polls/sommer",
                         {{"Content-Type", "application/json"}, {"If-None-Match", "*"}},
                         poll})
                  .status,
              201);
    HttpClient citizens(server_->public_port());
    for (int i = 0; i < 12; ++i) {
      const std::string body =
          R"({"voter":"v)" + std::to_string(i) + R"(","choices":["stadtlauf"]})";
      ASSERT_EQ(
          citizens
              .Send({"POST",
                     "/v1/polls/sommer/votes",
                     {{"Content-Type", "application/json"}, {"X-Forwarded-For", "198.51.100.7"}},
                     body})
              .status,
          201);
    }
  }
  void Start() {
    server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = temp_.File("data")});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }
  ToolResult Run(std::vector<std::string> arguments) const {
    arguments.push_back("--server=http://127.0.0.1:" + std::to_string(server_->admin_port()));
    return RunTallyctl(arguments);
  }
  std::int64_t Score() const {
    HttpClient client(server_->public_port());
    const auto ranking = client.Send({"GET", "/v1/polls/sommer/ranking", {}, {}}).Json();
    return ranking.at("options").at("stadtlauf").at("score").as_int64();
  }

  TempDirectory temp_;
  std::unique_ptr<TallydProcess> server_;
};

TEST_F(FlagsProgramTest, AnOperatorLooksDecidesAndUndoesIt) {
  const ToolResult listed = Run({"flags", "list", "sommer"});
  EXPECT_EQ(listed.exit, 0) << listed.err;
  EXPECT_TRUE(listed.out.starts_with("group 1  flagged  12 voters  ")) << listed.out;
  EXPECT_NE(listed.out.find("(10 ballots of one network in 60 s)"), std::string::npos);
  const ToolResult shown = Run({"flags", "show", "sommer", "1"});
  EXPECT_NE(shown.out.find("  12 ballots in force, 0 blank\n  stadtlauf  12  (12 ballots)\n"),
            std::string::npos)
      << shown.out << shown.err;
  EXPECT_EQ(Score(), 12);

  const ToolResult held =
      Run({"--actor=m.muster", "flags", "decide", "sommer", "1", "quarantine", "one address"});
  EXPECT_EQ(held.exit, 0) << held.err;
  EXPECT_TRUE(held.out.starts_with("group 1  quarantined  12 voters  ")) << held.out;
  EXPECT_NE(held.out.find(" by m.muster: one address\n"), std::string::npos) << held.out;
  EXPECT_EQ(Score(), 0);
  const ToolResult json = Run({"--json", "flags", "list", "sommer"});
  EXPECT_NE(json.out.find(R"("state":"quarantined")"), std::string::npos) << json.out;
  EXPECT_EQ(Run({"flags", "decide", "sommer", "1", "forget", "x"}).exit, 2);
  const ToolResult absent = Run({"flags", "decide", "sommer", "2", "void", "x"});
  EXPECT_EQ(absent.exit, 1);
  EXPECT_NE(absent.err.find("flags_not_found"), std::string::npos) << absent.err;
  const ToolResult late =
      Run({"flags", "decide", "sommer", "1", "void", "x", "--if-match=\"e1-0\""});
  EXPECT_NE(late.err.find("precondition_failed"), std::string::npos) << late.err;
  EXPECT_EQ(Run({"verify"}).exit, 0);

  server_->Terminate();
  EXPECT_EQ(server_->Wait(), 0);
  const ToolResult recounted = RunTallyctl({"verify", "--data-dir", temp_.File("data")});
  EXPECT_EQ(recounted.exit, 0) << recounted.err;
  EXPECT_NE(recounted.out.find("not counted: 12 in quarantine, 0 voided"), std::string::npos)
      << recounted.out;
  EXPECT_EQ(RunTallyctl({"rebuild", "--data-dir", temp_.File("data")}).exit, 0);
  Start();
  EXPECT_EQ(Score(), 0);
  EXPECT_EQ(Run({"flags", "decide", "sommer", "1", "release", "a school"}).exit, 0);
  EXPECT_EQ(Score(), 12);
}

}  // namespace
}  // namespace tallyd
