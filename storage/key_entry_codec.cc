#include "storage/key_entry_codec.h"

#include "storage/check.h"
#include "storage/entry_codec.h"

namespace tallyd {
namespace {

std::size_t SealedBytes(KeyOwner owner) {
  return owner == KeyOwner::kReceipts ? kSealedReceiptKeyBytes : kSealedVoterKeyBytes;
}

std::string DecodeProjectId(ByteReader* reader) {
  const std::string_view project = reader->String();
  if (project.empty()) reader->Fail();
  return std::string(project);
}

}  // namespace

void EncodeEntry(const KeySealedEntry& entry, std::string* out) {
  TALLYD_CHECK(entry.sealed.size() == SealedBytes(entry.owner));
  ByteWriter writer(out);
  writer.U8(kLongKind);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kKeySealed));
  writer.U8(static_cast<std::uint8_t>(entry.owner));
  if (entry.owner == KeyOwner::kPoll) writer.Varint(entry.of_poll);
  if (entry.owner == KeyOwner::kProject) writer.String(entry.of_project);
  writer.Bytes(entry.root_check);
  writer.Bytes(entry.nonce);
  writer.Bytes(entry.sealed);
}

void EncodeEntry(const KeyDestroyedEntry& entry, std::string* out) {
  const bool of_poll = entry.poll != 0;
  TALLYD_CHECK(of_poll == entry.project.empty());
  ByteWriter writer(out);
  writer.U8(kLongKind);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kKeyDestroyed));
  writer.U8(static_cast<std::uint8_t>(of_poll ? KeyOwner::kPoll : KeyOwner::kProject));
  if (of_poll) {
    writer.Varint(entry.poll);
  } else {
    writer.String(entry.project);
  }
  writer.String(entry.reason);
  writer.String(entry.actor);
}

bool DecodeKeySealed(ByteReader* reader, KeySealedEntry* entry) {
  entry->owner = DecodeEnum(reader, KeyOwner::kPoll, KeyOwner::kReceipts);
  if (entry->owner == KeyOwner::kPoll) entry->of_poll = DecodePollNumber(reader);
  if (entry->owner == KeyOwner::kProject) entry->of_project = DecodeProjectId(reader);
  reader->Bytes(&entry->root_check);
  reader->Bytes(&entry->nonce);
  entry->sealed = reader->Bytes(SealedBytes(entry->owner));
  return reader->ok();
}

bool DecodeKeyDestroyed(ByteReader* reader, KeyDestroyedEntry* entry) {
  const KeyOwner owner = DecodeEnum(reader, KeyOwner::kPoll, KeyOwner::kProject);
  if (owner == KeyOwner::kPoll) {
    entry->poll = DecodePollNumber(reader);
  } else {
    entry->project = DecodeProjectId(reader);
  }
  entry->reason = reader->String();
  entry->actor = reader->String();
  return reader->ok();
}

std::size_t EncodedSizeMax(const KeySealedEntry& entry) {
  return 3 + kVarintBytesMax + entry.of_project.size() + entry.root_check.size() +
         entry.nonce.size() + entry.sealed.size();
}

std::size_t EncodedSizeMax(const KeyDestroyedEntry& entry) {
  return 3 + 3 * kVarintBytesMax + entry.project.size() + entry.reason.size() + entry.actor.size();
}

}  // namespace tallyd
