#pragma once

// The entries of ideas as bytes (docs/data_formats.md, kinds 16 and 17). Decoding trusts nothing.

#include <string>

#include "storage/byte_codec.h"
#include "storage/idea_entries.h"

namespace tallyd {

bool DecodeIdea(ByteReader* reader, IdeaEntry* entry);
bool DecodeIdeaDecision(ByteReader* reader, IdeaDecisionEntry* entry);

}  // namespace tallyd
