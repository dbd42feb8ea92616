#include "storage/journal_record.h"

#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "storage/byte_codec.h"
#include "storage/checksums.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(byte));
    text += two;
  }
  return text;
}

RecordHeader SomeHeader() {
  RecordHeader header;
  header.epoch = 1767225600;
  header.term = 3;
  header.position = 42;
  header.time = 1767225600000001;
  for (std::size_t i = 0; i < 32; ++i) header.previous_hash.bytes[i] = static_cast<std::uint8_t>(i);
  return header;
}

BallotEntry SmallBallot(Seq seq) {
  BallotEntry entry;
  entry.poll = 1;
  entry.seq = seq;
  for (std::size_t i = 0; i < 16; ++i) entry.tag.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  entry.payload = std::string_view("\x01\x07", 2);
  return entry;
}

std::vector<std::string> Described(const RecordView& view) {
  std::vector<std::string> lines;
  const absl::Status status = view.ForEach([&](const Entry& entry) {
    lines.push_back(Describe(entry));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return lines;
}

// Puts a right CRC over bytes that were changed on purpose.
void Reseal(std::string* record) {
  EncodeFixed(record->data() + 4, Crc32c(std::string_view(*record).substr(8)));
}

TEST(JournalRecordTest, RoundTripsRandomEntries) {
  RandomEntries random(TestSeed());
  RecordBuilder builder;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> written;
    const std::uint64_t wanted = random.Below(300);
    while (written.size() < wanted) {
      const Entry entry = random.Any();
      if (!builder.Fits(EncodedSizeMaxOf(entry))) break;
      AddEntry(entry, &builder);
      written.push_back(Describe(entry));
    }
    const SealedRecord sealed = builder.Seal(SomeHeader());
    EXPECT_EQ(sealed.hash, Sha256(sealed.bytes));
    const absl::StatusOr<RecordView> view = RecordView::Parse(sealed.bytes);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->header().epoch, SomeHeader().epoch);
    EXPECT_EQ(view->header().term, SomeHeader().term);
    EXPECT_EQ(view->header().position, SomeHeader().position);
    EXPECT_EQ(view->header().time, SomeHeader().time);
    EXPECT_EQ(view->header().previous_hash, SomeHeader().previous_hash);
    EXPECT_EQ(view->Hash(), sealed.hash);
    EXPECT_EQ(Described(*view), written);
    builder.Clear();
  }
}

TEST(JournalRecordTest, FillsToTheLastEntryThatFits) {
  RandomEntries random(TestSeed());
  RecordBuilder builder;
  for (int round = 0; round < 3; ++round) {
    std::size_t count = 0;
    for (;; ++count) {
      const Entry entry = random.Any();
      if (!builder.Fits(EncodedSizeMaxOf(entry))) break;
      AddEntry(entry, &builder);
    }
    const SealedRecord sealed = builder.Seal(SomeHeader());
    EXPECT_LE(sealed.bytes.size(), kRecordBytesMax);
    EXPECT_GT(sealed.bytes.size(), kRecordBytesMax / 2);
    const absl::StatusOr<RecordView> view = RecordView::Parse(sealed.bytes);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->entries_count(), count);
    builder.Clear();
    EXPECT_TRUE(builder.empty());
  }
  EXPECT_FALSE(builder.Fits(kRecordBytesMax));
}

TEST(JournalRecordTest, EverySizeIsBoundedByItsEstimate) {
  RandomEntries random(TestSeed());
  for (int round = 0; round < 2000; ++round) {
    const Entry entry = random.Any();
    RecordBuilder builder;
    AddEntry(entry, &builder);
    EXPECT_LE(builder.Seal(SomeHeader()).bytes.size(), 88 + 24 + EncodedSizeMaxOf(entry));
  }
}

