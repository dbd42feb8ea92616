#include "net/wire_json_token_keys.h"

#include <cjose/cjose.h>

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#include "net/base64url.h"
#include "net/concat.h"
#include "net/wire_json_document.h"
#include "storage/check.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kKidBytesMax = 128;
constexpr std::size_t kRsaBitsMin = 2048;

struct AlgorithmRow {
  TokenAlgorithm algorithm;
  std::string_view name;
  std::string_view kty;
  std::string_view curve;        // EC, OKP
  const char* digest;            // HMAC
  std::size_t secret_bytes_min;  // RFC 7518 section 3.2: at least as long as the hash
};
constexpr std::array<AlgorithmRow, 13> kAlgorithms = {
    {{TokenAlgorithm::kHs256, "HS256", "oct", "", "SHA256", 32},
     {TokenAlgorithm::kHs384, "HS384", "oct", "", "SHA384", 48},
     {TokenAlgorithm::kHs512, "HS512", "oct", "", "SHA512", 64},
     {TokenAlgorithm::kRs256, "RS256", "RSA", "", nullptr, 0},
     {TokenAlgorithm::kRs384, "RS384", "RSA", "", nullptr, 0},
     {TokenAlgorithm::kRs512, "RS512", "RSA", "", nullptr, 0},
     {TokenAlgorithm::kPs256, "PS256", "RSA", "", nullptr, 0},
     {TokenAlgorithm::kPs384, "PS384", "RSA", "", nullptr, 0},
     {TokenAlgorithm::kPs512, "PS512", "RSA", "", nullptr, 0},
     {TokenAlgorithm::kEs256, "ES256", "EC", "P-256", nullptr, 0},
     {TokenAlgorithm::kEs384, "ES384", "EC", "P-384", nullptr, 0},
     {TokenAlgorithm::kEs512, "ES512", "EC", "P-521", nullptr, 0},
     {TokenAlgorithm::kEdDsa, "EdDSA", "OKP", "Ed25519", nullptr, 0}}};

