#include "storage/entry_codec.h"

#include <cstring>

#include "storage/check.h"
#include "storage/fraud_entry_codec.h"
#include "storage/idea_entry_codec.h"
#include "storage/key_entry_codec.h"
#include "storage/option_entry_codec.h"
#include "storage/paper_entry_codec.h"
#include "storage/poll_definition_codec.h"
#include "storage/quota_entry_codec.h"

namespace tallyd {
namespace {

// First byte of an entry: kind in the low half, flags of ballots and withdrawals in the high half.
constexpr std::uint8_t kKindMask = 0x0f;
constexpr std::uint8_t kFlagPaper = 0x10;       // a box follows
constexpr std::uint8_t kFlagVersion = 0x20;     // a version number other than 1 follows
constexpr std::uint8_t kFlagPrint = 0x40;       // an idempotency print follows
constexpr std::uint8_t kFlagSupersedes = 0x80;  // a superseded ballot follows

constexpr std::uint8_t kSupersededPaper = 0x01;

constexpr std::uint8_t KindByte(EntryKind kind, std::uint8_t flags = 0) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | flags);
}

char* EncodeTag(char* to, const VoterTag& tag) {
  std::memcpy(to, tag.bytes.data(), tag.bytes.size());
  return to + tag.bytes.size();
}

char* EncodeSuperseded(char* to, const SupersededBallot& superseded) {
  const bool paper = superseded.channel == Channel::kPaper;
  TALLYD_CHECK(paper || superseded.box == 0);
  to = EncodeVarint(to, superseded.seq);
  *to++ = static_cast<char>(paper ? kSupersededPaper : 0);
  if (paper) to = EncodeVarint(to, superseded.box);
  return EncodeVarint(to, superseded.payload.size());
}

bool DecodeSuperseded(ByteReader* reader, SupersededBallot* superseded) {
  superseded->seq = reader->Varint();
  const std::uint8_t flags = reader->U8();
  superseded->channel = Channel::kOnline;
  superseded->box = 0;
  if ((flags & kSupersededPaper) != 0) {
    superseded->channel = Channel::kPaper;
    superseded->box = reader->Varint32();
  }
  superseded->payload = reader->String();
  if ((flags & ~kSupersededPaper) != 0 || superseded->seq == 0 || superseded->seq > kSeqMax) {
    reader->Fail();
  }
  return reader->ok();
}

bool DecodeBallot(ByteReader* reader, std::uint8_t flags, BallotEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  reader->Bytes(&entry->tag.bytes);
  if ((flags & kFlagPaper) != 0) {
    entry->channel = Channel::kPaper;
    entry->box = reader->Varint32();
  }
  if ((flags & kFlagVersion) != 0) {
    entry->version_no = reader->Varint32();
    if (entry->version_no == 1) reader->Fail();
  }
  if ((flags & kFlagPrint) != 0) {
    entry->idempotency_print = reader->U64();
    if (entry->idempotency_print == 0) reader->Fail();
  }
  if ((flags & kFlagSupersedes) != 0) DecodeSuperseded(reader, &entry->supersedes.emplace());
  entry->payload = reader->String();
  return reader->ok();
}

bool DecodeWithdrawal(ByteReader* reader, std::uint8_t flags, WithdrawalEntry* entry) {
  if ((flags & ~kFlagPrint) != 0) reader->Fail();
  entry->poll = DecodePollNumber(reader);
  reader->Bytes(&entry->tag.bytes);
  entry->version_no = reader->Varint32();
  if ((flags & kFlagPrint) != 0) {
    entry->idempotency_print = reader->U64();
    if (entry->idempotency_print == 0) reader->Fail();
  }
  return DecodeSuperseded(reader, &entry->supersedes);
}

