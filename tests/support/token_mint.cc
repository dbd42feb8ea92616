#include "tests/support/token_mint.h"

#include <cjose/cjose.h>
#include <jansson.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include <gtest/gtest.h>
#include <openssl/hmac.h>
#include <sodium.h>

namespace tallyd {
namespace {

using Jwk = std::unique_ptr<cjose_jwk_t, decltype(&cjose_jwk_release)>;

Jwk Own(cjose_jwk_t* key) {
  EXPECT_NE(key, nullptr);
  return {key, &cjose_jwk_release};
}

Jwk MakeRsa() {
  cjose_err error = {};
  const std::uint8_t exponent[] = {1, 0, 1};
  return Own(cjose_jwk_create_RSA_random(2048, exponent, sizeof exponent, &error));
}

Jwk MakeEc(cjose_jwk_ec_curve curve) {
  cjose_err error = {};
  return Own(cjose_jwk_create_EC_random(curve, &error));
}

// The public half as a member list, without braces.
std::string PublicMembers(cjose_jwk_t* key) {
  cjose_err error = {};
  char* text = cjose_jwk_to_json(key, false, &error);
  std::string json(text);
  cjose_get_dealloc()(text);
  return json.substr(1, json.size() - 2);
}

std::string Hmac(std::string_view secret, std::string_view bytes) {
  std::array<unsigned char, 32> mac;
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), mac.data(), &size);
  return {reinterpret_cast<const char*>(mac.data()), size};
}

}  // namespace

struct TokenMint::Keys {
  std::map<std::string, Jwk> jwk;
  std::map<std::string, std::string> secret;
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> ed_public{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> ed_secret{};
};

TokenMint::TokenMint() : keys_(std::make_unique<Keys>()) {
  EXPECT_GE(sodium_init(), 0);
  keys_->jwk.emplace("rsa", MakeRsa());
  keys_->jwk.emplace("rsa-pss", MakeRsa());
  keys_->jwk.emplace("stranger", MakeRsa());
  keys_->jwk.emplace("ec256", MakeEc(CJOSE_JWK_EC_P_256));
  keys_->jwk.emplace("ec384", MakeEc(CJOSE_JWK_EC_P_384));
  keys_->jwk.emplace("ec512", MakeEc(CJOSE_JWK_EC_P_521));
  for (const char* name : {"hmac", "hmac2"}) {
    std::string secret(32, '\0');
    randombytes_buf(secret.data(), secret.size());
    keys_->secret[name] = secret;
  }
  crypto_sign_keypair(keys_->ed_public.data(), keys_->ed_secret.data());
}

TokenMint::~TokenMint() = default;

std::string TokenMint::KeySet() const {
  std::string set = "{\"keys\":[";
  const auto add = [&](const std::string& kid, const std::string& alg, const std::string& members) {
    if (set.back() != '[') set += ',';
    set += R"({"kid":")" + kid + R"(","alg":")" + alg + "\"," + members + "}";
  };
  for (const auto& [kid, alg] :
       {std::pair("rsa", "RS256"), std::pair("rsa-pss", "PS256"), std::pair("ec256", "ES256"),
        std::pair("ec384", "ES384"), std::pair("ec512", "ES512")}) {
    add(kid, alg, PublicMembers(keys_->jwk.at(kid).get()));
  }
  for (const auto& [kid, secret] : keys_->secret) {
    add(kid, "HS256", R"("kty":"oct","k":")" + Base64Url(secret) + "\"");
  }
  const std::string point(keys_->ed_public.begin(), keys_->ed_public.end());
  add("ed", "EdDSA", R"("kty":"OKP","crv":"Ed25519","x":")" + Base64Url(point) + "\"");
  return set + "]}";
}

void TokenMint::WriteFiles(const std::string& directory, const std::string& more) const {
  const auto write = [&](const std::string& name, const std::string& text) {
    const std::string path = directory + "/" + name;
    std::ofstream(path, std::ios::trunc) << text;
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  };
  write("keys.jwks.json", KeySet());
  write("issuers.json", R"({"issuers":[{"issuer":")" + std::string(kIssuer) + R"(","audience":")" +
                            std::string(kAudience) +
                            R"(","keys_file":"keys.jwks.json","scopes_max":["vote",)"
                            R"("vote:on-behalf","paper","admin","analyse","moderate"])" +
                            more + "}]}");
}

std::string TokenMint::Header(std::string_view alg, std::string_view kid) {
  return R"({"alg":")" + std::string(alg) + R"(","kid":")" + std::string(kid) + R"(","typ":"JWT"})";
}

std::string TokenMint::Claims(std::string_view subject, std::string_view more) {
  return R"({"iss":")" + std::string(kIssuer) + R"(","aud":")" + std::string(kAudience) +
         R"(","sub":")" + std::string(subject) + R"(","iat":)" + std::to_string(Now()) +
         R"(,"exp":)" + std::to_string(Now() + 3600) + std::string(more) + "}";
}

std::string TokenMint::SignHmac(std::string_view secret, const std::string& header,
                                const std::string& payload) {
  const std::string bytes = Base64Url(header) + "." + Base64Url(payload);
  return bytes + "." + Base64Url(Hmac(secret, bytes));
}

std::string TokenMint::Sign(const std::string& key, const std::string& header,
                            const std::string& payload) const {
  if (const auto secret = keys_->secret.find(key); secret != keys_->secret.end()) {
    return SignHmac(secret->second, header, payload);
  }
  const std::string bytes = Base64Url(header) + "." + Base64Url(payload);
  if (key == "ed") {
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                         reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                         keys_->ed_secret.data());
    return bytes + "." + Base64Url(signature);
  }
  cjose_err error = {};
  json_error_t json_error;
  json_t* const parsed = json_loads(header.c_str(), 0, &json_error);
  EXPECT_NE(parsed, nullptr) << header;
  cjose_jws_t* const jws =
      cjose_jws_sign(keys_->jwk.at(key).get(), parsed,
                     reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size(), &error);
  EXPECT_NE(jws, nullptr) << error.message;
  const char* text = nullptr;
  EXPECT_TRUE(cjose_jws_export(jws, &text, &error));
  std::string token(text);
  cjose_jws_release(jws);
  json_decref(parsed);
  return token;
}

std::string TokenMint::PublicRsaJson() const {
  return "{" + PublicMembers(keys_->jwk.at("rsa").get()) + "}";
}

std::string TokenMint::Vote(std::string_view subject) const {
  return Sign("hmac", Header("HS256", "hmac"), Claims(subject, R"(,"scope":"openid vote")"));
}

std::string TokenMint::Base64Url(std::string_view bytes) {
  std::string text(
      sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the NUL
  return text;
}

std::int64_t TokenMint::Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

const TokenMint& SharedMint() {
  static const TokenMint mint;
  return mint;
}

}  // namespace tallyd
