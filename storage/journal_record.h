#pragma once

// One commit as bytes: a header, a table of the polls it touches, and its entries, at most
// kRecordBytesMax. Versioned, little-endian, CRC32C over everything, and chained: each record
// carries the SHA-256 of the one before it. Byte by byte in docs/data_formats.md.
//
//   RecordBuilder builder;
//   builder.AddBallot(entry);                            // as many as Fits()
//   SealedRecord sealed = builder.Seal({epoch, term, position, time, previous_hash});
//   journal.Append(position - 1, sealed.bytes);          // durable when it returns OK
//   builder.Clear();                                     // keeps its memory
//
// A builder belongs to one thread. Adding costs a few varints and a copy; no allocation once warm.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/entries.h"
#include "storage/records.h"

namespace tallyd {

inline constexpr std::size_t kRecordBytesMax = 512 * 1024;

struct RecordHeader {
  Epoch epoch = 0;
  Term term = 0;
  Position position = 0;
  TimeUs time = 0;
  ChainHash previous_hash;
};

// What the record says of one poll whose ballots it holds; lets a reader find and check seqs
// without a fold.
struct PollSpan {
  PollNumber poll = 0;
  std::uint32_t ballots = 0;  // ballot and withdrawal entries of this poll in the record
  Seq first_seq = 0;
  std::uint64_t tree_size = 0;  // accepted ballot versions of the poll before this record
};

struct SealedRecord {
  std::string_view bytes;  // owned by the builder, valid until Clear()
  ChainHash hash;          // SHA-256 of bytes
};

class RecordBuilder {
 public:
  RecordBuilder();

  // True if an entry of about `entry_bytes` still fits; entries that never fit alone are refused by
  // the caller before (EncodedSize* below).
  bool Fits(std::size_t entry_bytes) const;
  bool empty() const { return entries_count_ == 0; }
  std::size_t entries_count() const { return entries_count_; }

  // `entry.seq` must be the poll's next: first of the poll in this record, or one more than the
  // last.
  void AddBallot(const BallotEntry& entry);
  void AddWithdrawal(const WithdrawalEntry& entry);
  void AddProject(const ProjectEntry& entry);
  void AddPoll(const PollEntry& entry);
  void AddPollState(const PollStateEntry& entry);
  void AddPaperBatch(const PaperBatchEntry& entry);
  void AddPaperConfirm(const PaperConfirmEntry& entry);
  void AddPaperVoid(const PaperVoidEntry& entry);
  void AddOptionFate(const OptionFateEntry& entry);
  void AddIdea(const IdeaEntry& entry);
  void AddIdeaDecision(const IdeaDecisionEntry& entry);
  void AddPaperCards(const PaperCardsEntry& entry);
  void AddPaperCardsCount(const PaperCardsCountEntry& entry);
  void AddRoll(const RollEntry& entry);
  void AddProjectQuota(const ProjectQuotaEntry& entry);
  void AddQuotaUse(const QuotaUseEntry& entry);
  void AddOnlineAfterPaper(const OnlineAfterPaperEntry& entry);
  void AddKeySealed(const KeySealedEntry& entry);
  void AddKeyDestroyed(const KeyDestroyedEntry& entry);
  void AddFlagOpened(const FlagOpenedEntry& entry);
  void AddFlagJoined(const FlagJoinedEntry& entry);
  void AddFlagDecision(const FlagDecisionEntry& entry);
  void AddHeldBallot(const HeldBallotEntry& entry);

  SealedRecord Seal(const RecordHeader& header);
  void Clear();

 private:
  void CountSeq(PollNumber poll, Seq seq);
  PollSpan& SpanOf(PollNumber poll, Seq seq);
  void IndexPolls();
  template <class LaterEntry>
  void AddLater(const LaterEntry& entry);

  std::string bytes_;  // room for the header and some rows of the poll table, then the entries
  std::vector<PollSpan> polls_;
  std::vector<std::uint32_t> poll_slots_;  // hash table into polls_, used when they are many
  std::size_t newest_span_ = 0;            // most ballots go to the poll of the one before
  std::size_t entries_count_ = 0;
  std::uint16_t version_ = 1;  // the oldest that has all kinds of its entries
  bool sealed_ = false;
};

// Upper bounds, for Fits() and for refusing definitions that are too large at the edge.
std::size_t EncodedSizeMax(const BallotEntry& entry);
std::size_t EncodedSizeMax(const WithdrawalEntry& entry);
std::size_t EncodedSizeMax(const ProjectEntry& entry);
std::size_t EncodedSizeMax(const PollEntry& entry);
std::size_t EncodedSizeMax(const PollStateEntry& entry);
std::size_t EncodedSizeMax(const PaperBatchEntry& entry);
std::size_t EncodedSizeMax(const PaperConfirmEntry& entry);
std::size_t EncodedSizeMax(const PaperVoidEntry& entry);
std::size_t EncodedSizeMax(const OptionFateEntry& entry);
std::size_t EncodedSizeMax(const IdeaEntry& entry);
std::size_t EncodedSizeMax(const IdeaDecisionEntry& entry);
std::size_t EncodedSizeMax(const PaperCardsEntry& entry);
std::size_t EncodedSizeMax(const PaperCardsCountEntry& entry);
std::size_t EncodedSizeMax(const RollEntry& entry);
std::size_t EncodedSizeMax(const ProjectQuotaEntry& entry);
std::size_t EncodedSizeMax(const QuotaUseEntry& entry);
std::size_t EncodedSizeMax(const OnlineAfterPaperEntry& entry);
std::size_t EncodedSizeMax(const KeySealedEntry& entry);
std::size_t EncodedSizeMax(const KeyDestroyedEntry& entry);
std::size_t EncodedSizeMax(const FlagOpenedEntry& entry);
std::size_t EncodedSizeMax(const FlagJoinedEntry& entry);
std::size_t EncodedSizeMax(const FlagDecisionEntry& entry);
std::size_t EncodedSizeMax(const HeldBallotEntry& entry);

// A checked view of one record. Parse() verifies magic, version, sizes and CRC; the chain is
// verified by whoever walks it. DataLoss for damage, Unimplemented (with a clear message) for a
// newer format.
class RecordView {
 public:
  static absl::StatusOr<RecordView> Parse(std::string_view bytes);

  const RecordHeader& header() const { return header_; }
  const std::vector<PollSpan>& polls() const { return polls_; }  // by rising poll number
  std::size_t entries_count() const { return entries_count_; }
  std::string_view bytes() const { return bytes_; }
  ChainHash Hash() const;

  // Decodes the entries in order, with their seqs. Stops at the first error `visit` returns or at
  // damage inside an entry. Views handed out live as long as the record's bytes.
  absl::Status ForEach(absl::FunctionRef<absl::Status(const Entry&)> visit) const;

 private:
  std::string_view bytes_;
  std::string_view entries_;
  RecordHeader header_;
  std::vector<PollSpan> polls_;
  std::size_t entries_count_ = 0;
  std::uint16_t version_ = 0;
};

}  // namespace tallyd
