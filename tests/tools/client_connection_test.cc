#include "tools/client/client_connection.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server.h"
#include "net/router.h"
#include "tools/client/retrying_connection.h"

namespace tallyd {
namespace {

// Echoes what was posted, and knows how to be busy.
class EchoServer {
 public:
  explicit EchoServer(std::uint16_t port = 0, int idle_ms_max = 75'000) {
    router_.Add(Method::kPost, "/echo", kPublicListener, BodyPolicy::Small(),
                [](const HttpRequest& request, Responder responder) {
                  std::move(responder).SendRaw(200, "Content-Type: text/plain\r\n", request.body);
                });
    router_.Add(Method::kGet, "/busy", kPublicListener, BodyPolicy::None(),
                [this](const HttpRequest&, Responder responder) {
                  const bool busy = busy_left_ > 0;
                  if (busy) --busy_left_;
                  std::move(responder).SendRaw(busy ? 503 : 200, "", busy ? "busy" : "served");
                });
    ServerOptions options;
    options.public_listener.port = port;
    options.private_listener_enabled = false;
    options.limits.idle_ms_max = idle_ms_max;
    options.sweep_interval_ms = 5;
    server_ = std::make_unique<HttpServer>(options, router_);
    EXPECT_TRUE(server_->Start().ok());
  }
  ~EchoServer() { Stop(); }
  void Stop() {
    if (server_ == nullptr) return;
    server_->BeginDrain();
    server_->Stop(std::chrono::seconds(5));
    server_ = nullptr;
  }
  ServerAddress address() const { return {"127.0.0.1", server_->port(ListenerKind::kPublic)}; }
  void set_busy(int answers) { busy_left_ = answers; }

 private:
  Router router_;
  int busy_left_ = 0;  // one io thread
  std::unique_ptr<HttpServer> server_;
};

ClientRequest Echo(const std::string& body) {
  return {.method = "POST",
          .target = "/echo",
          .headers = {{"Content-Type", "text/plain"}},
          .body = body};
}

TEST(ServerUrlTest, OnlyPlainHttpWithAPort) {
  EXPECT_EQ(ParseServerUrl("http://127.0.0.1:8081")->port, 8081);
  EXPECT_EQ(ParseServerUrl("http://[::1]:80/")->host, "::1");
  for (const char* bad : {"", "127.0.0.1:80", "https://a:1", "http://a", "http://:80",
                          "http://a:80/x", "http://a:99999"}) {
    EXPECT_FALSE(ParseServerUrl(bad).ok()) << bad;
  }
}

TEST(ClientConnectionTest, KeepsTheConnectionAndReadsStatusHeadersBody) {
  EchoServer server;
  ClientConnection connection(server.address());
  for (const char* body : {"one", "two", ""}) {
    const auto answer = connection.Send(Echo(body));
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, body);
    EXPECT_EQ(answer->Header("content-type"), "text/plain");
    EXPECT_FALSE(answer->Header("Request-Id").empty());
    EXPECT_TRUE(connection.connected());
  }
  const auto missing = connection.Send({.target = "/nothing"});
  ASSERT_TRUE(missing.ok());
  EXPECT_EQ(missing->status, 404);
}

TEST(ClientConnectionTest, ManyPipelinedRequestsAreAnsweredInOrder) {
  EchoServer server;
  ClientConnection connection(server.address());
  std::vector<ClientRequest> requests;
  // More than the server takes before it wants its answers read.
  for (int i = 0; i < 2'000; ++i) {
    requests.push_back(Echo(std::to_string(i) + std::string(1'000, 'x')));
  }
  const auto answers = connection.Pipeline(requests);
  ASSERT_TRUE(answers.ok()) << answers.status();
  ASSERT_EQ(answers->size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ASSERT_EQ((*answers)[i].body, requests[i].body);
  }
}

TEST(ClientConnectionTest, AServerThatIsNotThereIsUnavailable) {
  ServerAddress address;
  {
    EchoServer server;
    address = server.address();
  }
  ClientConnection connection(address);
  EXPECT_TRUE(absl::IsUnavailable(connection.Send(Echo("x")).status()));
}

TEST(ClientConnectionTest, AConnectionThatWasClosedMeanwhileIsOpenedAnew) {
  auto server = std::make_unique<EchoServer>();
  const ServerAddress address = server->address();
  ClientConnection connection(address);
  ASSERT_TRUE(connection.Send(Echo("before")).ok());
  server = nullptr;
  server = std::make_unique<EchoServer>(address.port);
  const auto answer = connection.Send(Echo("after"));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "after");
}

TEST(RetryingConnectionTest, TriesAgainWhileTheServerIsBusy) {
  EchoServer server;
  server.set_busy(3);
  RetryingConnection connection(server.address(), std::chrono::seconds(30));
  const auto answer = connection.Send({.target = "/busy"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "served");
}

TEST(RetryingConnectionTest, GivesUpInTheEnd) {
  EchoServer server;
  server.set_busy(1'000'000);
  RetryingConnection connection(server.address(), std::chrono::milliseconds(50));
  EXPECT_TRUE(absl::IsUnavailable(connection.Send({.target = "/busy"}).status()));
}

}  // namespace
}  // namespace tallyd
