#include "net/wire_json_api_keys.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <sodium.h>

#include "net/base64url.h"
#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_text.h"
#include "storage/absl_view.h"
#include "storage/check.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "tallyd_";
constexpr std::size_t kSecretLength = 43;  // 32 bytes in base64url
constexpr std::size_t kTextLength = kPrefix.size() + ApiKey::kIdLength + 1 + kSecretLength;
constexpr std::string_view kIdAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kHashLabel = "tallyd/api-key/v1";
constexpr std::size_t kHashHexDigits = 64;

std::array<std::uint8_t, 32> HashOf(std::string_view text) {
  std::array<std::uint8_t, 32> hash;
  TALLYD_CHECK(crypto_generichash(hash.data(), hash.size(),
                                  reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                  reinterpret_cast<const unsigned char*>(kHashLabel.data()),
                                  kHashLabel.size()) == 0);
  return hash;
}

std::string_view IdOf(std::string_view token) {
  return token.substr(kPrefix.size(), ApiKey::kIdLength);
}

bool IsKeyId(std::string_view id) {
  return id.size() == ApiKey::kIdLength && std::all_of(id.begin(), id.end(), [](char c) {
           return kIdAlphabet.find(c) != std::string_view::npos;
         });
}

bool ReadHash(std::string_view hex, std::array<std::uint8_t, 32>& hash) {
  std::size_t bytes = 0;
  return hex.size() == kHashHexDigits &&
         sodium_hex2bin(hash.data(), hash.size(), hex.data(), hex.size(), nullptr, &bytes,
                        nullptr) == 0 &&
         bytes == hash.size();
}

std::string HashText(const std::array<std::uint8_t, 32>& hash) {
  char hex[kHashHexDigits + 1];
  sodium_bin2hex(hex, sizeof hex, hash.data(), hash.size());
  return hex;
}

std::optional<std::int64_t> ReadSeconds(ObjectReader& reader, std::string_view name) {
  const auto text = reader.String(name, 1, 64);
  if (!text) return std::nullopt;
  const auto time = ParseTime(*text);
  if (!time) {
    reader.Fault(name, ProblemCode::kMemberInvalid, "not a time such as 2026-05-01T06:00:00Z");
    return std::nullopt;
  }
  return *time / 1'000'000;
}

void ReadScopes(ObjectReader& reader, ApiKey& key) {
  const json::value* list = reader.Require("scopes");
  if (list == nullptr) return;
  if (!list->is_array() || list->get_array().empty()) {
    return reader.Fault("scopes", ProblemCode::kMemberInvalid, "must be a list of scopes");
  }
  for (const json::value& item : list->get_array()) {
    const json::string* text = item.if_string();
    const auto scope = text == nullptr ? std::nullopt : FindScope({text->data(), text->size()});
    if (!scope) {
      return reader.Fault("scopes", ProblemCode::kMemberInvalid,
                          "vote:on-behalf, paper, admin, analyse or moderate");
    }
    key.scopes |= ScopeBits(*scope);
  }
}

ApiKey ReadKey(const json::value& value, std::size_t index, DocumentErrors& errors) {
  ApiKey key;
  ObjectReader reader(value, Concat("/keys/", index), errors);
  key.id = reader.RequireString("id", ApiKey::kIdLength, ApiKey::kIdLength).value_or("");
  key.name = reader.RequireString("name", 1, kVoterBytesMax).value_or("");
  const auto hash = reader.RequireString("hash", kHashHexDigits, kHashHexDigits);
  ReadScopes(reader, key);
  key.created_s = ReadSeconds(reader, "created").value_or(0);
  key.expires_s = ReadSeconds(reader, "expires");
  reader.RefuseUnknown();
  if (!errors.empty()) return key;
  if (!IsKeyId(key.id)) reader.Fault("id", ProblemCode::kMemberInvalid, "not the id of a key");
  if (!IsVoter(key.name)) reader.Fault("name", ProblemCode::kMemberInvalid, "not a name");
  if (!ReadHash(*hash, key.hash)) {
    reader.Fault("hash", ProblemCode::kMemberInvalid, "not 64 hex digits");
  }
  // A key has no person behind it whose vote it could cast.
  if ((key.scopes & ScopeBits(Scope::kVote)) != 0) {
    reader.Fault("scopes", ProblemCode::kMemberInvalid,
                 "\"vote\" is for people with tokens; a program has vote:on-behalf");
  }
  return key;
}

}  // namespace

