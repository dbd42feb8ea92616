#pragma once

// Entries as bytes, one after the other inside a record (docs/data_formats.md, "Entries").
// Encoding cannot fail: what a caller may not write is a broken invariant. Decoding trusts nothing.
// Ballots and withdrawals come back with `seq` 0: only the record's poll table knows it.

#include <cstddef>
#include <string>

#include "storage/byte_codec.h"
#include "storage/entries.h"

namespace tallyd {

void EncodeEntry(const BallotEntry& entry, std::string* out);
void EncodeEntry(const WithdrawalEntry& entry, std::string* out);
void EncodeEntry(const ProjectEntry& entry, std::string* out);
void EncodeEntry(const PollEntry& entry, std::string* out);
void EncodeEntry(const PollStateEntry& entry, std::string* out);
void EncodeEntry(const PaperBatchEntry& entry, std::string* out);
void EncodeEntry(const PaperConfirmEntry& entry, std::string* out);
void EncodeEntry(const PaperVoidEntry& entry, std::string* out);
void EncodeEntry(const OptionFateEntry& entry, std::string* out);
void EncodeEntry(const IdeaEntry& entry, std::string* out);
void EncodeEntry(const IdeaDecisionEntry& entry, std::string* out);
void EncodeEntry(const PaperCardsEntry& entry, std::string* out);
void EncodeEntry(const PaperCardsCountEntry& entry, std::string* out);
void EncodeEntry(const RollEntry& entry, std::string* out);
void EncodeEntry(const ProjectQuotaEntry& entry, std::string* out);
void EncodeEntry(const QuotaUseEntry& entry, std::string* out);
void EncodeEntry(const OnlineAfterPaperEntry& entry, std::string* out);
void EncodeEntry(const KeySealedEntry& entry, std::string* out);
void EncodeEntry(const KeyDestroyedEntry& entry, std::string* out);
void EncodeEntry(const FlagOpenedEntry& entry, std::string* out);
void EncodeEntry(const FlagJoinedEntry& entry, std::string* out);
void EncodeEntry(const FlagDecisionEntry& entry, std::string* out);
void EncodeEntry(const HeldBallotEntry& entry, std::string* out);

// Reads one entry into `entry`, reusing it. False (and a failed reader) if the bytes are none.
bool DecodeEntry(ByteReader* reader, Entry* entry);

// The number of a poll inside an entry; the reader fails at 0 and beyond kPollNumberMax.
PollNumber DecodePollNumber(ByteReader* reader);

// First byte of an entry whose kind, 16 or more, is the byte after it.
inline constexpr std::uint8_t kLongKind = 0x0f;

// Of everything in an entry but its strings and lists.
inline constexpr std::size_t kSupersededBytesMax =
    kVarintBytesMax + 1 + kVarint32BytesMax + kVarint32BytesMax;
inline constexpr std::size_t kBallotBytesMax = 1 + kVarint32BytesMax + 16 + kVarint32BytesMax +
                                               kVarint32BytesMax + 8 + kSupersededBytesMax +
                                               kVarint32BytesMax;

}  // namespace tallyd
