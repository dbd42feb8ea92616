// Any bytes are refused as a token, unless they are signed; and the readers behind the signature
// refuse or read whatever they are given.

#include <string>
#include <string_view>

#include "net/base64url.h"
#include "net/token_verifier.h"
#include "net/wire_json_api_keys.h"
#include "net/wire_json_credentials.h"
#include "net/wire_json_flat.h"
#include "net/wire_json_token_keys.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tallyd {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
// {"alg":"HS256","kid":"k"} and {"alg":"EdDSA","kid":"e"}
constexpr std::string_view kHeader = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ";
constexpr std::string_view kEdHeader = "eyJhbGciOiJFZERTQSIsImtpZCI6ImUifQ";
constexpr std::string_view kKeySet = R"({"keys":[{"kid":"k","alg":"HS256","kty":"oct",)"
                                     R"("k":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"},)"
                                     R"({"kid":"e","alg":"EdDSA","kty":"OKP","crv":"Ed25519",)"
                                     R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

Credentials MakeCredentials() {
  Credentials credentials;
  TokenIssuer issuer;
  issuer.issuer = "i";
  issuer.audience = "a";
  issuer.scopes_max = kAllScopes;
  issuer.claims = {"district"};
  credentials.issuers.push_back(std::move(issuer));
  auto set = ParseKeySet(kKeySet, "keys", std::nullopt, 0);
  TALLYD_CHECK(set.ok());
  for (TokenKey& key : set->keys) {
    credentials.key_by_kid.emplace(key.kid, credentials.keys.size());
    credentials.keys.push_back(std::move(key));
  }
  return credentials;
}

// Nobody guesses a signature.
void CheckVerifier(std::string_view text) {
  static const Credentials credentials = MakeCredentials();
  static TokenVerifier verifier(credentials, {});
  Identity identity;
  TALLYD_CHECK(verifier.Verify(text, kNow, identity) == TokenVerifier::Result::kRefused);
  TALLYD_CHECK(credentials.api_keys.Find(text) == nullptr);
}

void CheckTexts(std::string_view text) {
  std::string decoded;
  if (DecodeBase64Url(text, decoded)) TALLYD_CHECK(EncodeBase64Url(decoded) == text);
  static FlatJson flat({"iss", "aud", "exp"});
  if (!flat.Read(text)) return;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    TALLYD_CHECK(flat.member(i).texts_count <= FlatJson::kTextsMax);
  }
}

void CheckApiKeys(std::string_view text) {
  const auto keys = ApiKeys::Parse(text, "fuzz");
  if (keys.ok()) TALLYD_CHECK(ApiKeys::Parse(keys->ToJson(), "fuzz")->ToJson() == keys->ToJson());
}

void CheckKeySet(std::string_view text) {
  const auto set = ParseKeySet(text, "fuzz", TokenAlgorithm::kRs256, 0);
  TALLYD_CHECK(!set.ok() || !set->keys.empty());
}

}  // namespace

// The first byte chooses the reader, so that one input is looked at once.
std::vector<std::string> FuzzSeeds() {
  const std::string claims =
      R"({"iss":"i","aud":["a"],"sub":"4711","exp":1700000100,"scope":"vote",)"
      R"("district":["x","y"]})";
  const std::string token =
      std::string(kHeader) + "." + EncodeBase64Url(claims) + "." + std::string(43, 'A');
  return {'\0' + token,
          '\0' + std::string(kEdHeader) + token.substr(34),
          "\1" + claims,
          '\1' + std::string(R"({"alg":"HS256","kid":"k","typ":"JWT"})"),
          "\1tallyd_abcdefghij_" + std::string(43, 'A'),
          '\0' + ("tallyd_abcdefghij_" + std::string(43, 'A')),
          "\2"
          R"({"keys":[{"id":"abcdefghij","name":"n","scopes":["paper"],"hash":"00"}]})",
          '\3' + std::string(kKeySet)};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      return CheckVerifier(text), 0;
    case 1:
      return CheckTexts(text), 0;
    case 2:
      return CheckApiKeys(text), 0;
    default:
      return CheckKeySet(text), 0;
  }
}
