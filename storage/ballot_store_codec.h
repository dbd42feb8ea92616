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

// In key order: all ballots by poll and seq, the position, all voters by poll and tag. A table file
// of ballots and one of voters and position do not overlap.
inline constexpr char kBallotFamily = 'b';
inline constexpr std::string_view kPositionKey = "p";
inline constexpr char kVoterFamily = 'v';
inline constexpr std::size_t kBallotKeyBytes = 1 + 4 + 8;     // family, poll, seq
inline constexpr std::size_t kVoterPrefixBytes = 1 + 4 + 16;  // family, poll, tag
inline constexpr std::size_t kVoterKeyBytes = kVoterPrefixBytes + 8;

class BallotKey {
 public:
  BallotKey(PollNumber poll, Seq seq) {
    bytes_[0] = kBallotFamily;
    EncodeBigEndian(EncodeBigEndian(bytes_ + 1, poll), seq);
  }
  std::string_view whole() const { return {bytes_, sizeof bytes_}; }

 private:
  char bytes_[kBallotKeyBytes];
};

// A version of a voter's ballot; its value is empty. The newest seq of a voter sorts first, so that
// one seek finds it.
class VoterBallotKey {
 public:
  VoterBallotKey(PollNumber poll, const VoterTag& tag, Seq seq) {
    bytes_[0] = kVoterFamily;
    char* to = EncodeBigEndian(bytes_ + 1, poll);
    to = std::copy(tag.bytes.begin(), tag.bytes.end(), to);
    EncodeBigEndian(to, ~seq);
  }
  std::string_view whole() const { return {bytes_, sizeof bytes_}; }
  std::string_view voter() const { return {bytes_, kVoterPrefixBytes}; }

 private:
  char bytes_[kVoterKeyBytes];
};

// What the voter keys of a poll begin with.
std::string VoterPollPrefix(PollNumber poll);
// The seq at the end of a voter's key. DataLoss: that is no such key.
absl::StatusOr<Seq> SeqOfVoterKey(std::string_view key);

void EncodeBallotValue(const BallotVersion& version, std::string* out);
absl::StatusOr<BallotVersion> DecodeBallot(PollNumber poll, Seq seq, std::string_view value);

struct StorePosition {
  Epoch epoch = 0;
  Position position = 0;
};

std::string EncodeStorePosition(const StorePosition& position);
absl::StatusOr<StorePosition> DecodeStorePosition(std::string_view bytes);

}  // namespace tallyd
