#include "storage/fraud_entry_codec.h"

#include "storage/check.h"
#include "storage/entry_codec.h"

namespace tallyd {
namespace {

void EncodeKind(EntryKind kind, ByteWriter* writer) {
  writer->U8(kLongKind);
  writer->U8(static_cast<std::uint8_t>(kind));
}

// The poll and the group, which every entry of a group begins with.
void DecodeGroup(ByteReader* reader, PollNumber* poll, FlagGroupNumber* group) {
  *poll = DecodePollNumber(reader);
  *group = reader->Varint32();
  if (*group == 0) reader->Fail();
}

void EncodeBurst(const BurstRule& rule, ByteWriter* writer) {
  writer->Varint(rule.ballots);
  writer->Varint(rule.window_s);
}

void DecodeBurst(ByteReader* reader, BurstRule* rule) {
  rule->ballots = reader->Varint32();
  rule->window_s = reader->Varint32();
  if ((rule->ballots == 0) != (rule->window_s == 0)) reader->Fail();
}

void EncodeFigures(const HeldFigures& figures, ByteWriter* writer) {
  writer->Varint(figures.ballots);
  writer->Varint(figures.blank);
  writer->Varint(figures.counts.size());
  OptionIndex next = 0;
  for (const HeldCount& count : figures.counts) {
    TALLYD_CHECK(count.option >= next && count.ballots > 0);
    writer->Varint(count.option - next);
    writer->Varint(count.ballots);
    writer->SignedVarint(count.score);
    next = count.option + 1;
  }
}

void DecodeFigures(ByteReader* reader, HeldFigures* figures) {
  figures->ballots = reader->Varint();
  figures->blank = reader->Varint();
  if (figures->blank > figures->ballots) reader->Fail();
  const std::uint64_t count = reader->Varint();
  if (count > reader->remaining()) reader->Fail();  // each takes more than a byte
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    const std::uint64_t option = next + reader->Varint32();
    if (option > UINT32_MAX) reader->Fail();
    HeldCount& one = figures->counts.emplace_back();
    one.option = static_cast<OptionIndex>(option);
    one.ballots = reader->Varint();
    one.score = reader->SignedVarint();
    if (one.ballots == 0 || one.ballots > figures->ballots) reader->Fail();
    next = option + 1;
  }
}

}  // namespace

void EncodeFraud(const FraudDefinition& fraud, ByteWriter* writer) {
  EncodeBurst(fraud.network_burst, writer);
  EncodeBurst(fraud.poll_burst, writer);
}

void DecodeFraud(ByteReader* reader, FraudDefinition* fraud) {
  DecodeBurst(reader, &fraud->network_burst);
  DecodeBurst(reader, &fraud->poll_burst);
  if (!fraud->is_given()) reader->Fail();
}

void EncodeEntry(const FlagOpenedEntry& entry, std::string* out) {
  ByteWriter writer(out);
  EncodeKind(EntryKind::kFlagOpened, &writer);
  writer.Varint(entry.poll);
  writer.Varint(entry.group);
  writer.U8(static_cast<std::uint8_t>(entry.rule));
  EncodeBurst(entry.burst, &writer);
  writer.Varint(entry.voters.size());
  for (const VoterTag& voter : entry.voters) writer.Bytes(voter.bytes);
}

void EncodeEntry(const FlagJoinedEntry& entry, std::string* out) {
  ByteWriter writer(out);
  EncodeKind(EntryKind::kFlagJoined, &writer);
  writer.Varint(entry.poll);
  writer.Varint(entry.group);
  writer.Bytes(entry.voter.bytes);
}

void EncodeEntry(const FlagDecisionEntry& entry, std::string* out) {
  ByteWriter writer(out);
  EncodeKind(EntryKind::kFlagDecision, &writer);
  writer.Varint(entry.poll);
  writer.Varint(entry.group);
  writer.U8(static_cast<std::uint8_t>(entry.was));
  writer.U8(static_cast<std::uint8_t>(entry.to));
  EncodeFigures(entry.figures, &writer);
  writer.String(entry.reason);
  writer.String(entry.actor);
}

void EncodeEntry(const HeldBallotEntry& entry, std::string* out) {
  ByteWriter writer(out);
  EncodeKind(EntryKind::kHeldBallot, &writer);
  writer.Varint(entry.poll);
  writer.Varint(entry.seq);
  writer.U8(static_cast<std::uint8_t>(entry.state));
  writer.U8(entry.put_back ? 1 : 0);
  writer.String(entry.payload);
}

bool DecodeFlagOpened(ByteReader* reader, FlagOpenedEntry* entry) {
  DecodeGroup(reader, &entry->poll, &entry->group);
  entry->rule = DecodeEnum(reader, FlagRule::kNetworkBurst, FlagRule::kPollBurst);
  DecodeBurst(reader, &entry->burst);
  if (!entry->burst.is_given()) reader->Fail();
  const std::uint64_t count = reader->Varint();
  if (count == 0 || count > reader->remaining() / sizeof(VoterTag)) reader->Fail();
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    reader->Bytes(&entry->voters.emplace_back().bytes);
  }
  return reader->ok();
}

bool DecodeFlagJoined(ByteReader* reader, FlagJoinedEntry* entry) {
  DecodeGroup(reader, &entry->poll, &entry->group);
  reader->Bytes(&entry->voter.bytes);
  return reader->ok();
}

bool DecodeFlagDecision(ByteReader* reader, FlagDecisionEntry* entry) {
  DecodeGroup(reader, &entry->poll, &entry->group);
  entry->was = DecodeEnum(reader, FlagState::kFlagged, FlagState::kVoided);
  entry->to = DecodeEnum(reader, FlagState::kQuarantined, FlagState::kVoided);
  if (entry->was == entry->to) reader->Fail();
  DecodeFigures(reader, &entry->figures);
  entry->reason = reader->String();
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodeHeldBallot(ByteReader* reader, HeldBallotEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->seq = reader->Varint();
  if (entry->seq == 0 || entry->seq > kSeqMax) reader->Fail();
  entry->state = DecodeEnum(reader, FlagState::kQuarantined, FlagState::kVoided);
  if (!IsHeld(entry->state)) reader->Fail();
  const std::uint8_t put_back = reader->U8();
  if (put_back > 1) reader->Fail();
  entry->put_back = put_back == 1;
  entry->payload = reader->String();
  if (entry->payload.empty()) reader->Fail();  // a blank ballot has a byte
  return reader->ok();
}

std::size_t EncodedSizeMax(const FlagOpenedEntry& entry) {
  return 3 + 5 * kVarintBytesMax + entry.voters.size() * sizeof(VoterTag);
}

std::size_t EncodedSizeMax(const FlagJoinedEntry&) {
  return 2 + 2 * kVarintBytesMax + sizeof(VoterTag);
}

std::size_t EncodedSizeMax(const FlagDecisionEntry& entry) {
  // Exact: a bound for each option of 100,000 would refuse what fits by far.
  std::string bytes;
  EncodeEntry(entry, &bytes);
  return bytes.size();
}

std::size_t EncodedSizeMax(const HeldBallotEntry& entry) {
  return 4 + 3 * kVarintBytesMax + entry.payload.size();
}

}  // namespace tallyd
