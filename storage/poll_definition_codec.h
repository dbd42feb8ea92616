#pragma once

// A poll's definition as bytes, inside the journal's poll entries (docs/data_formats.md, "Kind 4").
//
// What a definition says beyond its first fields is an extension: a number and a string. A decoder
// refuses extensions that it does not know, so no rule of a poll is ever overlooked. Pure
// functions; any thread.

#include "storage/byte_codec.h"
#include "storage/entries.h"

namespace tallyd {

void EncodeDefinition(const PollDefinition& poll, ByteWriter* writer);
// What is wrong makes the reader fail.
void DecodeDefinition(ByteReader* reader, PollDefinition* poll);

}  // namespace tallyd
