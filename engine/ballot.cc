#include "engine/ballot.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"

#include "storage/check.h"

namespace tallyd {
namespace {

// Bytes of a ballot in the making; on the stack for all but very long ones.
class Packer {
 public:
  void Put(std::uint32_t value) {
    while (value >= 0x80) {
      PutByte(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    PutByte(static_cast<char>(value));
  }
  PackedBallot Finish() const {
    return PackedBallot(spilled_.empty() ? std::string_view(stack_.data(), size_)
                                         : std::string_view(spilled_));
  }

 private:
  void PutByte(char byte) {
    if (spilled_.empty() && size_ < stack_.size()) {
      stack_[size_++] = byte;
      return;
    }
    if (spilled_.empty()) spilled_.assign(stack_.data(), size_);
    spilled_.push_back(byte);
  }
  std::array<char, 128> stack_;
  std::size_t size_ = 0;
  std::string spilled_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  // False at the end, on overflow and on a spelling longer than needed.
  bool Take(std::uint32_t* value) {
    std::uint64_t result = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at_ == end_) return false;
      const auto byte = static_cast<unsigned char>(*at_++);
      result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        *value = static_cast<std::uint32_t>(result);
        const bool shortest = byte != 0 || shift == 0;
        return shortest && result <= std::numeric_limits<std::uint32_t>::max();
      }
    }
    return false;
  }
  bool at_end() const { return at_ == end_; }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

 private:
  const char* at_;
  const char* end_;
};

bool HasValues(BallotType type) {
  return type == BallotType::kPoints || type == BallotType::kUpDown;
}

constexpr std::uint32_t kUpDownZero = 1;  // -1, 0 and 1 are packed as 0, 1 and 2

// Walks one ballot in packed order; `visit(option, points)` returns false to stop. False if
// malformed. What comes behind the ballot stays in `in`.
template <class Visit>
bool WalkOne(BallotType type, Unpacker& in, Visit visit) {
  std::uint32_t count = 0;
  if (!in.Take(&count)) return false;
  std::uint64_t option = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t step = 0;
    std::uint32_t points = 0;
    if (!in.Take(&step)) return false;
    if (type == BallotType::kRank || i == 0) {
      option = step;
    } else {
      if (step == 0) return false;
      option += step;
    }
    if (HasValues(type) && !in.Take(&points)) return false;
    if (option > std::numeric_limits<OptionIndex>::max()) return false;
    if (!visit(static_cast<OptionIndex>(option), points)) return true;
  }
  return true;
}

// The same for a ballot that is all there is. After a `visit` that stopped, the rest is not looked
// at.
template <class Visit>
bool Walk(BallotType type, std::string_view packed, Visit visit) {
  Unpacker in(packed);
  bool stopped = false;
  const bool whole = WalkOne(type, in, [&](OptionIndex option, std::uint32_t points) {
    stopped = !visit(option, points);
    return !stopped;
  });
  return whole && (stopped || in.at_end());
}

// The length of the first ballot in `packed`; nullopt if it is malformed.
std::optional<std::size_t> LengthOfFirst(BallotType type, std::string_view packed) {
  Unpacker in(packed);
  if (!WalkOne(type, in, [](OptionIndex, std::uint32_t) { return true; })) return std::nullopt;
  return packed.size() - in.rest().size();
}

bool HasRepetition(absl::Span<const OptionIndex> options) {
  if (options.size() <= 32) {
    for (std::size_t i = 1; i < options.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (options[i] == options[j]) return true;
      }
    }
    return false;
  }
  absl::flat_hash_set<OptionIndex> seen;
  for (const OptionIndex option : options) {
    if (!seen.insert(option).second) return true;
  }
  return false;
}

BallotError ValidatePoints(const BallotRules& rules, OptionIndex options_count,
                           std::string_view packed) {
  std::uint64_t sum = 0;
  BallotError error = BallotError::kOk;
  const bool whole = Walk(rules.type, packed, [&](OptionIndex option, std::uint32_t points) {
    sum += points;
    if (option >= options_count) error = BallotError::kOptionOutOfRange;
    if (error == BallotError::kOk && points > rules.points_per_option_max) {
      error = BallotError::kPointsPerOptionExceeded;
    }
    return error != BallotError::kOptionOutOfRange;
  });
  if (!whole) return BallotError::kMalformed;
  if (error == BallotError::kOk && sum > rules.points_total) return BallotError::kPointsExceeded;
  return error;
}

