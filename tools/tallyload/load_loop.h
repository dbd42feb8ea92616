#pragma once

// Sends the load and measures it: thousands of connections from one thread, epoll, no library
// between.
//
// Closed loop: each connection keeps `pipeline` requests in flight; latency counts from the send.
// Open loop: requests are due at fixed times, whether the server keeps up or not; latency counts
// from the time a request was due, so a stall is seen by all that it delays (no coordinated
// omission). A request that finds every connection busy waits in line, for `give_up_ms` if that is
// set: then its client has gone away and it is never sent. How late requests left is reported
// apart. The generator spends as little as it can: requests are copied templates, one send
// and one receive per readiness, no timer per request.

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

#include "tools/tallyload/answer_reader.h"
#include "tools/tallyload/latency_histogram.h"
#include "tools/tallyload/load_plan.h"

namespace tallyd {

struct LoadOptions {
  std::string host = "127.0.0.1";  // an IPv4 address
  std::uint16_t port = 8080;
  std::uint32_t connections = 64;
  std::uint32_t pipeline = 1;
  double seconds = 10;
  double warmup_seconds = 1;                              // sent, answered, not in the figures
  double rate = 0;                                        // requests/s; 0 = closed loop
  double give_up_ms = 0;                                  // open loop; 0 = waits for ever
  std::uint64_t requests_max = 0;                         // 0 = until the time is over
  std::function<void(const std::string& line)> progress;  // about once a second; may be empty
};

struct LoadResult {
  LoadCounts counts;
  std::uint64_t requests = 0;
  double seconds = 0;
  LatencyHistogram latency;    // per request
  LatencyHistogram accepted;   // of these: counted, duplicate, replaced
  LatencyHistogram lateness;   // open loop: sent after it was due
  std::uint64_t given_up = 0;  // requests that were never sent
  std::uint64_t connections_lost = 0;
  double cpu_seconds = 0;  // of the generator itself
  std::uint64_t votes() const {
    return counts.counted + counts.duplicate + counts.replaced + counts.refused;
  }
};

// Unavailable if no connection can be made.
absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options, LoadPlan* plan);

}  // namespace tallyd
