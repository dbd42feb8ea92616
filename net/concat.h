#pragma once

// Concat(parts...) and AppendTo(&out, parts...): texts and integers in a row.
//
// Like absl::StrCat, which does not take std::string_view here: Debian builds Abseil with a
// string_view of its own. One reservation at most per call is left to std::string.

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace tallyd {

inline void AppendPart(std::string* out, std::string_view text) {
  *out += text;
}

template <std::integral Number>
void AppendPart(std::string* out, Number number) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out->append(buffer, static_cast<std::size_t>(end - buffer));
}

template <typename... Parts>
void AppendTo(std::string* out, const Parts&... parts) {
  (AppendPart(out, parts), ...);
}

template <typename... Parts>
std::string Concat(const Parts&... parts) {
  std::string out;
  AppendTo(&out, parts...);
  return out;
}

}  // namespace tallyd
