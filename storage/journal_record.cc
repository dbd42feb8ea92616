#include "storage/journal_record.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"

#include "storage/byte_codec.h"
#include "storage/check.h"
#include "storage/checksums.h"
#include "storage/entry_codec.h"

namespace tallyd {
namespace {

// Offsets within a record; docs/data_formats.md, "Journal record".
constexpr std::string_view kMagic = "TLYJ";
constexpr std::size_t kCrcAt = 4;
constexpr std::size_t kVersionAt = 8;  // the CRC covers everything from here
constexpr std::size_t kHeaderBytes = 88;
constexpr std::size_t kSpanBytes = 24;
// A record is written as the oldest version that has all kinds of its entries, so that an older
// tallyd reads whatever it can.
constexpr std::uint16_t kVersionOfFirstKinds = 1;
constexpr std::uint16_t kVersionOfKeys = 3;
constexpr std::uint16_t kVersionOfFlags = 4;
constexpr std::uint16_t kVersion = kVersionOfFlags;

template <class Kind, class... Kinds>
inline constexpr bool kIsOneOf = (std::is_same_v<Kind, Kinds> || ...);

template <class Kind>
constexpr std::uint16_t VersionOf() {
  if (kIsOneOf<Kind, BallotEntry, WithdrawalEntry, ProjectEntry, PollEntry, PollStateEntry>) {
    return kVersionOfFirstKinds;
  }
  if (kIsOneOf<Kind, FlagOpenedEntry, FlagJoinedEntry, FlagDecisionEntry, HeldBallotEntry>) {
    return kVersionOfFlags;
  }
  return kIsOneOf<Kind, KeySealedEntry, KeyDestroyedEntry> ? kVersionOfKeys : 2;
}

// Rows of the poll table there is room for in front of the entries; with more, they move once.
constexpr std::size_t kSpansInRoom = 40;
constexpr std::size_t kRoomBytes = kHeaderBytes + kSpansInRoom * kSpanBytes;

// Up to this many polls a scan is as fast as a hash table.
constexpr std::size_t kSpansScanned = 16;

absl::Status Damage(const char* what) {
  return absl::DataLossError(absl::StrCat("journal record is damaged: ", what));
}

absl::Status DamageAt(Position position, const char* what) {
  return absl::DataLossError(
      absl::StrCat("journal record at position ", position, " is damaged: ", what));
}

std::size_t SlotOf(PollNumber poll, std::size_t slots) {
  return (poll * 0x9E3779B97F4A7C15ull >> 32) & (slots - 1);
}

std::uint16_t VersionWith(const Entry& entry) {
  return std::visit([]<class Kind>(const Kind&) { return VersionOf<Kind>(); }, entry);
}

// Seqs of the ballots while a record is decoded: one counter per row of its poll table.
class SeqCounter {
 public:
  explicit SeqCounter(const std::vector<PollSpan>& polls)
      : polls_(polls), counts_(polls.size(), 0) {}

  // 0 if the table does not know another ballot of this poll.
  Seq Next(PollNumber poll) {
    if (newest_ >= polls_.size() || polls_[newest_].poll != poll) {
      const auto row = std::lower_bound(
          polls_.begin(), polls_.end(), poll,
          [](const PollSpan& span, PollNumber wanted) { return span.poll < wanted; });
      if (row == polls_.end() || row->poll != poll) return 0;
      newest_ = static_cast<std::size_t>(row - polls_.begin());
    }
    if (counts_[newest_] == polls_[newest_].ballots) return 0;
    return polls_[newest_].first_seq + counts_[newest_]++;
  }

  bool AllSeen() const {
    for (std::size_t i = 0; i < polls_.size(); ++i) {
      if (counts_[i] != polls_[i].ballots) return false;
    }
    return true;
  }

