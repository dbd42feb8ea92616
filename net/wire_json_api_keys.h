#pragma once

// API keys: what a program (a town's frontend, tallyctl, a paper desk) shows in place of a token.
//
// A key is "tallyd_ID_SECRET": 10 characters that name it and 32 random bytes in base64url. The
// file keeps a BLAKE2b-256 of it and never the key; the secret has 256 bits, so nothing slower is
// needed. `tallyctl keys` makes, lists and revokes them; the server reads the file at start and on
// SIGHUP. The format is in docs/data_formats.md.
//
// Values; any thread. A check costs one hash of 63 bytes.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "net/identity.h"

namespace tallyd {

struct ApiKey {
  static constexpr std::size_t kIdLength = 10;

  std::string id;    // [a-z2-7]{10}
  std::string name;  // who holds it; the actor of what is done with it
  Scopes scopes = 0;
  std::array<std::uint8_t, 32> hash{};
  std::int64_t created_s = 0;             // Unix seconds
  std::optional<std::int64_t> expires_s;  // not valid from then on

  bool ExpiredAt(std::int64_t now_s) const { return expires_s && now_s >= *expires_s; }
};

class ApiKeys {
 public:
  static constexpr std::size_t kKeysMax = 1'000;

  // InvalidArgument: what is wrong with the file; `path` is for the message.
  static absl::StatusOr<ApiKeys> Parse(std::string_view json, const std::string& path);
  // As it stands in the file.
  std::string ToJson() const;

  // Whether a bearer token means to be an API key at all.
  static bool LooksLikeKey(std::string_view token);
  // The key that `token` is; null if there is none. Expiry is the caller's business.
  const ApiKey* Find(std::string_view token) const;

  // A new key and its text, which nobody can ever show again.
  struct Made {
    ApiKey key;
    std::string text;
  };
  static Made Make(std::string name, Scopes scopes, std::int64_t now_s,
                   std::optional<std::int64_t> expires_s);
  // False: full.
  bool Add(ApiKey key);
  // False: none of that id.
  bool Remove(std::string_view id);
  const std::vector<ApiKey>& list() const { return keys_; }

 private:
  std::vector<ApiKey> keys_;
  absl::flat_hash_map<std::string, std::size_t> by_id_;
};

}  // namespace tallyd
