#pragma once

// From the bytes of a connection to a checked HttpRequest of views into them.
//
// Two steps, so that no view exists before the whole header is there and nothing must be undone
// when a buffer moves: HeaderScanner finds the end of the header in what has come so far (and
// refuses at once what can never become one), ParseHeader reads the complete block in one go.
//
//   switch (scanner.Scan(bytes, limits)) {
//     case kNeedMore: read more; case kRefused: answer scanner.problem(), close;
//     case kComplete: ParseHeader(bytes.substr(scanner.begin(), scanner.size()), ...);
//   }
//
// Framing of the body is not done here: it is exactly content_length bytes after the header.
// Cost: one pass of memchr, one pass of Beast's basic_parser without its field container.

#include <cstddef>
#include <optional>
#include <string_view>

#include "net/http_request.h"
#include "net/problem_catalog.h"
#include "net/server_options.h"

namespace tallyd {

// Remembers how far it has looked, so that a header that comes byte by byte costs no more.
class HeaderScanner {
 public:
  enum class Result { kNeedMore, kComplete, kRefused };

  // `bytes` starts where the request starts and only ever grows until Reset().
  Result Scan(std::string_view bytes, const SessionLimits& limits);
  void Reset() { *this = HeaderScanner(); }
  // As if Scan() had found the end there: whoever calls knows the block.
  void SkipTo(std::size_t end) {
    begin_ = 0;
    line_ = scanned_ = end;
  }

  // After kComplete: the header block, its empty line included. begin() is 2 if the client sent one
  // empty line before the request, which RFC 9112 2.2 asks servers to forgive, else 0.
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return line_; }
  ProblemCode problem() const { return problem_; }

 private:
  Result Refuse(std::string_view bytes, ProblemCode problem);

  std::size_t begin_ = 0;
  std::size_t line_ = 0;     // start of the first line not looked at yet
  std::size_t scanned_ = 0;  // no '\n' in [line_, scanned_)
  ProblemCode problem_ = ProblemCode::kBadRequest;
};

// What the session needs to know besides the request.
struct HeaderFacts {
  bool keep_alive = false;
  bool expects_continue = false;
};

// `block` is one complete header. On success `request` and `facts` are filled.
std::optional<ProblemCode> ParseHeader(std::string_view block, const SessionLimits& limits,
                                       HttpRequest& request, HeaderFacts& facts);

}  // namespace tallyd
