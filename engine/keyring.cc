#include "engine/keyring.h"

#include <array>
#include <initializer_list>

#include "absl/types/span.h"
#include "sodium.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kRootCheckLabel = "tallyd/root-check/v1";
constexpr std::string_view kSealLabel = "tallyd/key-seal/v1";

using Bytes = absl::Span<const std::uint8_t>;

template <std::size_t N>
std::array<std::uint8_t, N> DeriveFromRoot(const RootKey& root, std::string_view label) {
  TALLYD_CHECK(sodium_init() >= 0);
  std::array<std::uint8_t, 32> whole;
  TALLYD_CHECK(crypto_generichash(whole.data(), whole.size(),
                                  reinterpret_cast<const unsigned char*>(label.data()),
                                  label.size(), root.data(), root.size()) == 0);
  std::array<std::uint8_t, N> part;
  std::copy_n(whole.begin(), N, part.begin());
  return part;
}

std::array<std::uint8_t, 8> CheckOf(const RootKey& root) {
  return DeriveFromRoot<8>(root, kRootCheckLabel);
}

// The name comes last, so that no two owners have the same text.
std::string OwnerText(KeyOwner owner, std::string_view name) {
  std::string text(kSealLabel);
  text += static_cast<char>(owner);
  return text.append(name);
}

void Seal(const RootKey& root, std::string_view name, Bytes key, KeySealedEntry* entry) {
  const auto seal_key =
      DeriveFromRoot<crypto_aead_xchacha20poly1305_ietf_KEYBYTES>(root, kSealLabel);
  static_assert(std::tuple_size_v<decltype(entry->nonce)> ==
                crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  randombytes_buf(entry->nonce.data(), entry->nonce.size());
  entry->root_check = CheckOf(root);
  entry->sealed.resize(key.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  const std::string owner = OwnerText(entry->owner, name);
  TALLYD_CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
                   reinterpret_cast<unsigned char*>(entry->sealed.data()), nullptr, key.data(),
                   key.size(), reinterpret_cast<const unsigned char*>(owner.data()), owner.size(),
                   nullptr, entry->nonce.data(), seal_key.data()) == 0);
}

// False: sealed under another root, by somebody else or for another owner.
bool Open(const RootKey& root, std::string_view name, const KeySealedEntry& entry,
          absl::Span<std::uint8_t> key) {
  if (entry.root_check != CheckOf(root)) return false;
  if (entry.sealed.size() != key.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES) return false;
  const auto seal_key =
      DeriveFromRoot<crypto_aead_xchacha20poly1305_ietf_KEYBYTES>(root, kSealLabel);
  const std::string owner = OwnerText(entry.owner, name);
  return crypto_aead_xchacha20poly1305_ietf_decrypt(
             key.data(), nullptr, nullptr,
             reinterpret_cast<const unsigned char*>(entry.sealed.data()), entry.sealed.size(),
             reinterpret_cast<const unsigned char*>(owner.data()), owner.size(), entry.nonce.data(),
             seal_key.data()) == 0;
}

bool OpenWithAny(const RootKeys& roots, std::string_view name, const KeySealedEntry& entry,
                 absl::Span<std::uint8_t> key) {
  return Open(roots.newest, name, entry, key) ||
         (roots.previous && Open(*roots.previous, name, entry, key));
}

}  // namespace

std::optional<VoterKey> Keyring::DerivePollKey(const PollEntry& created) const {
  if (!roots_) return std::nullopt;
  for (const RootKey* root : {&roots_->newest, &roots_->oldest()}) {
    const VoterKey key = VoterKey::Derive(*root, created.definition.id, created.key_salt);
    if (key.Check() == created.key_check) return key;
  }
  return std::nullopt;
}

std::optional<VoterKey> Keyring::DeriveProjectKey(std::string_view project) const {
  if (!roots_) return std::nullopt;
  return VoterKey::DeriveForProject(roots_->oldest(), project);
}

std::optional<ReceiptKey> Keyring::DeriveReceiptKey() const {
  if (!roots_) return std::nullopt;
  return tallyd::DeriveReceiptKey(roots_->oldest());
}

std::optional<VoterKey> Keyring::OpenVoterKey(const KeySealedEntry& entry,
                                              std::string_view name) const {
  VoterKey::Material material;
  if (!roots_ || !OpenWithAny(*roots_, name, entry, absl::MakeSpan(material))) return std::nullopt;
  return VoterKey::FromMaterial(material);
}

std::optional<ReceiptKey> Keyring::OpenReceiptKey(const KeySealedEntry& entry) const {
  ReceiptKey key;
  if (!roots_ || !OpenWithAny(*roots_, "", entry, absl::MakeSpan(key))) return std::nullopt;
  return key;
}

KeySealedEntry SealPollKey(const RootKey& root, PollNumber poll, std::string_view id,
                           const VoterKey& key) {
  KeySealedEntry entry{.owner = KeyOwner::kPoll, .of_poll = poll};
  Seal(root, id, key.ToMaterial(), &entry);
  return entry;
}

KeySealedEntry SealProjectKey(const RootKey& root, const std::string& id, const VoterKey& key) {
  KeySealedEntry entry{.owner = KeyOwner::kProject, .of_project = id};
  Seal(root, id, key.ToMaterial(), &entry);
  return entry;
}

KeySealedEntry SealReceiptKey(const RootKey& root, const ReceiptKey& key) {
  KeySealedEntry entry{.owner = KeyOwner::kReceipts};
  Seal(root, "", key, &entry);
  return entry;
}

}  // namespace tallyd
