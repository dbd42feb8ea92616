// No voter's id and no key is in anything that the server writes: a canary is sought in all of it.

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr int kVoters = 200;

class SecrecyProgramTest : public testing::Test {
 protected:
  static HttpCall Json(std::string method, std::string target, std::string body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return {std::move(method), std::move(target), std::move(headers), std::move(body)};
  }
  // Everywhere below the test's directory: data, backups, log, key file, watermark.
  std::vector<std::string> FilesWith(const std::string& text) const {
    std::vector<std::string> found;
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(temp_.path())) {
      if (!entry.is_regular_file()) continue;
      ++files;
      if (FileText(entry.path()).find(text) != std::string::npos) {
        found.push_back(entry.path());
      }
    }
    EXPECT_GT(files, 5);
    return found;
  }
  void Vote(TallydProcess& server) {
    HttpClient client(server.public_port());
    for (int i = 0; i < kVoters; ++i) {
      const std::string voter = "canary-" + std::to_string(i) + "@voter.example";
      const std::string body = R"({"voter":")" + voter + R"(","choices":["a"]})";
      const HttpAnswer answer = client.Send(Json("POST", "/v1/polls/summer/votes", body,
                                                 {{"Idempotency-Key", "canary-key-" + voter},
                                                  {"X-Forwarded-For", "2001:db8:c0de:beef::7"}}));
      ASSERT_TRUE(answer.status == 201 || answer.status == 200) << answer.body;
      // A refusal, whose reason might be logged.
      client.Send(Json("POST", "/v1/polls/summer/votes",
                       R"({"voter":")" + voter + R"(","choices":["canary-option"]})"));
      if (i % 10 == 0) {
        client.Send({"GET", "/v1/polls/summer/votes/me", {{"Tallyd-Voter", voter}}, {}});
        client.Send({"DELETE", "/v1/polls/summer/votes/me", {{"Tallyd-Voter", voter}}, {}});
      }
    }
    std::string lines;
    for (int i = 0; i < kVoters; ++i) {
      lines +=
          R"({"voter":"canary-b)" + std::to_string(i) + R"(","choices":["b"],"ref":"canary-r"})";
      lines += "\n";
    }
    const HttpAnswer batch = client.Send({"POST",
                                          "/v1/polls/summer/votes/batch?results=all",
                                          {{"Content-Type", "application/x-ndjson"}},
                                          lines});
    ASSERT_EQ(batch.status, 200) << batch.body;
    client.SendBytes(
        "POST /v1/polls/summer/votes HTTP/1.1\r\nHost: x\r\nTallyd-Voter: canary-raw\r\n"
        "Transfer-Encoding: canary\r\n\r\n");
    client.ReadAnswer();
  }

  TempDirectory temp_;
};

TEST_F(SecrecyProgramTest, NoFileHoldsAVotersId) {
  const TallydOptions options{
      .data_directory = temp_.File("data"),
      .arguments = {"--log-level=debug", "--backup-dir=" + temp_.File("backups")}};
  const std::string poll =
      R"({"title":{"en":"Summer"},"project":"town","state":"open","revote":"replace",
          "withdraw":true,"fraud":{"network_burst":{"ballots":20,"window_s":60}},
          "ballot":{"type":"choose","max":1},"options":[{"id":"a"},{"id":"b"}]})";
  for (int run = 0; run < 3; ++run) {
    TallydProcess server(options);
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    if (run == 0) {
      HttpClient admin(server.admin_port());
      ASSERT_EQ(admin.Send(Json("PUT", "/v1/polls/summer", poll, {{"If-None-Match", "*"}})).status,
                201);
    }
    ASSERT_NO_FATAL_FAILURE(Vote(server));
    const std::string metrics =
        HttpClient(server.admin_port()).Send({"GET", "/metrics", {}, {}}).body;
    EXPECT_EQ(metrics.find("tallyd_fraud_voters 0"), std::string::npos) << "it was seen";
    const HttpAnswer backup =
        HttpClient(server.admin_port())
            .Send({"POST", "/v1/admin/backups", {{"Content-Length", "0"}}, {}});
    ASSERT_EQ(backup.status, 201) << backup.body;
    ASSERT_TRUE(std::filesystem::exists(std::string(backup.Json().at("path").as_string())));
    // Once killed, so that logs are replayed, then ended in order, so that tables are written.
    if (run == 1) {
      server.Kill();
      server.Wait();
    } else {
      server.Terminate();
      EXPECT_EQ(server.Wait(), 0);
    }
    EXPECT_EQ(FilesWith("canary"), std::vector<std::string>{});
    EXPECT_EQ(FilesWith("voter.example"), std::vector<std::string>{});
    // The network whose burst was flagged, as text and as the bytes of its /64.
    EXPECT_EQ(FilesWith("c0de:beef"), std::vector<std::string>{});
    EXPECT_EQ(FilesWith("\x20\x01\x0d\xb8\xc0\xde\xbe\xef"), std::vector<std::string>{});
  }
  // The search would find it: ids of polls are no secret.
  EXPECT_FALSE(FilesWith("summer").empty());
  EXPECT_FALSE(std::filesystem::exists("core"));
}

TEST_F(SecrecyProgramTest, TheSamePersonInTwoDirectoriesLeavesNothingInCommon) {
  // Two servers, same poll, same voter: what is kept of the voter differs, so receipts do.
  std::vector<std::string> receipts;
  for (const char* name : {"one", "two"}) {
    TallydProcess server({.data_directory = temp_.File(name)});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    HttpClient admin(server.admin_port());
    admin.Send(Json("PUT", "/v1/polls/p",
                    R"({"title":{"en":"P"},"project":"t","state":"open",
                        "ballot":{"type":"choose","max":1},"options":[{"id":"a"},{"id":"b"}]})",
                    {{"If-None-Match", "*"}}));
    HttpClient client(server.public_port());
    const HttpAnswer answer =
        client.Send(Json("POST", "/v1/polls/p/votes", R"({"voter":"v","choices":["a"]})"));
    ASSERT_EQ(answer.status, 201);
    receipts.emplace_back(answer.Json().at("receipt").as_string());
  }
  EXPECT_NE(receipts[0], receipts[1]);
}

}  // namespace
}  // namespace tallyd
