#pragma once

// Debian's Abseil has a string_view of its own, which does not convert from std::string_view. Our
// signatures say std::string_view; where Abseil wants its own (StrCat, keys of its maps) this turns
// one into the other for nothing.

#include <string_view>

#include "absl/strings/string_view.h"

namespace tallyd {

inline absl::string_view AbslView(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace tallyd
