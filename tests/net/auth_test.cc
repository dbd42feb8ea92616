// Tokens and API keys that are good: what they allow, on which listener, for whom, until when.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/wire_json_api_keys.h"
#include "net/wire_json_credentials.h"
#include "tests/net/service_fixture.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

std::atomic<std::int64_t> test_clock_s{0};

std::int64_t TestNow() {
  return test_clock_s.load();
}

void WriteSecretFile(const std::string& path, const std::string& text, int mode = 0600) {
  std::ofstream(path, std::ios::trunc) << text;
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

std::string Scoped(const std::string& subject, const std::string& scopes) {
  return SharedMint().Sign("hmac", TokenMint::Header("HS256", "hmac"),
                           TokenMint::Claims(subject, R"(,"scope":")" + scopes + "\""));
}

class AuthTest : public ServiceTest {
 protected:
  void SetUp() override {
    test_clock_s = TokenMint::Now();
    SharedMint().WriteFiles(directory_.path());
    WriteSecretFile(directory_.File("keys"), "{\"keys\":[]}");
    Serve([&](ServiceOptions& options, EngineOptions&) {
      options.auth.insecure_no_auth = false;
      options.auth.now_s = TestNow;
      options.auth.files.issuers_file = directory_.File("issuers.json");
      options.auth.files.api_keys_file = directory_.File("keys");
    });
    const HttpAnswer made =
        AskAdmin(JsonCall("PUT", "/v1/polls/p", PollBody(R"(,"state":"open","revote":"replace")"),
                          {{"If-None-Match", "*"}, Bearer(Scoped("anna", "admin"))}));
    ASSERT_EQ(made.status, 201) << made.body;
  }

  static std::pair<std::string, std::string> Bearer(const std::string& token) {
    return {"Authorization", "Bearer " + token};
  }
  HttpAnswer VoteWith(const std::string& token, const std::string& body = R"({"choices":["a"]})",
                      Headers more = {}) {
    more.push_back(Bearer(token));
    return Ask(JsonCall("POST", "/v1/polls/p/votes", body, std::move(more)));
  }
  // Adds a key to the file and tells the server.
  std::string MakeKey(const std::string& name, Scopes scopes,
                      std::optional<std::int64_t> expires_s = std::nullopt) {
    ApiKeys::Made made = ApiKeys::Make(name, scopes, TestNow(), expires_s);
    EXPECT_TRUE(keys_.Add(made.key));
    WriteSecretFile(directory_.File("keys"), keys_.ToJson());
    EXPECT_TRUE(server_->ReloadCredentials().ok());
    return made.text;
  }
  std::string Metric(const std::string& result) {
    const std::string line = "tallyd_token_verifications_total{result=\"" + result + "\"} ";
    const std::string text = AskAdmin(Call("GET", "/metrics")).body;
    const std::size_t at = text.find(line);
    return at == std::string::npos
               ? "none"
               : text.substr(at + line.size(), text.find('\n', at) - at - line.size());
  }

  ApiKeys keys_;
};

TEST_F(AuthTest, EveryAlgorithmIsVerifiedWithItsKey) {
  for (const auto& [kid, alg] :
       {std::pair("rsa", "RS256"), std::pair("rsa-pss", "PS256"), std::pair("ec256", "ES256"),
        std::pair("ec384", "ES384"), std::pair("ec512", "ES512"), std::pair("hmac", "HS256"),
        std::pair("hmac2", "HS256"), std::pair("ed", "EdDSA")}) {
    SCOPED_TRACE(kid);
    const std::string token = SharedMint().Sign(kid, TokenMint::Header(alg, kid),
                                                TokenMint::Claims(kid, R"(,"scope":"vote")"));
    EXPECT_EQ(VoteWith(token).status, 201);
    EXPECT_EQ(VoteWith(token).status, 200);  // the same voter, so the same ballot
  }
}