BallotError ValidateUpDown(const BallotRules& rules, OptionIndex options_count,
                           std::string_view packed) {
  bool in_range = true;
  bool well_formed = true;
  const bool whole = Walk(rules.type, packed, [&](OptionIndex option, std::uint32_t value) {
    in_range = option < options_count;
    well_formed = value <= 2 * kUpDownZero;
    return in_range && well_formed;
  });
  if (!whole || !well_formed) return BallotError::kMalformed;
  return in_range ? BallotError::kOk : BallotError::kOptionOutOfRange;
}

BallotError ValidateNamed(const BallotRules& rules, OptionIndex options_count,
                          std::string_view packed) {
  std::vector<OptionIndex> ranked;
  std::uint32_t count = 0;
  bool in_range = true;
  const bool whole = Walk(rules.type, packed, [&](OptionIndex option, std::uint32_t) {
    in_range = option < options_count;
    ++count;
    if (rules.type == BallotType::kRank) ranked.push_back(option);
    return in_range && count <= rules.max;
  });
  if (!whole) return BallotError::kMalformed;
  if (!in_range) return BallotError::kOptionOutOfRange;
  if (count > rules.max) return BallotError::kTooMany;
  if (HasRepetition(ranked)) return BallotError::kRepeated;
  if (count < rules.min) return BallotError::kTooFew;
  return BallotError::kOk;
}

BallotError ValidateOne(const BallotRules& rules, OptionIndex options_count,
                        std::string_view packed) {
  switch (rules.type) {
    case BallotType::kPoints:
      return ValidatePoints(rules, options_count, packed);
    case BallotType::kUpDown:
      return ValidateUpDown(rules, options_count, packed);
    case BallotType::kChoose:
    case BallotType::kRank:
      return ValidateNamed(rules, options_count, packed);
    case BallotType::kSurvey:
      break;
  }
  return BallotError::kMalformed;
}

BallotError ValidateSurvey(const BallotRules& rules, OptionIndex options_count,
                           std::string_view packed) {
  BallotError first = BallotError::kOk;
  for (QuestionIndex i = 0; i < rules.questions.size(); ++i) {
    const BallotRules& question = rules.questions[i];
    const auto length = LengthOfFirst(question.type, packed);
    if (!length) return BallotError::kMalformed;
    const std::string_view answer = packed.substr(0, *length);
    packed.remove_prefix(*length);
    BallotError error = ValidateOne(question, options_count, answer);
    if (error == BallotError::kMalformed) return error;
    Walk(question.type, answer, [&](OptionIndex option, std::uint32_t) {
      const bool its_own =
          option < rules.question_of_option.size() && rules.question_of_option[option] == i;
      if (!its_own) error = BallotError::kOptionOutOfRange;
      return its_own;
    });
    if (first == BallotError::kOk) first = error;
  }
  return packed.empty() ? first : BallotError::kMalformed;
}

// Scores of one ballot; what comes behind it stays in `in`.
void ScoreOne(const BallotRules& rules, Unpacker& in,
              absl::FunctionRef<void(OptionIndex, std::int64_t score)> visit) {
  std::int64_t place_score = 1;
  std::int64_t step = 0;
  if (rules.type == BallotType::kRank) {
    std::uint32_t length = 0;
    Unpacker ahead = in;
    TALLYD_CHECK(ahead.Take(&length));
    place_score = rules.scoring == RankScoring::kBorda ? rules.max : length;
    step = 1;
  }
  const bool has_values = HasValues(rules.type);
  const std::int64_t zero = rules.type == BallotType::kUpDown ? kUpDownZero : 0;
  const bool whole = WalkOne(rules.type, in, [&](OptionIndex option, std::uint32_t points) {
    visit(option, has_values ? points - zero : place_score);
    place_score -= step;
    return true;
  });
  TALLYD_CHECK(whole);
}

