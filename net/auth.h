#pragma once

// Who is asking, and what may they do: the one place that turns a request into an identity.
//
// Bearer tokens (net/token_verifier.h) and API keys (net/wire_json_api_keys.h) give scopes. On the
// public listener only the scopes for voting count, whatever a token says. The voter is the token's
// own, unless it may vote on behalf of others: then Tallyd-Voter or the body name one. The actor is
// the token's or the key's; a Tallyd-Actor or Tallyd-Voter that says otherwise is refused. With
// `insecure_no_auth` (loopback only, the configuration sees to it) everybody has every scope of the
// listener and the headers say who it is.
//
// Authenticate() and Require(): any thread; no lock and no allocation once a thread is warm, unless
// the token has claims. Reload(): any thread; a request sees the old credentials or the new ones.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "net/http_request.h"
#include "net/http_response.h"
#include "net/identity.h"
#include "net/token_verifier.h"
#include "net/wire_json_credentials.h"

namespace tallyd {

struct AuthOptions {
  bool insecure_no_auth = false;
  CredentialFiles files;
  TokenLimits limits;
  // Unix seconds; tests turn the clock.
  std::int64_t (*now_s)() = nullptr;  // null: the system's
};

// What became of the bearer tokens that came.
enum class TokenResult : std::uint8_t { kVerified, kCached, kApiKey, kRefused, kPutOff };
inline constexpr std::size_t kTokenResultCount = 5;

class Authenticator {
 public:
  // Has no credentials yet: everything is refused until Reload().
  explicit Authenticator(AuthOptions options);
  ~Authenticator();
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  // Reads the files again; if they are faulty the old credentials stay.
  absl::Status Reload();

  // nullopt: no valid token, the answer is 401. What Identify() found is not looked for again.
  std::optional<Identity> Authenticate(const HttpRequest& request) const;
  // Authenticates now and leaves the result in the request, for whoever asks later.
  void Identify(HttpRequest& request, TokenEffort effort) const;
  bool believes_everybody() const { return options_.insecure_no_auth; }
  // The identity if it has `scope`; else the responder has been used to answer 401 or 403.
  std::optional<Identity> Require(Scope scope, const HttpRequest& request,
                                  Responder& responder) const {
    return RequireAny(ScopeBits(scope), request, responder);
  }
  // The same for one scope of several.
  std::optional<Identity> RequireAny(Scopes scopes, const HttpRequest& request,
                                     Responder& responder) const;

  std::uint64_t tokens(TokenResult result) const {
    return tokens_[static_cast<std::size_t>(result)].load(std::memory_order_relaxed);
  }

 private:
  struct OfThread;

  std::optional<Identity> Find(const HttpRequest& request, TokenEffort effort) const;
  std::optional<Identity> FromToken(std::string_view token, TokenEffort effort) const;
  std::optional<Identity> FromApiKey(const Credentials& credentials, std::string_view token) const;
  std::optional<Identity> FromJwt(OfThread& own, std::string_view token, TokenEffort effort) const;
  OfThread& Current() const;
  std::int64_t Now() const;
  void Count(TokenResult result) const {
    tokens_[static_cast<std::size_t>(result)].fetch_add(1, std::memory_order_relaxed);
  }

  const AuthOptions options_;
  // Which credentials are in force; no number ever comes twice in a process, so that a thread knows
  // whether what it has is of this Authenticator and fresh. Released after credentials_ is set,
  // acquired by Current().
  std::atomic<std::uint64_t> generation_{0};
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Credentials> credentials_ ABSL_GUARDED_BY(mutex_);
  mutable std::array<std::atomic<std::uint64_t>, kTokenResultCount> tokens_{};
};

}  // namespace tallyd
