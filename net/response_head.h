#pragma once

// The bytes of an answer: status line, the headers every answer carries, the handler's own, body.
//
// Appends to a string and nothing else; no clock, no socket. Bodies of HEAD, 204 and 304 are left
// out here, so that nobody else needs to think of it.

#include <cstddef>
#include <string>
#include <string_view>

#include "net/http_response.h"
#include "net/request_gate.h"

namespace tallyd {

// What the session knows of the request that is being answered.
struct AnswerFrame {
  std::string_view request_id;
  std::string_view date_line;   // "Date: ...\r\n"
  std::string_view cors_lines;  // complete lines or empty
  bool head_only = false;       // the request was HEAD
  bool http_1_0 = false;
  bool close = false;
  RateLimitNote rate_limit;
};

// "Created" for 201; "Status" for a code that has no name here.
std::string_view ReasonPhrase(int status);

// Bodies of shared_body up to this many bytes are copied behind their head: cheaper than a second
// buffer in the gather write.
inline constexpr std::size_t kCopyBodyBytesMax = 2048;

// Appends head and body, except for a shared body above kCopyBodyBytesMax: then returns true and
// the caller sends those bytes after what was appended. Header values with CR, LF or NUL are left
// out and counted in `dropped_headers`.
bool AppendAnswer(const HttpResponse& response, const AnswerFrame& frame, std::string& out,
                  int& dropped_headers);

// The head of an answer whose body has no length: it ends with the connection, or with a 101
// becomes something else.
void AppendStreamHead(int status, std::string_view header_lines, const AnswerFrame& frame,
                      std::string& out);

void AppendRawAnswer(int status, std::string_view header_lines, std::string_view body,
                     const AnswerFrame& frame, std::string& out);

}  // namespace tallyd
