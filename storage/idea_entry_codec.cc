#include "storage/idea_entry_codec.h"

#include "storage/entry_codec.h"

namespace tallyd {
namespace {

void WriteKind(EntryKind kind, ByteWriter* writer) {
  writer->U8(kLongKind);
  writer->U8(static_cast<std::uint8_t>(kind));
}

IdeaNumber DecodeNumber(ByteReader* reader) {
  const std::uint32_t number = reader->Varint32();
  if (number == 0) reader->Fail();
  return number;
}

}  // namespace

void EncodeEntry(const IdeaEntry& entry, std::string* out) {
  ByteWriter writer(out);
  WriteKind(EntryKind::kIdea, &writer);
  writer.Varint(entry.number);
  writer.String(entry.project);
  writer.Bytes(entry.submitter.bytes);
  writer.U64(entry.idempotency_print);
  writer.String(entry.display);
  writer.String(entry.text);
}

void EncodeEntry(const IdeaDecisionEntry& entry, std::string* out) {
  ByteWriter writer(out);
  WriteKind(EntryKind::kIdeaDecision, &writer);
  writer.Varint(entry.number);
  writer.U8(static_cast<std::uint8_t>(entry.decision));
  if (entry.decision != IdeaDecision::kRejected) {
    writer.Varint(entry.poll);
    writer.Varint(entry.option);
  }
  writer.String(entry.reason_code);
  writer.String(entry.actor);
}

bool DecodeIdea(ByteReader* reader, IdeaEntry* entry) {
  entry->number = DecodeNumber(reader);
  entry->project = reader->String();
  reader->Bytes(&entry->submitter.bytes);
  entry->idempotency_print = reader->U64();
  if (entry->idempotency_print == 0) reader->Fail();
  entry->display = reader->String();
  entry->text = reader->String();
  return reader->ok();
}

bool DecodeIdeaDecision(ByteReader* reader, IdeaDecisionEntry* entry) {
  entry->number = DecodeNumber(reader);
  entry->decision = DecodeEnum(reader, IdeaDecision::kApproved, IdeaDecision::kMerged);
  if (entry->decision != IdeaDecision::kRejected) {
    entry->poll = DecodePollNumber(reader);
    entry->option = reader->Varint32();
  }
  entry->reason_code = reader->String();
  entry->actor = reader->String();
  return reader->ok();
}

std::size_t EncodedSizeMax(const IdeaEntry& entry) {
  return 2 + 16 + 8 + 5 * kVarintBytesMax + entry.project.size() + entry.display.size() +
         entry.text.size();
}

std::size_t EncodedSizeMax(const IdeaDecisionEntry& entry) {
  return 3 + 6 * kVarintBytesMax + entry.reason_code.size() + entry.actor.size();
}

}  // namespace tallyd
