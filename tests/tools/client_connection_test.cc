#include "tools/client/client_connection.h"

#include <signal.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server.h"
#include "net/router.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_certificate.h"
#include "tools/client/retrying_connection.h"

namespace tallyd {
namespace {

// Echoes what was posted, and knows how to be busy.
class EchoServer {
 public:
  using Adjust = std::function<void(ListenerOptions&)>;

  explicit EchoServer(std::uint16_t port = 0, int idle_ms_max = 75'000, const Adjust& adjust = {}) {
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
    if (adjust) adjust(options.public_listener);
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

TEST(ServerUrlTest, HttpAndHttpsWithAPortAndUnixSockets) {
  EXPECT_EQ(ParseServerUrl("http://127.0.0.1:8081")->port, 8081);
  EXPECT_FALSE(ParseServerUrl("http://127.0.0.1:8081")->tls);
  EXPECT_TRUE(ParseServerUrl("https://town.example:443/")->tls);
  EXPECT_EQ(ParseServerUrl("https://town.example:443/")->Text(), "town.example:443");
  EXPECT_EQ(ParseServerUrl("unix:/run/tallyd/admin.sock")->unix_path, "/run/tallyd/admin.sock");
  EXPECT_EQ(ParseServerUrl("unix:/a")->Text(), "unix:/a");
  EXPECT_EQ(ParseServerUrl("http://[::1]:80/")->Text(), "[::1]:80");
  EXPECT_EQ(ParseServerUrl("http://[::1]:80/")->host, "::1");
  for (const char* bad : {"", "127.0.0.1:80", "https://a", "ftp://a:1", "unix:", "unix:a",
                          "http://a", "http://:80", "http://a:80/x", "http://a:99999"}) {
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

// The same over whatever else a server listens on.
void ExpectItServes(ServerAddress address) {
  ClientConnection connection(std::move(address));
  for (const char* body : {"one", "two", ""}) {
    const auto answer = connection.Send(Echo(body));
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->body, body);
    EXPECT_TRUE(connection.connected());
  }
  std::vector<ClientRequest> requests;
  for (int i = 0; i < 2'000; ++i)
    requests.push_back(Echo(std::to_string(i) + std::string(999, 'x')));
  const auto answers = connection.Pipeline(requests);
  ASSERT_TRUE(answers.ok()) << answers.status();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ASSERT_EQ((*answers)[i].body, requests[i].body);
  }
}

TEST(ClientConnectionTest, OverAUnixSocket) {
  const TempDirectory directory;
  ServerAddress address = *ParseServerUrl("unix:" + directory.File("public.sock"));
  EXPECT_TRUE(absl::IsUnavailable(ClientConnection(address).Send(Echo("x")).status()));
  EchoServer server(0, 60'000, [&](ListenerOptions& listener) {
    listener.unix_path = directory.File("public.sock");
  });
  ExpectItServes(address);
}

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() {
    signal(SIGPIPE, SIG_IGN);  // as the programs do
    WriteTestCertificate(MakeTestCertificate(), files_.certificate_file, files_.key_file);
    WriteTestCertificate(MakeTestCertificate(), directory_.File("other.pem"),
                         directory_.File("other.key"));
  }
  ServerAddress Address(const EchoServer& server, const std::string& host,
                        const std::string& ca_file) const {
    ServerAddress address = server.address();
    address.host = host;
    address.tls = true;
    address.ca_file = ca_file;
    return address;
  }
  EchoServer::Adjust Tls() {
    return [this](ListenerOptions& listener) { listener.tls = files_; };
  }

  TempDirectory directory_;
  TlsFiles files_{directory_.File("cert.pem"), directory_.File("key.pem")};
};

TEST_F(ClientTlsTest, OverTls) {
  EchoServer server(0, 60'000, Tls());
  ExpectItServes(Address(server, "127.0.0.1", files_.certificate_file));
  ExpectItServes(Address(server, "localhost", files_.certificate_file));
}

TEST_F(ClientTlsTest, AnIdleConnectionThatWasClosedIsOpenedAnew) {
  EchoServer server(0, 50, Tls());
  ClientConnection connection(Address(server, "127.0.0.1", files_.certificate_file));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connection.Send(Echo("x")).ok());
    // The server closes after 50; were it later, the connection would just be used again.
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  }
}

TEST_F(ClientTlsTest, WhoCannotShowWhoItIsGetsNothing) {
  EchoServer server(0, 60'000, [this](ListenerOptions& listener) {
    listener.address = "0.0.0.0";
    listener.tls = files_;
  });
  const auto status = [&](const std::string& host, const std::string& ca_file) {
    return ClientConnection(Address(server, host, ca_file)).Send(Echo("secret")).status();
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(status("127.0.0.1", "")));
  EXPECT_TRUE(absl::IsFailedPrecondition(status("127.0.0.1", directory_.File("other.pem"))));
  EXPECT_TRUE(absl::IsFailedPrecondition(status("127.0.0.1", directory_.File("nowhere.pem"))));
  EXPECT_TRUE(absl::IsFailedPrecondition(status("127.0.0.2", files_.certificate_file)))
      << "the certificate is for another address";
  // TLS towards a server that speaks none.
  EchoServer plain;
  const ServerAddress address = Address(plain, "127.0.0.1", files_.certificate_file);
  EXPECT_TRUE(absl::IsFailedPrecondition(ClientConnection(address).Send(Echo("x")).status()));
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
