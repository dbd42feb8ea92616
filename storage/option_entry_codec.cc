#include "storage/option_entry_codec.h"

#include "storage/check.h"
#include "storage/entry_codec.h"

namespace tallyd {

void EncodeEntry(const OptionFateEntry& entry, std::string* out) {
  TALLYD_CHECK(entry.fate == OptionFate::kMoved || entry.overlap == FateOverlap{});
  ByteWriter writer(out);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kOptionFate));
  writer.Varint(entry.poll);
  writer.Varint(entry.option);
  writer.U8(static_cast<std::uint8_t>(entry.fate));
  if (entry.fate == OptionFate::kMoved) {
    writer.Varint(entry.into);
    writer.Varint(entry.overlap.ballots);
    writer.SignedVarint(entry.overlap.online);
    writer.SignedVarint(entry.overlap.paper);
  }
  writer.String(entry.reason);
  writer.String(entry.actor);
}

bool DecodeOptionFate(ByteReader* reader, OptionFateEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->option = reader->Varint32();
  entry->fate = DecodeEnum(reader, OptionFate::kKept, OptionFate::kReleased);
  if (entry->fate == OptionFate::kMoved) {
    entry->into = reader->Varint32();
    entry->overlap.ballots = reader->Varint();
    entry->overlap.online = reader->SignedVarint();
    entry->overlap.paper = reader->SignedVarint();
    if (entry->into == entry->option) reader->Fail();
  }
  entry->reason = reader->String();
  entry->actor = reader->String();
  return reader->ok();
}

std::size_t EncodedSizeMax(const OptionFateEntry& entry) {
  return 2 + 8 * kVarintBytesMax + entry.reason.size() + entry.actor.size();
}

}  // namespace tallyd
