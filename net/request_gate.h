#pragma once

// The seam between the transport and whoever decides that a client asks too often.
//
// The session shows every request of its listener once, when its header is complete and before
// anything else looks at it. A refusal is answered in the request's place; the connection goes on.
// The listener asks once more for each TLS connection, before its handshake costs anything: what
// is refused there is closed and told nothing, for without a handshake there is no way to tell it.

#include <cstdint>
#include <optional>
#include <string_view>

#include "net/client_address.h"
#include "net/http_request.h"
#include "net/http_response.h"
#include "net/io_thread.h"

namespace tallyd {

// What an answer says of the client's budget (the fields RateLimit and RateLimit-Policy of
// draft-ietf-httpapi-ratelimit-headers); quota 0: nothing.
struct RateLimitNote {
  std::string_view policy;  // static storage
  std::uint32_t quota = 0;
  std::uint32_t window_s = 0;
  std::uint32_t remaining = 0;
  std::uint32_t whole_s = 0;
};

class RequestGate {
 public:
  struct Pass {
    std::optional<HttpResponse> refusal;
    RateLimitNote note;
  };
  virtual ~RequestGate() = default;
  // Notes in the request who is asking, as far as it finds out. The io thread of the session.
  virtual Pass Admit(HttpRequest& request, const ClientAddress& peer, IoThread::TimePoint now) = 0;
  // Whether the peer may begin one more TLS handshake. The io thread of the listener.
  virtual bool AdmitHandshake(const ClientAddress& peer, IoThread::TimePoint now) = 0;
};

}  // namespace tallyd