absl::StatusOr<ApiKeys> ApiKeys::Parse(std::string_view text, const std::string& path) {
  TALLYD_CHECK(sodium_init() >= 0);
  ApiKeys keys;
  DocumentErrors errors;
  if (const auto document = ParseDocument(text, errors)) {
    ObjectReader reader(*document, "", errors);
    const json::value* list = reader.Require("keys");
    reader.RefuseUnknown();
    if (list != nullptr && !list->is_array()) {
      reader.Fault("keys", ProblemCode::kMemberInvalid, "must be a list");
    }
    for (std::size_t i = 0; errors.empty() && i < list->get_array().size(); ++i) {
      ApiKey key = ReadKey(list->get_array()[i], i, errors);
      if (!errors.empty()) break;
      if (keys.by_id_.contains(key.id)) {
        errors.Add(Concat("/keys/", i, "/id"), ProblemCode::kMemberInvalid, "is there twice");
      } else if (!keys.Add(std::move(key))) {
        errors.Add("/keys", ProblemCode::kMemberInvalid, Concat("more than ", kKeysMax, " keys"));
      }
    }
  }
  if (errors.empty()) return keys;
  const BodyError& first = errors.list().front();
  return absl::InvalidArgumentError(Concat(path, ": ", first.pointer, ": ", first.detail));
}

std::string ApiKeys::ToJson() const {
  std::string text = "{\"keys\":[";
  for (const ApiKey& key : keys_) {
    json::array scopes;
    for (int bit = 0; bit < 8; ++bit) {
      const auto scope = static_cast<Scope>(1 << bit);
      if ((key.scopes & ScopeBits(scope)) == 0) continue;
      const std::string_view name = ScopeName(scope);
      scopes.emplace_back(json::string_view(name.data(), name.size()));
    }
    json::object object{{"id", key.id},
                        {"name", key.name},
                        {"scopes", std::move(scopes)},
                        {"hash", HashText(key.hash)},
                        {"created", FormatTime(key.created_s * 1'000'000)}};
    if (key.expires_s) object["expires"] = FormatTime(*key.expires_s * 1'000'000);
    text += &key == &keys_.front() ? "\n  " : ",\n  ";
    text += json::serialize(object);
  }
  return text + "\n]}\n";
}

bool ApiKeys::LooksLikeKey(std::string_view token) {
  return token.starts_with(kPrefix);
}

const ApiKey* ApiKeys::Find(std::string_view token) const {
  if (token.size() != kTextLength || !LooksLikeKey(token)) return nullptr;
  const auto found = by_id_.find(AbslView(IdOf(token)));
  if (found == by_id_.end()) return nullptr;
  const ApiKey& key = keys_[found->second];
  const std::array<std::uint8_t, 32> hash = HashOf(token);
  return sodium_memcmp(hash.data(), key.hash.data(), hash.size()) == 0 ? &key : nullptr;
}

ApiKeys::Made ApiKeys::Make(std::string name, Scopes scopes, std::int64_t now_s,
                            std::optional<std::int64_t> expires_s) {
  TALLYD_CHECK(sodium_init() >= 0);
  Made made;
  for (std::size_t i = 0; i < ApiKey::kIdLength; ++i) {
    made.key.id.push_back(kIdAlphabet[randombytes_uniform(kIdAlphabet.size())]);
  }
  std::array<char, 32> secret;
  randombytes_buf(secret.data(), secret.size());
  made.text = Concat(kPrefix, made.key.id, "_", EncodeBase64Url({secret.data(), secret.size()}));
  sodium_memzero(secret.data(), secret.size());
  made.key.name = std::move(name);
  made.key.scopes = scopes;
  made.key.hash = HashOf(made.text);
  made.key.created_s = now_s;
  made.key.expires_s = expires_s;
  return made;
}

bool ApiKeys::Add(ApiKey key) {
  if (keys_.size() == kKeysMax) return false;
  by_id_[key.id] = keys_.size();
  keys_.push_back(std::move(key));
  return true;
}

bool ApiKeys::Remove(std::string_view id) {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const ApiKey& key) { return key.id == id; });
  if (found == keys_.end()) return false;
  keys_.erase(found);
  by_id_.clear();
  for (std::size_t i = 0; i < keys_.size(); ++i) by_id_[keys_[i].id] = i;
  return true;
}

}  // namespace tallyd
