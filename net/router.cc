#include "net/router.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/http_text.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kExposedHeaders =
    "ETag, Location, Link, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, "
    "Preference-Applied, Request-Id";
constexpr std::string_view kAllowedHeaders =
    "Accept, Accept-Language, Authorization, Content-Encoding, Content-Type, Idempotency-Key, "
    "If-Match, If-None-Match, Last-Event-ID, Prefer, Request-Id, Tallyd-Actor, Tallyd-Voter, "
    "traceparent";
constexpr std::uint8_t kAllMethods = (1 << kMethodCount) - 1;

constexpr std::uint8_t BitOf(Method method) {
  return static_cast<std::uint8_t>(1 << static_cast<int>(method));
}

// 0 public, 1 private.
std::size_t IndexOf(ListenerKind listener) {
  return listener == ListenerKind::kPublic ? 0 : 1;
}

// A plus sign of a query is a space, as forms and URLSearchParams write it (WHATWG URL Standard);
// one in a path is itself.
enum class Plus { kLiteral, kSpace };

// The guard has checked that every '%' begins a whole escape.
std::string_view Decode(std::string_view raw, HttpRequest& request, Plus plus) {
  // One pass each; find_first_of() would search its list anew for every byte.
  const bool has_space = plus == Plus::kSpace && raw.find('+') != std::string_view::npos;
  if (!has_space && raw.find('%') == std::string_view::npos) return raw;
  std::string& decoded = request.decoded;
  // Views into `decoded` stay: all that is ever decoded of a request is shorter than its target.
  if (decoded.capacity() < request.target.size()) decoded.reserve(request.target.size());
  const std::size_t start = decoded.size();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%' && i + 2 < raw.size()) {
      decoded.push_back(static_cast<char>(HexValue(raw[i + 1]) * 16 + HexValue(raw[i + 2])));
      i += 2;
    } else {
      decoded.push_back(has_space && raw[i] == '+' ? ' ' : raw[i]);
    }
  }
  return std::string_view(decoded).substr(start);
}

// Fills request.queries; false if a name comes twice.
bool SplitQuery(HttpRequest& request) {
  std::string_view rest = request.query_string;
  while (!rest.empty()) {
    const std::size_t ampersand = rest.find('&');
    const std::string_view pair = rest.substr(0, ampersand);
    rest = ampersand == std::string_view::npos ? std::string_view() : rest.substr(ampersand + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view name = Decode(pair.substr(0, equals), request, Plus::kSpace);
    const std::string_view value = equals == std::string_view::npos
                                       ? std::string_view("")
                                       : Decode(pair.substr(equals + 1), request, Plus::kSpace);
    if (request.Query(name).has_value()) return false;
    request.queries.push_back({name, value});
  }
  return true;
}

bool IsParam(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
  std::unique_ptr<Node> param;
  std::array<std::array<const Route*, kMethodCount>, 2> routes{};  // by listener and method

  std::uint8_t MethodsOn(ListenerKind listener) const {
    std::uint8_t methods = 0;
    for (int i = 0; i < kMethodCount; ++i) {
      if (routes[IndexOf(listener)][static_cast<std::size_t>(i)] != nullptr) {
        methods = static_cast<std::uint8_t>(methods | (1 << i));
      }
    }
    return methods;
  }
};

Router::Router(CorsOptions cors) : cors_(std::move(cors)), root_(std::make_unique<Node>()) {
  for (const std::string& origin : cors_.allowed_origins) {
    cors_lines_.push_back("Access-Control-Allow-Origin: " + origin +
                          "\r\nAccess-Control-Expose-Headers: " + std::string(kExposedHeaders) +
                          "\r\nVary: Origin\r\n");
  }
  cors_lines_.push_back(cors_.allowed_origins.empty() ? "" : "Vary: Origin\r\n");
}

Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::Add(Method method, std::string_view pattern, std::uint8_t listeners, BodyPolicy body,
                 Handler handler) {
  auto route = std::make_unique<Route>();
  route->method = method;
  route->pattern = pattern;
  route->listeners = listeners;
  route->body = body;
  route->handler = std::move(handler);
  Insert(std::move(route));
}

void Router::AddStream(Method method, std::string_view pattern, std::uint8_t listeners,
                       std::uint64_t body_bytes_max, StreamHandler handler) {
  auto route = std::make_unique<Route>();
  route->method = method;
  route->pattern = pattern;
  route->listeners = listeners;
  route->body = {BodyPolicy::Kind::kStream, body_bytes_max};
  route->stream_handler = std::move(handler);
  Insert(std::move(route));
}

void Router::Insert(std::unique_ptr<Route> route) {
  TALLYD_CHECK(route->pattern.starts_with('/'));
  TALLYD_CHECK(route->method != Method::kHead && route->method != Method::kOptions);
  Node* node = root_.get();
  std::string_view rest = std::string_view(route->pattern).substr(1);
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    TALLYD_CHECK(!segment.empty());
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (IsParam(segment)) {
      route->param_names.emplace_back(segment.substr(1, segment.size() - 2));
      if (node->param == nullptr) node->param = std::make_unique<Node>();
      node = node->param.get();
      continue;
    }
    auto literal = std::find_if(node->literals.begin(), node->literals.end(),
                                [&](const auto& entry) { return entry.first == segment; });
    if (literal == node->literals.end()) {
      node->literals.emplace_back(segment, std::make_unique<Node>());
      literal = std::prev(node->literals.end());
    }
    node = literal->second.get();
  }
  route->index = static_cast<int>(routes_.size());
  for (const ListenerKind listener : {ListenerKind::kPublic, ListenerKind::kPrivate}) {
    if ((route->listeners & static_cast<std::uint8_t>(listener)) == 0) continue;
    const Route*& place = node->routes[IndexOf(listener)][static_cast<std::size_t>(route->method)];
    TALLYD_CHECK(place == nullptr);
    place = route.get();
  }
  routes_.push_back(std::move(route));
}

