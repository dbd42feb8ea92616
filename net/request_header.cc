#include "net/request_header.h"

namespace tallyd {

std::optional<ProblemCode> RequestHeader::Read(std::string_view block, const SessionLimits& limits,
                                               const Router& router, ListenerKind listener) {
  if (known_ && block == block_) {
    request_->request_id = client_request_id_;
    request_->body = {};
    // Who asks is found out anew: a token may have expired, a key may have been revoked.
    request_->identified = false;
    request_->identity.reset();
    return std::nullopt;
  }
  known_ = false;
  block_.assign(block);
  request_.emplace().listener = listener;
  facts_ = HeaderFacts();
  if (const auto problem = ParseHeader(block_, limits, *request_, facts_)) return problem;
  client_request_id_ = request_->request_id;
  match_ = router.Find(*request_);
  known_ = true;
  return std::nullopt;
}

void RequestHeader::EndRequest() {
  if (block_.size() <= kRememberedBytesMax) return;
  known_ = false;
  block_ = std::string();
}

}  // namespace tallyd
