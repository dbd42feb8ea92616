#include "engine/claim_rule.h"

#include <algorithm>

namespace tallyd {

bool IsClaimText(std::string_view text) {
  return !text.empty() && text.size() <= kClaimTextBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '"' && c != '\\';
         });
}

std::string_view MissingClaim(absl::Span<const ClaimRule> rules,
                              absl::Span<const std::pair<std::string, std::string>> claims) {
  for (const ClaimRule& rule : rules) {
    const bool has = std::any_of(claims.begin(), claims.end(), [&rule](const auto& claim) {
      return claim.first == rule.name &&
             std::find(rule.values.begin(), rule.values.end(), claim.second) != rule.values.end();
    });
    if (!has) return rule.name;
  }
  return {};
}

}  // namespace tallyd
