#include "net/request_header.h"

#include <algorithm>
#include <cstring>

namespace tallyd {

bool RequestHeader::BeginsSame(std::string_view bytes) {
  if (!known_ || bytes.size() < block_.size()) return false;
  if (bytes.starts_with(block_)) return true;
  if (token_bytes_ == 0) return false;
  const std::size_t token_end = token_begin_ + token_bytes_;
  const std::string_view block = block_;
  if (bytes.substr(0, token_begin_) != block.substr(0, token_begin_) ||
      bytes.substr(token_end, block.size() - token_end) != block.substr(token_end)) {
    return false;
  }
  const std::string_view shown = bytes.substr(token_begin_, token_bytes_);
  if (!std::all_of(shown.begin(), shown.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return false;
  }
  std::memcpy(block_.data() + token_begin_, shown.data(), shown.size());
  return true;
}

void RequestHeader::FindToken() {
  const std::string_view value = request_->authorization;
  const std::string_view token = value.substr(value.rfind(' ') + 1);  // all, if there is no blank
  token_bytes_ = token.size();
  if (token_bytes_ > 0) token_begin_ = static_cast<std::size_t>(token.data() - block_.data());
}

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
  FindToken();
  known_ = true;
  return std::nullopt;
}

void RequestHeader::EndRequest() {
  if (block_.size() <= kRememberedBytesMax) return;
  known_ = false;
  block_ = std::string();
}

}  // namespace tallyd
