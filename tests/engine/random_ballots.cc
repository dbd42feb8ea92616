#include "tests/engine/random_ballots.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace tallyd {

VoterTag TagOf(std::uint64_t high, std::uint64_t low) {
  VoterTag tag;
  std::memcpy(tag.bytes.data(), &high, sizeof high);
  std::memcpy(tag.bytes.data() + 8, &low, sizeof low);
  return tag;
}

VoterTag RandomTag(Random* random) {
  const std::uint64_t high = (*random)();
  return TagOf(high, (*random)());
}

BallotRules RandomRules(Random* random, OptionIndex options_count) {
  BallotRules rules;
  rules.type = static_cast<BallotType>(1 + Below(random, 4));
  rules.max = static_cast<std::uint32_t>(1 + Below(random, options_count));
  if (rules.type == BallotType::kChoose) {
    rules.min = static_cast<std::uint32_t>(Below(random, rules.max + 1));
  } else if (rules.type == BallotType::kPoints) {
    rules.points_total = static_cast<std::uint32_t>(1 + Below(random, 300));
    rules.points_per_option_max = static_cast<std::uint32_t>(1 + Below(random, rules.points_total));
  } else {
    rules.scoring = Below(random, 2) == 0 ? RankScoring::kBorda : RankScoring::kBordaBallot;
  }
  return rules;
}

BallotDefinition DefinitionOf(const BallotRules& rules) {
  return BallotDefinition{.type = rules.type,
                          .min = rules.min,
                          .max = rules.max,
                          .points_total = rules.points_total,
                          .points_per_option_max = rules.points_per_option_max,
                          .scoring = rules.scoring};
}

OptionDefinition Option(std::string id, std::string display) {
  OptionDefinition option;
  option.id = std::move(id);
  option.display = std::move(display);
  return option;
}

BoxDefinition Box(std::string id, std::string display) {
  return {.id = std::move(id), .display = std::move(display)};
}

std::vector<OptionValue> RandomValues(Random* random, const BallotRules& rules,
                                      OptionIndex options_count) {
  std::vector<OptionIndex> options(options_count);
  std::iota(options.begin(), options.end(), OptionIndex{0});
  std::shuffle(options.begin(), options.end(), *random);
  const bool points = rules.type == BallotType::kPoints;
  const bool updown = rules.type == BallotType::kUpDown;
  const std::uint64_t most =
      points || updown ? std::min<std::uint64_t>(options_count, 20) : rules.max;
  const std::uint64_t count = rules.min + Below(random, most - rules.min + 1);
  std::vector<OptionValue> values;
  std::uint32_t left = rules.points_total;
  for (std::uint64_t i = 0; i < count; ++i) {
    OptionValue value{.option = options[i], .points = 0};
    if (points) {
      const std::uint32_t top = std::min(left, rules.points_per_option_max);
      const auto given = static_cast<std::uint32_t>(Below(random, top + std::uint64_t{1}));
      value.points = given;
      left -= given;
    }
    if (updown) value.points = static_cast<std::int64_t>(Below(random, 3)) - 1;
    values.push_back(value);
  }
  if (rules.type != BallotType::kRank) {
    std::sort(values.begin(), values.end(),
              [](const OptionValue& a, const OptionValue& b) { return a.option < b.option; });
  }
  return values;
}

PackedBallot Pack(BallotType type, std::vector<OptionValue> values) {
  if (type == BallotType::kPoints) return PackPoints(absl::MakeSpan(values));
  if (type == BallotType::kUpDown) return PackUpDown(absl::MakeSpan(values));
  std::vector<OptionIndex> options;
  for (const OptionValue& value : values) options.push_back(value.option);
  return type == BallotType::kRank ? PackRank(options) : PackChoose(absl::MakeSpan(options));
}

std::vector<NaiveScore> ScoresOf(const BallotRules& rules, const std::vector<OptionValue>& values) {
  std::vector<NaiveScore> scores;
  for (std::size_t place = 0; place < values.size(); ++place) {
    std::int64_t score = 1;
    if (rules.type == BallotType::kPoints || rules.type == BallotType::kUpDown) {
      score = values[place].points;
    }
    if (rules.type == BallotType::kRank) {
      const std::size_t top = rules.scoring == RankScoring::kBorda ? rules.max : values.size();
      score = static_cast<std::int64_t>(top - place);
    }
    scores.push_back({values[place].option, score});
  }
  return scores;
}

}  // namespace tallyd
