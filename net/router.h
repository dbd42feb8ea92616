#pragma once

// The table of (method, path pattern, listener) -> handler.
//
// Filled once before the server starts, immutable afterwards: any thread may match. Patterns are
// literal segments and {params}: "/v1/polls/{poll}/votes"; a literal segment wins over a param, and
// matching steps back if the literal branch ends nowhere. A segment is percent-decoded once before
// it is compared or handed on, so an option id with '/' travels as %2F in one segment. Empty and
// dot segments match nothing. A GET route answers HEAD too. No query parameter may come twice.
//
//   Router router(options.cors);
//   router.Add(Method::kPost, "/v1/polls/{poll}/votes", kPublicListener, BodyPolicy::Small(16384),
//              [&](const HttpRequest& request, Responder responder) { ... });
//
// Cost of a match: one compare per segment and sibling, no allocation unless the target has '%' or
// '?'. Refused: 404 not known on this listener, 405 with Allow, 400 repeated query name.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_request.h"
#include "net/http_response.h"

namespace tallyd {

// Bits of ListenerKind.
inline constexpr std::uint8_t kPublicListener = 1;
inline constexpr std::uint8_t kPrivateListener = 2;
inline constexpr std::uint8_t kBothListeners = 3;

// The largest body that is handed over in one piece.
inline constexpr std::uint64_t kSmallBodyBytesMax = 16 * 1024;

// What a route does with a body: refuse it, take it whole, or take it in pieces.
struct BodyPolicy {
  enum class Kind : std::uint8_t { kNone, kSmall, kStream };
  Kind kind = Kind::kNone;
  std::uint64_t bytes_max = 0;

  // Only an empty body (no Content-Length, or 0).
  static constexpr BodyPolicy None() { return {}; }
  // The whole body at once; bytes_max is capped at kSmallBodyBytesMax.
  static constexpr BodyPolicy Small(std::uint64_t bytes_max = kSmallBodyBytesMax) {
    return {Kind::kSmall, bytes_max < kSmallBodyBytesMax ? bytes_max : kSmallBodyBytesMax};
  }
};

// Which web pages of other origins may call the API from a browser. Exact origins, no wildcards.
struct CorsOptions {
  std::vector<std::string> allowed_origins;  // "https://mitmachen.example"
  int preflight_max_age_s = 7200;
};

class Router {
 public:
  struct Route {
    Method method = Method::kGet;
    std::string pattern;
    std::uint8_t listeners = kBothListeners;
    BodyPolicy body;
    Handler handler;
    StreamHandler stream_handler;
    std::vector<std::string> param_names;  // of the pattern, in order
    int index = 0;                         // order of adding; the metrics are kept by it
  };

  enum class Outcome : std::uint8_t { kFound, kNotFound, kMethodNotAllowed, kBadQuery };
  struct Match {
    Outcome outcome = Outcome::kNotFound;
    const Route* route = nullptr;  // kFound
    // Methods this path knows on this listener, as bits 1 << Method (kFound, kMethodNotAllowed).
    std::uint8_t allowed_methods = 0;
  };

  explicit Router(CorsOptions cors = {});
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // A broken pattern, or one that is there already for method and listener, stops the process.
  void Add(Method method, std::string_view pattern, std::uint8_t listeners, BodyPolicy body,
           Handler handler);
  // A route whose body comes in pieces, at most `body_bytes_max` in all.
  void AddStream(Method method, std::string_view pattern, std::uint8_t listeners,
                 std::uint64_t body_bytes_max, StreamHandler handler);

  // Finds the route of request.method/path/listener and fills request.params and .queries.
  Match Find(HttpRequest& request) const;

  // Answer to OPTIONS: a CORS preflight if the request is one, else 204 with Allow.
  HttpResponse AnswerOptions(const HttpRequest& request, const Match& match) const;
  // The header lines (each with CRLF) a browser of request.origin needs to read the answer;
  // "Vary: Origin" alone for an origin that is not allowed, empty if no origin is configured.
  std::string_view CorsHeaderLines(std::string_view origin) const;

  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }
  const CorsOptions& cors() const { return cors_; }

 private:
  struct Node;

  void Insert(std::unique_ptr<Route> route);
  static const Node* Walk(const Node& node, std::string_view rest, HttpRequest& request);

  CorsOptions cors_;
  std::vector<std::string> cors_lines_;  // one per allowed origin, then the line for all others
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

// "GET, HEAD, OPTIONS" for bits 1 << Method.
std::string AllowedMethodsText(std::uint8_t methods);

}  // namespace tallyd
