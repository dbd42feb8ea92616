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

}  // namespace

std::vector<std::string> FuzzSeeds() {
  const std::string claims =
      R"({"iss":"i","aud":["a"],"sub":"4711","exp":1700000100,"scope":"vote",)"
      R"("district":["x","y"]})";
  const std::string token =
      std::string(kHeader) + "." + EncodeBase64Url(claims) + "." + std::string(43, 'A');
  return {token,
          claims,
          std::string(kKeySet),
          std::string(kEdHeader) + token.substr(34),
          R"({"alg":"HS256","kid":"k","typ":"JWT"})",
          "tallyd_abcdefghij_" + std::string(43, 'A'),
          R"({"keys":[{"id":"abcdefghij","name":"n","scopes":["paper"],"hash":"00"}]})"};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  static const Credentials credentials = MakeCredentials();
  static TokenVerifier verifier(credentials, {});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Identity identity;
  // Nobody guesses a signature.
  TALLYD_CHECK(verifier.Verify(text, kNow, identity) == TokenVerifier::Result::kRefused);
  TALLYD_CHECK(credentials.api_keys.Find(text) == nullptr);

  std::string decoded;
  if (DecodeBase64Url(text, decoded)) TALLYD_CHECK(EncodeBase64Url(decoded) == text);
  static FlatJson flat({"iss", "aud", "exp"});
  if (flat.Read(text)) {
    for (std::size_t i = 0; i < flat.size(); ++i) {
      TALLYD_CHECK(flat.member(i).texts_count <= FlatJson::kTextsMax);
    }
  }
  const auto keys = ApiKeys::Parse(text, "fuzz");
  if (keys.ok()) TALLYD_CHECK(ApiKeys::Parse(keys->ToJson(), "fuzz")->ToJson() == keys->ToJson());
  const auto set = ParseKeySet(text, "fuzz", TokenAlgorithm::kRs256, 0);
  TALLYD_CHECK(!set.ok() || !set->keys.empty());
  return 0;
}
