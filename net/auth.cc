#include "net/auth.h"

#include <ctime>
#include <utility>

#include "net/concat.h"
#include "net/problem_response.h"

namespace tallyd {
namespace {

constexpr Scopes kPublicScopes = ScopeBits(Scope::kVote, Scope::kVoteOnBehalf);
constexpr std::string_view kChallenge = "Bearer realm=\"tallyd\"";

Scopes ScopesOn(ListenerKind listener) {
  return listener == ListenerKind::kPublic ? kPublicScopes : kAllScopes;
}

// The token of "Bearer TOKEN"; the scheme in any case (RFC 9110 section 11.1). Empty: none.
std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (lower != kScheme[i]) return {};
  }
  return authorization.substr(kScheme.size());
}

std::uint64_t NextGeneration() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

// What a thread keeps of the credentials in force.
struct Authenticator::OfThread {
  std::uint64_t generation = 0;
  std::shared_ptr<const Credentials> credentials;
  std::optional<TokenVerifier> verifier;
};

Authenticator::Authenticator(AuthOptions options) : options_(std::move(options)) {}

Authenticator::~Authenticator() = default;

absl::Status Authenticator::Reload() {
  auto loaded = LoadCredentials(options_.files);
  if (!loaded.ok()) return loaded.status();
  auto credentials = std::make_shared<const Credentials>(*std::move(loaded));
  absl::MutexLock lock(&mutex_);
  credentials_ = std::move(credentials);
  generation_.store(NextGeneration(), std::memory_order_release);
  return absl::OkStatus();
}

Authenticator::OfThread& Authenticator::Current() const {
  thread_local OfThread own;
  const std::uint64_t generation = generation_.load(std::memory_order_acquire);
  if (own.generation != generation) {
    own.verifier.reset();  // looks into the credentials
    absl::MutexLock lock(&mutex_);
    own.credentials = credentials_;
    own.generation = generation_.load(std::memory_order_relaxed);
    if (own.credentials != nullptr) own.verifier.emplace(*own.credentials, options_.limits);
  }
  return own;
}

std::int64_t Authenticator::Now() const {
  return options_.now_s != nullptr ? options_.now_s() : std::time(nullptr);
}

std::optional<Identity> Authenticator::FromApiKey(const Credentials& credentials,
                                                  std::string_view token) const {
  const ApiKey* const key = credentials.api_keys.Find(token);
  if (key == nullptr || key->ExpiredAt(Now())) {
    Count(TokenResult::kRefused);
    return std::nullopt;
  }
  Count(TokenResult::kApiKey);
  Identity identity;
  identity.scopes = key->scopes;
  identity.actor.AssignCut(key->name);
  return identity;
}

std::optional<Identity> Authenticator::FromJwt(OfThread& own, std::string_view token,
                                               TokenEffort effort) const {
  std::optional<Identity> identity(std::in_place);
  switch (own.verifier->Verify(token, Now(), *identity, effort)) {
    case TokenVerifier::Result::kRefused:
      Count(TokenResult::kRefused);
      return std::nullopt;
    case TokenVerifier::Result::kPutOff:
      Count(TokenResult::kPutOff);
      return std::nullopt;
    case TokenVerifier::Result::kVerified:
      Count(TokenResult::kVerified);
      break;
    case TokenVerifier::Result::kCached:
      Count(TokenResult::kCached);
      break;
  }
  return identity;
}

std::optional<Identity> Authenticator::FromToken(std::string_view token, TokenEffort effort) const {
  OfThread& own = Current();
  if (own.credentials == nullptr) {
    Count(TokenResult::kRefused);
    return std::nullopt;
  }
  if (ApiKeys::LooksLikeKey(token)) return FromApiKey(*own.credentials, token);
  return FromJwt(own, token, effort);
}

void Authenticator::Identify(HttpRequest& request, TokenEffort effort) const {
  request.identity = Find(request, effort);
  request.identified = true;
}

std::optional<Identity> Authenticator::Authenticate(const HttpRequest& request) const {
  return request.identified ? request.identity : Find(request, TokenEffort::kAny);
}

std::optional<Identity> Authenticator::Find(const HttpRequest& request, TokenEffort effort) const {
  std::optional<Identity> identity;
  if (options_.insecure_no_auth) {
    identity.emplace();
    identity->scopes = kAllScopes;
    identity->actor.AssignCut(request.tallyd_actor);
  } else {
    const std::string_view token = BearerToken(request.authorization);
    if (!token.empty()) identity = FromToken(token, effort);
    if (!identity) return std::nullopt;
  }
  identity->scopes &= ScopesOn(request.listener);
  if (identity->VouchesForVoters()) identity->voter.AssignCut(request.tallyd_voter);
  return identity;
}

std::optional<Identity> Authenticator::RequireAny(Scopes scopes, const HttpRequest& request,
                                                  Responder& responder) const {
  std::optional<Identity> identity = Authenticate(request);
  const auto refuse = [&](ProblemCode code, std::string_view detail, std::string challenge) {
    HttpResponse response = ProblemResponse(code, detail, {}, request.accept_language);
    if (!challenge.empty()) {
      response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
    }
    std::move(responder).Send(std::move(response));
    return std::nullopt;
  };
  if (!identity) {
    // RFC 6750 section 3.1: who showed nothing is told nothing.
    const bool showed = !request.authorization.empty();
    return refuse(ProblemCode::kUnauthorized, {},
                  Concat(kChallenge, showed ? ", error=\"invalid_token\"" : ""));
  }
  if (!identity->HasAny(scopes)) {
    return refuse(
        ProblemCode::kForbidden, {},
        Concat(kChallenge, ", error=\"insufficient_scope\", scope=\"", ScopesText(scopes), "\""));
  }
  if (!request.tallyd_voter.empty() && request.tallyd_voter != identity->voter.view() &&
      !identity->VouchesForVoters()) {
    return refuse(ProblemCode::kVoterMismatch, "Tallyd-Voter names another voter than the token",
                  {});
  }
  if (!request.tallyd_actor.empty() && !options_.insecure_no_auth &&
      request.tallyd_actor != identity->actor.view()) {
    return refuse(ProblemCode::kForbidden, "Tallyd-Actor names another person than the token", {});
  }
  return identity;
}

}  // namespace tallyd
