#pragma once

// Takes a streamed body whole: for documents that are larger than what the transport hands over in
// one piece. The bound is the route's; memory is at most that. Io thread only.

#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"

#include "net/http_response.h"

namespace tallyd {

class BodyCollector final : public BodySink {
 public:
  using Done = absl::AnyInvocable<void(std::string body, Responder responder)>;

  BodyCollector(Responder responder, Done done)
      : responder_(std::move(responder)), done_(std::move(done)) {}

  void OnChunk(std::string_view chunk, absl::AnyInvocable<void()> resume) override {
    body_ += chunk;
    resume();
  }
  void OnEnd() override { done_(std::move(body_), std::move(responder_)); }
  void OnAbort() override {}

 private:
  std::string body_;
  Responder responder_;
  Done done_;
};

}  // namespace tallyd
