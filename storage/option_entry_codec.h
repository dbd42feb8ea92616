#pragma once

// The entries of withdrawn options as bytes (docs/data_formats.md, kind 14). Decoding trusts
// nothing.

#include <string>

#include "storage/byte_codec.h"
#include "storage/option_entries.h"

namespace tallyd {

bool DecodeOptionFate(ByteReader* reader, OptionFateEntry* entry);

}  // namespace tallyd
