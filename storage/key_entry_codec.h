#pragma once

// The entries of keys as bytes (docs/data_formats.md, kinds 21 and 22). Decoding trusts nothing.

#include "storage/byte_codec.h"
#include "storage/key_entries.h"

namespace tallyd {

bool DecodeKeySealed(ByteReader* reader, KeySealedEntry* entry);
bool DecodeKeyDestroyed(ByteReader* reader, KeyDestroyedEntry* entry);

}  // namespace tallyd
