#pragma once

// Which claims of a voter's token a poll asks for: {"district":["mitte"],"age":["16","17"]} admits
// who has, for every name, one of its values.
//
// The rule is the first member of the poll's display text, `{"eligible":{"claims":{...}},...`, so
// it is journalled with the definition; a poll without one has no such member. Names and values
// have neither quotation marks nor backslashes (IsClaimText), so the text is matched as it stands:
// no parsing, no allocation, about the time it takes to read it. Pure functions, any thread.

#include <string>
#include <string_view>
#include <utility>

#include "absl/types/span.h"

namespace tallyd {

inline constexpr std::size_t kClaimTextBytesMax = 64;  // of a name or a value
inline constexpr std::size_t kClaimNamesMax = 8;       // of a rule
inline constexpr std::size_t kClaimValuesMax = 200;    // of a name

// What a rule can speak of: 1 to 64 bytes without control characters, `"` and `\`.
bool IsClaimText(std::string_view text);

// The claims object of a display text, "{...}"; "" = everyone may vote.
std::string_view ClaimRuleOf(std::string_view display);
// What of a display text is not the rule, without its braces.
std::string_view DisplayWithoutRule(std::string_view display);

// "" if the voter may vote, else the first name of the rule that the claims do not satisfy. The
// rule is one that ClaimRuleOf() found; `claims` has a name once for each of its values.
std::string_view MissingClaim(std::string_view rule,
                              absl::Span<const std::pair<std::string, std::string>> claims);

}  // namespace tallyd
