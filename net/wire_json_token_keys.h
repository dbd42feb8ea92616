#pragma once

// Keys that sign tokens, read from JWK sets (RFC 7517), and the check of one signature (RFC 7515).
//
// The algorithm belongs to the key, not to the token (RFC 8725 section 3.1): a key without "alg"
// takes the default of its issuer, or is refused. Known: HS256/384/512 (OpenSSL), RS, PS and
// ES256/384/512 (cjose), EdDSA over Ed25519 (libsodium). Refused when read: private keys, RSA under
// 2048 bits, secrets shorter than their hash, a key without "kid", two keys of one "kid".
//
// TokenKeys are immutable once read; any thread. Checking needs a SignatureChecker, one a thread.
// Measured costs are in docs/security.md.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tallyd {

enum class TokenAlgorithm : std::uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};

std::string_view AlgorithmName(TokenAlgorithm algorithm);
std::optional<TokenAlgorithm> FindAlgorithm(std::string_view name);
constexpr bool IsHmac(TokenAlgorithm algorithm) {
  return algorithm <= TokenAlgorithm::kHs512;
}

struct TokenKey {
  TokenKey();
  ~TokenKey();
  TokenKey(TokenKey&&) noexcept;
  TokenKey& operator=(TokenKey&&) noexcept;

  std::string kid;
  TokenAlgorithm algorithm = TokenAlgorithm::kRs256;
  int issuer = 0;  // which of the issuers it belongs to

  // What the algorithm needs.
  struct Material;
  std::unique_ptr<Material> material;
};

struct ParsedKeySet {
  std::vector<TokenKey> keys;
  bool holds_secrets = false;  // HMAC keys: the file must be for our eyes only
};

// `path` is for messages. Keys of "use":"enc" are passed over.
absl::StatusOr<ParsedKeySet> ParseKeySet(std::string_view json, const std::string& path,
                                         std::optional<TokenAlgorithm> default_algorithm,
                                         int issuer);

class SignatureChecker {
 public:
  SignatureChecker();
  ~SignatureChecker();
  SignatureChecker(const SignatureChecker&) = delete;
  SignatureChecker& operator=(const SignatureChecker&) = delete;

  // `token` is the whole compact form, `signed_bytes` its first two parts with the dot between,
  // `signature` the decoded third. The key outlives the checker.
  bool Check(const TokenKey& key, std::string_view token, std::string_view signed_bytes,
             std::string_view signature);

 private:
  struct HmacContext;
  bool CheckHmac(const TokenKey& key, std::string_view signed_bytes, std::string_view signature);

  std::vector<std::unique_ptr<HmacContext>> hmacs_;  // one per key that was used
};

}  // namespace tallyd