TEST(JournalRecordTest, GoldenBytes) {
  RecordBuilder builder;
  builder.AddBallot(SmallBallot(7));
  WithdrawalEntry withdrawal;
  withdrawal.poll = 1;
  withdrawal.seq = 8;
  withdrawal.tag = SmallBallot(7).tag;
  withdrawal.version_no = 2;
  withdrawal.idempotency_print = 0x1122334455667788;
  withdrawal.supersedes = {7, Channel::kPaper, 3, std::string_view("\x01\x07", 2)};
  builder.AddWithdrawal(withdrawal);
  builder.AddProject({"budget", "{}", "anna"});
  builder.AddPollState(
      {.poll = 1, .to = PollState::kClosed, .cause = StateCause::kSchedule, .actor = ""});
  EXPECT_EQ(Hex(builder.Seal(SomeHeader()).bytes),
            "544c594a2fb22c03"
            "0100000004000000010000004b000000"
            "00b95569000000000300000000000000"
            "2a000000000000000140204648470600"
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "010000000200000007000000000000000600000000000000"
            "0101a0a1a2a3a4a5a6a7a8a9aaabacadaeaf020107"
            "4201a0a1a2a3a4a5a6a7a8a9aaabacadaeaf028877665544332211070103020107"
            "0306627564676574027b7d04616e6e61"
            "0501030100");
}

TEST(JournalRecordTest, GoldenPoll) {
  PollEntry entry;
  entry.number = 2;
  entry.key_salt.fill(0x11);
  entry.key_check.fill(0x22);
  entry.definition.id = "green";
  entry.definition.project = "budget";
  entry.definition.options = {{"a", 1000, false, "{}"}, {"b", -1, true, ""}};
  entry.definition.boxes = {{"hall", "{}"}};
  entry.definition.opens = 1767225600000000;
  entry.actor = "anna";
  RecordBuilder builder;
  builder.AddPoll(entry);
  EXPECT_EQ(Hex(builder.Seal(SomeHeader()).bytes.substr(88)),
            "040211111111111111111111111111111111222222222222222205677265656e"
            "06627564676574010001000000020161d00f00027b7d0162010100010468616c"
            "6c027b7d3900402046484706000014000004616e6e61");
}

TEST(JournalRecordTest, ASmallBallotIsSmall) {
  RecordBuilder builder;
  builder.AddBallot(SmallBallot(1));
  const std::size_t one = builder.Seal(SomeHeader()).bytes.size();
  builder.Clear();
  builder.AddBallot(SmallBallot(1));
  builder.AddBallot(SmallBallot(2));
  EXPECT_EQ(builder.Seal(SomeHeader()).bytes.size() - one, 21u);
}

