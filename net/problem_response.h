#pragma once

// Every error answer: application/problem+json (RFC 9457) from a ProblemCode.
//
// {"type":"/problems/{code}","title":...,"status":...,"detail":...,"code":...,"errors":[...]}.
// Title is German if Accept-Language prefers de to en, else English, and Content-Language says
// which. `detail` is a sentence for people and may quote what came in (it is escaped; bytes that
// are not UTF-8 become U+FFFD); empty: the catalogue's explanation in the same language. Any
// thread; allocates the body. Every 429 and 503 carries a Retry-After of 1, 2 or 3 seconds in turn,
// so that the refused do not come back all at once.

#include <string>
#include <string_view>

#include "absl/types/span.h"

#include "net/http_response.h"
#include "net/problem_catalog.h"

namespace tallyd {

// One fault of a request body: where (a JSON Pointer), what.
struct BodyError {
  std::string pointer;
  ProblemCode code;
  std::string detail;
};

HttpResponse ProblemResponse(ProblemCode code, std::string_view detail = {},
                             absl::Span<const BodyError> errors = {},
                             std::string_view accept_language = {});

// True if the Accept-Language value ranks German above English.
bool PrefersGerman(std::string_view accept_language);

// Appends `text` as a JSON string, quotes included.
void AppendJsonString(std::string_view text, std::string& out);
// `,"name":"text"`: a member of an object that has one already.
void AppendTextMember(std::string_view name, std::string_view text, std::string& out);

}  // namespace tallyd
