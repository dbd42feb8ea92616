#pragma once

// The header of the request at hand: read, checked, matched to its route; and remembered.
//
// A client that keeps its connection sends the same header block again and again, byte for byte (a
// frontend's server, a load generator, a browser that polls). What was read of equal bytes holds
// again, so the second reading is one compare instead of a scan, a parse, a guard and a route.
// A frontend that shows each voter's own token on one connection sends the same block but for that
// token: as long as it is of the same length and holds nothing but visible characters, nothing else
// that was read depends on it, and it takes the place of the one before.
// What differs between two equal headers is not remembered: the body, and the id that we gave the
// request. Only what was accepted is remembered, so a refusal is always argued anew.
//
//   if (header.BeginsSame(bytes)) ... else scan for its end;
//   if (auto problem = header.Read(block, limits, router, listener)) return Refuse(*problem);
//   route.handler(header.request(), ...);
//   header.EndRequest();
//
// Owned by one session, used by its io thread. Views of request() point into a copy of the block
// and live until EndRequest(). Keeps at most kRememberedBytesMax between requests.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_request.h"
#include "net/problem_catalog.h"
#include "net/request_parser.h"
#include "net/router.h"
#include "net/server_options.h"

namespace tallyd {

class RequestHeader {
 public:
  // Longer blocks are those of browsers, which vote once.
  static constexpr std::size_t kRememberedBytesMax = 1024;

  // Whether what came begins with the header that was read last, but for the token in it; it ends
  // after size() bytes then.
  bool BeginsSame(std::string_view bytes);
  std::size_t size() const { return block_.size(); }

  // `block` is one complete header. On success request(), facts() and match() are those of it, the
  // request without a body and with the id the client gave it, if any.
  std::optional<ProblemCode> Read(std::string_view block, const SessionLimits& limits,
                                  const Router& router, ListenerKind listener);
  void EndRequest();

  // After Read(), also after a refusal: then with whatever was understood before it.
  HttpRequest& request() { return *request_; }
  const HeaderFacts& facts() const { return facts_; }
  const Router::Match& match() const { return match_; }

 private:
  void FindToken();

  std::string block_;
  // What follows the last blank of Authorization; no bytes without one.
  std::size_t token_begin_ = 0;
  std::size_t token_bytes_ = 0;
  std::optional<HttpRequest> request_;
  std::string_view client_request_id_;
  HeaderFacts facts_;
  Router::Match match_;
  bool known_ = false;  // the rest is what `block_` says
};

}  // namespace tallyd