TEST_F(AuthTest, TheVoterIsTheTokensOwn) {
  const std::string token = SharedMint().Vote("4711");
  const HttpAnswer first = VoteWith(token);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(Code(VoteWith(token, R"({"voter":"4712","choices":["a"]})")), "voter_mismatch");
  EXPECT_EQ(Code(VoteWith(token, R"({"choices":["a"]})", {{"Tallyd-Voter", "4712"}})),
            "voter_mismatch");
  EXPECT_EQ(VoteWith(token, R"({"voter":"4711","choices":["a"]})").status, 200);
  const HttpAnswer mine = Ask(Call("GET", "/v1/polls/p/votes/me", {Bearer(token)}));
  EXPECT_EQ(mine.status, 200);
  EXPECT_EQ(Number(mine, "seq"), Number(first, "seq"));
  EXPECT_EQ(
      Code(Ask(Call("GET", "/v1/polls/p/votes/me", {Bearer(token), {"Tallyd-Voter", "4712"}}))),
      "voter_mismatch");
}

// A frontend's connection: requests that differ in nothing but the token, a forged one among them.
TEST_F(AuthTest, OnOneConnectionEachTokenIsItsOwnVoter) {
  const std::string forged = [&] {
    std::string token = SharedMint().Vote("4700");
    token[token.size() - 8] = token[token.size() - 8] == 'A' ? 'B' : 'A';
    return token;
  }();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(VoteWith(SharedMint().Vote(std::to_string(4711 + i))).status,
                round == 0 ? 201 : 200);
      ASSERT_EQ(VoteWith(forged).status, 401);
    }
  }
  const HttpAnswer ranking = Ask(Call("GET", "/v1/polls/p/ranking"));
  EXPECT_EQ(ranking.Json().at("totals").at("ballots").as_int64(), 50);
}

TEST_F(AuthTest, AKeyVotesOnBehalfOfTheNamed) {
  const std::string key = MakeKey("frontend", ScopeBits(Scope::kVoteOnBehalf));
  EXPECT_EQ(VoteWith(key, R"({"voter":"f:1","choices":["a"]})").status, 201);
  EXPECT_EQ(VoteWith(key, R"({"choices":["a"]})", {{"Tallyd-Voter", "f:2"}}).status, 201);
  EXPECT_EQ(Code(VoteWith(key)), "voter_missing");
  HttpCall batch = BatchCall("p", "{\"voter\":\"f:3\",\"choices\":[\"b\"]}\n");
  EXPECT_EQ(Ask(batch).status, 401);
  batch.headers.push_back(Bearer(key));
  EXPECT_EQ(Number(Ask(batch), "counted"), 1);
  // A citizen's token may not send batches.
  batch.headers.back() = Bearer(SharedMint().Vote("4711"));
  const HttpAnswer refused = Ask(batch);
  EXPECT_EQ(Code(refused), "forbidden");
  EXPECT_EQ(refused.Header("www-authenticate"),
            R"(Bearer realm="tallyd", error="insufficient_scope", scope="vote:on-behalf")");
}

TEST_F(AuthTest, ScopesDecideOnThePrivateListener) {
  const auto verify = [&](const std::string& token) {
    return AskAdmin({"POST", "/v1/admin/verify", {Bearer(token)}, ""});
  };
  EXPECT_EQ(verify(Scoped("anna", "admin")).status, 200);
  for (const char* scopes : {"vote", "vote:on-behalf paper analyse moderate", "", "Admin",
                             "administrator", "openid profile", "admin,vote"}) {
    EXPECT_EQ(Code(verify(Scoped("anna", scopes))), "forbidden") << scopes;
  }
  for (const char* past :
       {"/ranking?as_of_seq=1", "/ranking?without_batch=b", "/export/ballots.csv"}) {
    const std::string target = std::string("/v1/polls/p") + past;
    EXPECT_EQ(Code(AskAdmin({"GET", target, {Bearer(Scoped("anna", "paper"))}, ""})), "forbidden");
  }
  EXPECT_EQ(AskAdmin({"POST", "/v1/admin/verify", {}, ""}).status, 401);
}

TEST_F(AuthTest, TheActorIsTheTokensOwn) {
  const auto transition = [&](const std::string& token, Headers headers) {
    headers.push_back(Bearer(token));
    return AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"open"})", headers));
  };
  const std::string token = Scoped("anna", "admin");
  EXPECT_EQ(transition(token, {}).status, 200);
  EXPECT_EQ(transition(token, {{"Tallyd-Actor", "anna"}}).status, 200);
  EXPECT_EQ(Code(transition(token, {{"Tallyd-Actor", "berta"}})), "forbidden");
  const std::string key = MakeKey("desk", ScopeBits(Scope::kAdmin));
  EXPECT_EQ(Code(transition(key, {{"Tallyd-Actor", "anna"}})), "forbidden");
  EXPECT_EQ(transition(key, {{"Tallyd-Actor", "desk"}}).status, 200);
}

