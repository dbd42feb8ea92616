#pragma once

// A ballot as bytes, its rules, and what it adds to the score of an option.
//
// Packed ballots are canonical: equal bytes mean the same ballot, whatever order the voter named
// the options in (where order means nothing). All numbers are LEB128 varints:
//   choose  count, first option, then the distance to the next option for each further one (>= 1)
//   points  count, then per option (as above) the distance and its points
//   rank    count, then the options in order
//   updown  count, then per option (as above) the distance and 0 for -1, 1 for 0, 2 for +1
//   survey  one ballot of these for each question, in the order of the questions
// In a poll that weighs its voters the weight, 1 or more, comes before all of it; scores are
// multiplied by it, numbers of ballots are not.
// Ballots stay as they were cast; an option that was withdrawn may count for another one or for
// nothing (BallotRules::counts_for). Of what one ballot gives to options that count together it
// gives once: choose 1, rank its best place, points their sum, updown one vote at most.
// Scores: choose 1 for each option named; points the points given; rank, position i counted from 0,
// max - i ("borda": the poll's max) or length - i ("borda_ballot": this ballot's length); updown
// what was given.
//
// Values and pure functions; any thread. No allocation for ballots of up to 40 bytes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "storage/records.h"

namespace tallyd {

struct BallotRules {
  BallotType type = BallotType::kChoose;
  std::uint32_t min = 0;                    // choose: least number of options named
  std::uint32_t max = 1;                    // choose, rank: largest number of options named
  std::uint32_t points_total = 0;           // points: largest sum
  std::uint32_t points_per_option_max = 0;  // points: largest for one option
  RankScoring scoring = RankScoring::kBorda;
  std::uint32_t weight_max = 0;  // of the poll as a whole; 0 = ballots have no weight
  // Survey: the rules of each question, and by option whose it is.
  std::vector<BallotRules> questions = {};
  std::vector<QuestionIndex> question_of_option = {};
  // By option: whom its votes count for, itself in general; kNoOption: for nobody. Empty: each for
  // itself.
  std::vector<OptionIndex> counts_for = {};
};

inline constexpr OptionIndex kNoOption = ~OptionIndex{0};

inline const BallotRules& RulesOfQuestion(const BallotRules& rules, QuestionIndex question) {
  return rules.type == BallotType::kSurvey ? rules.questions[question] : rules;
}

// Whether one ballot may name two options of a question.
inline bool MayNameTwo(const BallotRules& rules) {
  const bool has_max = rules.type == BallotType::kChoose || rules.type == BallotType::kRank;
  return !has_max || rules.max > 1;
}

struct OptionValue {
  OptionIndex option = 0;
  std::int64_t points = 0;  // points: what was given; updown: -1, 0 or 1
  friend bool operator==(const OptionValue&, const OptionValue&) = default;
};

enum class BallotError : std::uint8_t {
  kOk,
  kTooFew,
  kTooMany,
  kRepeated,
  kPointsExceeded,           // the sum
  kPointsPerOptionExceeded,  // one option
  kOptionOutOfRange,         // also: another question's option
  kMalformed,                // not a canonical packed ballot
};

// Owns the bytes of one packed ballot. Moving never throws and never allocates.
class PackedBallot {
 public:
  static constexpr std::size_t kInlineBytes = 40;

  PackedBallot() = default;
  explicit PackedBallot(std::string_view bytes);
  PackedBallot(PackedBallot&& other) noexcept;
  PackedBallot& operator=(PackedBallot&& other) noexcept;
  PackedBallot(const PackedBallot&) = delete;
  PackedBallot& operator=(const PackedBallot&) = delete;
  ~PackedBallot() = default;

  std::string_view view() const { return {heap_ == nullptr ? inline_ : heap_.get(), size_}; }
  bool empty() const { return size_ == 0; }
  friend bool operator==(const PackedBallot& a, const PackedBallot& b) {
    return a.view() == b.view();
  }

 private:
  std::unique_ptr<char[]> heap_;
  std::uint32_t size_ = 0;
  char inline_[kInlineBytes];
};

// The options must be free of repetition; the order is kept for PackRank and means nothing
// otherwise. PackChoose, PackPoints and PackUpDown sort in place.
PackedBallot PackChoose(absl::Span<OptionIndex> options);
PackedBallot PackPoints(absl::Span<OptionValue> options);
PackedBallot PackUpDown(absl::Span<OptionValue> options);
PackedBallot PackRank(absl::Span<const OptionIndex> options);
// `answers`: one packed ballot for each question.
PackedBallot PackSurvey(absl::Span<const PackedBallot> answers);

// The ballot of a voter of that weight, which is 1 or more.
PackedBallot PackWeighted(std::uint32_t weight, std::string_view marks);
// What was marked, without the weight; and the weight, 1 where ballots have none. Safe on any
// bytes.
std::string_view MarksOf(const BallotRules& rules, std::string_view packed);
std::uint32_t WeightOf(const BallotRules& rules, std::string_view packed);

// Whether the bytes are a canonical ballot that keeps the rules. Safe on any bytes.
BallotError ValidateBallot(const BallotRules& rules, OptionIndex options_count,
                           std::string_view packed);

// What it gives to each option it names, wherever that counts (0 points count as named). `packed`
// must be valid.
void ForEachNamed(const BallotRules& rules, std::string_view packed,
                  absl::FunctionRef<void(OptionIndex, std::int64_t score)> visit);
// What it adds to each option's score. `packed` must be valid.
void ForEachScore(const BallotRules& rules, std::string_view packed,
                  absl::FunctionRef<void(OptionIndex, std::int64_t score)> visit);

// The ballot shown back: options in canonical order. Damaged bytes give what could be read. Both
// take MarksOf() a ballot. No survey: that is UnpackSurvey(), one ballot for each question.
std::vector<OptionValue> UnpackBallot(BallotType type, std::string_view packed);
std::vector<std::vector<OptionValue>> UnpackSurvey(const BallotRules& rules,
                                                   std::string_view marks);

// MarksOf() a ballot that names no option, in no question.
bool IsBlank(std::string_view marks);

}  // namespace tallyd
