#pragma once

// Every exchange of a test program as one line of JSON, for tests/contract/validate_traffic.mjs,
// which holds it against docs/openapi.yaml afterwards.
//
// One file per program: $TALLYD_TRAFFIC_FILE, else build/<preset>/traffic/<program>.ndjson, begun
// anew with each run. A body that is not UTF-8 (gzip) is written as null. Any thread.
// Ports are told apart by NamePort(), which TallydProcess calls.

#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <string>

#include "tests/support/http_client.h"

namespace tallyd {

class TrafficLog {
 public:
  static TrafficLog& Global();

  // `raw`: the request was malformed on purpose; only the answer is held against the contract.
  void Record(std::uint16_t port, const HttpCall& call, const HttpAnswer& answer, bool raw = false);
  // `listener` is "public" or "private".
  void NamePort(std::uint16_t port, const std::string& listener);

 private:
  TrafficLog();

  std::mutex mutex_;
  std::ofstream file_;
  std::map<std::uint16_t, std::string> listeners_;
};

}  // namespace tallyd
