#pragma once

// Makes tokens as an identity provider would, and as a forger would: with any header and any
// claims.
//
//   TokenMint mint;
//   mint.WriteFiles(directory.path());                       // issuers.json and keys.jwks.json
//   std::string token = mint.Sign("rsa", mint.Header("RS256", "rsa"), mint.Claims("4711"));
//
// Signs with cjose, OpenSSL and libsodium directly; shares nothing with net/. Making one takes a
// few tenths of a second (RSA keys): SharedMint() is one per program. One thread.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct _cjose_jwk_int;

namespace tallyd {

class TokenMint {
 public:
  static constexpr std::string_view kIssuer = "https://login.example/realms/town";
  static constexpr std::string_view kAudience = "tallyd";

  TokenMint();
  ~TokenMint();

  // Keys "rsa", "ec256", "ec384", "ec512", "hmac", "hmac2", "ed", each with the algorithm that
  // Header() is usually asked for; "rsa-pss" is the key of PS256, "stranger" is in no file.
  // `scopes` is the issuer's "scopes_max" and `more` further members of it.
  void WriteFiles(const std::string& directory, const std::string& more = "") const;
  std::string KeySet() const;

  // {"alg":ALG,"kid":KID,"typ":"JWT"}
  static std::string Header(std::string_view alg, std::string_view kid);
  // Valid now for an hour; `more` are further members with a comma before each.
  static std::string Claims(std::string_view subject, std::string_view more = "");

  // A token with exactly this header and payload, signed with that key by the header's "alg" (RSA
  // and EC keys) or by HMAC-SHA-256 or Ed25519.
  std::string Sign(const std::string& key, const std::string& header,
                   const std::string& payload) const;
  // HMAC-SHA-256 with any bytes as the secret.
  static std::string SignHmac(std::string_view secret, const std::string& header,
                              const std::string& payload);
  // What a verifier that trusts "alg" would take for an HMAC secret: the public RSA key as JSON.
  std::string PublicRsaJson() const;
  // A citizen's token of the kind most tests want.
  std::string Vote(std::string_view subject) const;

  static std::string Base64Url(std::string_view bytes);
  static std::int64_t Now();

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

const TokenMint& SharedMint();

}  // namespace tallyd
