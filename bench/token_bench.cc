// What it costs to know who is asking: one token or API key per request, no sockets.

#include <string>

#include <benchmark/benchmark.h>

#include "net/token_verifier.h"
#include "net/wire_json_api_keys.h"
#include "net/wire_json_credentials.h"
#include "storage/check.h"
#include "tests/support/temp_directory.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

const TokenMint& Mint() {
  static const TokenMint mint;
  return mint;
}

const Credentials& Loaded() {
  static const Credentials credentials = [] {
    const TempDirectory directory;
    Mint().WriteFiles(directory.path());
    auto loaded = LoadCredentials({directory.File("issuers.json"), ""});
    TALLYD_CHECK(loaded.ok());
    return *std::move(loaded);
  }();
  return credentials;
}

void Verify(benchmark::State& state, const char* alg, const char* kid, std::size_t cache_tokens) {
  TokenVerifier verifier(Loaded(), {.cache_tokens = cache_tokens});
  const std::string token = Mint().Sign(kid, TokenMint::Header(alg, kid),
                                        TokenMint::Claims("f:100123", R"(,"scope":"vote")"));
  const std::int64_t now_s = TokenMint::Now();
  Identity identity;
  for (auto _ : state) {
    TALLYD_CHECK(verifier.Verify(token, now_s, identity) != TokenVerifier::Result::kRefused);
    benchmark::DoNotOptimize(identity);
  }
  state.counters["token_bytes"] = static_cast<double>(token.size());
}
BENCHMARK_CAPTURE(Verify, HS256, "HS256", "hmac", 0);
BENCHMARK_CAPTURE(Verify, RS256, "RS256", "rsa", 0);
BENCHMARK_CAPTURE(Verify, PS256, "PS256", "rsa-pss", 0);
BENCHMARK_CAPTURE(Verify, ES256, "ES256", "ec256", 0);
BENCHMARK_CAPTURE(Verify, EdDSA, "EdDSA", "ed", 0);
BENCHMARK_CAPTURE(Verify, RS256_cached, "RS256", "rsa", 4096);

void BM_ApiKey(benchmark::State& state) {
  ApiKeys keys;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    ApiKeys::Made made =
        ApiKeys::Make("frontend", ScopeBits(Scope::kVoteOnBehalf), 0, std::nullopt);
    text = made.text;
    TALLYD_CHECK(keys.Add(std::move(made.key)));
  }
  for (auto _ : state) benchmark::DoNotOptimize(keys.Find(text));
}
BENCHMARK(BM_ApiKey);

}  // namespace
}  // namespace tallyd