 private:
  const std::vector<PollSpan>& polls_;
  absl::InlinedVector<std::uint32_t, 16> counts_;
  std::size_t newest_ = 0;
};

bool DecodeSpans(ByteReader* reader, std::size_t count, std::size_t entries_count,
                 std::vector<PollSpan>* polls) {
  polls->reserve(count);
  std::uint64_t ballots = 0;
  for (std::size_t i = 0; i < count; ++i) {
    PollSpan span;
    span.poll = reader->U32();
    span.ballots = reader->U32();
    span.first_seq = reader->U64();
    span.tree_size = reader->U64();
    const PollNumber previous = polls->empty() ? 0 : polls->back().poll;
    if (span.poll <= previous || span.poll > kPollNumberMax) return false;
    if (span.ballots == 0 || span.first_seq == 0 || span.first_seq > kSeqMax) return false;
    if (span.ballots > kSeqMax - span.first_seq + 1) return false;
    ballots += span.ballots;
    polls->push_back(span);
  }
  return reader->ok() && ballots <= entries_count;
}

}  // namespace

RecordBuilder::RecordBuilder() {
  // Memory is touched only as far as records really grow.
  bytes_.reserve(kRoomBytes + kRecordBytesMax);
  polls_.reserve(kSpansScanned);
  bytes_.resize(kRoomBytes);
}

bool RecordBuilder::Fits(std::size_t entry_bytes) const {
  const std::size_t used =
      kHeaderBytes + (polls_.size() + 1) * kSpanBytes + (bytes_.size() - kRoomBytes);
  return entry_bytes <= kRecordBytesMax && used + entry_bytes <= kRecordBytesMax;
}

void RecordBuilder::IndexPolls() {
  std::size_t slots = std::max<std::size_t>(poll_slots_.size(), 4 * kSpansScanned);
  while (slots < 2 * polls_.size() + 2) slots *= 2;
  poll_slots_.assign(slots, 0);
  for (std::size_t i = 0; i < polls_.size(); ++i) {
    std::size_t slot = SlotOf(polls_[i].poll, slots);
    while (poll_slots_[slot] != 0) slot = (slot + 1) & (slots - 1);
    poll_slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

// The poll's row, made if there is none.
PollSpan& RecordBuilder::SpanOf(PollNumber poll, Seq seq) {
  if (polls_.size() <= kSpansScanned) {
    for (std::size_t i = 0; i < polls_.size(); ++i) {
      if (polls_[i].poll == poll) return polls_[newest_span_ = i];
    }
  } else {
    std::size_t slot = SlotOf(poll, poll_slots_.size());
    for (; poll_slots_[slot] != 0; slot = (slot + 1) & (poll_slots_.size() - 1)) {
      const std::size_t i = poll_slots_[slot] - 1;
      if (polls_[i].poll == poll) return polls_[newest_span_ = i];
    }
    poll_slots_[slot] = static_cast<std::uint32_t>(polls_.size() + 1);
  }
  newest_span_ = polls_.size();
  polls_.push_back({.poll = poll, .ballots = 0, .first_seq = seq, .tree_size = seq - 1});
  const bool first_indexed = polls_.size() == kSpansScanned + 1;
  const bool crowded = polls_.size() > kSpansScanned && 2 * polls_.size() > poll_slots_.size();
  if (first_indexed || crowded) IndexPolls();
  return polls_[newest_span_];
}

void RecordBuilder::CountSeq(PollNumber poll, Seq seq) {
  TALLYD_CHECK(!sealed_);
  TALLYD_CHECK(poll >= 1 && poll <= kPollNumberMax && seq >= 1 && seq <= kSeqMax);
  const bool same_poll = newest_span_ < polls_.size() && polls_[newest_span_].poll == poll;
  PollSpan& span = same_poll ? polls_[newest_span_] : SpanOf(poll, seq);
  TALLYD_CHECK(seq == span.first_seq + span.ballots);
  ++span.ballots;
  ++entries_count_;
}

void RecordBuilder::AddBallot(const BallotEntry& entry) {
  CountSeq(entry.poll, entry.seq);
  EncodeEntry(entry, &bytes_);
}

void RecordBuilder::AddWithdrawal(const WithdrawalEntry& entry) {
  CountSeq(entry.poll, entry.seq);
  EncodeEntry(entry, &bytes_);
}

void RecordBuilder::AddProject(const ProjectEntry& entry) {
  TALLYD_CHECK(!sealed_);
  ++entries_count_;
  EncodeEntry(entry, &bytes_);
}

void RecordBuilder::AddPoll(const PollEntry& entry) {
  TALLYD_CHECK(!sealed_);
  ++entries_count_;
  EncodeEntry(entry, &bytes_);
}

void RecordBuilder::AddPollState(const PollStateEntry& entry) {
  TALLYD_CHECK(!sealed_);
  ++entries_count_;
  EncodeEntry(entry, &bytes_);
}

template <class LaterEntry>
void RecordBuilder::AddLater(const LaterEntry& entry) {
  TALLYD_CHECK(!sealed_);
  ++entries_count_;
  version_ = std::max(version_, VersionOf<LaterEntry>());
  EncodeEntry(entry, &bytes_);
}

void RecordBuilder::AddPaperBatch(const PaperBatchEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddPaperConfirm(const PaperConfirmEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddPaperVoid(const PaperVoidEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddOptionFate(const OptionFateEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddIdea(const IdeaEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddIdeaDecision(const IdeaDecisionEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddPaperCards(const PaperCardsEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddPaperCardsCount(const PaperCardsCountEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddRoll(const RollEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddProjectQuota(const ProjectQuotaEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddQuotaUse(const QuotaUseEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddOnlineAfterPaper(const OnlineAfterPaperEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddKeySealed(const KeySealedEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddKeyDestroyed(const KeyDestroyedEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddFlagOpened(const FlagOpenedEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddFlagJoined(const FlagJoinedEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddFlagDecision(const FlagDecisionEntry& entry) {
  AddLater(entry);
}

void RecordBuilder::AddHeldBallot(const HeldBallotEntry& entry) {
  AddLater(entry);
}

SealedRecord RecordBuilder::Seal(const RecordHeader& header) {
  TALLYD_CHECK(!sealed_ && header.position >= 1);
  sealed_ = true;
  const std::size_t front = kHeaderBytes + polls_.size() * kSpanBytes;
  std::size_t start = 0;
  if (front <= kRoomBytes) {
    start = kRoomBytes - front;
  } else {
    bytes_.insert(0, front - kRoomBytes, '\0');
  }
  const std::size_t size = bytes_.size() - start;
  TALLYD_CHECK(size <= kRecordBytesMax);

  char* const record = bytes_.data() + start;
  char* to = std::copy(kMagic.begin(), kMagic.end(), record);
  to = EncodeFixed<std::uint32_t>(to, 0);  // the CRC comes last
  to = EncodeFixed(to, version_);
  to = EncodeFixed<std::uint16_t>(to, 0);
  to = EncodeFixed(to, static_cast<std::uint32_t>(entries_count_));
  to = EncodeFixed(to, static_cast<std::uint32_t>(polls_.size()));
  to = EncodeFixed(to, static_cast<std::uint32_t>(size - front));
  to = EncodeFixed(to, header.epoch);
  to = EncodeFixed(to, header.term);
  to = EncodeFixed(to, header.position);
  to = EncodeFixed(to, static_cast<std::uint64_t>(header.time));
  to = std::copy(header.previous_hash.bytes.begin(), header.previous_hash.bytes.end(), to);
  std::sort(polls_.begin(), polls_.end(),
            [](const PollSpan& a, const PollSpan& b) { return a.poll < b.poll; });
  for (const PollSpan& span : polls_) {
    to = EncodeFixed(to, span.poll);
    to = EncodeFixed(to, span.ballots);
    to = EncodeFixed(to, span.first_seq);
    to = EncodeFixed(to, span.tree_size);
  }
  TALLYD_CHECK(to == record + front);
  EncodeFixed(record + kCrcAt, Crc32c({record + kVersionAt, size - kVersionAt}));

  SealedRecord sealed;
  sealed.bytes = std::string_view(record, size);
  sealed.hash = Sha256(sealed.bytes);
  return sealed;
}

void RecordBuilder::Clear() {
  bytes_.resize(kRoomBytes);
  polls_.clear();
  newest_span_ = 0;
  entries_count_ = 0;
  version_ = kVersionOfFirstKinds;
  sealed_ = false;
}

std::size_t EncodedSizeMax(const BallotEntry& entry) {
  return kBallotBytesMax + entry.payload.size() +
         (entry.supersedes.has_value() ? entry.supersedes->payload.size() : 0);
}

std::size_t EncodedSizeMax(const WithdrawalEntry& entry) {
  return kBallotBytesMax + entry.supersedes.payload.size();
}

std::size_t EncodedSizeMax(const ProjectEntry& entry) {
  return 1 + 3 * kVarintBytesMax + entry.id.size() + entry.display.size() + entry.actor.size();
}

std::size_t EncodedSizeMax(const PollEntry& entry) {
  // Numbers and lengths are counted as the longest varints: generous, and never short.
  const PollDefinition& poll = entry.definition;
  std::size_t size = 384 + poll.id.size() + poll.project.size() + poll.display.size() +
                     entry.actor.size() + poll.ballots_per_voter.day_zone.size() +
                     poll.weight.claim.size();
  for (const OptionDefinition& option : poll.options) {
    size += 1 + 4 * kVarintBytesMax + option.id.size() + option.display.size();
  }
  for (const QuestionDefinition& question : poll.questions) {
    size += 8 * kVarintBytesMax + question.id.size() + question.display.size();
  }
  for (const BoxDefinition& box : poll.boxes) {
    size += 2 * kVarintBytesMax + box.id.size() + box.display.size();
  }
  for (const ClaimRule& claim : poll.claims) {
    size += 2 * kVarintBytesMax + claim.name.size();
    for (const std::string& value : claim.values) size += kVarintBytesMax + value.size();
  }
  return size;
}

std::size_t EncodedSizeMax(const PollStateEntry& entry) {
  return 3 + 2 * kVarintBytesMax + entry.actor.size();
}

absl::StatusOr<RecordView> RecordView::Parse(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return Damage("shorter than a header");
  if (bytes.size() > kRecordBytesMax) return Damage("longer than a record may be");
  if (bytes.substr(0, kMagic.size()) != kMagic) return Damage("does not begin with TLYJ");
  ByteReader reader(bytes.substr(kCrcAt));
  if (reader.U32() != Crc32c(bytes.substr(kVersionAt))) return Damage("checksum mismatch");
  // Magic, CRC and version stay where they are in every version, so from here it is no accident.
  const std::uint16_t version = reader.U16();
  if (version > kVersion) {
    return absl::UnimplementedError(absl::StrCat("journal record has format version ", version,
                                                 ", this tallyd reads up to ", kVersion,
                                                 ": use the newer tallyd that wrote it"));
  }
  if (version == 0 || reader.U16() != 0) return Damage("unknown version or flags");

  RecordView view;
  view.bytes_ = bytes;
  view.version_ = version;
  view.entries_count_ = reader.U32();
  const std::size_t polls_count = reader.U32();
  const std::size_t entries_bytes = reader.U32();
  view.header_.epoch = reader.U64();
  view.header_.term = reader.U64();
  view.header_.position = reader.U64();
  view.header_.time = reader.I64();
  reader.Bytes(&view.header_.previous_hash.bytes);
  const Position position = view.header_.position;
  if (position == 0) return Damage("position 0");
  if (polls_count > reader.remaining() / kSpanBytes) return DamageAt(position, "poll table");
  if (!DecodeSpans(&reader, polls_count, view.entries_count_, &view.polls_)) {
    return DamageAt(position, "poll table");
  }
  if (reader.remaining() != entries_bytes) return DamageAt(position, "length of its entries");
  view.entries_ = reader.Bytes(entries_bytes);
  return view;
}

ChainHash RecordView::Hash() const {
  return Sha256(bytes_);
}

absl::Status RecordView::ForEach(absl::FunctionRef<absl::Status(const Entry&)> visit) const {
  ByteReader reader(entries_);
  SeqCounter seqs(polls_);
  Entry entry;
  for (std::size_t i = 0; i < entries_count_; ++i) {
    if (!DecodeEntry(&reader, &entry)) return DamageAt(header_.position, "an entry");
    if (auto* ballot = std::get_if<BallotEntry>(&entry)) {
      ballot->seq = seqs.Next(ballot->poll);
      if (ballot->seq == 0) return DamageAt(header_.position, "a ballot without a seq");
    } else if (auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
      withdrawal->seq = seqs.Next(withdrawal->poll);
      if (withdrawal->seq == 0) return DamageAt(header_.position, "a withdrawal without a seq");
    } else if (VersionWith(entry) > version_) {
      return DamageAt(header_.position, "an entry of a later kind than its version has");
    }
    if (absl::Status status = visit(entry); !status.ok()) return status;
  }
  if (!reader.finished() || !seqs.AllSeen()) {
    return DamageAt(header_.position, "entries and header do not agree");
  }
  return absl::OkStatus();
}

}  // namespace tallyd
