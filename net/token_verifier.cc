#include "net/token_verifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sodium.h>

#include "net/base64url.h"
#include "net/http_text.h"
#include "net/wire_text.h"
#include "storage/absl_view.h"
#include "storage/check.h"

namespace tallyd {
namespace {

// Places of what every token is asked for.
enum : std::size_t { kIss, kAud, kSub, kExp, kNbf, kIat, kFixedClaims };
enum : std::size_t { kAlg, kKid, kTyp, kFirstForbidden };

const std::vector<std::string>& HeaderNames() {
  static const std::vector<std::string> names = {"alg", "kid", "typ", "crit", "b64", "zip",
                                                 "enc", "jwk", "jku", "x5u",  "x5c"};
  return names;
}

// RFC 8725 section 3.11: a token made for another purpose is no access token.
bool IsAccessTokenType(std::string_view type) {
  return EqualsIgnoreCase(type, "jwt") || EqualsIgnoreCase(type, "at+jwt") ||
         EqualsIgnoreCase(type, "application/at+jwt");
}

}  // namespace

TokenVerifier::TokenVerifier(const Credentials& credentials, const TokenLimits& limits)
    : credentials_(credentials), limits_(limits), header_(HeaderNames()) {
  TALLYD_CHECK(sodium_init() >= 0);
  randombytes_buf(cache_key_.data(), cache_key_.size());
  std::vector<std::string> names = {"iss", "aud", "sub", "exp", "nbf", "iat"};
  for (const TokenIssuer& issuer : credentials.issuers) {
    ClaimPlaces places;
    places.scope = AddName(names, issuer.scope_claim);
    places.actor = AddName(names, issuer.actor_claim);
    for (const std::string& claim : issuer.claims) places.kept.push_back(AddName(names, claim));
    places_.push_back(std::move(places));
  }
  claims_.emplace(std::move(names));
}

std::size_t TokenVerifier::AddName(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  const auto place = static_cast<std::size_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return place;
}

TokenVerifier::CachedToken* TokenVerifier::PlaceOf(std::string_view token,
                                                   std::array<std::uint8_t, 16>& tag) {
  if (cache_.empty()) return nullptr;
  static_assert(crypto_shorthash_siphashx24_BYTES == 16);
  crypto_shorthash_siphashx24(tag.data(), reinterpret_cast<const unsigned char*>(token.data()),
                              token.size(), cache_key_.data());
  std::uint64_t index;
  std::memcpy(&index, tag.data(), sizeof index);
  return &cache_[index % cache_.size()];
}

TokenVerifier::Result TokenVerifier::Verify(std::string_view token, std::int64_t now_s,
                                            Identity& identity, TokenEffort effort) {
  if (token.size() > limits_.token_bytes_max) return Result::kRefused;
  const std::size_t first_dot = token.find('.');
  const std::size_t last_dot = token.rfind('.');
  if (first_dot == std::string_view::npos || last_dot == first_dot) return Result::kRefused;
  const std::string_view payload = token.substr(first_dot + 1, last_dot - first_dot - 1);
  // Also for a token of five parts, which is encrypted: that is none of ours.
  if (payload.find('.') != std::string_view::npos) return Result::kRefused;
  const TokenKey* const key = FindKey(token.substr(0, first_dot));
  if (key == nullptr) return Result::kRefused;

  const bool keeps = !IsHmac(key->algorithm) && limits_.cache_tokens > 0;
  if (keeps && cache_.empty()) cache_.resize(limits_.cache_tokens);
  std::array<std::uint8_t, 16> tag{};
  CachedToken* const place = keeps ? PlaceOf(token, tag) : nullptr;
  if (place != nullptr && place->taken &&
      sodium_memcmp(place->tag.data(), tag.data(), tag.size()) == 0) {
    if (!InTime(place->times, now_s)) return Result::kRefused;
    identity = place->identity;
    return Result::kCached;
  }
  if (effort == TokenEffort::kCheap && !IsHmac(key->algorithm)) return Result::kPutOff;
  if (!DecodeBase64Url(token.substr(last_dot + 1), signature_) ||
      !checker_.Check(*key, token, token.substr(0, last_dot), signature_)) {
    return Result::kRefused;
  }
  Times times;
  if (!ReadClaims(*key, payload, now_s, times, identity)) return Result::kRefused;
  if (place != nullptr) {
    place->tag = tag;
    place->taken = true;
    place->times = times;
    place->identity = identity;
  }
  return Result::kVerified;
}

const TokenKey* TokenVerifier::FindKey(std::string_view header) {
  for (const KnownHeader& known : known_headers_) {
    if (known.key != nullptr && known.text == header) return known.key;
  }
  const TokenKey* const key = ReadHeader(header);
  if (key != nullptr) {
    KnownHeader& known = known_headers_[next_header_];
    next_header_ = (next_header_ + 1) % known_headers_.size();
    known.text = header;
    known.key = key;
  }
  return key;
}

const TokenKey* TokenVerifier::ReadHeader(std::string_view header) {
  if (!DecodeBase64Url(header, decoded_) || !header_.Read(decoded_)) return nullptr;
  for (std::size_t i = kFirstForbidden; i < header_.size(); ++i) {
    if (header_.member(i).kind != FlatJson::Kind::kAbsent) return nullptr;
  }
  const FlatJson::Member& alg = header_.member(kAlg);
  const FlatJson::Member& kid = header_.member(kKid);
  const FlatJson::Member& typ = header_.member(kTyp);
  if (alg.kind != FlatJson::Kind::kText || kid.kind != FlatJson::Kind::kText) return nullptr;
  if (typ.kind != FlatJson::Kind::kAbsent &&
      (typ.kind != FlatJson::Kind::kText || !IsAccessTokenType(typ.text))) {
    return nullptr;
  }
  const auto found = credentials_.key_by_kid.find(AbslView(kid.text));
  if (found == credentials_.key_by_kid.end()) return nullptr;
  const TokenKey& key = credentials_.keys[found->second];
  return AlgorithmName(key.algorithm) == alg.text ? &key : nullptr;
}

bool TokenVerifier::ReadClaims(const TokenKey& key, std::string_view payload, std::int64_t now_s,
                               Times& times, Identity& identity) {
  if (!DecodeBase64Url(payload, decoded_) || !claims_->Read(decoded_)) return false;
  const TokenIssuer& issuer = credentials_.issuers[static_cast<std::size_t>(key.issuer)];
  const ClaimPlaces& places = places_[static_cast<std::size_t>(key.issuer)];
  const FlatJson::Member& iss = claims_->member(kIss);
  const FlatJson::Member& sub = claims_->member(kSub);
  const FlatJson::Member& actor = claims_->member(places.actor);
  if (iss.kind != FlatJson::Kind::kText || iss.text != issuer.issuer) return false;
  if (!NamesAudience(issuer) || !ReadTimes(now_s, times)) return false;
  if (sub.kind != FlatJson::Kind::kText || sub.text.empty()) return false;
  if (!identity.voter.Assign(issuer.voter_prefix, sub.text)) return false;
  if (!IsVoter(identity.voter.view())) return false;
  if (actor.kind != FlatJson::Kind::kText || !IsVoter(actor.text)) return false;
  if (!identity.actor.Assign(actor.text)) return false;
  identity.scopes = ReadScopes(issuer, places);
  KeepClaims(issuer, places, identity);
  return true;
}

bool TokenVerifier::NamesAudience(const TokenIssuer& issuer) const {
  const FlatJson::Member& aud = claims_->member(kAud);
  if (aud.kind == FlatJson::Kind::kText) return aud.text == issuer.audience;
  if (aud.kind != FlatJson::Kind::kTexts) return false;
  const auto end = aud.texts.begin() + static_cast<std::ptrdiff_t>(aud.texts_count);
  return std::find(aud.texts.begin(), end, issuer.audience) != end;
}

bool TokenVerifier::ReadTimes(std::int64_t now_s, Times& times) const {
  // Far from where adding a leeway could overflow.
  constexpr std::int64_t kSecondsMax = std::int64_t{1} << 40;
  const auto sane = [](const FlatJson::Member& member) {
    return member.kind == FlatJson::Kind::kNumber && member.number >= 0 &&
           member.number <= kSecondsMax;
  };
  const FlatJson::Member& exp = claims_->member(kExp);
  const FlatJson::Member& nbf = claims_->member(kNbf);
  const FlatJson::Member& iat = claims_->member(kIat);
  if (!sane(exp)) return false;
  times.expires_s = exp.number;
  times.not_before_s = 0;
  for (const FlatJson::Member* member : {&nbf, &iat}) {
    if (member->kind == FlatJson::Kind::kAbsent) continue;
    if (!sane(*member)) return false;
    times.not_before_s = std::max(times.not_before_s, member->number);
  }
  return InTime(times, now_s);
}

bool TokenVerifier::InTime(const Times& times, std::int64_t now_s) const {
  return now_s < times.expires_s + limits_.leeway_s &&
         now_s + limits_.leeway_s >= times.not_before_s;
}

Scopes TokenVerifier::ReadScopes(const TokenIssuer& issuer, const ClaimPlaces& places) const {
  Scopes scopes = issuer.scopes;
  const FlatJson::Member& member = claims_->member(places.scope);
  if (member.kind == FlatJson::Kind::kText) {
    scopes |= ParseScopes(member.text);
  } else if (member.kind == FlatJson::Kind::kTexts) {
    for (std::size_t i = 0; i < member.texts_count; ++i) {
      if (const auto scope = FindScope(member.texts[i])) scopes |= ScopeBits(*scope);
    }
  }
  return scopes & issuer.scopes_max;
}

void TokenVerifier::KeepClaims(const TokenIssuer& issuer, const ClaimPlaces& places,
                               Identity& identity) const {
  identity.claims.clear();
  for (std::size_t i = 0; i < places.kept.size(); ++i) {
    const FlatJson::Member& member = claims_->member(places.kept[i]);
    if (member.kind == FlatJson::Kind::kText) {
      identity.claims.emplace_back(issuer.claims[i], member.text);
    } else if (member.kind == FlatJson::Kind::kNumber) {
      identity.claims.emplace_back(issuer.claims[i], std::to_string(member.number));
    } else if (member.kind == FlatJson::Kind::kTexts) {
      for (std::size_t k = 0; k < member.texts_count; ++k) {
        identity.claims.emplace_back(issuer.claims[i], member.texts[k]);
      }
    }
  }
}

}  // namespace tallyd
