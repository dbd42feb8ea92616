#include "storage/paper_entry_codec.h"

#include "storage/check.h"
#include "storage/entry_codec.h"

namespace tallyd {
namespace {

constexpr std::uint8_t kBatchOpenedAt = 0x01;
constexpr std::uint8_t kBatchCounts = 0x02;
constexpr std::uint8_t kBatchByCards = 0x04;
constexpr std::uint8_t kCountBlind = 0x01;
constexpr std::uint8_t kCountAtOnce = 0x02;
constexpr std::uint8_t kConfirmBlind = 0x01;
constexpr std::uint8_t kVoidReverses = 0x01;

constexpr std::size_t kCountBytesMin = 3;
constexpr std::size_t kCardBytesMin = sizeof(VoterTag) + 1;
constexpr std::size_t kCountBytesMax = 2 * kVarint32BytesMax + kVarintBytesMax;

void EncodeFigures(const PaperFigures& figures, ByteWriter* writer) {
  writer->Varint(figures.cards);
  writer->Varint(figures.invalid);
  writer->Varint(figures.blank);
  writer->Varint(figures.counts.size());
  OptionIndex previous = 0;
  for (std::size_t i = 0; i < figures.counts.size(); ++i) {
    const PaperCount& count = figures.counts[i];
    TALLYD_CHECK(i == 0 || count.option > previous);
    writer->Varint(count.option - previous);
    writer->Varint(count.ballots);
    writer->SignedVarint(count.score);
    previous = count.option;
  }
}

void DecodeFigures(ByteReader* reader, PaperFigures* figures) {
  figures->cards = reader->Varint32();
  figures->invalid = reader->Varint32();
  figures->blank = reader->Varint32();
  const std::uint64_t counts = reader->Varint();
  const std::uint64_t not_counted = std::uint64_t{figures->invalid} + figures->blank;
  if (not_counted > figures->cards || counts > reader->remaining() / kCountBytesMin) {
    return reader->Fail();
  }
  figures->counts.clear();
  figures->counts.reserve(counts);
  std::uint64_t option = 0;
  for (std::uint64_t i = 0; i < counts && reader->ok(); ++i) {
    const std::uint32_t distance = reader->Varint32();
    option += distance;
    PaperCount count;
    count.option = static_cast<OptionIndex>(option);
    count.ballots = reader->Varint32();
    count.score = reader->SignedVarint();
    const bool rises = i == 0 || distance > 0;
    if (!rises || option > UINT32_MAX || count.ballots == 0 ||
        count.ballots > figures->cards - not_counted) {
      return reader->Fail();
    }
    figures->counts.push_back(count);
  }
}

// The known flags of an entry; others are damage.
std::uint8_t DecodeFlags(ByteReader* reader, std::uint8_t known) {
  const std::uint8_t flags = reader->U8();
  if ((flags & ~known) != 0) reader->Fail();
  return flags;
}

std::size_t SizeMax(const PaperFigures& figures) {
  return 4 * kVarintBytesMax + figures.counts.size() * kCountBytesMax;
}

}  // namespace

void EncodeEntry(const PaperBatchEntry& entry, std::string* out) {
  ByteWriter writer(out);
  const PaperBatch& batch = entry.batch;
  writer.U8(static_cast<std::uint8_t>(EntryKind::kPaperBatch));
  writer.Varint(entry.poll);
  writer.String(batch.id);
  writer.U8(static_cast<std::uint8_t>((batch.opened_at ? kBatchOpenedAt : 0) |
                                      (entry.counts ? kBatchCounts : 0) |
                                      (batch.by_cards ? kBatchByCards : 0)));
  writer.Varint(batch.box);
  if (batch.opened_at) writer.I64(*batch.opened_at);
  writer.Varint(batch.counted_by.size());
  for (const std::string& name : batch.counted_by) writer.String(name);
  writer.String(batch.seal);
  EncodeFigures(batch.figures, &writer);
  writer.String(entry.actor);
}

void EncodeEntry(const PaperConfirmEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kPaperConfirm));
  writer.Varint(entry.poll);
  writer.String(entry.batch);
  writer.U8(entry.blind ? kConfirmBlind : 0);
  EncodeFigures(entry.figures, &writer);
  writer.String(entry.actor);
}

