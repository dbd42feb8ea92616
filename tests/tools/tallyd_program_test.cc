// The server program from outside: readiness, signals, exit codes.

#include <sys/stat.h>

#include <fstream>
#include <string>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/journal_surgery.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class TallydProgramTest : public testing::Test {
 protected:
  TallydOptions Options() const { return {.data_directory = data_}; }

  // Starts on the data directory and waits for the end: for starts that are refused.
  int RunRefused(std::string* log) {
    TallydProcess server(Options());
    EXPECT_FALSE(server.WaitReady());
    const int exit = server.Wait();
    *log = server.Log();
    return exit;
  }

  TempDirectory temp_;
  const std::string data_ = temp_.File("data");
};

TEST_F(TallydProgramTest, SaysWhereItListensServesAndDrainsOnSigterm) {
  TallydProcess server(Options());
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  EXPECT_EQ(HttpClient(server.public_port()).Send(GetCall("/livez")).status, 200);
  EXPECT_EQ(HttpClient(server.admin_port()).Send(GetCall("/readyz")).status, 200);
  server.Terminate();
  EXPECT_EQ(server.Wait(), 0);
  const std::string log = server.Log();
  EXPECT_NE(log.find("public http://127.0.0.1:" + std::to_string(server.public_port())),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("private http://127.0.0.1:" + std::to_string(server.admin_port())),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("everything is on disk"), std::string::npos) << log;
}

TEST_F(TallydProgramTest, ASecondSignalExitsAtOnce) {
  TallydProcess server(Options());
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  HttpClient client(server.public_port(), false);
  // A body that never comes keeps the drain waiting, once its header was read: the request in front
  // of it comes in the same bytes, and was answered.
  ASSERT_TRUE(client.SendBytes(
      "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /v1/polls/x/votes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 100\r\n\r\n{"));
  ASSERT_EQ(client.ReadAnswer().status, 200);
  server.Terminate();
  while (server.Log().find("stopping") == std::string::npos) ASSERT_TRUE(server.Running());
  server.Terminate();
  EXPECT_EQ(server.Wait(), 1);
}

TEST_F(TallydProgramTest, ASecondServerOnTheSameDataExits75) {
  TallydProcess first(Options());
  ASSERT_TRUE(first.WaitReady()) << first.Log();
  std::string log;
  EXPECT_EQ(RunRefused(&log), 75);
  EXPECT_NE(log.find(data_), std::string::npos) << log;
  EXPECT_NE(log.find("another tallyd or tallyctl uses this data directory"), std::string::npos)
      << log;
}

TEST_F(TallydProgramTest, AJournalShorterThanTheWatermarkExits65) {
  {
    TallydProcess server(Options());
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    HttpClient admin(server.admin_port());
    for (const char* poll : {"one", "two", "three"}) {
      const HttpAnswer created =
          admin.Send(JsonCall("PUT", std::string("/v1/polls/") + poll,
                              boost::json::serialize(PollBody()), {{"If-None-Match", "*"}}));
      ASSERT_EQ(created.status, 201) << created.body;
    }
    server.Terminate();
    ASSERT_EQ(server.Wait(), 0);
  }
  ASSERT_TRUE(ChopJournal(data_ + "/journal", 1).ok());
  std::string log;
  EXPECT_EQ(RunRefused(&log), 65);
  EXPECT_NE(log.find("bring the missing data back from a backup"), std::string::npos) << log;
}

TEST_F(TallydProgramTest, AKeyFileThatOthersCanReadExits78) {
  {
    TallydProcess server(Options());
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    server.Terminate();
    ASSERT_EQ(server.Wait(), 0);
  }
  ASSERT_EQ(chmod((data_ + ".key").c_str(), 0644), 0);
  std::string log;
  EXPECT_EQ(RunRefused(&log), 78);
  EXPECT_NE(log.find("0600"), std::string::npos) << log;
}

TEST_F(TallydProgramTest, DataOfANewerFormatExits78) {
  {
    TallydProcess server(Options());
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    server.Terminate();
    ASSERT_EQ(server.Wait(), 0);
  }
  std::string format = FileText(data_ + "/FORMAT");
  const std::size_t at = format.find("tallyd-data 1");
  ASSERT_NE(at, std::string::npos) << format;
  format.replace(at, 13, "tallyd-data 9");
  std::ofstream(data_ + "/FORMAT") << format;
  std::string log;
  EXPECT_EQ(RunRefused(&log), 78);
  EXPECT_NE(log.find("newer tallyd"), std::string::npos) << log;
}

TEST_F(TallydProgramTest, AReadyFileThatCannotBeWrittenExits74) {
  const ToolResult result =
      RunTallyd({"serve", "--insecure-no-auth", "--data-dir", data_, "--listen=127.0.0.1:0",
                 "--admin-listen=127.0.0.1:0", "--ready-file", "/nowhere/ready"});
  EXPECT_EQ(result.exit, 74);
  EXPECT_NE(result.err.find("/nowhere/ready"), std::string::npos) << result.err;
}

TEST_F(TallydProgramTest, AnAddressInUseExits1) {
  TallydProcess first(Options());
  ASSERT_TRUE(first.WaitReady()) << first.Log();
  const ToolResult result = RunTallyd(
      {"serve", "--insecure-no-auth", "--data-dir", temp_.File("other"),
       "--listen=127.0.0.1:" + std::to_string(first.public_port()), "--admin-listen=off"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_NE(result.err.find("cannot listen"), std::string::npos) << result.err;
}

TEST_F(TallydProgramTest, WithoutAuthenticationItWarnsAndRefusesVotes) {
  TallydOptions options = Options();
  options.insecure_no_auth = false;
  TallydProcess server(options);
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  EXPECT_NE(server.Log().find("WARNING: neither tokens nor API keys are configured"),
            std::string::npos);
  EXPECT_EQ(HttpClient(server.admin_port())
                .Send({"PUT", "/v1/polls/x", {{"If-None-Match", "*"}}, "{}"})
                .status,
            401);
}

TEST_F(TallydProgramTest, PrintsItsVersion) {
  const ToolResult result = RunTallyd({"version"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_TRUE(result.out.starts_with("tallyd ")) << result.out;
}

}  // namespace
}  // namespace tallyd
