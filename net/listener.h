#pragma once

// One listening socket: accepts, deals connections to the io threads in turn, keeps within a cap.
//
// Runs on the first io thread's loop; ReloadCertificate() may be called by any thread. Over
// `connections_max` a client gets a 503 problem, over `network_connections_max` of its address a
// 429, and is closed (a few at a time; beyond that it is closed without a word). A TLS connection
// whose address has no handshake left is closed without a word before OpenSSL hears of it. Out of
// descriptors or memory: a pause, then accepting again, never a spin.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "net/asio.h"
#include "net/connection_counts.h"
#include "net/http_session.h"
#include "net/io_thread.h"
#include "net/listening_socket.h"
#include "net/router.h"
#include "net/server_options.h"
#include "net/tls_acceptor.h"

namespace tallyd {

class Listener {
 public:
  // All references outlive the listener and its sessions.
  Listener(ListenerKind kind, const ListenerOptions& options, const ServerOptions& server,
           const Router& router, RequestGate* gate,
           const std::vector<std::unique_ptr<IoThread>>& threads);

  // Loads the certificate, binds and listens; before the threads run.
  absl::Status Open();
  // If it is faulty the old one stays. Nothing to be done without TLS.
  absl::Status ReloadCertificate();
  std::int64_t certificate_ends_s() const { return tls_ ? tls_->certificate_ends_s() : 0; }
  // First io thread only.
  void StartAccepting();
  void StopAccepting();

  std::uint16_t port() const { return socket_.port(); }  // 0: a Unix socket
  int connections_open() const { return counts_->total(); }

 private:
  void Accept();
  void OnAccept(const ErrorCode& error, StreamSocket socket, IoThread& thread);
  void Admit(StreamSocket socket, IoThread& thread);
  bool MayShakeHands(const ClientAddress& peer) const;
  void BackOff();

  const ListenerOptions& options_;
  const std::chrono::milliseconds backoff_;
  const ProxyOptions& proxies_;
  const std::vector<std::unique_ptr<IoThread>>& threads_;
  const std::unique_ptr<TlsAcceptor> tls_;  // null: plain HTTP
  const HttpSession::Surroundings surroundings_;
  ListeningSocket socket_;
  SteadyTimer timer_;
  std::shared_ptr<ConnectionCounts> counts_ = std::make_shared<ConnectionCounts>();
  std::size_t next_thread_ = 0;
};

}  // namespace tallyd