void EncodeEntry(const PaperVoidEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kPaperVoid));
  writer.Varint(entry.poll);
  writer.String(entry.batch);
  writer.U8(entry.reverses ? kVoidReverses : 0);
  writer.String(entry.reason);
  if (entry.reverses) EncodeFigures(*entry.reverses, &writer);
  writer.String(entry.actor);
}

void EncodeEntry(const PaperCardsEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kPaperCards));
  writer.Varint(entry.poll);
  writer.String(entry.batch);
  writer.Varint(entry.cards.size());
  for (const PaperCard& card : entry.cards) {
    writer.Bytes(card.tag.bytes);
    writer.String(card.payload);
  }
  EncodeFigures(entry.figures, &writer);
  writer.String(entry.actor);
}

void EncodeEntry(const PaperCardsCountEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kPaperCardsCount));
  writer.Varint(entry.poll);
  writer.String(entry.batch);
  writer.U8(static_cast<std::uint8_t>((entry.blind ? kCountBlind : 0) |
                                      (entry.at_once ? kCountAtOnce : 0)));
  EncodeFigures(entry.rest, &writer);
  writer.Varint(entry.outcomes.size());
  for (const CardOutcome& outcome : entry.outcomes) {
    writer.U8(static_cast<std::uint8_t>(outcome.result));
    writer.Varint(outcome.seq);
  }
  writer.String(entry.actor);
}

void EncodeEntry(const RollEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kRoll));
  writer.Varint(entry.poll);
  writer.String(entry.batch);
  writer.Varint(entry.tags.size());
  for (const VoterTag& tag : entry.tags) writer.Bytes(tag.bytes);
  writer.String(entry.actor);
}

