#pragma once

// What a route handler sees of one request: views, nothing owned but decoded escapes.
//
// Every view points into what the connection holds and dies when the handler returns: copy what a
// later answer needs. The request passed the guard (net/request_guard.h): one Host, one numeric
// Content-Length, no duplicates among the named headers, a printable target with valid escapes,
// `body` complete and within the route's limit. Nothing here is validated beyond that: ids, media
// types and tokens are the handler's business.
// An absent header is a view with data() == nullptr; one that came empty has a non-null data().
// Thread: the io thread of the session. Cost: no allocation unless the target holds '%' or '?'.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"

#include "net/client_address.h"
#include "net/identity.h"

namespace tallyd {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };
inline constexpr int kMethodCount = 7;

// "GET", "HEAD", ...
std::string_view MethodName(Method method);

// Which socket a request came in by. The values are bits of a listener mask.
enum class ListenerKind : std::uint8_t { kPublic = 1, kPrivate = 2 };

// One decoded {param} of the path, or one decoded name=value of the query.
struct NamedValue {
  std::string_view name;
  std::string_view value;
};
using PathParam = NamedValue;

struct HttpRequest {
  HttpRequest() = default;
  // Views may point into this object's own `decoded`, hence neither copies nor moves.
  HttpRequest(const HttpRequest&) = delete;
  HttpRequest& operator=(const HttpRequest&) = delete;

  // A HEAD request is routed to the GET handler and keeps kHead here; the session drops the body
  // of the answer, so a handler need not look.
  Method method = Method::kGet;
  ListenerKind listener = ListenerKind::kPublic;
  int version = 11;               // 10 or 11
  std::string_view target;        // as received, with query
  std::string_view path;          // as received, without query, not decoded
  std::string_view query_string;  // as received, without '?'

  absl::InlinedVector<PathParam, 4> params;    // decoded once; may contain '/'
  absl::InlinedVector<NamedValue, 4> queries;  // decoded once, in order, no name twice

  // Value of a {param} of the route's pattern; empty if the pattern has no such param.
  std::string_view Param(std::string_view name) const;
  // Value of a query parameter ("" for `?name`), nullopt if absent.
  std::optional<std::string_view> Query(std::string_view name) const;

  std::string_view host;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view accept;
  std::string_view accept_encoding;
  std::string_view accept_language;
  std::string_view authorization;
  std::string_view idempotency_key;
  std::string_view if_match;
  std::string_view if_none_match;
  std::string_view origin;
  std::string_view access_control_request_method;
  std::string_view access_control_request_headers;
  std::string_view last_event_id;
  std::string_view upgrade;
  std::string_view sec_websocket_key;
  std::string_view sec_websocket_version;
  std::string_view sec_websocket_protocol;
  bool connection_upgrade = false;  // Connection names Upgrade
  std::string_view prefer;
  std::string_view tallyd_voter;
  std::string_view tallyd_actor;
  std::string_view traceparent;
  // Every line of these, in order; a word of whoever sent it (net/client_address.h).
  ForwardedLines x_forwarded_for;
  ForwardedLines forwarded;

  // The client's Request-Id if it was sane, else ours; never empty.
  std::string_view request_id;

  // 0 for a request without one. For a streamed body: what will come.
  std::uint64_t content_length = 0;
  // The whole body, contiguous; empty for a streamed one.
  std::string_view body;

  // Filled by the listener's gate: whose request it is, as far as the network can say; unknown
  // where there is no gate.
  ClientAddress client;

  // Filled by Authenticator::Identify() where a token is looked at before the handler is called.
  bool identified = false;
  std::optional<Identity> identity;

  // Filled by the router; owns what `params` and `queries` had to decode.
  std::string decoded;
};

}  // namespace tallyd
