#include "net/request_parser.h"

#include <algorithm>
#include <cstring>

#include <boost/beast/http/basic_parser.hpp>

#include "net/http_text.h"
#include "net/request_guard.h"

namespace tallyd {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::beast::error_code;

// Bytes of the longest known method, the version and what stands around the target.
constexpr std::size_t kRequestLineSlackBytes = 64;

std::string_view ToStd(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool BeginsMethod(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Whether any line calls itself Transfer-Encoding, however crooked. Looked for only once something
// was refused: a client that tries a transfer coding is always told 411.
bool MentionsTransferEncoding(std::string_view block) {
  while (!block.empty()) {
    const std::size_t newline = block.find('\n');
    std::string_view line = block.substr(0, newline);
    block = newline == std::string_view::npos ? std::string_view() : block.substr(newline + 1);
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    line = line.substr(0, colon);
    while (!line.empty() && static_cast<unsigned char>(line.front()) <= ' ') line.remove_prefix(1);
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
    if (EqualsIgnoreCase(line, "transfer-encoding")) return true;
  }
  return false;
}

// "... HTTP/2.0" is a version we do not speak; anything else at its place is not HTTP, and neither
// is a line that goes wrong before a version that we do speak.
bool NamesAnotherHttpVersion(std::string_view block) {
  const std::string_view line = block.substr(0, block.find("\r\n"));
  if (line.size() < 8) return false;
  const std::string_view version = line.substr(line.size() - 8);
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return false;
  return version.starts_with("HTTP/") && version[5] >= '0' && version[5] <= '9' &&
         version[6] == '.' && version[7] >= '0' && version[7] <= '9';
}

// Beast's syntax checks around our guard; stores nothing itself.
class RequestParser final : public http::basic_parser<true> {
 public:
  RequestParser(std::string_view block, const SessionLimits& limits, HttpRequest& request)
      : block_(block), guard_(limits, request) {
    skip(true);  // the body is framed by the session
    // The scanner has counted already, and counts the request line too.
    header_limit(static_cast<std::uint32_t>(block.size()) + 1);
  }

  const RequestGuard& guard() const { return guard_; }
  std::optional<ProblemCode> problem() const { return problem_; }

 private:
  void Judge(std::optional<ProblemCode> problem, ErrorCode& ec) {
    if (!problem.has_value()) return;
    problem_ = problem;
    ec = http::error::bad_field;
  }

  void on_request_impl(http::verb, boost::beast::string_view method,
                       boost::beast::string_view target, int version, ErrorCode& ec) override {
    Judge(guard_.OnRequestLine(ToStd(method), ToStd(target), version), ec);
  }

  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     ErrorCode& ec) override {
    // A folded value is put together in a buffer of the parser's own.
    const bool in_block = value.empty() || (value.data() >= block_.data() &&
                                            value.data() < block_.data() + block_.size());
    if (!in_block) return Judge(ProblemCode::kBadRequest, ec);
    Judge(guard_.OnField(ToStd(name), ToStd(value)), ec);
  }

  void on_header_impl(ErrorCode& ec) override { Judge(guard_.OnHeaderEnd(), ec); }

  void on_response_impl(int, boost::beast::string_view, int, ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(boost::beast::string_view body, ErrorCode&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body,
                                 ErrorCode&) override {
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  const std::string_view block_;
  RequestGuard guard_;
  std::optional<ProblemCode> problem_;
};

ProblemCode ProblemOf(const ErrorCode& error, std::string_view block) {
  if (error == http::error::bad_version && NamesAnotherHttpVersion(block)) {
    return ProblemCode::kHttpVersionNotSupported;
  }
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length) {
    return ProblemCode::kContentLengthInvalid;
  }
  if (error == http::error::header_limit) return ProblemCode::kHeaderTooLarge;
  return ProblemCode::kBadRequest;
}

}  // namespace

HeaderScanner::Result HeaderScanner::Refuse(std::string_view bytes, ProblemCode problem) {
  problem_ = MentionsTransferEncoding(bytes) ? ProblemCode::kLengthRequired : problem;
  return Result::kRefused;
}

HeaderScanner::Result HeaderScanner::Scan(std::string_view bytes, const SessionLimits& limits) {
  while (scanned_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    if (found == nullptr) {
      scanned_ = bytes.size();
      break;
    }
    const std::size_t newline =
        static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    const std::string_view line = bytes.substr(line_, newline - line_);
    const bool first_line = line_ == begin_;
    // A bare LF and a folded line are where two readers of one header part ways.
    if (line.empty() || line.back() != '\r') return Refuse(bytes, ProblemCode::kBadRequest);
    if (!first_line && (line.front() == ' ' || line.front() == '\t')) {
      return Refuse(bytes, ProblemCode::kBadRequest);
    }
    const bool empty_line = line.size() == 1;
    if (first_line && !empty_line && !BeginsMethod(line.front())) {
      return Refuse(bytes, ProblemCode::kBadRequest);
    }
    line_ = scanned_ = newline + 1;
    if (line_ - begin_ > limits.header_bytes_max) {
      return Refuse(bytes, ProblemCode::kHeaderTooLarge);
    }
    if (!empty_line) continue;
    if (!first_line) return Result::kComplete;
    if (begin_ != 0) return Refuse(bytes, ProblemCode::kBadRequest);
    begin_ = line_;
  }
  const std::size_t size = bytes.size() - std::min(begin_, bytes.size());
  if (line_ == begin_ && size > limits.target_bytes_max + kRequestLineSlackBytes) {
    return Refuse(bytes, ProblemCode::kUriTooLong);
  }
  if (size >= limits.header_bytes_max) return Refuse(bytes, ProblemCode::kHeaderTooLarge);
  // A TLS hello or other noise need not wait for a deadline. '\r' may begin the forgiven empty
  // line.
  if (size > 0 && !BeginsMethod(bytes[begin_]) && !(bytes[begin_] == '\r' && begin_ == 0)) {
    return Refuse(bytes, ProblemCode::kBadRequest);
  }
  return Result::kNeedMore;
}

std::optional<ProblemCode> ParseHeader(std::string_view block, const SessionLimits& limits,
                                       HttpRequest& request, HeaderFacts& facts) {
  RequestParser parser(block, limits, request);
  ErrorCode error;
  parser.put(boost::asio::const_buffer(block.data(), block.size()), error);
  if (error || !parser.is_header_done()) {
    if (MentionsTransferEncoding(block)) return ProblemCode::kLengthRequired;
    return parser.problem().value_or(ProblemOf(error, block));
  }
  facts.keep_alive = parser.guard().keep_alive();
  facts.expects_continue = parser.guard().expects_continue();
  return std::nullopt;
}

}  // namespace tallyd