bool DecodePaperBatch(ByteReader* reader, PaperBatchEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  PaperBatch& batch = entry->batch;
  batch.id = reader->String();
  const std::uint8_t flags = DecodeFlags(reader, kBatchOpenedAt | kBatchCounts | kBatchByCards);
  batch.by_cards = (flags & kBatchByCards) != 0;
  entry->counts = (flags & kBatchCounts) != 0;
  batch.box = reader->Varint32();
  if ((flags & kBatchOpenedAt) != 0) batch.opened_at = reader->I64();
  const std::uint64_t names = reader->Varint();
  if (names > reader->remaining()) reader->Fail();
  for (std::uint64_t i = 0; i < names && reader->ok(); ++i) {
    batch.counted_by.emplace_back(reader->String());
  }
  batch.seal = reader->String();
  DecodeFigures(reader, &batch.figures);
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodePaperConfirm(ByteReader* reader, PaperConfirmEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->batch = reader->String();
  entry->blind = DecodeFlags(reader, kConfirmBlind) != 0;
  DecodeFigures(reader, &entry->figures);
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodePaperVoid(ByteReader* reader, PaperVoidEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->batch = reader->String();
  const bool reverses = DecodeFlags(reader, kVoidReverses) != 0;
  entry->reason = reader->String();
  if (reverses) DecodeFigures(reader, &entry->reverses.emplace());
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodePaperCards(ByteReader* reader, PaperCardsEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->batch = reader->String();
  const std::uint64_t cards = reader->Varint();
  if (cards > reader->remaining() / kCardBytesMin) reader->Fail();
  for (std::uint64_t i = 0; i < cards && reader->ok(); ++i) {
    PaperCard& card = entry->cards.emplace_back();
    reader->Bytes(&card.tag.bytes);
    card.payload = reader->String();
  }
  DecodeFigures(reader, &entry->figures);
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodePaperCardsCount(ByteReader* reader, PaperCardsCountEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->batch = reader->String();
  const std::uint8_t flags = DecodeFlags(reader, kCountBlind | kCountAtOnce);
  entry->blind = (flags & kCountBlind) != 0;
  entry->at_once = (flags & kCountAtOnce) != 0;
  DecodeFigures(reader, &entry->rest);
  const std::uint64_t outcomes = reader->Varint();
  if (outcomes > reader->remaining() / 2) reader->Fail();
  for (std::uint64_t i = 0; i < outcomes && reader->ok(); ++i) {
    CardOutcome& outcome = entry->outcomes.emplace_back();
    outcome.result = DecodeEnum(reader, CardResult::kCounted, CardResult::kNotOnRoll);
    outcome.seq = reader->Varint();
    const bool counts = outcome.result <= CardResult::kBeatsOnline;
    if (outcome.seq > kSeqMax || counts != (outcome.seq != 0)) reader->Fail();
  }
  entry->actor = reader->String();
  return reader->ok();
}

bool DecodeRoll(ByteReader* reader, RollEntry* entry) {
  entry->poll = DecodePollNumber(reader);
  entry->batch = reader->String();
  const std::uint64_t tags = reader->Varint();
  if (tags > reader->remaining() / sizeof(VoterTag)) reader->Fail();
  for (std::uint64_t i = 0; i < tags && reader->ok(); ++i) {
    reader->Bytes(&entry->tags.emplace_back().bytes);
  }
  entry->actor = reader->String();
  return reader->ok();
}

std::size_t EncodedSizeMax(const PaperCardsEntry& entry) {
  std::size_t size =
      1 + 4 * kVarintBytesMax + entry.batch.size() + entry.actor.size() + SizeMax(entry.figures);
  for (const PaperCard& card : entry.cards) {
    size += sizeof(VoterTag) + kVarintBytesMax + card.payload.size();
  }
  return size;
}

std::size_t EncodedSizeMax(const PaperCardsCountEntry& entry) {
  return 2 + 4 * kVarintBytesMax + entry.batch.size() + entry.actor.size() + SizeMax(entry.rest) +
         entry.outcomes.size() * (1 + kVarintBytesMax);
}

std::size_t EncodedSizeMax(const RollEntry& entry) {
  return 1 + 4 * kVarintBytesMax + entry.batch.size() + entry.actor.size() +
         entry.tags.size() * sizeof(VoterTag);
}

std::size_t EncodedSizeMax(const PaperBatchEntry& entry) {
  const PaperBatch& batch = entry.batch;
  std::size_t size = 2 + 8 + 6 * kVarintBytesMax + batch.id.size() + batch.seal.size() +
                     entry.actor.size() + SizeMax(batch.figures);
  for (const std::string& name : batch.counted_by) size += kVarintBytesMax + name.size();
  return size;
}

std::size_t EncodedSizeMax(const PaperConfirmEntry& entry) {
  return 2 + 3 * kVarintBytesMax + entry.batch.size() + entry.actor.size() + SizeMax(entry.figures);
}

std::size_t EncodedSizeMax(const PaperVoidEntry& entry) {
  return 2 + 4 * kVarintBytesMax + entry.batch.size() + entry.reason.size() + entry.actor.size() +
         (entry.reverses ? SizeMax(*entry.reverses) : 0);
}

void EncodeEntry(const OnlineAfterPaperEntry& entry, std::string* out) {
  ByteWriter writer(out);
  writer.U8(kLongKind);
  writer.U8(static_cast<std::uint8_t>(EntryKind::kOnlineAfterPaper));
  writer.Varint(entry.poll);
  writer.Varint(entry.on_paper);
}

bool DecodeOnlineAfterPaper(ByteReader* reader, OnlineAfterPaperEntry* entry) {
  entry->poll = reader->Varint32();
  entry->on_paper = reader->Varint();
  const bool sane = entry->poll != 0 && entry->poll <= kPollNumberMax && entry->on_paper != 0 &&
                    entry->on_paper <= kSeqMax;
  if (!sane) reader->Fail();
  return reader->ok();
}

std::size_t EncodedSizeMax(const OnlineAfterPaperEntry&) {
  return 2 + 2 * kVarintBytesMax;
}

}  // namespace tallyd
