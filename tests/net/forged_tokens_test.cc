// Tokens that must not be believed: every one gets the same answer as every other.

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

struct Forged {
  std::string what;
  std::string token;
};
using ForgedList = std::vector<Forged>;

const std::string kVoteScope = R"(,"scope":"vote")";

std::string GoodClaims() {
  return TokenMint::Claims("4711", kVoteScope);
}

std::string Replace(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what << " in " << text;
  return text.replace(at, what.size(), by);
}

// Signed with a right key, but with another header.
std::string WithHeader(const std::string& header) {
  return SharedMint().Sign("hmac", header, GoodClaims());
}
// Signed with a right key and header, but with other claims.
std::string WithClaims(const std::string& payload) {
  return SharedMint().Sign("hmac", TokenMint::Header("HS256", "hmac"), payload);
}

std::vector<std::string> Parts(const std::string& token) {
  std::vector<std::string> parts(1);
  for (const char c : token) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

ForgedList WrongAlgorithms() {
  const std::string none = TokenMint::Base64Url(TokenMint::Header("none", "rsa")) + "." +
                           TokenMint::Base64Url(GoodClaims()) + ".";
  const std::string rsa_signature =
      Parts(SharedMint().Sign("rsa", TokenMint::Header("RS256", "rsa"), GoodClaims()))[2];
  ForgedList list = {
      {"alg none, no signature", none},
      {"alg none, a signature", none + rsa_signature},
      {"alg None",
       Replace(none, Parts(none)[0], TokenMint::Base64Url(TokenMint::Header("None", "rsa")))},
      {"alg NONE",
       Replace(none, Parts(none)[0], TokenMint::Base64Url(TokenMint::Header("NONE", "rsa")))},
      {"alg empty", WithHeader(TokenMint::Header("", "hmac"))},
      {"alg missing", WithHeader(R"({"kid":"hmac"})")},
      {"alg a number", WithHeader(R"({"alg":256,"kid":"hmac"})")},
      {"alg a list", WithHeader(R"({"alg":["HS256"],"kid":"hmac"})")},
      {"alg in lower case", WithHeader(TokenMint::Header("hs256", "hmac"))},
      {"alg unknown", WithHeader(TokenMint::Header("XS256", "hmac"))},
      {"public RSA key as HMAC secret",
       TokenMint::SignHmac(SharedMint().PublicRsaJson(), TokenMint::Header("HS256", "rsa"),
                           GoodClaims())},
      {"HMAC secret for an RSA kid",
       SharedMint().Sign("hmac", TokenMint::Header("HS256", "rsa"), GoodClaims())},
      {"RSA signature for an HMAC kid",
       SharedMint().Sign("rsa", TokenMint::Header("RS256", "hmac"), GoodClaims())},
      {"PS256 with the key of RS256",
       SharedMint().Sign("rsa", TokenMint::Header("PS256", "rsa"), GoodClaims())},
      {"RS256 with the key of PS256",
       SharedMint().Sign("rsa-pss", TokenMint::Header("RS256", "rsa-pss"), GoodClaims())},
      {"RS512 with the key of RS256",
       SharedMint().Sign("rsa", TokenMint::Header("RS512", "rsa"), GoodClaims())},
      {"ES256 named for an Ed25519 kid",
       SharedMint().Sign("ec256", TokenMint::Header("ES256", "ed"), GoodClaims())},
      {"EdDSA named for an EC kid",
       SharedMint().Sign("ed", TokenMint::Header("EdDSA", "ec256"), GoodClaims())},
      {"empty HMAC secret",
       TokenMint::SignHmac("", TokenMint::Header("HS256", "hmac"), GoodClaims())}};
  return list;
}

ForgedList WrongKeys() {
  const auto header = [](const std::string& more) {
    return R"({"alg":"HS256","kid":"hmac")" + more + "}";
  };
  return {
      {"kid missing", WithHeader(R"({"alg":"HS256"})")},
      {"kid unknown", WithHeader(TokenMint::Header("HS256", "nobody"))},
      {"kid a number", WithHeader(R"({"alg":"HS256","kid":1})")},
      {"kid null", WithHeader(R"({"alg":"HS256","kid":null})")},
      {"kid a path", WithHeader(TokenMint::Header("HS256", "../../dev/null"))},
      {"kid an SQL text", WithHeader(TokenMint::Header("HS256", "x' UNION SELECT 'y"))},
      {"kid with a NUL", WithHeader(R"({"alg":"HS256","kid":"hmac\u0000"})")},
      {"kid twice", WithHeader(R"({"alg":"HS256","kid":"nobody","kid":"hmac"})")},
      {"alg twice", WithHeader(R"({"alg":"none","alg":"HS256","kid":"hmac"})")},
      {"another key of the same set",
       SharedMint().Sign("hmac2", TokenMint::Header("HS256", "hmac"), GoodClaims())},
      {"a stranger's RSA key",
       SharedMint().Sign("stranger", TokenMint::Header("RS256", "rsa"), GoodClaims())},
      {"key in the header", WithHeader(header(R"(,"jwk":)" + SharedMint().PublicRsaJson()))},
      {"address of keys in the header", WithHeader(header(R"(,"jku":"https://evil.example/k")"))},
      {"address of certificates", WithHeader(header(R"(,"x5u":"https://evil.example/c")"))},
      {"certificates in the header", WithHeader(header(R"(,"x5c":["MIIB"])"))},
      {"critical extension", WithHeader(header(R"(,"crit":["exp"])"))},
      {"unencoded payload", WithHeader(header(R"(,"b64":false,"crit":["b64"])"))},
      {"compressed", WithHeader(header(R"(,"zip":"DEF")"))},
      {"encrypted", WithHeader(header(R"(,"enc":"A128GCM")"))},
      {"logout token", WithHeader(header(R"(,"typ":"logout+jwt")"))},
      {"type a number", WithHeader(header(R"(,"typ":7)"))},
      {"header a list", WithHeader(R"(["HS256","hmac"])")},
      {"header not JSON", WithHeader("alg=HS256")},
      {"header empty", WithHeader("")},
      {"header with text behind it", WithHeader(TokenMint::Header("HS256", "hmac") + "{}")},
      {"header too deep", WithHeader(header(R"(,"a":[[[[[[[[[[1]]]]]]]]]])"))}};
}

ForgedList WrongClaims() {
  const std::int64_t now = TokenMint::Now();
  const auto at = [](std::int64_t time) { return std::to_string(time); };
  const auto claims = [&](const std::string& times) {
    return R"({"iss":"https://login.example/realms/town","aud":"tallyd","sub":"4711")" + times +
           kVoteScope + "}";
  };
  const std::string exp = R"(,"exp":)" + at(now + 600);
  const auto swap = [&](const std::string& what, const std::string& by) {
    return WithClaims(Replace(claims(exp), what, by));
  };
  return {{"expired an hour ago", WithClaims(claims(R"(,"exp":)" + at(now - 3600)))},
          {"expired just beyond the leeway", WithClaims(claims(R"(,"exp":)" + at(now - 61)))},
          {"no exp", WithClaims(claims(""))},
          {"exp a text", WithClaims(claims(R"(,"exp":")" + at(now + 600) + "\""))},
          {"exp with a fraction", WithClaims(claims(R"(,"exp":)" + at(now + 600) + ".5"))},
          {"exp negative", WithClaims(claims(R"(,"exp":-1)"))},
          {"exp in the far future", WithClaims(claims(R"(,"exp":9223372036854775807)"))},
          {"exp beyond 64 bits", WithClaims(claims(R"(,"exp":99999999999999999999)"))},
          {"exp null", WithClaims(claims(R"(,"exp":null)"))},
          {"exp twice", WithClaims(claims(R"(,"exp":1)" + exp))},
          {"not yet valid", WithClaims(claims(exp + R"(,"nbf":)" + at(now + 300)))},
          {"nbf a text", WithClaims(claims(exp + R"(,"nbf":"0")"))},
          {"issued in the future", WithClaims(claims(exp + R"(,"iat":)" + at(now + 300)))},
          {"iat true", WithClaims(claims(exp + R"(,"iat":true)"))},
          {"another issuer", swap("realms/town", "realms/other")},
          {"issuer with a slash more", swap("realms/town", "realms/town/")},
          {"issuer in capitals", swap("realms/town", "REALMS/TOWN")},
          {"issuer a list", swap(R"("https://login.example/realms/town")",
                                 R"(["https://login.example/realms/town"])")},
          {"no issuer", swap(R"("iss":"https://login.example/realms/town",)", "")},
          {"another audience", swap(R"("aud":"tallyd")", R"("aud":"account")")},
          {"audience a beginning", swap(R"("aud":"tallyd")", R"("aud":"tallyd2")")},
          {"audience a list without us", swap(R"("aud":"tallyd")", R"("aud":["account","x"])")},
          {"audience a list with a number", swap(R"("aud":"tallyd")", R"("aud":["tallyd",1])")},
          {"audience an object", swap(R"("aud":"tallyd")", R"("aud":{"tallyd":1})")},
          {"no audience", swap(R"("aud":"tallyd",)", "")},
          {"no subject", swap(R"(,"sub":"4711")", "")},
          {"subject empty", swap("4711", "")},
          {"subject a number", swap(R"("4711")", "4711")},
          {"subject with a line feed", swap("4711", R"(47\n11)")},
          {"subject with a NUL", swap("4711", R"(47\u000011)")},
          {"subject too long", swap("4711", std::string(129, 'x'))},
          {"subject twice", swap(R"(,"sub":"4711")", R"(,"sub":"4711","sub":"4712")")},
          {"claims a list", WithClaims("[1]")},
          {"claims a text", WithClaims(R"("claims")")},
          {"claims empty", WithClaims("")},
          {"claims not UTF-8", WithClaims(claims(exp + ",\"x\":\"\xff\""))},
          {"claims with text behind them", WithClaims(claims(exp) + " x")},
          {"claims too deep", WithClaims(claims(exp + R"(,"a":[[[[[[[[[[1]]]]]]]]]])"))}};
}

ForgedList WrongShape() {
  const std::string good = WithHeader(TokenMint::Header("HS256", "hmac"));
  const std::vector<std::string> parts = Parts(good);
  const auto join = [](const std::string& a, const std::string& b, const std::string& c) {
    return a + "." + b + "." + c;
  };
  std::string flipped = parts[2];
  flipped[10] = flipped[10] == 'A' ? 'B' : 'A';
  // The last character of 32 bytes in base64url holds two bits that mean nothing.
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string loose = parts[2];
  loose.back() = alphabet[(alphabet.find(loose.back()) & ~std::size_t{3}) | 1];
  const std::string other = Parts(WithClaims(TokenMint::Claims("1", kVoteScope)))[1];
  std::string half_ed = SharedMint().Sign("ed", TokenMint::Header("EdDSA", "ed"), GoodClaims());
  half_ed.resize(half_ed.size() - 43);
  const std::string ec =
      SharedMint().Sign("ec256", TokenMint::Header("ES256", "ec256"), GoodClaims());
  return {{"one bit of the signature", join(parts[0], parts[1], flipped)},
          {"a loose bit of the signature", join(parts[0], parts[1], loose)},
          {"no signature", join(parts[0], parts[1], "")},
          {"half a signature", join(parts[0], parts[1], parts[2].substr(0, 20))},
          {"signature with padding", join(parts[0], parts[1], parts[2] + "=")},
          {"signature doubled", join(parts[0], parts[1], parts[2] + parts[2])},
          {"signature of zeros", join(parts[0], parts[1], std::string(43, 'A'))},
          {"another payload", join(parts[0], other, parts[2])},
          {"half an Ed25519 signature", half_ed},
          {"ES256 signature of zeros (r = s = 0)",
           join(Parts(ec)[0], Parts(ec)[1], std::string(86, 'A'))},
          {"two parts", parts[0] + "." + parts[1]},
          {"one part", parts[0]},
          {"four parts", good + "." + parts[2]},
          {"five parts", good + "." + parts[1] + "." + parts[2]},
          {"only dots", ".."},
          {"a dot before", "." + good},
          {"plain base64 in the header", "+/" + good},
          {"longer than a token may be",
           WithClaims(TokenMint::Claims("4711",
                                        kVoteScope + R"(,"x":")" + std::string(4096, 'x') + "\""))},
          {"an API key that nobody has", "tallyd_abcdefghij_" + std::string(43, 'A')},
          {"an API key too short", "tallyd_abcdefghij_AAAA"},
          {"an API key without anything", "tallyd_"},
          {"a text", "letmein"}};
}

class ForgedTokensTest : public ServiceTest {
 protected:
  void SetUp() override {
    SharedMint().WriteFiles(directory_.path());
    Serve([&](ServiceOptions& options, EngineOptions&) {
      options.auth.insecure_no_auth = false;
      options.auth.files.issuers_file = directory_.File("issuers.json");
    });
  }

  HttpAnswer VoteWith(const std::string& authorization) {
    return Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"choices":["a"]})",
                        {{"Authorization", authorization}}));
  }
};

TEST_F(ForgedTokensTest, EveryForgedTokenGetsTheSameAnswer) {
  ForgedList all;
  for (ForgedList (*list)() : {WrongAlgorithms, WrongKeys, WrongClaims, WrongShape}) {
    for (Forged& forged : list()) all.push_back(std::move(forged));
  }
  ASSERT_GE(all.size(), 60U);
  const HttpAnswer first = VoteWith("Bearer " + all.front().token);
  ASSERT_EQ(first.status, 401);
  EXPECT_EQ(Code(first), "unauthorized");
  std::set<std::string> tokens;
  for (const Forged& forged : all) {
    SCOPED_TRACE(forged.what + ": " + forged.token);
    EXPECT_TRUE(tokens.insert(forged.token).second) << "is there twice";
    const HttpAnswer answer = VoteWith("Bearer " + forged.token);
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.body, first.body);
    EXPECT_EQ(answer.Header("www-authenticate"), R"(Bearer realm="tallyd", error="invalid_token")");
  }
  // Known to be refused for being forged, not because nothing is taken at all.
  EXPECT_EQ(Code(VoteWith("Bearer " + SharedMint().Vote("4711"))), "poll_not_found");
}

TEST_F(ForgedTokensTest, OtherSchemesAreNoTokens) {
  const std::string good = SharedMint().Vote("4711");
  for (const std::string scheme : {"Basic ", "Digest ", "Bearer", "Bearer\t", "Token ", "", " "}) {
    EXPECT_EQ(VoteWith(scheme + good).status, 401) << scheme;
  }
  for (const std::string scheme : {"Bearer ", "bearer ", "BEARER "}) {
    EXPECT_EQ(VoteWith(scheme + good).status, 404) << scheme;
  }
  const HttpAnswer nothing = Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"choices":["a"]})"));
  EXPECT_EQ(nothing.status, 401);
  EXPECT_EQ(nothing.Header("www-authenticate"), R"(Bearer realm="tallyd")");
}

// The random part of the forger's work: any change of a good token is a bad token.
TEST_F(ForgedTokensTest, NoChangedTokenIsBelieved) {
  const std::string token = SharedMint().Vote("4711");
  const std::string alphabet = "ABCxyz019-_.=";
  int believed = 0;
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = alphabet[(at * 7) % alphabet.size()];
    if (changed == token) continue;
    if (VoteWith("Bearer " + changed).status != 401) ++believed;
  }
  EXPECT_EQ(believed, 0);
}

}  // namespace
}  // namespace tallyd
