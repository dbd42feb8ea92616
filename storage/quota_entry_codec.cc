#include "storage/quota_entry_codec.h"

#include "storage/entry_codec.h"

namespace tallyd {

void EncodeEntry(const ProjectQuotaEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(kLongKind);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kProjectQuota));
  writer.String(entry.project);
  writer.Varint(entry.ballots_per_voter);
  writer.String(entry.actor);
}

void EncodeEntry(const QuotaUseEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(kLongKind);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kQuotaUse));
  writer.Varint(entry.spent_in);
  writer.Bytes(entry.project_tag.bytes);
  writer.U8(entry.given_back ? 1 : 0);
}

bool DecodeProjectQuota(ByteReader* reader, ProjectQuotaEntry* entry) {
  entry->project = reader->String();
  entry->ballots_per_voter = reader->Varint32();
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodeQuotaUse(ByteReader* reader, QuotaUseEntry* entry) {
  entry->spent_in = DecodePollNumber(reader);
  reader->Bytes(&entry->project_tag.bytes);
  const std::uint8_t given_back = reader->U8();
  if (given_back > 1) reader->Fail();
  entry->given_back = given_back == 1;
  return reader->ok();
}

std::size_t EncodedSizeMax(const ProjectQuotaEntry& entry) {
  return 2 + 3 * kVarintBytesMax + entry.project.size() + entry.actor.size();
}

std::size_t EncodedSizeMax(const QuotaUseEntry&) {
  return 2 + kVarintBytesMax + 16 + 1;
}

}  // namespace tallyd