TEST(JournalRecordTest, EveryTruncationAndEveryFlippedBitIsDetected) {
  RandomEntries random(TestSeed());
  RecordBuilder builder;
  for (int i = 0; i < 8; ++i) AddEntry(random.Any(), &builder);
  const std::string record(builder.Seal(SomeHeader()).bytes);
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_EQ(RecordView::Parse(std::string_view(record).substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  std::string flipped = record;
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(RecordView::Parse(flipped).status().code(), absl::StatusCode::kDataLoss) << bit;
    flipped[bit / 8] = record[bit / 8];
  }
  EXPECT_TRUE(RecordView::Parse(flipped).ok());
}

// The CRC keeps accidents out; a decoder must also stand bytes that a wrong writer sealed.
TEST(JournalRecordTest, DecodingStandsSealedNonsense) {
  const std::uint64_t seed = TestSeed();
  RandomEntries random(seed);
  RecordBuilder builder;
  for (int i = 0; i < 12; ++i) AddEntry(random.Any(), &builder);
  const std::string record(builder.Seal(SomeHeader()).bytes);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = record;
    for (std::uint64_t i = 0; i <= random.Below(4); ++i) {
      changed[8 + random.Below(changed.size() - 8)] = static_cast<char>(random.Below(256));
    }
    if (random.Below(4) == 0) changed.resize(88 + random.Below(changed.size() - 88));
    Reseal(&changed);
    const absl::StatusOr<RecordView> view = RecordView::Parse(changed);
    if (!view.ok()) continue;
    const absl::Status status = view->ForEach([](const Entry& entry) {
      EXPECT_FALSE(Describe(entry).empty());
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << status;
  }
}

PaperBatchEntry SmallBatch() {
  PaperBatchEntry entry;
  entry.poll = 1;
  entry.batch.id = "b1";
  entry.batch.box = 2;
  entry.batch.opened_at = 0x0102030405060708;
  entry.batch.counted_by = {"mm"};
  entry.batch.seal = "04";
  entry.batch.figures = {
      .cards = 131, .invalid = 4, .blank = 0, .counts = {{1, 77, 77}, {4, 50, -3}}};
  entry.actor = "al";
  return entry;
}

// Byte by byte as docs/data_formats.md says it, kinds 14 and 16 to 20.
TEST(JournalRecordTest, GoldenBytesOfFatesIdeasQuotasAndTries) {
  VoterTag tag;
  for (std::size_t i = 0; i < 16; ++i) tag.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  RecordBuilder builder;
  builder.AddOptionFate({.poll = 1,
                         .option = 2,
                         .fate = OptionFate::kMoved,
                         .into = 3,
                         .overlap = {.ballots = 4, .online = 5, .paper = -1},
                         .reason = "same",
                         .actor = "anna"});
  builder.AddOptionFate({.poll = 1, .option = 2, .fate = OptionFate::kReleased, .actor = "anna"});
  builder.AddIdea({.number = 1,
                   .project = "town",
                   .submitter = tag,
                   .idempotency_print = 0x1122334455667788,
                   .display = "{}",
                   .text = ""});
  builder.AddIdeaDecision({.number = 1,
                           .decision = IdeaDecision::kApproved,
                           .poll = 1,
                           .option = 4,
                           .reason_code = "",
                           .actor = "mia"});
  builder.AddIdeaDecision(
      {.number = 2, .decision = IdeaDecision::kRejected, .reason_code = "no", .actor = "mia"});
  builder.AddProjectQuota({.project = "town", .ballots_per_voter = 300, .actor = "anna"});
  builder.AddQuotaUse({.spent_in = 1, .project_tag = tag, .given_back = true});
  builder.AddOnlineAfterPaper({.poll = 1, .on_paper = 200});
  EXPECT_EQ(Hex(builder.Seal(SomeHeader()).bytes.substr(88)),
            "0e0102010304"
            "0a01"
            "0473616d65"
            "04616e6e61"
            "0e010202"
            "00"
            "04616e6e61"
            "0f1001"
            "04746f776e"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "8877665544332211"
            "027b7d"
            "00"
            "0f11010101"
            "04"
            "00"
            "036d6961"
            "0f110202"
            "026e6f"
            "036d6961"
            "0f12"
            "04746f776e"
            "ac02"
            "04616e6e61"
            "0f1301"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "01"
            "0f1401c801");
}

// The same, kinds 21 and 22: a record of version 3, and no older one has them.
TEST(JournalRecordTest, GoldenBytesOfKeys) {
  KeySealedEntry sealed{.owner = KeyOwner::kPoll, .of_poll = 300};
  sealed.root_check.fill(0xc1);
  sealed.nonce.fill(0xc2);
  sealed.sealed.assign(kSealedVoterKeyBytes, '\xc3');
  RecordBuilder builder;
  builder.AddKeySealed(sealed);
  sealed.owner = KeyOwner::kProject;
  sealed.of_project = "town";
  builder.AddKeySealed(sealed);
  sealed.owner = KeyOwner::kReceipts;
  sealed.sealed.resize(kSealedReceiptKeyBytes);
  builder.AddKeySealed(sealed);
  builder.AddKeyDestroyed({.poll = 300, .reason = "over", .actor = "anna"});
  builder.AddKeyDestroyed({.project = "town", .reason = "over", .actor = "anna"});
  std::string record(builder.Seal(SomeHeader()).bytes);
  const auto times = [](std::size_t count, const std::string& digits) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += digits;
    return text;
  };
  const std::string root_and_nonce = times(8, "c1") + times(24, "c2");
  EXPECT_EQ(Hex(std::string_view(record).substr(88)),
            "0f1500ac02" + root_and_nonce + times(72, "c3") +  //
                "0f150104746f776e" + root_and_nonce + times(72, "c3") + "0f1502" + root_and_nonce +
                times(32, "c3") +  //
                "0f1600ac02046f76657204616e6e61"
                "0f160104746f776e046f76657204616e6e61");
  EXPECT_EQ(record[8], 3);
  record[8] = 2;
  Reseal(&record);
  EXPECT_TRUE(absl::IsDataLoss(
      RecordView::Parse(record)->ForEach([](const Entry&) { return absl::OkStatus(); })));
}

// Byte by byte as docs/data_formats.md says it, kinds 25 to 28.
TEST(JournalRecordTest, GoldenBytesOfFlags) {
  VoterTag tag;
  for (std::size_t i = 0; i < 16; ++i) tag.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  RecordBuilder builder;
  builder.AddFlagOpened({.poll = 1,
                         .group = 2,
                         .rule = FlagRule::kPollBurst,
                         .burst = {.ballots = 300, .window_s = 60},
                         .voters = {tag}});
  builder.AddFlagJoined({.poll = 1, .group = 2, .voter = tag});
  builder.AddFlagDecision({.poll = 1,
                           .group = 2,
                           .was = FlagState::kFlagged,
                           .to = FlagState::kQuarantined,
                           .figures = {.ballots = 300,
                                       .blank = 1,
                                       .counts = {{.option = 0, .ballots = 5, .score = -2},
                                                  {.option = 3, .ballots = 1, .score = 7}}},
                           .reason = "x",
                           .actor = "anna"});
  builder.AddHeldBallot({.poll = 1,
                         .seq = 200,
                         .state = FlagState::kVoided,
                         .put_back = true,
                         .payload = "\x01\x02"});
  EXPECT_EQ(Hex(builder.Seal(SomeHeader()).bytes.substr(88)),
            "0f19010201"
            "ac023c"
            "01"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "0f1a0102"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "0f1b01020001"
            "ac02"
            "01"
            "02"
            "000503"
            "02010e"
            "0178"
            "04616e6e61"
            "0f1c01"
            "c801"
            "0301"
            "020102");
}

TEST(JournalRecordTest, GoldenBytesOfPaper) {
  RecordBuilder builder;
  const PaperBatchEntry batch = SmallBatch();
  builder.AddPaperBatch(batch);
  builder.AddPaperConfirm({.poll = 1, .batch = "b1", .blind = true, .figures = {.cards = 1}});
  builder.AddPaperVoid({.poll = 1, .batch = "b1", .reason = "no", .reverses = std::nullopt});
  builder.AddPaperVoid({.poll = 1, .batch = "b1", .reverses = PaperFigures{.cards = 1}});
  const std::string record(builder.Seal(SomeHeader()).bytes);
  EXPECT_EQ(record[8], 2);
  const std::string_view entries = std::string_view(record).substr(88);
  const std::string expected = std::string(
                                   "\x06\x01\x02"
                                   "b1\x01\x02\x08\x07\x06\x05\x04\x03\x02\x01\x01\x02mm\x02"
                                   "04") +
                               std::string(
                                   "\x83\x01\x04\x00\x02\x01\x4d\x9a\x01\x03\x32\x05\x02"
                                   "al",
                                   15) +
                               std::string(
                                   "\x07\x01\x02"
                                   "b1\x01\x01\x00\x00\x00\x00",
                                   11) +
                               std::string(
                                   "\x08\x01\x02"
                                   "b1\x00\x02no\x00",
                                   10) +
                               std::string(
                                   "\x08\x01\x02"
                                   "b1\x01\x00\x01\x00\x00\x00\x00",
                                   12);
  EXPECT_EQ(entries, expected);
  builder.Clear();
  builder.AddBallot(SmallBallot(1));
  EXPECT_EQ(builder.Seal(SomeHeader()).bytes[8], 1);  // without paper: as before
}

TEST(JournalRecordTest, PaperThatCannotBeIsDamage) {
  const auto status_of = [](const PaperBatchEntry& entry, std::uint8_t version) {
    RecordBuilder builder;
    builder.AddPaperBatch(entry);
    std::string record(builder.Seal(SomeHeader()).bytes);
    record[8] = static_cast<char>(version);
    Reseal(&record);
    return RecordView::Parse(record)->ForEach([](const Entry&) { return absl::OkStatus(); });
  };
  EXPECT_TRUE(status_of(SmallBatch(), 2).ok());
  EXPECT_TRUE(absl::IsDataLoss(status_of(SmallBatch(), 1)));
  PaperBatchEntry batch = SmallBatch();
  batch.batch.figures.blank = 128;  // with the invalid ones more than there are cards
  EXPECT_TRUE(absl::IsDataLoss(status_of(batch, 2)));
  batch = SmallBatch();
  batch.batch.figures.counts[0].ballots = 128;
  EXPECT_TRUE(absl::IsDataLoss(status_of(batch, 2)));
  batch.batch.figures.counts[0].ballots = 0;
  EXPECT_TRUE(absl::IsDataLoss(status_of(batch, 2)));
}

TEST(JournalRecordTest, ANewerVersionIsRefusedByName) {
  RecordBuilder builder;
  builder.AddBallot(SmallBallot(1));
  std::string record(builder.Seal(SomeHeader()).bytes);
  record[8] = 5;
  Reseal(&record);
  const absl::Status status = RecordView::Parse(record).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(status.message()).find("version 5"), std::string::npos) << status;
}

