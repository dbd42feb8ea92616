#pragma once

// The root keys of the key file, and what can be had from them: derived, or opened where an earlier
// rotation has sealed it (engine/key_rotation.h).
//
// Seals are XChaCha20-Poly1305 (libsodium) under a key derived from the root, with a random nonce;
// whose key it is, is authenticated with it, so that no seal can stand in for another. What names
// it does not change with an epoch: a restored history opens its seals too.
//
// A value of some 100 bytes; any thread. Nothing here costs more than a few microseconds.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/receipt.h"
#include "engine/voter_key.h"
#include "storage/entries.h"
#include "storage/key_file.h"

namespace tallyd {

class Keyring {
 public:
  // No key file: nothing can be had.
  Keyring() = default;
  explicit Keyring(const RootKeys& roots) : roots_(roots) {}

  bool empty() const { return !roots_.has_value(); }
  // What new polls' keys come from; only if it is not empty.
  const RootKey& newest() const { return roots_->newest; }

  // The key of a poll as it was created, if one of the roots is the one of its creation.
  std::optional<VoterKey> DerivePollKey(const PollEntry& created) const;
  // Of what was never sealed. In the middle of a rotation that is still the old root's.
  std::optional<VoterKey> DeriveProjectKey(std::string_view project) const;
  std::optional<ReceiptKey> DeriveReceiptKey() const;

  // nullopt: sealed under a root that is not here. `name` is the id of the poll or project.
  std::optional<VoterKey> OpenVoterKey(const KeySealedEntry& entry, std::string_view name) const;
  std::optional<ReceiptKey> OpenReceiptKey(const KeySealedEntry& entry) const;

 private:
  std::optional<RootKeys> roots_;
};

// Sealed under `root`. The numbers are those of the entry, the name is the owner's id.
KeySealedEntry SealPollKey(const RootKey& root, PollNumber poll, std::string_view id,
                           const VoterKey& key);
KeySealedEntry SealProjectKey(const RootKey& root, const std::string& id, const VoterKey& key);
KeySealedEntry SealReceiptKey(const RootKey& root, const ReceiptKey& key);

}  // namespace tallyd