// What one ballot gives to options that count together.
std::int64_t Together(BallotType type, std::int64_t sum, std::int64_t best) {
  switch (type) {
    case BallotType::kPoints:
      return sum;
    case BallotType::kUpDown:
      return std::clamp<std::int64_t>(sum, -1, 1);
    default:
      return best;
  }
}

BallotType TypeOf(const BallotRules& rules, OptionIndex option) {
  return rules.type != BallotType::kSurvey ? rules.type
                                           : rules.questions[rules.question_of_option[option]].type;
}

// The options must be sorted.
PackedBallot PackValues(absl::Span<const OptionValue> options, std::int64_t zero) {
  Packer packer;
  packer.Put(static_cast<std::uint32_t>(options.size()));
  for (std::size_t i = 0; i < options.size(); ++i) {
    TALLYD_CHECK(i == 0 || options[i].option > options[i - 1].option);
    packer.Put(i == 0 ? options[i].option : options[i].option - options[i - 1].option);
    const std::int64_t value = options[i].points + zero;
    TALLYD_CHECK(value >= 0 && value <= std::numeric_limits<std::uint32_t>::max());
    packer.Put(static_cast<std::uint32_t>(value));
  }
  return packer.Finish();
}

void SortByOption(absl::Span<OptionValue> options) {
  std::sort(options.begin(), options.end(),
            [](const OptionValue& a, const OptionValue& b) { return a.option < b.option; });
}

}  // namespace

