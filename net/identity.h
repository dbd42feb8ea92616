#pragma once

// Who is asking and what they may do, as a value of its own: nothing in it points into a request.
//
// Copying costs the bytes in use; only a token with claims allocates. Any thread.

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallyd {

enum class Scope : std::uint8_t {
  kVote = 1,          // for oneself
  kVoteOnBehalf = 2,  // for a named voter
  kPaper = 4,
  kAdmin = 8,
  kAnalyse = 16,
  kModerate = 32,
};

// A set of scopes, as bits of Scope.
using Scopes = std::uint8_t;
template <typename... Some>
constexpr Scopes ScopeBits(Some... scopes) {
  return static_cast<Scopes>((0 | ... | static_cast<int>(scopes)));
}
inline constexpr Scopes kAllScopes = ScopeBits(Scope::kVote, Scope::kVoteOnBehalf, Scope::kPaper,
                                               Scope::kAdmin, Scope::kAnalyse, Scope::kModerate);
inline constexpr Scopes kVotingScopes = ScopeBits(Scope::kVote, Scope::kVoteOnBehalf);

// "vote:on-behalf" and back; nullopt: no scope of ours.
std::string_view ScopeName(Scope scope);
std::optional<Scope> FindScope(std::string_view name);
// The known scopes of a list separated by blanks; others are passed over, as OAuth asks.
Scopes ParseScopes(std::string_view list);
// "vote paper" for a set.
std::string ScopesText(Scopes scopes);

// A text of at most `kBytesMax` bytes that lives where it stands.
template <std::size_t kBytesMax>
class InlineText {
 public:
  InlineText() = default;
  InlineText(const InlineText& other) { *this = other; }
  InlineText& operator=(const InlineText& other) {
    size_ = other.size_;
    std::memcpy(bytes_.data(), other.bytes_.data(), size_);
    return *this;
  }
  // False, and nothing changed, if it does not fit.
  bool Assign(std::string_view head, std::string_view tail = {}) {
    if (head.size() + tail.size() > kBytesMax) return false;
    if (!head.empty()) std::memcpy(bytes_.data(), head.data(), head.size());
    if (!tail.empty()) std::memcpy(bytes_.data() + head.size(), tail.data(), tail.size());
    size_ = static_cast<std::uint16_t>(head.size() + tail.size());
    return true;
  }
  // As much of it as fits.
  void AssignCut(std::string_view text) { Assign(text.substr(0, kBytesMax)); }
  std::string_view view() const { return {bytes_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::uint16_t size_ = 0;
  std::array<char, kBytesMax> bytes_;  // only the first size_ are ever read
};

struct Identity {
  bool Has(Scope scope) const { return HasAny(ScopeBits(scope)); }
  bool HasAny(Scopes some) const { return (scopes & some) != 0; }

  Scopes scopes = 0;
  // Whoever may name voters vouches for their right to vote; a citizen's token must prove it.
  bool VouchesForVoters() const { return Has(Scope::kVoteOnBehalf); }

  // Not checked where they come from a header: one that is too long for a voter stays so here.
  InlineText<160> voter;  // empty: none named outside of the body
  InlineText<160> actor;  // empty: nobody named
  // Claims of the token that polls may ask for: name and one of its values.
  std::vector<std::pair<std::string, std::string>> claims;
};

}  // namespace tallyd