bool DecodeProject(ByteReader* reader, ProjectEntry* entry) {
  entry->id = reader->String();
  entry->display = reader->String();
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodePoll(ByteReader* reader, PollEntry* entry) {
  entry->number = DecodePollNumber(reader);
  reader->Bytes(&entry->key_salt);
  reader->Bytes(&entry->key_check);
  DecodeDefinition(reader, &entry->definition);
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodePollState(ByteReader* reader, PollStateEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->to = DecodeEnum(reader, PollState::kDraft, PollState::kFinal);
  entry->cause = DecodeEnum(reader, StateCause::kActor, StateCause::kSchedule);
  entry->actor = reader->String();
  return reader->ok();
}

}  // namespace

PollNumber DecodePollNumber(ByteReader* reader) {
  const std::uint32_t number = reader->Varint32();
  if (number == 0 || number > kPollNumberMax) reader->Fail();
  return number;
}

void EncodeEntry(const BallotEntry& entry, std::string* out) {
  // The hot path: all small fields in one buffer, so that the string grows twice at most.
  char buffer[kBallotBytesMax];
  const bool paper = entry.channel == Channel::kPaper;
  TALLYD_CHECK(paper || entry.box == 0);
  std::uint8_t flags = 0;
  if (paper) flags |= kFlagPaper;
  if (entry.version_no != 1) flags |= kFlagVersion;
  if (entry.idempotency_print != 0) flags |= kFlagPrint;
  if (entry.supersedes.has_value()) flags |= kFlagSupersedes;
  char* to = buffer;
  *to++ = static_cast<char>(KindByte(EntryKind::kBallot, flags));
  to = EncodeVarint(to, entry.poll);
  to = EncodeTag(to, entry.tag);
  if (paper) to = EncodeVarint(to, entry.box);
  if (entry.version_no != 1) to = EncodeVarint(to, entry.version_no);
  if (entry.idempotency_print != 0) to = EncodeFixed(to, entry.idempotency_print);
  if (entry.supersedes.has_value()) {
    to = EncodeSuperseded(to, *entry.supersedes);
    out->append(buffer, to);
    out->append(entry.supersedes->payload);
    to = buffer;
  }
  to = EncodeVarint(to, entry.payload.size());
  out->append(buffer, to);
  out->append(entry.payload);
}

void EncodeEntry(const WithdrawalEntry& entry, std::string* out) {
  char buffer[kBallotBytesMax];
  const bool print = entry.idempotency_print != 0;
  char* to = buffer;
  *to++ = static_cast<char>(KindByte(EntryKind::kWithdrawal, print ? kFlagPrint : 0));
  to = EncodeVarint(to, entry.poll);
  to = EncodeTag(to, entry.tag);
  to = EncodeVarint(to, entry.version_no);
  if (print) to = EncodeFixed(to, entry.idempotency_print);
  to = EncodeSuperseded(to, entry.supersedes);
  out->append(buffer, to);
  out->append(entry.supersedes.payload);
}

void EncodeEntry(const ProjectEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(KindByte(EntryKind::kProject));
  writer.String(entry.id);
  writer.String(entry.display);
  writer.String(entry.actor);
}

void EncodeEntry(const PollEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(KindByte(EntryKind::kPoll));
  writer.Varint(entry.number);
  writer.Bytes(entry.key_salt);
  writer.Bytes(entry.key_check);
  EncodeDefinition(entry.definition, &writer);
  writer.String(entry.actor);
}

void EncodeEntry(const PollStateEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(KindByte(EntryKind::kPollState));
  writer.Varint(entry.poll);
  writer.U8(static_cast<std::uint8_t>(entry.to));
  writer.U8(static_cast<std::uint8_t>(entry.cause));
  writer.String(entry.actor);
}

bool DecodeEntry(ByteReader* reader, Entry* entry) {
  const std::uint8_t first = reader->U8();
  const auto flags = static_cast<std::uint8_t>(first & ~kKindMask);
  auto kind = static_cast<EntryKind>(first & kKindMask);
  if (kind == EntryKind::kBallot) {
    return DecodeBallot(reader, flags, &entry->emplace<BallotEntry>());
  }
  if (kind == EntryKind::kWithdrawal) {
    return DecodeWithdrawal(reader, flags, &entry->emplace<WithdrawalEntry>());
  }
  if (flags != 0) reader->Fail();
  if (first == kLongKind) {
    const std::uint8_t long_kind = reader->U8();
    if (long_kind <= kLongKind) reader->Fail();  // has a byte of its own
    kind = static_cast<EntryKind>(long_kind);
  }
  if (!reader->ok()) return false;
  switch (kind) {
    case EntryKind::kProject:
      return DecodeProject(reader, &entry->emplace<ProjectEntry>());
    case EntryKind::kPoll:
      return DecodePoll(reader, &entry->emplace<PollEntry>());
    case EntryKind::kPollState:
      return DecodePollState(reader, &entry->emplace<PollStateEntry>());
    case EntryKind::kPaperBatch:
      return DecodePaperBatch(reader, &entry->emplace<PaperBatchEntry>());
    case EntryKind::kPaperConfirm:
      return DecodePaperConfirm(reader, &entry->emplace<PaperConfirmEntry>());
    case EntryKind::kPaperVoid:
      return DecodePaperVoid(reader, &entry->emplace<PaperVoidEntry>());
    case EntryKind::kOptionFate:
      return DecodeOptionFate(reader, &entry->emplace<OptionFateEntry>());
    case EntryKind::kIdea:
      return DecodeIdea(reader, &entry->emplace<IdeaEntry>());
    case EntryKind::kIdeaDecision:
      return DecodeIdeaDecision(reader, &entry->emplace<IdeaDecisionEntry>());
    case EntryKind::kPaperCards:
      return DecodePaperCards(reader, &entry->emplace<PaperCardsEntry>());
    case EntryKind::kPaperCardsCount:
      return DecodePaperCardsCount(reader, &entry->emplace<PaperCardsCountEntry>());
    case EntryKind::kRoll:
      return DecodeRoll(reader, &entry->emplace<RollEntry>());
    case EntryKind::kProjectQuota:
      return DecodeProjectQuota(reader, &entry->emplace<ProjectQuotaEntry>());
    case EntryKind::kQuotaUse:
      return DecodeQuotaUse(reader, &entry->emplace<QuotaUseEntry>());
    case EntryKind::kOnlineAfterPaper:
      return DecodeOnlineAfterPaper(reader, &entry->emplace<OnlineAfterPaperEntry>());
    case EntryKind::kKeySealed:
      return DecodeKeySealed(reader, &entry->emplace<KeySealedEntry>());
    case EntryKind::kKeyDestroyed:
      return DecodeKeyDestroyed(reader, &entry->emplace<KeyDestroyedEntry>());
    case EntryKind::kFlagOpened:
      return DecodeFlagOpened(reader, &entry->emplace<FlagOpenedEntry>());
    case EntryKind::kFlagJoined:
      return DecodeFlagJoined(reader, &entry->emplace<FlagJoinedEntry>());
    case EntryKind::kFlagDecision:
      return DecodeFlagDecision(reader, &entry->emplace<FlagDecisionEntry>());
    case EntryKind::kHeldBallot:
      return DecodeHeldBallot(reader, &entry->emplace<HeldBallotEntry>());
    default:
      reader->Fail();
      return false;
  }
}

}  // namespace tallyd
