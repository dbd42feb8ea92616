#pragma once

// The value types of everything tallyd keeps: numbers and fixed-size keys, no text.
//
// Text from the outside (poll ids, option ids, voters) becomes one of these at the edge, in net/,
// and stays so through engine/ and storage/. What each number means on disk is said byte by byte in
// docs/data_formats.md; a change here begins there.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace tallyd {

// Number of a poll, given by the writer when the poll is created: 1, 2, 3 ... Never reused.
using PollNumber = std::uint32_t;
// Place of an option in its poll's list: 0, 1, 2 ... in order of creation. Never reused.
using OptionIndex = std::uint32_t;
// Place of a ballot box in its poll's list, counted from 1; 0 = no box (online).
using BoxIndex = std::uint32_t;
// Place of a question in a survey: 0, 1, 2 ...; 0 in every other poll.
using QuestionIndex = std::uint32_t;
// Position of an accepted ballot version in its poll's log: 1, 2, 3 ... Fits 40 bits.
using Seq = std::uint64_t;
// Number of a commit (one journal record): 1, 2, 3 ... without gaps. 0 = before the first.
using Position = std::uint64_t;
// Number of a history; a restored backup begins a new one.
using Epoch = std::uint64_t;
// Number of a claim of the journal: every opening for writing takes a higher one.
using Term = std::uint64_t;
// Journaled time: microseconds since the Unix epoch, UTC. Strictly rises from commit to commit.
using TimeUs = std::int64_t;

inline constexpr Seq kSeqMax = (Seq{1} << 40) - 1;
inline constexpr PollNumber kPollNumberMax = (PollNumber{1} << 28) - 1;

// Keyed hash of (poll, voter): all that is kept of a voter. 128 bits, so that a collision between
// two voters of a poll of 10^9 has a probability of about 10^-21.
struct VoterTag {
  std::array<std::uint8_t, 16> bytes{};

  friend bool operator==(const VoterTag&, const VoterTag&) = default;
  friend auto operator<=>(const VoterTag& a, const VoterTag& b) { return a.bytes <=> b.bytes; }

  // The two halves as native integers; the tag is uniformly distributed, so either is a good hash.
  std::uint64_t high() const { return Load(0); }
  std::uint64_t low() const { return Load(8); }

 private:
  std::uint64_t Load(std::size_t at) const {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    return word;
  }
};

// SHA-256 over a whole journal record; the next record carries it, which makes the journal a chain.
struct ChainHash {
  std::array<std::uint8_t, 32> bytes{};
  friend bool operator==(const ChainHash&, const ChainHash&) = default;
};

enum class Channel : std::uint8_t { kOnline = 0, kPaper = 1 };

// How a voter says what they want; the score rule of each is in engine/ballot.h.
enum class BallotType : std::uint8_t {
  kChoose = 1,
  kPoints = 2,
  kRank = 3,
  kUpDown = 4,
  kSurvey = 5,  // several questions, each with a ballot of one of the other types
};

enum class RankScoring : std::uint8_t { kBorda = 0, kBordaBallot = 1 };

enum class RevoteRule : std::uint8_t { kRefuse = 0, kReplace = 1 };

enum class ChannelRule : std::uint8_t { kFirst = 0, kPaperBeatsOnline = 1, kList = 2 };

enum class SelectionRule : std::uint8_t {
  kNone = 0,
  kTop = 1,
  kGreedy = 2,
  kGreedyNoSkip = 3,
  kGreedyThreshold = 4,
};

// What of a poll's figures may be seen, and from which state on.
enum class Visibility : std::uint8_t { kLive = 0, kCoarse = 1, kSealed = 2 };
enum class VisibleFrom : std::uint8_t { kOpen = 0, kClosed = 1, kFinal = 2 };

enum class PollState : std::uint8_t { kDraft = 0, kOpen = 1, kPaused = 2, kClosed = 3, kFinal = 4 };

}  // namespace tallyd
