#pragma once

// Everything that decides who is who: token issuers with their keys, and API keys, as read from the
// files that the settings name.
//
//   auto credentials = LoadCredentials({.issuers_file = "/etc/tallyd/issuers.json"});
//
// issuers_file is a JSON document, see docs/security.md:
//   {"issuers": [{"issuer": "https://login.example/realms/town", "audience": "tallyd",
//                 "keys_file": "town.jwks.json", "scopes_max": ["vote"], "scopes": ["vote"]}]}
// A keys_file is a JWK set, relative to the issuers_file. Nothing is ever fetched from the network.
// Refused, with file and place: unknown members, an issuer named twice, two keys of one kid, two
// issuers of votes whose voters could not be told apart, files that others may write, and secrets
// that others may read.
// Immutable once loaded; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "net/identity.h"
#include "net/wire_json_api_keys.h"
#include "net/wire_json_token_keys.h"

namespace tallyd {

struct CredentialFiles {
  std::string issuers_file;   // "" = no tokens
  std::string api_keys_file;  // "" = no API keys
};

struct TokenIssuer {
  std::string issuer;                       // must equal "iss"
  std::string audience;                     // must be in "aud"
  std::string scope_claim = "scope";        // a text with blanks, or a list
  std::string actor_claim = "sub";          // who acted, for the journal
  std::string voter_prefix;                 // put before "sub"
  Scopes scopes_max = 0;                    // its tokens never have more
  Scopes scopes = 0;                        // all its tokens have these
  std::vector<std::string> claims;          // kept, for polls that ask for them
  std::optional<TokenAlgorithm> algorithm;  // of keys without "alg"
};

struct Credentials {
  std::vector<TokenIssuer> issuers;
  std::vector<TokenKey> keys;
  absl::flat_hash_map<std::string, std::size_t> key_by_kid;
  ApiKeys api_keys;
};

absl::StatusOr<Credentials> LoadCredentials(const CredentialFiles& files);

}  // namespace tallyd
