#pragma once

// Keys and values of the ballot store, byte by byte as docs/data_formats.md ("Ballot store") has
// them. Pure functions; any thread. Decoding refuses a newer format (Unimplemented) and damage
// (DataLoss), each with the advice to rebuild.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "storage/ballot_store.h"
#include "storage/byte_codec.h"
#include "storage/records.h"

namespace tallyd {

inline constexpr char kBallotFamily = 'b';
inline constexpr char kSeqFamily = 's';
inline constexpr std::string_view kPositionKey = "p";         // between the two families
inline constexpr std::size_t kVoterPrefixBytes = 1 + 4 + 16;  // family, poll, tag
inline constexpr std::size_t kBallotKeyBytes = kVoterPrefixBytes + 8;
inline constexpr std::size_t kSeqKeyBytes = 1 + 4 + 8;

// The newest seq of a voter sorts first, so that one seek finds it.
class BallotKey {
 public:
  BallotKey(PollNumber poll, const VoterTag& tag, Seq seq) {
    bytes_[0] = kBallotFamily;
    char* to = EncodeBigEndian(bytes_ + 1, poll);
    to = std::copy(tag.bytes.begin(), tag.bytes.end(), to);
    EncodeBigEndian(to, ~seq);
  }
  std::string_view whole() const { return {bytes_, sizeof bytes_}; }
  std::string_view voter() const { return {bytes_, kVoterPrefixBytes}; }

 private:
  char bytes_[kBallotKeyBytes];
};

class SeqKey {
 public:
  SeqKey(PollNumber poll, Seq seq) {
    bytes_[0] = kSeqFamily;
    EncodeBigEndian(EncodeBigEndian(bytes_ + 1, poll), seq);
  }
  std::string_view whole() const { return {bytes_, sizeof bytes_}; }

 private:
  char bytes_[kSeqKeyBytes];
};

// What the keys of a poll's ballots begin with.
std::string BallotPollPrefix(PollNumber poll);

void EncodeBallotValue(const BallotVersion& version, std::string* out);
absl::StatusOr<BallotVersion> DecodeBallot(std::string_view key, std::string_view value);

struct StorePosition {
  Epoch epoch = 0;
  Position position = 0;
};

std::string EncodeStorePosition(const StorePosition& position);
absl::StatusOr<StorePosition> DecodeStorePosition(std::string_view bytes);

}  // namespace tallyd
