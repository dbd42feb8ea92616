// `tallyctl audit` and what the documentation tells a stranger to do with its output.

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

// The Python program of docs/http_api.md, as it stands there.
std::string DocumentedChecker() {
  const std::string page = FileText(TALLYD_SOURCE_DIR "/docs/http_api.md");
  const std::string fence = "```python\nimport hashlib";
  const std::size_t begin = page.find(fence);
  EXPECT_NE(begin, std::string::npos);
  const std::size_t from = begin + std::string("```python\n").size();
  return page.substr(from, page.find("```", from) - from);
}

class AuditProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(checker_) << DocumentedChecker();
    StartServer();
    const std::string body =
        R"({"title":{"en":"Summer"},"project":"town","ballot":{"type":"choose","max":1},)"
        R"("options":[{"id":"a"},{"id":"b"}],"boxes":[{"id":"hall"}],"state":"open"})";
    ASSERT_EQ(Send("PUT", "/v1/polls/summer", body, {{"If-None-Match", "*"}}).status, 201);
    ASSERT_EQ(Send("PUT", "/v1/polls/summer/paper-batches/b1",
                   R"({"box":"hall","cards":2,"counts":{"a":2}})", {{"Tallyd-Actor", "anna"}})
                  .status,
              201);
  }
  void StartServer() {
    server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = data_});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }
  HttpAnswer Send(const std::string& method, const std::string& target, const std::string& body,
                  std::vector<std::pair<std::string, std::string>> headers) {
    headers.emplace_back("Content-Type", "application/json");
    return HttpClient(server_->admin_port()).Send({method, target, std::move(headers), body});
  }
  ToolResult Run(std::vector<std::string> arguments) const {
    arguments.push_back("--server=http://127.0.0.1:" + std::to_string(server_->admin_port()));
    return RunTallyctl(arguments);
  }
  ToolResult Check(const std::string& file) const {
    return RunTool("/usr/bin/python3", {checker_, file});
  }

  TempDirectory temp_;
  const std::string data_ = temp_.File("data");
  const std::string kept_ = temp_.File("summer.audit");
  const std::string checker_ = temp_.File("check.py");
  std::unique_ptr<TallydProcess> server_;
};

TEST_F(AuditProgramTest, AStrangerChecksTheLogWithThePythonOfTheDocs) {
  const ToolResult printed = Run({"audit", "summer"});
  ASSERT_EQ(printed.exit, 0) << printed.err;
  std::ofstream(kept_) << printed.out;
  const ToolResult checked = Check(kept_);
  EXPECT_EQ(checked.exit, 0) << checked.err;
  EXPECT_EQ(checked.out.substr(0, 9), "ok, head ");

  // One figure changed, the line numbers and hashes left alone: the line after it tells.
  std::string forged = printed.out;
  const std::size_t at = forged.find("\"act\":\"transition\"");
  ASSERT_NE(at, std::string::npos) << forged;
  forged.replace(at, 18, "\"act\":\"translation\"");
  std::ofstream(kept_, std::ios::trunc) << forged;
  const ToolResult caught = Check(kept_);
  EXPECT_NE(caught.exit, 0);
  EXPECT_NE(caught.err.find("line 3 does not follow"), std::string::npos) << caught.err;
}

TEST_F(AuditProgramTest, AKeptLogIsComparedAlsoAfterARebuild) {
  std::ofstream(kept_) << Run({"audit", "summer"}).out;
  server_->Terminate();
  ASSERT_EQ(server_->Wait(), 0);
  const ToolResult rebuilt = RunTallyctl({"rebuild", "--data-dir", data_});
  ASSERT_EQ(rebuilt.exit, 0) << rebuilt.err;
  StartServer();
  ASSERT_EQ(Send("POST", "/v1/polls/summer/transitions", R"({"to":"closed"})", {}).status, 200);
  const ToolResult same = Run({"audit", "summer", "--compare", kept_});
  EXPECT_EQ(same.exit, 0) << same.err;
  EXPECT_NE(same.out.find("ok: 3 lines of"), std::string::npos) << same.out;

  const ToolResult verified = Run({"verify"});
  EXPECT_EQ(verified.exit, 0) << verified.err;
  EXPECT_NE(verified.out.find("audit logs of 1 polls and 1 projects"), std::string::npos)
      << verified.out;
  const ToolResult project = Run({"audit", "--project", "town"});
  EXPECT_EQ(project.exit, 0) << project.err;
  EXPECT_NE(project.out.find(R"("project":"town","act":"project_created")"), std::string::npos)
      << project.out;
  EXPECT_NE(Run({"audit", "--project", "nix"}).exit, 0);

  std::string other = FileText(kept_);
  other.replace(other.find("hall"), 4, "mall");
  std::ofstream(kept_, std::ios::trunc) << other;
  const ToolResult different = Run({"audit", "summer", "--compare", kept_});
  EXPECT_EQ(different.exit, 65);
  EXPECT_NE(different.err.find("is another than in"), std::string::npos) << different.err;
}

}  // namespace
}  // namespace tallyd
