#pragma once

// Which claims of a voter's token a poll asks for: {"district":["mitte"],"age":["16","17"]} admits
// who has, for every name, one of its values. Pure functions, any thread.

#include <string>
#include <string_view>
#include <utility>

#include "absl/types/span.h"

#include "storage/entries.h"

namespace tallyd {

inline constexpr std::size_t kClaimTextBytesMax = 64;  // of a name or a value
inline constexpr std::size_t kClaimNamesMax = 8;       // of a poll
inline constexpr std::size_t kClaimValuesMax = 200;    // of a name

// What a rule can speak of: 1 to 64 bytes without control characters, `"` and `\`.
bool IsClaimText(std::string_view text);

// "" if the voter may vote, else the first name of the rules that the claims do not satisfy.
// `claims` has a name once for each of its values.
std::string_view MissingClaim(absl::Span<const ClaimRule> rules,
                              absl::Span<const std::pair<std::string, std::string>> claims);

}  // namespace tallyd
