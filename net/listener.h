#pragma once

// One listening socket: accepts, deals connections to the io threads in turn, keeps within a cap.
//
// Runs on the first io thread's loop. Over `connections_max` a client gets a 503 problem, over
// `network_connections_max` of its address a 429, and is closed (a few at a time; beyond that it is
// closed without a word). Out of descriptors or memory:
// a pause, then accepting again, never a spin.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "net/asio.h"
#include "net/client_address.h"
#include "net/connection_counts.h"
#include "net/http_session.h"
#include "net/io_thread.h"
#include "net/router.h"
#include "net/server_options.h"

namespace tallyd {

class Listener {
 public:
  // All references outlive the listener and its sessions.
  Listener(ListenerKind kind, const ListenerOptions& options, const ServerOptions& server,
           const Router& router, RequestGate* gate,
           const std::vector<std::unique_ptr<IoThread>>& threads);

  // Binds and listens; before the threads run.
  absl::Status Open();
  // First io thread only.
  void StartAccepting();
  void StopAccepting();

  asio::ip::tcp::endpoint local_endpoint() const { return local_endpoint_; }
  int connections_open() const { return counts_->total(); }

 private:
  void Accept();
  void OnAccept(const ErrorCode& error, TcpSocket socket, IoThread& thread);
  void Admit(TcpSocket socket, IoThread& thread);
  void BackOff();

  const ListenerOptions& options_;
  const std::chrono::milliseconds backoff_;
  const ProxyOptions& proxies_;
  const std::vector<std::unique_ptr<IoThread>>& threads_;
  const HttpSession::Surroundings surroundings_;
  TcpAcceptor acceptor_;
  SteadyTimer timer_;
  asio::ip::tcp::endpoint local_endpoint_;
  std::shared_ptr<ConnectionCounts> counts_ = std::make_shared<ConnectionCounts>();
  std::size_t next_thread_ = 0;
};

}  // namespace tallyd
