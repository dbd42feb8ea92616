#include "net/response_head.h"

#include <algorithm>
#include <charconv>

#include "net/http_text.h"
#include "net/request_guard.h"

namespace tallyd {
namespace {

constexpr std::string_view kNoStoreLine = "Cache-Control: no-store\r\n";

void AppendSize(std::size_t number, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void AppendRateLimit(const RateLimitNote& note, std::string& out) {
  out += "RateLimit-Policy: \"";
  out += note.policy;
  out += "\";q=";
  AppendSize(note.quota, out);
  out += ";w=";
  AppendSize(note.window_s, out);
  out += "\r\nRateLimit: \"";
  out += note.policy;
  out += "\";r=";
  AppendSize(note.remaining, out);
  out += ";t=";
  AppendSize(note.whole_s, out);
  out += "\r\n";
}

bool HasBody(int status) {
  return status != 204 && status != 304 && status >= 200;
}

// Byte by byte: find_first_of() calls memchr() for each.
bool BreaksLine(std::string_view value) {
  return std::any_of(value.begin(), value.end(),
                     [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void AppendStatusLine(int status, std::string& out) {
  out += "HTTP/1.1 ";
  AppendSize(static_cast<std::size_t>(status), out);
  out += ' ';
  out += ReasonPhrase(status);
  out += "\r\n";
}

// Everything of the head but the handler's own lines.
void FinishHead(bool has_length, std::size_t body_bytes, const AnswerFrame& frame,
                std::string& out) {
  if (has_length) {
    out += "Content-Length: ";
    AppendSize(body_bytes, out);
    out += "\r\n";
  }
  out += "X-Content-Type-Options: nosniff\r\nRequest-Id: ";
  out += frame.request_id;
  out += "\r\n";
  out += frame.date_line;
  out += frame.cors_lines;
  if (frame.rate_limit.quota > 0) AppendRateLimit(frame.rate_limit, out);
  if (frame.close) {
    out += "Connection: close\r\n";
  } else if (frame.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  struct Reason {
    int status;
    std::string_view phrase;
  };
  static constexpr Reason kReasons[] = {
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
  };
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.phrase;
  }
  return "Status";
}

bool AppendAnswer(const HttpResponse& response, const AnswerFrame& frame, std::string& out,
                  int& dropped_headers) {
  const std::string_view body = response.Body();
  AppendStatusLine(response.status, out);
  if (!response.content_type.empty() && HasBody(response.status)) {
    out += "Content-Type: ";
    out += response.content_type;
    out += "\r\n";
  }
  bool has_cache_control = false;
  for (const auto& [name, value] : response.headers) {
    if (BreaksLine(value)) {
      ++dropped_headers;
      continue;
    }
    has_cache_control = has_cache_control || EqualsIgnoreCase(name, "Cache-Control");
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (!has_cache_control) out += kNoStoreLine;
  // A HEAD whose handler made no body does not know how long the GET's is (a stream has no end).
  const bool has_length = HasBody(response.status) && !(frame.head_only && body.empty());
  FinishHead(has_length, body.size(), frame, out);
  if (frame.head_only || !HasBody(response.status)) return false;
  if (response.shared_body && body.size() > kCopyBodyBytesMax) return true;
  out += body;
  return false;
}

void AppendStreamHead(int status, std::string_view header_lines, const AnswerFrame& frame,
                      std::string& out) {
  AppendStatusLine(status, out);
  out += header_lines;
  FinishHead(false, 0, frame, out);
}

void AppendRawAnswer(int status, std::string_view header_lines, std::string_view body,
                     const AnswerFrame& frame, std::string& out) {
  AppendStatusLine(status, out);
  out += header_lines;
  if (header_lines.find("Cache-Control:") == std::string_view::npos) out += kNoStoreLine;
  FinishHead(HasBody(status), body.size(), frame, out);
  if (!frame.head_only && HasBody(status)) out += body;
}

}  // namespace tallyd