TEST_F(AuthTest, NoTokenAdministersOnThePublicListener) {
  // Drafts are for administrators; there are none on the public listener.
  ASSERT_EQ(AskAdmin(JsonCall("PUT", "/v1/polls/draft", PollBody(),
                              {{"If-None-Match", "*"}, Bearer(Scoped("anna", "admin"))}))
                .status,
            201);
  const auto show = [&](HttpClient& client) {
    return client.Send(Call("GET", "/v1/polls/draft", {Bearer(Scoped("anna", "admin"))})).status;
  };
  EXPECT_EQ(show(*admin_), 200);
  EXPECT_EQ(show(*public_), 404);
}

TEST_F(AuthTest, TokensEndWhenTheySayAlsoInTheCache) {
  std::string token;
  do {  // the token is made in the second that the test's clock shows
    test_clock_s = TokenMint::Now();
    token = SharedMint().Sign("rsa", TokenMint::Header("RS256", "rsa"),
                              TokenMint::Claims("4711", R"(,"scope":"vote")"));
  } while (TokenMint::Now() != test_clock_s);
  EXPECT_EQ(VoteWith(token).status, 201);
  EXPECT_EQ(VoteWith(token).status, 200);
  EXPECT_EQ(VoteWith(token).status, 200);
  EXPECT_EQ(Metric("cached"), "2");
  test_clock_s += 3600 + 59;  // an hour, and a second less than the leeway
  EXPECT_EQ(VoteWith(token).status, 200);
  test_clock_s += 1;
  EXPECT_EQ(VoteWith(token).status, 401);
  test_clock_s -= 2 * 3600;  // the clock jumps back: not yet valid
  EXPECT_EQ(VoteWith(token).status, 401);
  test_clock_s += 3600;
  EXPECT_EQ(VoteWith(token).status, 200);
}

TEST_F(AuthTest, MoreTokensThanTheCacheHolds) {
  StopServing();
  Serve([&](ServiceOptions& options, EngineOptions&) {
    options.auth.insecure_no_auth = false;
    options.auth.limits.cache_tokens = 2;
    options.auth.files.issuers_file = directory_.File("issuers.json");
  });
  for (int round = 0; round < 3; ++round) {
    for (int voter = 0; voter < 8; ++voter) {
      const std::string token =
          SharedMint().Sign("ed", TokenMint::Header("EdDSA", "ed"),
                            TokenMint::Claims(std::to_string(voter), R"(,"scope":"vote")"));
      EXPECT_EQ(VoteWith(token).status, round == 0 ? 201 : 200);
    }
  }
}

TEST_F(AuthTest, ReloadingTakesKeysAwayAtOnceAndKeepsTheOldOnesOverAFault) {
  const std::string key = MakeKey("frontend", ScopeBits(Scope::kVoteOnBehalf));
  const std::string body = R"({"voter":"f:1","choices":["a"]})";
  EXPECT_EQ(VoteWith(key, body).status, 201);
  const std::string rsa = SharedMint().Sign("rsa", TokenMint::Header("RS256", "rsa"),
                                            TokenMint::Claims("4711", R"(,"scope":"vote")"));
  EXPECT_EQ(VoteWith(rsa).status, 201);

  WriteSecretFile(directory_.File("keys"), "{\"keys\":[{}]}");
  EXPECT_EQ(server_->ReloadCredentials().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(VoteWith(key, body).status, 200);

  WriteSecretFile(directory_.File("keys"), "{\"keys\":[]}");
  // A key set without the RSA key: its cached token goes with it.
  WriteSecretFile(directory_.File("keys.jwks.json"),
                  R"({"keys":[{"kid":"x","alg":"HS256","kty":"oct","k":")" +
                      TokenMint::Base64Url(std::string(32, 'k')) + "\"}]}");
  ASSERT_TRUE(server_->ReloadCredentials().ok());
  EXPECT_EQ(VoteWith(key, body).status, 401);
  EXPECT_EQ(VoteWith(rsa).status, 401);
}

