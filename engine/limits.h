#pragma once

// Every bound of the engine that is not an option. What happens at each is said where it is hit.

#include <cstddef>
#include <cstdint>

#include "storage/journal_record.h"

namespace tallyd {

inline constexpr std::size_t kPollsMax = 100'000;
inline constexpr std::size_t kProjectsMax = 10'000;
inline constexpr std::size_t kOptionsPerPollMax = 100'000;
inline constexpr std::size_t kQuestionsPerPollMax = 100;
inline constexpr std::size_t kBoxesPerPollMax = 10'000;
inline constexpr std::size_t kDefinitionBytesMax =
    kRecordBytesMax / 2;                                   // one poll definition, encoded
inline constexpr std::size_t kBallotBytesMax = 32 * 1024;  // one packed ballot
// Paper: one opening of a box; one poll. About 200 bytes a batch and 24 bytes a count in memory.
inline constexpr std::uint32_t kPaperCardsPerBatchMax = 1'000'000;
inline constexpr std::size_t kPaperCountsPerBatchMax = 10'000;
inline constexpr std::size_t kPaperNamesPerBatchMax = 20;
inline constexpr std::size_t kPaperBatchesPerPollMax = 10'000;
inline constexpr std::size_t kPaperCountsPerPollMax = 1'000'000;
// Cards with codes: all of a batch are counted in one commit. About 100 bytes a card in memory.
inline constexpr std::size_t kPaperCardsWithCodesPerBatchMax = 3'000;
inline constexpr std::size_t kPaperCardBytesPerBatchMax = 64 * 1024;  // their packed ballots
inline constexpr std::size_t kPaperCardsWithCodesPerPollMax = 1'000'000;
// A roll takes 32 bytes a code in memory.
inline constexpr std::size_t kCodesPerBatchMax = 10'000;
inline constexpr std::size_t kCodesPerPollMax = 1'000'000;
inline constexpr std::size_t kCodeBatchesPerPollMax = 10'000;
// What one poll may hold of paper; tests make it small to see the answer at each bound.
struct PaperLimits {
  std::size_t batches_max = kPaperBatchesPerPollMax;
  std::size_t counts_max = kPaperCountsPerPollMax;
  std::size_t cards_max = kPaperCardsWithCodesPerPollMax;  // with codes
  std::size_t codes_max = kCodesPerPollMax;
  std::size_t code_batches_max = kCodeBatchesPerPollMax;
};
inline constexpr std::size_t kPaperTextBytesMax = 500;  // a seal, a name, a reason
// Ballot versions of a poll whose option is merged into one that the same ballot may name: they are
// looked through, about a second per million, while votes wait.
inline constexpr Seq kMergeVersionsMax = 2'000'000;
// Ideas: about 300 bytes each in memory, and their text (16 KiB at most) while they wait.
inline constexpr std::size_t kIdeasMax = 100'000;
inline constexpr std::size_t kIdeasPendingPerProjectMax = 1'000;
inline constexpr std::size_t kIdeasPendingPerVoterMax = 10;
// Voters with a ballot in force in a project that has a quota: about 50 bytes each in memory.
inline constexpr std::size_t kQuotaVotersMax = 5'000'000;
// Flagged ballots. A group is opened with its first voters in one entry, and what it adds up to is
// counted while votes wait: some 10 us a voter.
inline constexpr std::uint32_t kBurstBallotsMin = 10;
inline constexpr std::uint32_t kBurstBallotsMax = 10'000;
inline constexpr std::uint32_t kBurstWindowSecondsMax = 3'600;
inline constexpr std::size_t kFlagVotersPerGroupMax = 10'000;
inline constexpr std::size_t kFlagGroupsPerPollMax = 1'000;
inline constexpr std::size_t kFlagVotersPerPollMax = 200'000;
// First ballots that the burst rules of all polls remember, each until its window is over: about 80
// bytes.
inline constexpr std::size_t kWatchedBallotsMax = 524'288;
// What one poll may hold of flags; tests make it small to see the answer at each bound.
struct FlagLimits {
  std::size_t groups_max = kFlagGroupsPerPollMax;
  std::size_t voters_per_group_max = kFlagVotersPerGroupMax;
  std::size_t voters_max = kFlagVotersPerPollMax;
  std::size_t voters_in_all_max = 1'000'000;     // of all polls together
  std::size_t watched_max = kWatchedBallotsMax;  // likewise
};
inline constexpr std::size_t kReasonBytesMax = 500;  // of an act
inline constexpr std::size_t kSinksMax = 64;
inline constexpr std::size_t kActorBytesMax = 256;
inline constexpr std::size_t kKeysDestroyedAtOnceMax = 128;  // polls; perhaps as many projects
inline constexpr std::size_t kStateEntryBytesMax = kActorBytesMax + 64;

// A definition or a replacing ballot must always fit into a record of its own.
static_assert(kDefinitionBytesMax + 4096 < kRecordBytesMax);
static_assert(20 * kPaperCountsPerBatchMax + (kPaperNamesPerBatchMax + 3) * kPaperTextBytesMax <
              kDefinitionBytesMax);
static_assert(2 * kBallotBytesMax + 4096 < kRecordBytesMax);
// The ends of keys and what follows from them stand in one record.
static_assert(kKeysDestroyedAtOnceMax * (2 * (kReasonBytesMax + kActorBytesMax + 128) + 256) +
                  4096 <
              kRecordBytesMax);
static_assert(16 * kCodesPerBatchMax + 1024 < kDefinitionBytesMax);
static_assert(kBurstBallotsMax <= kFlagVotersPerGroupMax);
// A vote that opens a group, in a poll where its voter's ballots are held.
static_assert(16 * kFlagVotersPerGroupMax + 4 * kBallotBytesMax + 8192 < kRecordBytesMax);
// A batch with all its cards entered and counted in one record, few of them in place of long online
// ballots.
static_assert(kPaperCardsWithCodesPerBatchMax * (24 + 70 + 11) + 2 * kPaperCardBytesPerBatchMax <
              kRecordBytesMax - 64 * 1024);

}  // namespace tallyd
