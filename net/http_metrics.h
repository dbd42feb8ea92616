#pragma once

// Counters of one io thread. One thread writes (its own), any thread reads; no exporter here.
//
// Relaxed atomics without a locked instruction: with a single writer a load and a store suffice.
// A reader sees each counter at some recent value, not all of them at the same instant.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace tallyd {

class Counter {
 public:
  void Add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Subtract(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Requests of one route by status class; [0] is unused, [1] = 1xx ... [5] = 5xx.
struct RouteCounters {
  std::array<Counter, 6> by_status_class;
};

struct HttpMetrics {
  // One entry per route (Router::Route::index) and a last one for what matched no route.
  explicit HttpMetrics(int route_count) : routes(static_cast<std::size_t>(route_count) + 1) {}

  std::vector<RouteCounters> routes;
  Counter connections_opened;
  Counter connections_open;  // gauge
  Counter bytes_received;
  Counter bytes_sent;
  Counter responder_dropped;             // a handler lost its Responder: answered 500
  Counter answers_after_close;           // answered after the client had left
  Counter headers_dropped;               // a handler's header value held CR or LF
  Counter rejected_connections;          // over connections_max
  Counter rejected_network_connections;  // over network_connections_max
  Counter accept_errors;
  Counter accept_out_of_descriptors;
  Counter tls_connections;  // gauge, streams not among them
  Counter tls_handshakes_done;
  Counter tls_handshakes_refused;      // not TLS 1.3 as we take it, or not TLS at all
  Counter tls_handshakes_gone;         // the client left in the middle
  Counter tls_handshakes_late;         // past header_ms_max
  Counter tls_handshakes_over_budget;  // of the address: closed before they began
  Counter timeouts_idle;
  Counter timeouts_header;
  Counter timeouts_body;
  Counter timeouts_write;
  Counter audit_readers_refused;    // as many waited as may
  Counter live_readers_events;      // gauge
  Counter live_readers_web_socket;  // gauge
  Counter live_messages;            // versions sent to them
  Counter live_refused_full;
  Counter live_refused_network;
  Counter live_closed_slow;
  Counter rejected_by_guard;  // 4xx/5xx framing errors that close the connection
};

}  // namespace tallyd
