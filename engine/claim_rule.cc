#include "engine/claim_rule.h"

#include <algorithm>

namespace tallyd {
namespace {

constexpr std::string_view kHead = R"({"eligible":{"claims":)";

// The text of the next string of `rest`, which is then behind it; quotation marks only delimit.
std::string_view TakeText(std::string_view& rest) {
  const std::size_t begin = rest.find('"') + 1;
  const std::size_t end = rest.find('"', begin);
  const std::string_view text = rest.substr(begin, end - begin);
  rest.remove_prefix(end + 1);
  return text;
}

}  // namespace

bool IsClaimText(std::string_view text) {
  return !text.empty() && text.size() <= kClaimTextBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '"' && c != '\\';
         });
}

std::string_view ClaimRuleOf(std::string_view display) {
  if (!display.starts_with(kHead)) return {};
  display.remove_prefix(kHead.size());
  bool inside = false;
  for (std::size_t i = 0; i < display.size(); ++i) {
    if (display[i] == '"') inside = !inside;
    if (display[i] == '}' && !inside) return display.substr(0, i + 1);
  }
  return {};
}

std::string_view DisplayWithoutRule(std::string_view display) {
  const std::string_view rule = ClaimRuleOf(display);
  std::size_t begin = 1;
  if (!rule.empty()) begin = kHead.size() + rule.size() + 1;  // and the brace of "eligible"
  if (begin < display.size() && display[begin] == ',') ++begin;
  return display.size() <= begin + 1 ? std::string_view()
                                     : display.substr(begin, display.size() - begin - 1);
}

std::string_view MissingClaim(std::string_view rule,
                              absl::Span<const std::pair<std::string, std::string>> claims) {
  while (rule.find('"') != std::string_view::npos) {
    const std::string_view name = TakeText(rule);
    bool found = false;
    rule.remove_prefix(2);  // :[
    while (rule.front() != ']') {
      const std::string_view value = TakeText(rule);
      found = found || std::any_of(claims.begin(), claims.end(), [&](const auto& claim) {
                return claim.first == name && claim.second == value;
              });
    }
    rule.remove_prefix(1);
    if (!found) return name;
  }
  return {};
}

}  // namespace tallyd
