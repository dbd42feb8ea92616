#pragma once

// The journal's paper entries as bytes (docs/data_formats.md, kinds 6 to 11); encoding is declared
// with that of the other entries in storage/entry_codec.h. Decoders trust nothing: what is wrong
// makes the reader fail. Pure functions; any thread.

#include "storage/byte_codec.h"
#include "storage/paper_entries.h"

namespace tallyd {

bool DecodePaperBatch(ByteReader* reader, PaperBatchEntry* entry);
bool DecodePaperConfirm(ByteReader* reader, PaperConfirmEntry* entry);
bool DecodePaperVoid(ByteReader* reader, PaperVoidEntry* entry);
bool DecodePaperCards(ByteReader* reader, PaperCardsEntry* entry);
bool DecodePaperCardsCount(ByteReader* reader, PaperCardsCountEntry* entry);
bool DecodeOnlineAfterPaper(ByteReader* reader, OnlineAfterPaperEntry* entry);
bool DecodeRoll(ByteReader* reader, RollEntry* entry);

}  // namespace tallyd
