#pragma once

// A whole server over a real engine in a directory of its own, on free loopback ports.

#include <signal.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "net/server.h"
#include "tests/net/http_fixture.h"
#include "tests/support/http_client.h"
#include "tests/support/temp_directory.h"

namespace tallyd {

// Members for PollBody(): the poll takes votes; it takes changes of them, too.
inline constexpr const char* kOpen = R"(,"state":"open")";
inline constexpr const char* kOpenForChanges =
    R"(,"state":"open","revote":"replace","withdraw":true)";

class ServiceTest : public testing::Test {
 protected:
  using Adjust = std::function<void(ServiceOptions&, EngineOptions&)>;

  ~ServiceTest() override { StopServing(); }

  // Opens the engine and serves; the directory lives as long as the test.
  void Serve(const Adjust& adjust = {}) {
    EngineOptions engine_options;
    engine_options.data.directory = directory_.File("data");
    ServiceOptions options;
    options.auth.insecure_no_auth = true;
    if (TestsRunOverTls()) {
      signal(SIGPIPE, SIG_IGN);  // as the program does
      options.http.public_listener.tls = options.http.private_listener.tls = TestTlsFiles();
    }
    if (adjust) adjust(options, engine_options);
    auto opened = Engine::Open(engine_options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine_ = *std::move(opened);
    server_ = std::make_unique<Server>(options, *engine_);
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
    public_ = std::make_unique<HttpClient>(server_->public_port(), false);
    admin_ = std::make_unique<HttpClient>(server_->admin_port(), false);
  }
  void StopServing() {
    public_.reset();
    admin_.reset();
    if (server_ != nullptr) server_->Stop(std::chrono::seconds(10));
    server_.reset();
    engine_.reset();
  }

  using Headers = std::vector<std::pair<std::string, std::string>>;

  static HttpCall Call(std::string method, std::string target, Headers headers = {}) {
    return {std::move(method), std::move(target), std::move(headers), std::nullopt};
  }
  static HttpCall JsonCall(std::string method, std::string target, std::string body,
                           Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return {std::move(method), std::move(target), std::move(headers), std::move(body)};
  }
  static HttpCall BatchCall(const std::string& poll, std::string lines, std::string query = "",
                            Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/x-ndjson");
    return {"POST", "/v1/polls/" + poll + "/votes/batch" + query, std::move(headers),
            std::move(lines)};
  }

  HttpAnswer Ask(const HttpCall& call) { return public_->Send(call); }
  HttpAnswer AskAdmin(const HttpCall& call) { return admin_->Send(call); }

  // Creates a poll; `members` are further members of its document, with a comma before each.
  HttpAnswer PutPoll(const std::string& id, const std::string& members = "",
                     const std::string& ballot = R"({"type":"choose","min":1,"max":2})") {
    return AskAdmin(
        JsonCall("PUT", "/v1/polls/" + id, PollBody(members, ballot), {{"If-None-Match", "*"}}));
  }
  static std::string PollBody(const std::string& members = "",
                              const std::string& ballot = R"({"type":"choose","min":1,"max":2})") {
    return R"({"title":{"de":"Probe"},"project":"stadt","ballot":)" + ballot +
           R"(,"options":[{"id":"a"},{"id":"b"},{"id":"c"}])" + members + "}";
  }
  HttpAnswer Vote(const std::string& poll, const std::string& voter, const std::string& choices,
                  Headers headers = {}) {
    return Ask(JsonCall("POST", "/v1/polls/" + poll + "/votes",
                        R"({"voter":")" + voter + R"(","choices":)" + choices + "}",
                        std::move(headers)));
  }

  // The `code` of a problem; "" if the answer is none.
  static std::string Code(const HttpAnswer& answer) {
    if (answer.Header("content-type") != "application/problem+json") return "";
    const auto json = answer.Json();
    EXPECT_EQ(json.at("status").as_int64(), answer.status);
    return std::string(json.at("code").as_string());
  }
  static std::string Pointer(const HttpAnswer& answer) {
    return std::string(answer.Json().at("errors").at(0).at("pointer").as_string());
  }
  static std::string Text(const HttpAnswer& answer, const char* member) {
    return std::string(answer.Json().at(member).as_string());
  }
  static std::int64_t Number(const HttpAnswer& answer, const char* member) {
    return answer.Json().at(member).as_int64();
  }

  TempDirectory directory_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<HttpClient> public_;
  std::unique_ptr<HttpClient> admin_;
};

}  // namespace tallyd