TEST_F(AuthTest, ExpiredKeysAreRefused) {
  const std::string key = MakeKey("frontend", ScopeBits(Scope::kVoteOnBehalf), TestNow() + 100);
  const std::string body = R"({"voter":"f:1","choices":["a"]})";
  EXPECT_EQ(VoteWith(key, body).status, 201);
  test_clock_s += 100;
  EXPECT_EQ(VoteWith(key, body).status, 401);
}

TEST_F(AuthTest, WrongSecretsOfARealKeyAreRefused) {
  const std::string key = MakeKey("frontend", ScopeBits(Scope::kVoteOnBehalf));
  const std::string body = R"({"voter":"f:1","choices":["a"]})";
  for (std::size_t at = 0; at < key.size(); ++at) {
    std::string changed = key;
    changed[at] = changed[at] == 'x' ? 'y' : 'x';
    EXPECT_EQ(VoteWith(changed, body).status, 401) << at;
  }
  EXPECT_EQ(VoteWith(key + "x", body).status, 401);
  EXPECT_EQ(VoteWith(key.substr(0, key.size() - 1), body).status, 401);
  EXPECT_EQ(VoteWith(key, body).status, 201);
}

// The file of credentials: what it says when it is wrong.
class CredentialFilesTest : public testing::Test {
 protected:
  void SetUp() override { SharedMint().WriteFiles(directory_.path()); }
  std::string Load(const std::string& issuers) {
    WriteSecretFile(directory_.File("issuers.json"), issuers, 0644);
    return std::string(LoadCredentials({directory_.File("issuers.json"), ""}).status().message());
  }
  static std::string Issuer(const std::string& more, const std::string& issuer = "https://a") {
    return R"({"issuer":")" + issuer +
           R"(","audience":"tallyd","keys_file":"keys.jwks.json","scopes_max":["vote"])" + more +
           "}";
  }
  void WriteKeys(const std::string& key) {
    WriteSecretFile(directory_.File("keys.jwks.json"), "{\"keys\":[" + key + "]}");
  }
  TempDirectory directory_;
};

TEST_F(CredentialFilesTest, FaultsAreNamed) {
  const auto one = [](const std::string& issuer) { return "{\"issuers\":[" + issuer + "]}"; };
  EXPECT_EQ(Load(one(Issuer(""))), "");
  struct Row {
    std::string issuers;
    std::string says;
  };
  const Row rows[] = {
      {"", "issuers.json"},
      {"[]", "issuers.json"},
      {"{}", "/issuers"},
      {"{\"issuers\":[]}", "1 to 16"},
      {"{\"issuers\":[{}]}", "/issuers/0/issuer"},
      {one(Issuer(R"(,"scope":"vote")")), "/issuers/0/scope"},
      {one(Issuer(R"(,"scopes":["admin"])")), "scopes_max"},
      {one(Issuer(R"(,"scopes":["root"])")), "no such scope: root"},
      {one(Issuer(R"(,"algorithm":"none")")), "algorithm"},
      {one(Issuer(R"(,"claims":["a","b","c","d","e","f","g","h","i"])")), "at most 8"},
      {one(Issuer("")).insert(12, Issuer("") + ","), "another key has the kid"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.issuers);
    EXPECT_NE(Load(row.issuers).find(row.says), std::string::npos) << Load(row.issuers);
  }
}

TEST_F(CredentialFilesTest, TwoIssuersOfVotesMustNotShareVoters) {
  const auto two = [&](const std::string& a, const std::string& b) {
    std::string second = Issuer(b, "https://b");
    second.replace(second.find("keys.jwks"), 9, "more.jwks");
    return "{\"issuers\":[" + Issuer(a) + "," + second + "]}";
  };
  WriteSecretFile(directory_.File("more.jwks.json"),
                  R"({"keys":[{"kid":"more","alg":"HS256","kty":"oct","k":")" +
                      TokenMint::Base64Url(std::string(32, 'k')) + "\"}]}");
  EXPECT_NE(Load(two("", "")).find("told apart"), std::string::npos);
  EXPECT_NE(Load(two("", R"(,"voter_prefix":"b:")")).find("told apart"), std::string::npos);
  EXPECT_NE(Load(two(R"(,"voter_prefix":"b")", R"(,"voter_prefix":"b:")")).find("told apart"),
            std::string::npos);
  EXPECT_EQ(Load(two(R"(,"voter_prefix":"a:")", R"(,"voter_prefix":"b:")")), "");
}

