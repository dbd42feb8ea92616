#pragma once

// The HTTP server: io threads, the public and the private listener, an orderly end.
//
//   HttpServer server(options, router);      // router filled, outlives the server
//   TALLYD_CHECK(server.Start().ok());       // bound and serving when it returns ok
//   ...
//   server.BeginDrain();                     // no new connections; idle ones closed
//   server.Stop(std::chrono::seconds(20));   // waits for the answers in flight, then joins
//
// Start, BeginDrain and Stop are called by one thread (main), in this order; the rest by any.
// Handlers run on the io threads; what they use must live until Stop has returned, and whoever
// still holds a Responder must let go of it on its io thread before Stop's deadline.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "net/http_request.h"
#include "net/io_thread.h"
#include "net/request_gate.h"
#include "net/router.h"
#include "net/server_options.h"

namespace tallyd {

class Listener;

class HttpServer {
 public:
  // `gate` looks at the requests of the public listener; null: none.
  HttpServer(const ServerOptions& options, const Router& router, RequestGate* gate = nullptr);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  absl::Status Start();
  // Reads the certificates of both listeners again; a pair that is faulty changes nothing, and what
  // is wrong with it comes back. Any thread.
  absl::Status ReloadCertificates();
  void BeginDrain();
  // Returns true if every connection ended by itself before the deadline.
  bool Stop(std::chrono::milliseconds deadline);

  // When the certificate of a listener ends, in seconds since 1970; 0 without TLS.
  std::int64_t certificate_ends_s(ListenerKind kind) const;
  // The bound port; also right when the options said 0. A Unix socket has none: 0.
  std::uint16_t port(ListenerKind kind) const;
  const std::vector<std::unique_ptr<IoThread>>& io_threads() const { return io_threads_; }
  std::uint64_t connections_open() const;

 private:
  const Listener* ListenerOf(ListenerKind kind) const;

  const ServerOptions options_;
  const Router& router_;
  std::vector<std::unique_ptr<IoThread>> io_threads_;
  std::unique_ptr<Listener> public_listener_;
  std::unique_ptr<Listener> private_listener_;
  bool running_ = false;
};

}  // namespace tallyd
