#pragma once

// Root keys that can be written down: bytes that count up from `first`.

#include <cstddef>
#include <cstdint>

#include "storage/key_file.h"

namespace tallyd {

inline RootKey CountingKey(std::uint8_t first) {
  RootKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(first + i);
  return key;
}

}  // namespace tallyd
