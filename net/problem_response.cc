#include "net/problem_response.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "net/http_text.h"

namespace tallyd {
namespace {

// 1, 2 or 3, so that the refused do not come back all at once.
int RetryAfterSeconds() {
  thread_local std::uint32_t jitter = 0;
  jitter = jitter * 1'664'525U + 1'013'904'223U;  // Numerical Recipes' LCG
  return 1 + static_cast<int>((jitter >> 16) % 3);
}

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned char low = 0x80, unsigned char high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : 0xbf;  // no surrogates
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

void AppendEscaped(unsigned char c, std::string& out) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
      break;
  }
}

// Controls beyond ASCII: C1 (a terminal obeys U+009B) and the line ends of Unicode. Written as
// escapes, so that no line of a log begins or ends where its reader does not see it.
bool IsInvisibleControl(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  return character == "\xe2\x80\xa8" || character == "\xe2\x80\xa9";
}

void AppendEscapedControl(std::string_view character, std::string& out) {
  if (character.size() == 2) {
    AppendEscaped(static_cast<unsigned char>(character[1]), out);
  } else {
    out += character.back() == '\xa8' ? "\\u2028" : "\\u2029";
  }
}

// The weight of ";q=0.8" in thousandths; 1000 without one, 0 for what cannot be read.
int QualityOf(std::string_view parameters) {
  parameters = TrimBlanks(parameters);
  if (parameters.empty()) return 1000;
  if (parameters.size() < 3 || (parameters[0] != 'q' && parameters[0] != 'Q') ||
      parameters[1] != '=') {
    return 0;
  }
  const std::string_view number = parameters.substr(2);
  if (number.front() == '1') return 1000;
  if (number.front() != '0') return 0;
  int quality = 0;
  int unit = 100;
  for (std::size_t i = 2; i < number.size() && unit > 0; ++i, unit /= 10) {
    if (number[i] < '0' || number[i] > '9') return 0;
    quality += (number[i] - '0') * unit;
  }
  return quality;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD
      text.remove_prefix(1);
      continue;
    }
    if (IsInvisibleControl(text.substr(0, length))) {
      AppendEscapedControl(text.substr(0, length), out);
    } else if (first < 0x20 || first == '"' || first == '\\' || first == 0x7f) {
      AppendEscaped(first, out);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void AppendTextMember(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  AppendJsonString(text, out);
}

bool PrefersGerman(std::string_view accept_language) {
  int german = 0;
  int english = 0;
  int any = 0;
  bool german_first = false;
  while (!accept_language.empty()) {
    const std::size_t comma = accept_language.find(',');
    std::string_view range = TrimBlanks(accept_language.substr(0, comma));
    accept_language =
        comma == std::string_view::npos ? std::string_view() : accept_language.substr(comma + 1);
    const std::size_t semicolon = range.find(';');
    const int quality =
        semicolon == std::string_view::npos ? 1000 : QualityOf(range.substr(semicolon + 1));
    range = TrimBlanks(range.substr(0, semicolon));
    const std::string_view primary = range.substr(0, range.find('-'));
    if (EqualsIgnoreCase(primary, "de")) {
      german = std::max(german, quality);
      german_first = german_first || english == 0;
    } else if (EqualsIgnoreCase(primary, "en")) {
      english = std::max(english, quality);
    } else if (primary == "*") {
      any = quality;
    }
  }
  if (english == 0) english = any;
  return german > english || (german == english && german > 0 && german_first);
}

HttpResponse ProblemResponse(ProblemCode code, std::string_view detail,
                             absl::Span<const BodyError> errors, std::string_view accept_language) {
  const Problem& problem = Describe(code);
  const bool german = PrefersGerman(accept_language);
  const ProblemText& text = german ? problem.de : problem.en;

  HttpResponse response;
  response.status = problem.status;
  response.content_type = "application/problem+json";
  response.headers.emplace_back("Content-Language", german ? "de" : "en");
  response.headers.emplace_back("Vary", "Accept-Language");
  if (problem.status == 429 || problem.status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(RetryAfterSeconds()));
  }

  std::string& body = response.body;
  const auto append = [&body](std::string_view bytes) { body.append(bytes); };
  append("{\"type\":\"/problems/");
  append(problem.name);
  append("\",\"title\":");
  AppendJsonString(text.title, body);
  append(",\"status\":");
  append(std::to_string(problem.status));
  append(",\"detail\":");
  AppendJsonString(detail.empty() ? text.explanation : detail, body);
  append(",\"code\":\"");
  append(problem.name);
  append("\"");
  if (!errors.empty()) {
    append(",\"errors\":[");
    for (const BodyError& error : errors) {
      const Problem& cause = Describe(error.code);
      if (body.back() != '[') append(",");
      append("{\"pointer\":");
      AppendJsonString(error.pointer, body);
      append(",\"code\":\"");
      append(cause.name);
      append("\",\"detail\":");
      AppendJsonString(error.detail.empty() ? (german ? cause.de : cause.en).explanation
                                            : std::string_view(error.detail),
                       body);
      append("}");
    }
    append("]");
  }
  body += '}';
  return response;
}

}  // namespace tallyd