// `rest` is what follows the last slash; the node found has a route on this listener.
const Router::Node* Router::Walk(const Node& node, std::string_view rest, HttpRequest& request) {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = Decode(rest.substr(0, slash), request, Plus::kLiteral);
  if (segment.empty() || segment == "." || segment == "..") return nullptr;
  const bool last = slash == std::string_view::npos;
  const std::size_t decoded_size = request.decoded.size();
  const auto descend = [&](const Node& child) -> const Node* {
    if (last) return child.MethodsOn(request.listener) != 0 ? &child : nullptr;
    const Node* found = Walk(child, rest.substr(slash + 1), request);
    if (found == nullptr) request.decoded.resize(decoded_size);  // it will be decoded again
    return found;
  };

  for (const auto& [literal, child] : node.literals) {
    if (literal != segment) continue;
    if (const Node* found = descend(*child)) return found;
  }
  if (node.param == nullptr) return nullptr;
  request.params.push_back({{}, segment});
  if (const Node* found = descend(*node.param)) return found;
  request.params.pop_back();
  return nullptr;
}

Router::Match Router::Find(HttpRequest& request) const {
  Match match;
  const Node* node =
      request.path == "/" ? root_.get() : Walk(*root_, request.path.substr(1), request);
  if (node == nullptr) return match;
  const std::uint8_t methods = node->MethodsOn(request.listener);
  if (methods == 0) return match;
  match.allowed_methods = static_cast<std::uint8_t>(methods | BitOf(Method::kOptions));
  if ((methods & BitOf(Method::kGet)) != 0) match.allowed_methods |= BitOf(Method::kHead);

  const Method method = request.method == Method::kHead ? Method::kGet : request.method;
  const Route* route = node->routes[IndexOf(request.listener)][static_cast<std::size_t>(method)];
  if (route == nullptr) {
    match.outcome = Outcome::kMethodNotAllowed;
    return match;
  }
  for (std::size_t i = 0; i < request.params.size(); ++i) {
    request.params[i].name = route->param_names[i];
  }
  match.route = route;
  match.outcome = SplitQuery(request) ? Outcome::kFound : Outcome::kBadQuery;
  return match;
}

HttpResponse Router::AnswerOptions(const HttpRequest& request, const Match& match) const {
  HttpResponse response;
  response.status = 204;
  const bool preflight = !request.origin.empty() && !request.access_control_request_method.empty();
  if (!preflight) {
    response.headers.emplace_back("Allow", AllowedMethodsText(match.allowed_methods));
    return response;
  }
  // The session adds Allow-Origin, or leaves it out, which is the browser's "no". An unknown path
  // gets every method, so that the page sees the 404 and not an error of CORS.
  const std::uint8_t methods =
      match.outcome == Outcome::kNotFound ? kAllMethods : match.allowed_methods;
  response.headers.emplace_back("Access-Control-Allow-Methods", AllowedMethodsText(methods));
  response.headers.emplace_back("Access-Control-Allow-Headers", std::string(kAllowedHeaders));
  response.headers.emplace_back("Access-Control-Max-Age",
                                std::to_string(cors_.preflight_max_age_s));
  return response;
}

std::string_view Router::CorsHeaderLines(std::string_view origin) const {
  if (!origin.empty()) {
    for (std::size_t i = 0; i < cors_.allowed_origins.size(); ++i) {
      if (cors_.allowed_origins[i] == origin) return cors_lines_[i];
    }
  }
  return cors_lines_.back();
}

std::string AllowedMethodsText(std::uint8_t methods) {
  std::string text;
  for (int i = 0; i < kMethodCount; ++i) {
    if ((methods & (1 << i)) == 0) continue;
    if (!text.empty()) text += ", ";
    text += MethodName(static_cast<Method>(i));
  }
  return text;
}

}  // namespace tallyd
