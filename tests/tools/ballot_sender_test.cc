#include "tools/tallyctl/ballot_sender.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server.h"
#include "net/router.h"

namespace tallyd {
namespace {

// Answers batches with what the test has prepared, in order, and keeps what came.
class ScriptedServer {
 public:
  ScriptedServer() {
    router_.Add(Method::kPost, "/v1/polls/{poll}/votes/batch", kPrivateListener,
                BodyPolicy::Small(), [this](const HttpRequest& request, Responder responder) {
                  bodies_.emplace_back(request.body);
                  std::string answer = answers_.empty() ? "{}" : answers_.front();
                  if (!answers_.empty()) answers_.pop_front();
                  const int status = answer == "503" ? 503 : 200;
                  std::move(responder).SendRaw(status, "Content-Type: application/json\r\n",
                                               answer);
                });
    server_ = std::make_unique<HttpServer>(ServerOptions{}, router_);
    EXPECT_TRUE(server_->Start().ok());
  }
  ~ScriptedServer() { Stop(); }

  void Script(std::string answer) { answers_.push_back(std::move(answer)); }
  SendOptions Options() const {
    SendOptions options;
    options.private_server = {"127.0.0.1", server_->port(ListenerKind::kPrivate)};
    options.public_server = options.private_server;
    options.connections = 1;
    options.give_up_after = std::chrono::seconds(10);
    return options;
  }
  // What came, once nothing comes any more.
  std::vector<std::string> Bodies() {
    Stop();
    return bodies_;
  }

 private:
  void Stop() {
    if (server_ == nullptr) return;
    server_->BeginDrain();
    server_->Stop(std::chrono::seconds(5));
    server_ = nullptr;
  }

  Router router_;
  std::deque<std::string> answers_;  // one io thread
  std::vector<std::string> bodies_;
  std::unique_ptr<HttpServer> server_;
};

constexpr char kElection[] =
    "META\nkey;value\nvote_type;approval\nPROJECTS\nproject_id;cost\na;1\nVOTES\nvoter_id;vote\n"
    "1;a\n2;a\n3;a\n";

class BallotSenderTest : public testing::Test {
 protected:
  BallotSenderTest()
      : file_(*ParsePabulib(kElection, "x.pb")), plan_(*PlanPoll(file_, "p", "tests")) {}

  absl::StatusOr<SendResult> Run() {
    return BallotSender(server_.Options(), file_, plan_).Run([](std::size_t) {});
  }

  ScriptedServer server_;
  PabulibFile file_;
  PollPlan plan_;
};

TEST_F(BallotSenderTest, OnlyLinesThatMayBeRetriedAreSentAgain) {
  server_.Script(
      R"({"counted":1,"duplicate":0,"replaced":0,"rejected":2,"items":[
          {"line":2,"status":503,"code":"overloaded","retryable":true},
          {"line":3,"status":422,"code":"option_unknown","retryable":false}]})");
  server_.Script(R"({"counted":0,"duplicate":1,"replaced":0,"rejected":0,"items":[]})");
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->counted, 1u);
  EXPECT_EQ(result->duplicate, 1u);
  ASSERT_EQ(result->refused.size(), 1u);
  EXPECT_EQ(result->refused[0].line, 11);
  EXPECT_EQ(result->refused[0].code, "option_unknown");
  const std::vector<std::string> bodies = server_.Bodies();
  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_EQ(bodies[1], "{\"voter\":\"p:2\",\"choices\":[\"a\"]}\n");
}

TEST_F(BallotSenderTest, ABatchThatFoundTheServerBusyIsSentAgainAsAWhole) {
  server_.Script("503");
  server_.Script(R"({"counted":3,"duplicate":0,"replaced":0,"rejected":0,"items":[]})");
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->counted, 3u);
  const std::vector<std::string> bodies = server_.Bodies();
  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_EQ(bodies[0], bodies[1]);
}

TEST_F(BallotSenderTest, AnAnswerThatLosesALineIsAnError) {
  server_.Script(R"({"counted":2,"duplicate":0,"replaced":0,"rejected":0,"items":[]})");
  EXPECT_EQ(Run().status().message(), "the answer to a batch does not account for every line");
}

TEST_F(BallotSenderTest, AnAnswerThatNamesALineThatWasNotSentIsAnError) {
  server_.Script(R"({"counted":2,"duplicate":0,"replaced":0,"rejected":1,"items":[
      {"line":4,"status":422,"code":"option_unknown","retryable":false}]})");
  EXPECT_EQ(Run().status().message(), "the answer to a batch names a line that was not sent");
}

}  // namespace
}  // namespace tallyd
