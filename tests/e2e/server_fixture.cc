#include "tests/e2e/server_fixture.h"

#include <atomic>
#include <memory>

#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

// The server of this program.
class SharedServer : public ::testing::Environment {
 public:
  void SetUp() override {
    process_ = std::make_unique<TallydProcess>(
        TallydOptions{.data_directory = directory_.File("data"),
                      .arguments = {"--cors-origins=https://mitmachen.example"}});
    ASSERT_TRUE(process_->WaitReady()) << process_->Log();
  }
  void TearDown() override {
    process_->Terminate();
    EXPECT_EQ(process_->Wait(), 0) << process_->Log();
  }
  TallydProcess& process() { return *process_; }

 private:
  TempDirectory directory_;
  std::unique_ptr<TallydProcess> process_;
};

SharedServer* const shared_server =
    static_cast<SharedServer*>(::testing::AddGlobalTestEnvironment(new SharedServer));

}  // namespace

TallydProcess& ServerTest::Server() {
  return shared_server->process();
}

ServerTest::ServerTest() : public_(Server().public_port()), admin_(Server().admin_port()) {}

std::string ServerTest::FreshId() {
  static std::atomic<int> next{1};
  return "trial-" + std::to_string(next++);
}

std::string ServerTest::CreatePoll(const boost::json::object& body) {
  const std::string id = FreshId();
  const HttpAnswer answer = admin_.Send(
      JsonCall("PUT", "/v1/polls/" + id, boost::json::serialize(body), {{"If-None-Match", "*"}}));
  EXPECT_EQ(answer.status, 201) << answer.body;
  return id;
}

HttpAnswer ServerTest::Transition(const std::string& poll, const std::string& to) {
  return admin_.Send(
      JsonCall("POST", "/v1/polls/" + poll + "/transitions", "{\"to\":\"" + to + "\"}"));
}

HttpAnswer ServerTest::Vote(const std::string& poll, const std::string& body, Headers headers) {
  return public_.Send(VoteCall(poll, body, std::move(headers)));
}

HttpAnswer ServerTest::Get(const std::string& target, Headers headers) {
  return public_.Send({"GET", target, std::move(headers), {}});
}

boost::json::object ServerTest::Ranking(const std::string& poll, const std::string& query) {
  const HttpAnswer answer = Get("/v1/polls/" + poll + "/ranking" + query);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const boost::json::value json = answer.Json();
  return json.is_object() ? json.as_object() : boost::json::object();
}

std::string TextMember(const HttpAnswer& answer, const char* name) {
  const boost::json::value json = answer.Json();
  if (!json.is_object()) return "";
  const boost::json::value* member = json.as_object().if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : "";
}

std::string StatusMember(const HttpAnswer& answer) {
  return TextMember(answer, "status");
}

std::int64_t IntegerMember(const HttpAnswer& answer, const char* name) {
  const boost::json::value json = answer.Json();
  if (!json.is_object()) return -1;
  const boost::json::value* member = json.as_object().if_contains(name);
  return member != nullptr && member->is_number() ? member->to_number<std::int64_t>() : -1;
}

std::int64_t OptionFigure(const boost::json::object& ranking, const std::string& option,
                          const char* member) {
  const boost::json::value* options = ranking.if_contains("options");
  if (options == nullptr) return -1;
  const boost::json::value* row = options->as_object().if_contains(option);
  if (row == nullptr) return -1;
  const boost::json::value* figure = row->as_object().if_contains(member);
  return figure == nullptr ? -1 : figure->to_number<std::int64_t>();
}

std::int64_t TotalsFigure(const boost::json::object& ranking, const char* member) {
  const boost::json::value* totals = ranking.if_contains("totals");
  if (totals == nullptr) return -1;
  const boost::json::value* figure = totals->as_object().if_contains(member);
  return figure == nullptr ? -1 : figure->to_number<std::int64_t>();
}

}  // namespace tallyd
