#pragma once

// From a JWT to an identity, offline: signature, issuer, audience, times, scopes (RFC 7519, 8725).
//
//   TokenVerifier verifier(credentials, {.leeway_s = 60});
//   Identity identity;
//   if (verifier.Verify(token, now_s, identity) == TokenVerifier::Result::kRefused) ... 401
//
// The key is found by "kid" among the loaded ones only; whatever else a header says about keys
// (jwk, jku, x5u, x5c) or asks to be understood (crit, b64, zip) is a reason to refuse. Required
// claims: iss, aud, sub, exp; nbf and iat are looked at where they are.
// Verified tokens of asymmetric keys are kept, by a 128-bit keyed hash, until they expire; the
// table has a fixed size, and a newer token takes the place of one that was there. HMAC tokens are
// as cheap to verify as to find again, so they are not kept.
// One thread; the credentials outlive it. Costs: docs/security.md.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/identity.h"
#include "net/wire_json_credentials.h"
#include "net/wire_json_flat.h"
#include "net/wire_json_token_keys.h"

namespace tallyd {

// What a verification may cost: an asymmetric signature is a hundred times as dear as the rest.
enum class TokenEffort : std::uint8_t { kAny, kCheap };

struct TokenLimits {
  std::int64_t leeway_s = 60;          // between our clock and the issuer's
  std::size_t token_bytes_max = 4096;  // longer ones are refused unread
  std::size_t cache_tokens = 4096;     // kept per io thread; 0 = none
};

class TokenVerifier {
 public:
  // kPutOff: it would have cost more than it may.
  enum class Result : std::uint8_t { kRefused, kVerified, kCached, kPutOff };

  TokenVerifier(const Credentials& credentials, const TokenLimits& limits);

  // `identity` is of use only if the token was verified, now or before.
  Result Verify(std::string_view token, std::int64_t now_s, Identity& identity,
                TokenEffort effort = TokenEffort::kAny);

 private:
  // A header that was read before: the same bytes mean the same key.
  struct KnownHeader {
    std::string text;
    const TokenKey* key = nullptr;
  };
  struct Times {
    std::int64_t expires_s = 0;
    std::int64_t not_before_s = 0;
  };
  struct CachedToken {
    std::array<std::uint8_t, 16> tag{};
    bool taken = false;
    Times times;
    Identity identity;
  };
  // Where the members of an issuer's tokens are among the claims that are read.
  struct ClaimPlaces {
    std::size_t scope = 0;
    std::size_t actor = 0;
    std::vector<std::size_t> kept;
  };

  const TokenKey* FindKey(std::string_view header);
  const TokenKey* ReadHeader(std::string_view header);
  bool ReadClaims(const TokenKey& key, std::string_view payload, std::int64_t now_s, Times& times,
                  Identity& identity);
  bool ReadTimes(std::int64_t now_s, Times& times) const;
  bool InTime(const Times& times, std::int64_t now_s) const;
  bool NamesAudience(const TokenIssuer& issuer) const;
  Scopes ReadScopes(const TokenIssuer& issuer, const ClaimPlaces& places) const;
  void KeepClaims(const TokenIssuer& issuer, const ClaimPlaces& places, Identity& identity) const;
  CachedToken* PlaceOf(std::string_view token, std::array<std::uint8_t, 16>& tag);
  std::size_t AddName(std::vector<std::string>& names, const std::string& name);

  const Credentials& credentials_;
  const TokenLimits limits_;
  SignatureChecker checker_;
  FlatJson header_;
  std::optional<FlatJson> claims_;
  std::vector<ClaimPlaces> places_;  // by issuer
  std::array<KnownHeader, 8> known_headers_;
  std::size_t next_header_ = 0;
  std::string decoded_;
  std::string signature_;
  std::array<unsigned char, 16> cache_key_{};
  std::vector<CachedToken> cache_;
};

}  // namespace tallyd
