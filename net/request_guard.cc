#include "net/request_guard.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "net/http_text.h"

namespace tallyd {
namespace {

constexpr bool IsAlphaNumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<Method> FindMethod(std::string_view name) {
  for (int i = 0; i < kMethodCount; ++i) {
    const Method method = static_cast<Method>(i);
    if (MethodName(method) == name) return method;
  }
  return std::nullopt;
}

// What a second line of the same name means.
enum class Repeat : std::uint8_t {
  kRefuse,    // two values would leave open which one holds
  kKeepFirst  // only a preference of the client
};

struct NamedHeader {
  std::string_view name;  // lower case
  std::string_view HttpRequest::*member;
  Repeat repeat;
};

// In order of length, so that a field name meets only names as long as itself.
constexpr std::array kNamedHeaders = {
    NamedHeader{"host", &HttpRequest::host, Repeat::kRefuse},
    NamedHeader{"accept", &HttpRequest::accept, Repeat::kKeepFirst},
    NamedHeader{"origin", &HttpRequest::origin, Repeat::kRefuse},
    NamedHeader{"prefer", &HttpRequest::prefer, Repeat::kKeepFirst},
    NamedHeader{"upgrade", &HttpRequest::upgrade, Repeat::kRefuse},
    NamedHeader{"if-match", &HttpRequest::if_match, Repeat::kRefuse},
    NamedHeader{"request-id", &HttpRequest::request_id, Repeat::kKeepFirst},
    NamedHeader{"traceparent", &HttpRequest::traceparent, Repeat::kKeepFirst},
    NamedHeader{"content-type", &HttpRequest::content_type, Repeat::kRefuse},
    NamedHeader{"tallyd-voter", &HttpRequest::tallyd_voter, Repeat::kRefuse},
    NamedHeader{"tallyd-actor", &HttpRequest::tallyd_actor, Repeat::kRefuse},
    NamedHeader{"authorization", &HttpRequest::authorization, Repeat::kRefuse},
    NamedHeader{"if-none-match", &HttpRequest::if_none_match, Repeat::kRefuse},
    NamedHeader{"last-event-id", &HttpRequest::last_event_id, Repeat::kRefuse},
    NamedHeader{"accept-encoding", &HttpRequest::accept_encoding, Repeat::kKeepFirst},
    NamedHeader{"accept-language", &HttpRequest::accept_language, Repeat::kKeepFirst},
    NamedHeader{"idempotency-key", &HttpRequest::idempotency_key, Repeat::kRefuse},
    NamedHeader{"content-encoding", &HttpRequest::content_encoding, Repeat::kRefuse},
    NamedHeader{"sec-websocket-key", &HttpRequest::sec_websocket_key, Repeat::kRefuse},
    NamedHeader{"sec-websocket-version", &HttpRequest::sec_websocket_version, Repeat::kRefuse},
    NamedHeader{"sec-websocket-protocol", &HttpRequest::sec_websocket_protocol, Repeat::kRefuse},
    NamedHeader{"access-control-request-method", &HttpRequest::access_control_request_method,
                Repeat::kRefuse},
    NamedHeader{"access-control-request-headers", &HttpRequest::access_control_request_headers,
                Repeat::kKeepFirst},
};

constexpr std::size_t kNameBytesMax = 30;

// kFirstOfLength[n] is the first entry with a name of n or more bytes.
constexpr auto kFirstOfLength = [] {
  std::array<std::uint8_t, kNameBytesMax + 2> first{};
  std::size_t entry = 0;
  for (std::size_t length = 0; length < first.size(); ++length) {
    while (entry < kNamedHeaders.size() && kNamedHeaders[entry].name.size() < length) ++entry;
    first[length] = static_cast<std::uint8_t>(entry);
  }
  return first;
}();

static_assert(std::is_sorted(kNamedHeaders.begin(), kNamedHeaders.end(),
                             [](const NamedHeader& a, const NamedHeader& b) {
                               return a.name.size() < b.name.size();
                             }));
static_assert(kNamedHeaders.back().name.size() == kNameBytesMax);

const NamedHeader* FindNamedHeader(std::string_view name) {
  if (name.size() > kNameBytesMax) return nullptr;
  for (std::size_t i = kFirstOfLength[name.size()]; i < kFirstOfLength[name.size() + 1]; ++i) {
    if (EqualsIgnoreCase(kNamedHeaders[i].name, name)) return &kNamedHeaders[i];
  }
  return nullptr;
}

bool IsValidPort(std::string_view port) {
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Printable ASCII that may stand unescaped in a path (RFC 3986 pchar and '/') or in a query. A
// query also takes what browsers leave unescaped there.
constexpr bool IsTargetCharacter(char c, bool in_query) {
  if (c <= ' ' || c >= 127) return false;  // also bytes above 127: char is signed
  switch (c) {
    case '#':
    case '"':
    case '<':
    case '>':
      return false;
    case '\\':
    case '^':
    case '`':
    case '{':
    case '|':
    case '}':
    case '[':
    case ']':
      return in_query;
    default:
      return true;
  }
}

}  // namespace

bool IsSaneRequestId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return IsAlphaNumeric(c) || c == '.' || c == '_' || c == '-';
  });
}