PackedBallot::PackedBallot(std::string_view bytes)
    : size_(static_cast<std::uint32_t>(bytes.size())) {
  if (bytes.size() > kInlineBytes) heap_ = std::make_unique<char[]>(bytes.size());
  char* const to = heap_ == nullptr ? inline_ : heap_.get();
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

PackedBallot::PackedBallot(PackedBallot&& other) noexcept
    : heap_(std::move(other.heap_)), size_(std::exchange(other.size_, 0)) {
  if (heap_ == nullptr) std::memcpy(inline_, other.inline_, size_);
}

PackedBallot& PackedBallot::operator=(PackedBallot&& other) noexcept {
  if (this == &other) return *this;
  heap_ = std::move(other.heap_);
  size_ = std::exchange(other.size_, 0);
  if (heap_ == nullptr) std::memcpy(inline_, other.inline_, size_);
  return *this;
}

PackedBallot PackChoose(absl::Span<OptionIndex> options) {
  std::sort(options.begin(), options.end());
  Packer packer;
  packer.Put(static_cast<std::uint32_t>(options.size()));
  for (std::size_t i = 0; i < options.size(); ++i) {
    TALLYD_CHECK(i == 0 || options[i] > options[i - 1]);
    packer.Put(i == 0 ? options[i] : options[i] - options[i - 1]);
  }
  return packer.Finish();
}

PackedBallot PackPoints(absl::Span<OptionValue> options) {
  SortByOption(options);
  return PackValues(options, 0);
}

PackedBallot PackUpDown(absl::Span<OptionValue> options) {
  SortByOption(options);
  return PackValues(options, kUpDownZero);
}

PackedBallot PackRank(absl::Span<const OptionIndex> options) {
  Packer packer;
  packer.Put(static_cast<std::uint32_t>(options.size()));
  for (const OptionIndex option : options) packer.Put(option);
  return packer.Finish();
}

PackedBallot PackSurvey(absl::Span<const PackedBallot> answers) {
  std::string bytes;
  for (const PackedBallot& answer : answers) bytes.append(answer.view());
  return PackedBallot(bytes);
}

PackedBallot PackWeighted(std::uint32_t weight, std::string_view marks) {
  TALLYD_CHECK(weight >= 1);
  Packer packer;
  packer.Put(weight);
  std::string bytes(packer.Finish().view());
  bytes.append(marks);
  return PackedBallot(bytes);
}

std::string_view MarksOf(const BallotRules& rules, std::string_view packed) {
  if (rules.weight_max == 0) [[likely]]
    return packed;
  Unpacker in(packed);
  std::uint32_t weight = 0;
  return in.Take(&weight) ? in.rest() : std::string_view();
}

std::uint32_t WeightOf(const BallotRules& rules, std::string_view packed) {
  std::uint32_t weight = 1;
  if (rules.weight_max == 0) [[likely]]
    return weight;
  Unpacker in(packed);
  return in.Take(&weight) ? weight : 1;
}

BallotError ValidateBallot(const BallotRules& rules, OptionIndex options_count,
                           std::string_view packed) {
  if (rules.weight_max != 0) [[unlikely]] {
    Unpacker in(packed);
    std::uint32_t weight = 0;
    if (!in.Take(&weight) || weight < 1 || weight > rules.weight_max) {
      return BallotError::kMalformed;
    }
    packed = in.rest();
  }
  return rules.type == BallotType::kSurvey ? ValidateSurvey(rules, options_count, packed)
                                           : ValidateOne(rules, options_count, packed);
}

namespace {

// What the marks of a ballot give, whatever its weight.
void ForEachMark(const BallotRules& rules, std::string_view marks,
                 absl::FunctionRef<void(OptionIndex, std::int64_t score)> visit) {
  Unpacker in(marks);
  if (rules.type != BallotType::kSurvey) [[likely]] {
    ScoreOne(rules, in, visit);
  } else {
    for (const BallotRules& question : rules.questions) ScoreOne(question, in, visit);
  }
  TALLYD_CHECK(in.at_end());
}

}  // namespace

void ForEachNamed(const BallotRules& rules, std::string_view packed,
                  absl::FunctionRef<void(OptionIndex, std::int64_t score)> visit) {
  if (rules.weight_max == 0) [[likely]]
    return ForEachMark(rules, packed, visit);
  const std::int64_t weight = WeightOf(rules, packed);
  ForEachMark(rules, MarksOf(rules, packed),
              [&](OptionIndex option, std::int64_t score) { visit(option, weight * score); });
}

void ForEachScore(const BallotRules& rules, std::string_view packed,
                  absl::FunctionRef<void(OptionIndex, std::int64_t score)> visit) {
  if (rules.counts_for.empty()) [[likely]]
    return ForEachNamed(rules, packed, visit);
  const std::int64_t weight = WeightOf(rules, packed);
  absl::InlinedVector<OptionValue, 16> given;
  ForEachMark(rules, MarksOf(rules, packed), [&](OptionIndex option, std::int64_t score) {
    const OptionIndex counted =
        option < rules.counts_for.size() ? rules.counts_for[option] : option;
    if (counted != kNoOption) given.push_back({counted, score});
  });
  SortByOption(absl::MakeSpan(given));
  for (std::size_t i = 0; i < given.size();) {
    const OptionIndex option = given[i].option;
    std::int64_t sum = 0;
    std::int64_t best = given[i].points;
    for (; i < given.size() && given[i].option == option; ++i) {
      sum += given[i].points;
      best = std::max(best, given[i].points);
    }
    visit(option, weight * Together(TypeOf(rules, option), sum, best));
  }
}

std::vector<OptionValue> UnpackBallot(BallotType type, std::string_view packed) {
  std::vector<OptionValue> values;
  const std::int64_t zero = type == BallotType::kUpDown ? kUpDownZero : 0;
  Walk(type, packed, [&](OptionIndex option, std::uint32_t points) {
    values.push_back({option, points - zero});
    return true;
  });
  return values;
}

std::vector<std::vector<OptionValue>> UnpackSurvey(const BallotRules& rules,
                                                   std::string_view marks) {
  std::vector<std::vector<OptionValue>> answers;
  for (const BallotRules& question : rules.questions) {
    const std::size_t length = LengthOfFirst(question.type, marks).value_or(marks.size());
    answers.push_back(UnpackBallot(question.type, marks.substr(0, length)));
    marks.remove_prefix(length);
  }
  return answers;
}

bool IsBlank(std::string_view marks) {
  // A ballot that names something begins with how much it names.
  return !marks.empty() && marks.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace tallyd
