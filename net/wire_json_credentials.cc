#include "net/wire_json_credentials.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "net/concat.h"
#include "net/credential_file.h"
#include "net/wire_json_document.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr std::size_t kIssuersMax = 16;
constexpr std::size_t kClaimsMax = 8;
constexpr std::size_t kTextBytesMax = 256;

// The texts of a list member; a fault is noted.
std::vector<std::string> ReadTexts(ObjectReader& reader, std::string_view name,
                                   std::size_t count_max) {
  std::vector<std::string> texts;
  const json::value* list = reader.Find(name);
  if (list == nullptr) return texts;
  const bool fits = list->is_array() && list->get_array().size() <= count_max;
  for (std::size_t i = 0; fits && i < list->get_array().size(); ++i) {
    const json::string* text = list->get_array()[i].if_string();
    if (text != nullptr && !text->empty() && text->size() <= kTextBytesMax) {
      texts.emplace_back(text->data(), text->size());
    }
  }
  if (!fits || texts.size() != list->get_array().size()) {
    reader.Fault(name, ProblemCode::kMemberInvalid,
                 Concat("must be a list of at most ", count_max, " texts"));
  }
  return texts;
}

Scopes ReadScopes(ObjectReader& reader, std::string_view name) {
  Scopes scopes = 0;
  for (const std::string& text : ReadTexts(reader, name, 8)) {
    const auto scope = FindScope(text);
    if (scope) {
      scopes |= ScopeBits(*scope);
    } else {
      reader.Fault(name, ProblemCode::kMemberInvalid, Concat("no such scope: ", text));
    }
  }
  return scopes;
}

struct IssuerEntry {
  TokenIssuer issuer;
  std::string keys_file;
};

IssuerEntry ReadIssuer(const json::value& value, std::size_t index, DocumentErrors& errors) {
  IssuerEntry entry;
  TokenIssuer& issuer = entry.issuer;
  ObjectReader reader(value, Concat("/issuers/", index), errors);
  issuer.issuer = reader.RequireString("issuer", 1, kTextBytesMax).value_or("");
  issuer.audience = reader.RequireString("audience", 1, kTextBytesMax).value_or("");
  entry.keys_file = reader.RequireString("keys_file", 1, 4096).value_or("");
  issuer.scope_claim = reader.String("scope_claim", 1, kTextBytesMax).value_or("scope");
  issuer.actor_claim = reader.String("actor_claim", 1, kTextBytesMax).value_or("sub");
  issuer.voter_prefix = reader.String("voter_prefix", 0, 64).value_or("");
  reader.Require("scopes_max");
  issuer.scopes_max = ReadScopes(reader, "scopes_max");
  issuer.scopes = ReadScopes(reader, "scopes");
  issuer.claims = ReadTexts(reader, "claims", kClaimsMax);
  if (const auto name = reader.String("algorithm", 1, 16)) {
    issuer.algorithm = FindAlgorithm(*name);
    if (!issuer.algorithm) reader.Fault("algorithm", ProblemCode::kMemberInvalid, "is not known");
  }
  if ((issuer.scopes & ~issuer.scopes_max) != 0) {
    reader.Fault("scopes", ProblemCode::kMemberInvalid, "has more than scopes_max");
  }
  reader.RefuseUnknown();
  return entry;
}

absl::Status AddKeys(const std::string& issuers_file, const IssuerEntry& entry,
                     Credentials& credentials) {
  const std::string path = entry.keys_file.starts_with('/')
                               ? entry.keys_file
                               : DirectoryOf(issuers_file) + "/" + entry.keys_file;
  const int index = static_cast<int>(credentials.issuers.size()) - 1;
  auto text = ReadCredentialFile(path, false);
  if (!text.ok()) return text.status();
  auto set = ParseKeySet(*text, path, entry.issuer.algorithm, index);
  if (!set.ok()) return set.status();
  if (set->holds_secrets) {
    // Looked at again now that we know what it is.
    if (auto secret = ReadCredentialFile(path, true); !secret.ok()) return secret.status();
  }
  for (TokenKey& key : set->keys) {
    const bool fresh = credentials.key_by_kid.emplace(key.kid, credentials.keys.size()).second;
    if (!fresh) {
      return absl::InvalidArgumentError(
          Concat(path, ": another key has the kid ", key.kid, " already"));
    }
    credentials.keys.push_back(std::move(key));
  }
  return absl::OkStatus();
}

// Two issuers may both know a "4711": without different prefixes they would be one voter.
std::string CheckVoters(const std::vector<TokenIssuer>& issuers) {
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (issuers[i].issuer == issuers[k].issuer) {
        return Concat("issuer ", issuers[i].issuer, " is there twice");
      }
      const Scopes votes = ScopeBits(Scope::kVote);
      if ((issuers[i].scopes_max & issuers[k].scopes_max & votes) == 0) continue;
      const std::string& a = issuers[i].voter_prefix;
      const std::string& b = issuers[k].voter_prefix;
      if (a.starts_with(b) || b.starts_with(a)) {
        return Concat("the voters of ", issuers[i].issuer, " and ", issuers[k].issuer,
                      " cannot be told apart: give both a voter_prefix, neither the beginning of "
                      "the other");
      }
    }
  }
  return "";
}

absl::Status LoadIssuers(const std::string& path, Credentials& credentials) {
  auto text = ReadCredentialFile(path, false);
  if (!text.ok()) return text.status();
  DocumentErrors errors;
  std::vector<IssuerEntry> entries;
  if (const auto document = ParseDocument(*text, errors)) {
    ObjectReader reader(*document, "", errors);
    const json::value* list = reader.Require("issuers");
    reader.RefuseUnknown();
    const bool fits = list != nullptr && list->is_array() && !list->get_array().empty() &&
                      list->get_array().size() <= kIssuersMax;
    if (errors.empty() && !fits) {
      reader.Fault("issuers", ProblemCode::kMemberInvalid,
                   Concat("must be a list of 1 to ", kIssuersMax, " issuers"));
    }
    for (std::size_t i = 0; errors.empty() && i < list->get_array().size(); ++i) {
      entries.push_back(ReadIssuer(list->get_array()[i], i, errors));
    }
  }
  if (!errors.empty()) {
    const BodyError& first = errors.list().front();
    return absl::InvalidArgumentError(Concat(path, ": ", first.pointer, ": ", first.detail));
  }
  for (const IssuerEntry& entry : entries) {
    credentials.issuers.push_back(entry.issuer);
    if (absl::Status added = AddKeys(path, entry, credentials); !added.ok()) return added;
  }
  const std::string fault = CheckVoters(credentials.issuers);
  return fault.empty() ? absl::OkStatus() : absl::InvalidArgumentError(Concat(path, ": ", fault));
}

}  // namespace

absl::StatusOr<Credentials> LoadCredentials(const CredentialFiles& files) {
  Credentials credentials;
  if (!files.issuers_file.empty()) {
    if (absl::Status status = LoadIssuers(files.issuers_file, credentials); !status.ok()) {
      return status;
    }
  }
  if (!files.api_keys_file.empty()) {
    auto text = ReadCredentialFile(files.api_keys_file, true);
    if (!text.ok()) return text.status();
    auto keys = ApiKeys::Parse(*text, files.api_keys_file);
    if (!keys.ok()) return keys.status();
    credentials.api_keys = *std::move(keys);
  }
  return credentials;
}

}  // namespace tallyd