bool IsValidHost(std::string_view host) {
  if (host.empty() || host.size() > 255 + 6) return false;
  if (host.front() == '[') {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const std::string_view address = host.substr(1, end - 1);
    const bool valid = std::all_of(address.begin(), address.end(),
                                   [](char c) { return HexValue(c) >= 0 || c == ':' || c == '.'; });
    const std::string_view rest = host.substr(end + 1);
    return valid && (rest.empty() || (rest.front() == ':' && IsValidPort(rest.substr(1))));
  }
  const std::size_t colon = host.find(':');
  const std::string_view name = host.substr(0, colon);
  if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) {
        return IsAlphaNumeric(c) || c == '.' || c == '-' || c == '_';
      })) {
    return false;
  }
  return colon == std::string_view::npos || IsValidPort(host.substr(colon + 1));
}

bool IsValidTarget(std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  bool in_query = false;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (!IsTargetCharacter(c, in_query)) return false;
    if (c == '?') in_query = true;
    if (c != '%') continue;
    if (i + 2 >= target.size()) return false;
    const int high = HexValue(target[i + 1]);
    const int low = HexValue(target[i + 2]);
    if (high < 0 || low < 0) return false;
    const int byte = high * 16 + low;
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return true;
}

std::optional<ProblemCode> RequestGuard::OnRequestLine(std::string_view method,
                                                       std::string_view target, int version) {
  if (version != 10 && version != 11) return ProblemCode::kHttpVersionNotSupported;
  const std::optional<Method> known = FindMethod(method);
  if (!known.has_value()) return ProblemCode::kNotImplemented;
  if (target.size() > limits_.target_bytes_max) return ProblemCode::kUriTooLong;
  if (!IsValidTarget(target)) return ProblemCode::kBadRequest;

  request_.method = *known;
  request_.version = version;
  request_.target = target;
  const std::size_t question = target.find('?');
  request_.path = target.substr(0, question);
  request_.query_string =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  return std::nullopt;
}

std::optional<ProblemCode> RequestGuard::OnField(std::string_view name, std::string_view value) {
  if (++fields_ > limits_.header_fields_max) return ProblemCode::kHeaderTooLarge;
  if (const NamedHeader* known = FindNamedHeader(name)) {
    std::string_view& member = request_.*known->member;
    if (member.data() == nullptr) {
      member = value;
      return std::nullopt;
    }
    if (known->repeat == Repeat::kKeepFirst) return std::nullopt;
    return known->member == &HttpRequest::host ? ProblemCode::kHostInvalid
                                               : ProblemCode::kHeaderInvalid;
  }
  if (EqualsIgnoreCase(name, "content-length")) return OnContentLength(value);
  if (EqualsIgnoreCase(name, "connection")) {
    OnConnection(value);
  } else if (EqualsIgnoreCase(name, "transfer-encoding")) {
    return ProblemCode::kLengthRequired;
  } else if (EqualsIgnoreCase(name, "expect")) {
    if (!EqualsIgnoreCase(value, "100-continue")) return ProblemCode::kExpectationFailed;
    expects_continue_ = true;
  } else if (EqualsIgnoreCase(name, "x-forwarded-for")) {
    request_.x_forwarded_for.push_back(value);
  } else if (EqualsIgnoreCase(name, "forwarded")) {
    request_.forwarded.push_back(value);
  }
  return std::nullopt;
}

std::optional<ProblemCode> RequestGuard::OnContentLength(std::string_view value) {
  if (has_content_length_) return ProblemCode::kContentLengthInvalid;
  std::uint64_t length = 0;
  const char* end = value.data() + value.size();
  // from_chars takes digits only for an unsigned type: no sign, no blank, no "0x".
  const auto [rest, error] = std::from_chars(value.data(), end, length);
  if (error != std::errc() || rest != end || length > kContentLengthMax) {
    return ProblemCode::kContentLengthInvalid;
  }
  has_content_length_ = true;
  request_.content_length = length;
  return std::nullopt;
}

void RequestGuard::OnConnection(std::string_view value) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view token = TrimBlanks(value.substr(0, comma));
    if (EqualsIgnoreCase(token, "close")) connection_close_ = true;
    if (EqualsIgnoreCase(token, "keep-alive")) connection_keep_alive_ = true;
    if (EqualsIgnoreCase(token, "upgrade")) request_.connection_upgrade = true;
    if (comma == std::string_view::npos) return;
    value.remove_prefix(comma + 1);
  }
}

std::optional<ProblemCode> RequestGuard::OnHeaderEnd() {
  if (!IsValidHost(request_.host)) return ProblemCode::kHostInvalid;
  switch (request_.method) {
    case Method::kPost:
    case Method::kPut:
    case Method::kPatch:
      if (!has_content_length_) return ProblemCode::kLengthRequired;
      break;
    default:
      // Nothing here has a meaning for such a body, and others might skip or not skip it.
      if (request_.content_length > 0) return ProblemCode::kBadRequest;
      break;
  }
  if (!IsSaneRequestId(request_.request_id)) request_.request_id = {};
  if (request_.version == 10) {
    keep_alive_ = connection_keep_alive_ && !connection_close_;
    expects_continue_ = false;  // HTTP/1.0 knows no interim answer
  } else {
    keep_alive_ = !connection_close_;
  }
  return std::nullopt;
}

}  // namespace tallyd
