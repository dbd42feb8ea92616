#pragma once

// Keys that outlive the root key they came from, and keys that are gone for good.
//
// A rotation (engine/key_rotation.h) carries each key over by sealing it under the new root: what
// was derived from the old one, or sealed under it, cannot be had any more once that is gone. A key
// that is left out is destroyed; an entry says so, and who did it. Bytes: docs/data_formats.md.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "storage/records.h"

namespace tallyd {

// Whose key it is.
enum class KeyOwner : std::uint8_t { kPoll = 0, kProject = 1, kReceipts = 2 };

// Bytes of a sealed key: the key and 16 of authentication.
inline constexpr std::size_t kSealedVoterKeyBytes = 56 + 16;
inline constexpr std::size_t kSealedReceiptKeyBytes = 16 + 16;

// No act of anybody: so its poll is not called `poll`.
struct KeySealedEntry {
  KeyOwner owner = KeyOwner::kReceipts;
  PollNumber of_poll = 0;                    // owner kPoll
  std::string of_project = {};               // owner kProject
  std::array<std::uint8_t, 8> root_check{};  // which root opens it
  std::array<std::uint8_t, 24> nonce{};
  std::string sealed = {};
};

// Of a poll or, if `poll` is 0, of a project; an act of its audit log.
struct KeyDestroyedEntry {
  PollNumber poll = 0;
  std::string project = {};
  std::string reason = {};
  std::string actor = {};
};

}  // namespace tallyd
