#pragma once

// POST /v1/polls/{poll}/votes/batch: one vote a line, decoded as the bytes arrive.
//
// The answer comes when every accepted line is durable, and is 200 whatever single lines were
// worth. 413 and 400 (too many lines, too many bytes, broken gzip) end the whole body; what was
// submitted before stays counted, and sending the batch again is harmless. A full queue never
// refuses a line: reading from the client stops until there is room. Bounds: 64 MiB sent and
// decoded, 1,000,000 lines, 16 KiB a line, kInFlightMax lines waiting in the engine. Handlers run
// on the io threads; each batch belongs to the thread of its connection.

#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class BatchRoute {
 public:
  static constexpr std::uint64_t kBodyBytesMax = std::uint64_t{64} << 20;
  static constexpr std::uint32_t kLinesMax = 1'000'000;
  static constexpr std::size_t kInFlightMax = 8'192;

  explicit BatchRoute(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  std::unique_ptr<BodySink> Begin(const HttpRequest& request, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