TEST(JournalRecordTest, ForEachStopsWhereToldTo) {
  RecordBuilder builder;
  builder.AddBallot(SmallBallot(1));
  builder.AddBallot(SmallBallot(2));
  const absl::StatusOr<RecordView> view = RecordView::Parse(builder.Seal(SomeHeader()).bytes);
  ASSERT_TRUE(view.ok());
  int seen = 0;
  const absl::Status status = view->ForEach([&](const Entry&) {
    ++seen;
    return absl::CancelledError("enough");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(seen, 1);
}

TEST(JournalRecordTest, ManyPollsMoveTheEntriesOnce) {
  RecordBuilder builder;
  std::vector<std::string> written;
  for (int round = 0; round < 2; ++round) {
    for (PollNumber poll = 3000; poll > 0; --poll) {
      BallotEntry entry = SmallBallot(Seq{poll} * 10 + static_cast<Seq>(round));
      entry.poll = poll;
      builder.AddBallot(entry);
      written.push_back(Describe(entry));
    }
  }
  const absl::StatusOr<RecordView> view = RecordView::Parse(builder.Seal(SomeHeader()).bytes);
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_EQ(view->polls().size(), 3000u);
  EXPECT_EQ(view->polls()[4].poll, 5u);
  EXPECT_EQ(view->polls()[4].ballots, 2u);
  EXPECT_EQ(view->polls()[4].first_seq, 50u);
  EXPECT_EQ(view->polls()[4].tree_size, 49u);
  EXPECT_EQ(Described(*view), written);
}

TEST(JournalRecordDeathTest, AGapInTheSeqsStopsTheProcess) {
  RecordBuilder builder;
  builder.AddBallot(SmallBallot(5));
  EXPECT_DEATH(builder.AddBallot(SmallBallot(7)), "broken invariant");
}

}  // namespace
}  // namespace tallyd
