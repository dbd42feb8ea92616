#include "net/identity.h"

namespace tallyd {
namespace {

constexpr std::array<std::pair<std::string_view, Scope>, 6> kScopeNames = {
    {{"vote", Scope::kVote},
     {"vote:on-behalf", Scope::kVoteOnBehalf},
     {"paper", Scope::kPaper},
     {"admin", Scope::kAdmin},
     {"analyse", Scope::kAnalyse},
     {"moderate", Scope::kModerate}}};

}  // namespace

std::string_view ScopeName(Scope scope) {
  for (const auto& [name, known] : kScopeNames) {
    if (known == scope) return name;
  }
  return "";
}

std::optional<Scope> FindScope(std::string_view name) {
  for (const auto& [known, scope] : kScopeNames) {
    if (known == name) return scope;
  }
  return std::nullopt;
}

Scopes ParseScopes(std::string_view list) {
  Scopes scopes = 0;
  while (!list.empty()) {
    const std::size_t blank = list.find(' ');
    if (const auto scope = FindScope(list.substr(0, blank))) scopes |= ScopeBits(*scope);
    list = blank == std::string_view::npos ? std::string_view() : list.substr(blank + 1);
  }
  return scopes;
}

std::string ScopesText(Scopes scopes) {
  std::string text;
  for (const auto& [name, scope] : kScopeNames) {
    if ((scopes & ScopeBits(scope)) == 0) continue;
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text;
}

}  // namespace tallyd
