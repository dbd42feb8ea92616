#pragma once

// A server on free ports with one route of every kind, for the tests of the transport.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "tests/net/raw_client.h"

namespace tallyd {

class TestServer {
 public:
  // The gate, of the public listener, outlives the server.
  explicit TestServer(const std::function<void(ServerOptions&)>& adjust = {},
                      RequestGate* gate = nullptr);
  ~TestServer();

  RawClient Connect() { return RawClient(server_->port(ListenerKind::kPublic)); }
  RawClient ConnectPrivate() { return RawClient(server_->port(ListenerKind::kPrivate)); }
  // One connection, one request, one answer.
  RawAnswer Ask(std::string_view request, bool head = false);

  HttpServer& server() { return *server_; }
  std::uint16_t port() const { return server_->port(ListenerKind::kPublic); }

  // What reached a handler, in order: "METHOD target body".
  std::vector<std::string> Handled();
  int handled_count() const { return handled_count_.load(); }

  // POST /defer keeps its Responder; these wait for `count` of them, then answer one of them with
  // its own index as body, on its io thread.
  bool WaitForDeferred(std::size_t count);
  std::size_t deferred_count();
  void AnswerDeferred(std::size_t index, bool close = false);
  void DropDeferred();

  // POST /stream: bytes seen, and whether it waits before it takes more.
  struct StreamState {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<int> chunks{0};
    std::atomic<int> ended{0};
    std::atomic<int> aborted{0};
    std::atomic<bool> hold{false};
    std::atomic<std::uint64_t> refuse_after{UINT64_MAX};
  };
  StreamState& stream() { return stream_; }
  void ResumeStream();

  std::uint64_t Sum(Counter HttpMetrics::*counter) const;

 private:
  class Sink;
  struct Deferred {
    Responder responder;
    IoThread* thread = nullptr;
  };

  void FillRouter();
  void AddTextRoutes();   // answered at once
  void AddOddRoutes();    // lost, split, closing and large answers
  void AddLaterRoutes();  // deferred answers and streamed bodies
  void Record(const HttpRequest& request);

  std::unique_ptr<Router> router_;
  StreamState stream_;
  std::atomic<int> handled_count_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> handled_;
  std::vector<Deferred> deferred_;
  absl::AnyInvocable<void()> held_resume_;
  IoThread* held_thread_ = nullptr;
  std::unique_ptr<HttpServer> server_;
};

// A certificate for localhost, made once.
TlsFiles TestTlsFiles();

// "POST /echo HTTP/1.1" with Host, Content-Length and body.
std::string PostRequest(std::string_view target, std::string_view body,
                        std::string_view more_lines = {});
std::string GetRequest(std::string_view target, std::string_view more_lines = {});

// Polls `condition` until it holds or five seconds have gone.
bool Eventually(const std::function<bool()>& condition);

}  // namespace tallyd