const AlgorithmRow& RowOf(TokenAlgorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

struct JwkDeleter {
  void operator()(cjose_jwk_t* key) const { cjose_jwk_release(key); }
};
struct JwsDeleter {
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
};
struct MacDeleter {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};
struct MacContextDeleter {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

std::string_view TextMember(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  const json::string& text = value->get_string();
  return {text.data(), text.size()};
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct TokenKey::Material {
  ~Material() { sodium_memzero(secret.data(), secret.size()); }
  std::string secret;                              // HMAC
  std::unique_ptr<cjose_jwk_t, JwkDeleter> jwk;    // RSA, EC
  std::array<unsigned char, 32> ed25519_public{};  // EdDSA
};

TokenKey::TokenKey() = default;
TokenKey::~TokenKey() = default;
TokenKey::TokenKey(TokenKey&&) noexcept = default;
TokenKey& TokenKey::operator=(TokenKey&&) noexcept = default;

std::string_view AlgorithmName(TokenAlgorithm algorithm) {
  return RowOf(algorithm).name;
}

std::optional<TokenAlgorithm> FindAlgorithm(std::string_view name) {
  for (const AlgorithmRow& row : kAlgorithms) {
    if (row.name == name) return row.algorithm;
  }
  return std::nullopt;
}

namespace {

// Says what is wrong, without a word of the key itself; empty if it is fine.
std::string ReadMaterial(const json::object& object, TokenKey& key) {
  const AlgorithmRow& row = RowOf(key.algorithm);
  if (TextMember(object, "kty") != row.kty) {
    return Concat("\"kty\" must be ", row.kty, " for ", row.name);
  }
  if (TextMember(object, "crv") != row.curve) {
    return Concat("\"crv\" must be ", row.curve, " for ", row.name);
  }
  if (row.kty != "oct" && object.contains("d")) {
    return "holds a private key: give tallyd public keys only";
  }
  key.material = std::make_unique<TokenKey::Material>();
  if (row.kty == "oct") {
    if (!DecodeBase64Url(TextMember(object, "k"), key.material->secret)) {
      return "\"k\" is not base64url";
    }
    if (key.material->secret.size() < row.secret_bytes_min) {
      return Concat("the secret must have at least ", row.secret_bytes_min, " bytes");
    }
    return "";
  }
  if (row.kty == "OKP") {
    std::string point;
    if (!DecodeBase64Url(TextMember(object, "x"), point) ||
        point.size() != key.material->ed25519_public.size()) {
      return "\"x\" must be 32 bytes in base64url";
    }
    std::copy(point.begin(), point.end(), key.material->ed25519_public.begin());
    return "";
  }
  cjose_err error = {};
  const std::string text = json::serialize(object);
  key.material->jwk.reset(cjose_jwk_import(text.data(), text.size(), &error));
  if (key.material->jwk == nullptr) return "is no usable key";
  if (row.kty == "RSA" && cjose_jwk_get_keysize(key.material->jwk.get(), &error) < kRsaBitsMin) {
    return Concat("RSA keys need at least ", kRsaBitsMin, " bits");
  }
  return "";
}

std::string ReadKey(const json::object& object, std::optional<TokenAlgorithm> default_algorithm,
                    TokenKey& key) {
  key.kid = TextMember(object, "kid");
  if (key.kid.empty() || key.kid.size() > kKidBytesMax) {
    return Concat("\"kid\" must have 1 to ", kKidBytesMax, " bytes");
  }
  const std::string_view name = TextMember(object, "alg");
  if (name.empty() && object.contains("alg")) return "\"alg\" must be a text";
  if (name.empty() && !default_algorithm) {
    return "has no \"alg\", and its issuer no \"algorithm\"";
  }
  const auto algorithm = name.empty() ? default_algorithm : FindAlgorithm(name);
  if (!algorithm) return Concat("\"alg\" is not known: ", name);
  key.algorithm = *algorithm;
  return ReadMaterial(object, key);
}

}  // namespace

absl::StatusOr<ParsedKeySet> ParseKeySet(std::string_view text, const std::string& path,
                                         std::optional<TokenAlgorithm> default_algorithm,
                                         int issuer) {
  TALLYD_CHECK(sodium_init() >= 0);
  const auto invalid = [&](std::string_view what) {
    return absl::InvalidArgumentError(Concat(path, ": ", what));
  };
  DocumentErrors errors;
  const auto document = ParseDocument(text, errors);
  if (!document || !document->is_object()) return invalid("not a JSON object");
  const json::value* list = document->get_object().if_contains("keys");
  if (list == nullptr || !list->is_array()) return invalid("has no list \"keys\"");
  const json::array& array = list->get_array();
  if (array.size() > kKeysMax) return invalid(Concat("more than ", kKeysMax, " keys"));
  ParsedKeySet set;
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (!array[i].is_object()) return invalid(Concat("key ", i, ": is not an object"));
    const json::object& object = array[i].get_object();
    if (TextMember(object, "use") == "enc") continue;
    TokenKey key;
    key.issuer = issuer;
    if (const std::string fault = ReadKey(object, default_algorithm, key); !fault.empty()) {
      return invalid(Concat("key ", i, " (", key.kid, "): ", fault));
    }
    if (IsHmac(key.algorithm)) set.holds_secrets = true;
    set.keys.push_back(std::move(key));
  }
  if (set.keys.empty()) return invalid("holds no key that signs");
  return set;
}

// Keyed once, then started anew for each token: that is four times as fast as keying it again.
struct SignatureChecker::HmacContext {
  explicit HmacContext(const TokenKey& of) : key(&of) {
    mac.reset(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    TALLYD_CHECK(mac != nullptr);
    context.reset(EVP_MAC_CTX_new(mac.get()));
    TALLYD_CHECK(context != nullptr);
    std::string digest = RowOf(of.algorithm).digest;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest.data(), 0),
                                 OSSL_PARAM_construct_end()};
    const std::string& secret = of.material->secret;
    TALLYD_CHECK(EVP_MAC_init(context.get(), Bytes(secret), secret.size(), params) == 1);
  }

  const TokenKey* key;
  std::unique_ptr<EVP_MAC, MacDeleter> mac;
  std::unique_ptr<EVP_MAC_CTX, MacContextDeleter> context;
};

SignatureChecker::SignatureChecker() = default;
SignatureChecker::~SignatureChecker() = default;

bool SignatureChecker::CheckHmac(const TokenKey& key, std::string_view signed_bytes,
                                 std::string_view signature) {
  auto found = std::find_if(hmacs_.begin(), hmacs_.end(),
                            [&](const auto& context) { return context->key == &key; });
  if (found == hmacs_.end()) {
    hmacs_.push_back(std::make_unique<HmacContext>(key));
    found = std::prev(hmacs_.end());
  }
  EVP_MAC_CTX* const context = (*found)->context.get();
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  std::size_t size = 0;
  TALLYD_CHECK(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
  TALLYD_CHECK(EVP_MAC_update(context, Bytes(signed_bytes), signed_bytes.size()) == 1);
  TALLYD_CHECK(EVP_MAC_final(context, mac.data(), &size, mac.size()) == 1);
  return signature.size() == size && sodium_memcmp(mac.data(), signature.data(), size) == 0;
}

bool SignatureChecker::Check(const TokenKey& key, std::string_view token,
                             std::string_view signed_bytes, std::string_view signature) {
  if (IsHmac(key.algorithm)) return CheckHmac(key, signed_bytes, signature);
  if (key.algorithm == TokenAlgorithm::kEdDsa) {
    return signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(Bytes(signature), Bytes(signed_bytes), signed_bytes.size(),
                                       key.material->ed25519_public.data()) == 0;
  }
  // Takes the algorithm from the header, which the caller has compared with the key's.
  cjose_err error = {};
  const std::unique_ptr<cjose_jws_t, JwsDeleter> jws(
      cjose_jws_import(token.data(), token.size(), &error));
  return jws != nullptr && cjose_jws_verify(jws.get(), key.material->jwk.get(), &error);
}

}  // namespace tallyd