TEST_F(CredentialFilesTest, FaultyKeysAreRefused) {
  const std::string issuers = "{\"issuers\":[" + Issuer("") + "]}";
  const std::string secret = TokenMint::Base64Url(std::string(32, 'k'));
  const std::string short_secret = TokenMint::Base64Url(std::string(31, 'k'));
  struct Row {
    std::string key;
    std::string says;
  };
  const Row rows[] = {
      {R"({"kid":"x","alg":"HS256","kty":"oct","k":")" + secret + "\"}", ""},
      {R"({"alg":"HS256","kty":"oct","k":")" + secret + "\"}", "kid"},
      {R"({"kid":"x","kty":"oct","k":")" + secret + "\"}", "no \"alg\""},
      {R"({"kid":"x","alg":"none","kty":"oct","k":")" + secret + "\"}", "not known"},
      {R"({"kid":"x","alg":"RS256","kty":"oct","k":")" + secret + "\"}", "kty"},
      {R"({"kid":"x","alg":"HS256","kty":"oct","k":")" + short_secret + "\"}", "at least 32"},
      {R"({"kid":"x","alg":"HS384","kty":"oct","k":")" + secret + "\"}", "at least 48"},
      {R"({"kid":"x","alg":"HS256","kty":"oct","k":"+/="})", "base64url"},
      {R"({"kid":"x","alg":"RS256","kty":"RSA","n":"AQAB","e":"AQAB"})", "2048"},
      {R"({"kid":"x","alg":"RS256","kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"})", "private"},
      {R"({"kid":"x","alg":"ES256","kty":"EC","crv":"P-384","x":"AA","y":"AA"})", "crv"},
      {R"({"kid":"x","alg":"ES256","kty":"EC","crv":"P-256","x":"AA","y":"AA"})", "no usable key"},
      {R"({"kid":"x","alg":"EdDSA","kty":"OKP","crv":"Ed25519","x":"AAAA"})", "32 bytes"},
      {R"({"kid":"x","alg":"EdDSA","kty":"OKP","crv":"Ed448","x":"AAAA"})", "crv"},
      {R"({"kid":"x","use":"enc","alg":"RSA-OAEP","kty":"RSA"})", "holds no key"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.key);
    WriteKeys(row.key);
    const std::string fault = Load(issuers);
    if (row.says.empty()) {
      EXPECT_EQ(fault, "");
    } else {
      EXPECT_NE(fault.find(row.says), std::string::npos) << fault;
      EXPECT_EQ(fault.find(secret), std::string::npos) << "shows the secret";
    }
  }
}

TEST_F(CredentialFilesTest, FilesOpenToOthersAreRefused) {
  const std::string issuers = directory_.File("issuers.json");
  const auto load = [&] { return LoadCredentials({issuers, ""}).status().code(); };
  const auto chmod_to = [&](const std::string& name, int mode) {
    std::filesystem::permissions(directory_.File(name), static_cast<std::filesystem::perms>(mode));
  };
  EXPECT_EQ(load(), absl::StatusCode::kOk);
  chmod_to("keys.jwks.json", 0640);  // holds HMAC secrets
  EXPECT_EQ(load(), absl::StatusCode::kPermissionDenied);
  chmod_to("keys.jwks.json", 0600);
  chmod_to("issuers.json", 0664);
  EXPECT_EQ(load(), absl::StatusCode::kPermissionDenied);
  chmod_to("issuers.json", 0644);
  EXPECT_EQ(load(), absl::StatusCode::kOk);
  WriteSecretFile(directory_.File("keys"), "{\"keys\":[]}", 0644);
  EXPECT_EQ(LoadCredentials({"", directory_.File("keys")}).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(LoadCredentials({directory_.File("none"), ""}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(LoadCredentials({directory_.path(), ""}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tallyd
