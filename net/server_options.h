#pragma once

// What can be set about the HTTP server. Names carry units; config/ fills them, nothing else does.
//
// Every number is a bound with a defined answer: 431/414/413 for sizes, 408 or a close for times,
// 503 and 429 for connections. The defaults suit a server behind a proxy or on the open net.

#include <cstddef>
#include <cstdint>
#include <string>

#include "net/client_address.h"
#include "net/tls_acceptor.h"

namespace tallyd {

struct ListenerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6 literal
  std::uint16_t port = 0;             // 0: any free one, see HttpServer::port()
  std::string unix_path;              // not empty: this Unix socket instead
  unsigned unix_mode = 0660;
  // A socket that listens already (systemd's) instead of either; the listener takes it.
  int inherited_descriptor = -1;
  TlsFiles tls;
  int backlog = 4096;
  int connections_max = 10'000;
  int network_connections_max = 1'000;  // of one IPv4 address or IPv6 /64; proxies have no limit
};

struct SessionLimits {
  std::size_t target_bytes_max = 2 * 1024;
  std::size_t header_bytes_max = 8 * 1024;
  int header_fields_max = 100;
  std::size_t read_buffer_bytes_start = 4 * 1024;
  std::size_t stream_buffer_bytes = 64 * 1024;       // read buffer while a body is streamed
  int pipelined_requests_max = 128;                  // then reading pauses until answers have left
  std::size_t write_buffer_bytes_max = 1024 * 1024;  // unsent answers; then reading pauses
  std::size_t linger_bytes_max = 256 * 1024;  // read and thrown away after a closing error answer

  int idle_ms_max = 75'000;  // keep-alive without a request
  // From the first byte of a request to the end of its header; a TLS handshake has as long.
  int header_ms_max = 10'000;
  int body_ms_max = 30'000;     // a body that is handed over whole
  int write_ms_max = 20'000;    // without any progress of a write
  int linger_ms_max = 2'000;    // waiting for the client to take a closing error answer
  int stream_ms_max = 600'000;  // a streamed body in all
  // A streamed body must deliver this much in every window in which we were willing to read.
  int stream_window_ms = 10'000;
  std::size_t stream_window_bytes_min = 16 * 1024;
};

struct ServerOptions {
  ListenerOptions public_listener;
  ListenerOptions private_listener;
  bool private_listener_enabled = true;
  int io_threads = 1;
  SessionLimits limits;
  ProxyOptions proxies;
  int sweep_interval_ms = 250;  // how often deadlines are looked at
  int accept_backoff_ms = 100;  // pause when out of descriptors
};

}  // namespace tallyd
