#pragma once

// base64url without padding (RFC 4648 section 5), as JWTs use it.
//
// Strict: no padding, no blanks, no left-over bits, so that one value has exactly one spelling; a
// token that was altered in a bit that does not matter is another token. Any thread.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tallyd {

// The bytes `text` stands for. Reuses the memory of `out`; false leaves it in any state.
bool DecodeBase64Url(std::string_view text, std::string& out);
std::string EncodeBase64Url(std::string_view bytes);

}  // namespace tallyd
