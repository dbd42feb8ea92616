#include "engine/paper_rules.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace tallyd {
namespace {

struct Range {
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool Has(std::int64_t value) const { return least <= value && value <= most; }
};

// How many options a card that is neither invalid nor blank names.
Range NamedPerCard(const BallotDefinition& ballot, std::int64_t options_count) {
  switch (ballot.type) {
    case BallotType::kChoose:
      return {std::max<std::int64_t>(1, ballot.min),
              std::min<std::int64_t>(ballot.max, options_count)};
    case BallotType::kRank:
      return {1, std::min<std::int64_t>(ballot.max, options_count)};
    default:
      return {1, options_count};
  }
}

// What one card can add to the score of an option that it names.
Range ScorePerCard(const BallotDefinition& ballot) {
  switch (ballot.type) {
    case BallotType::kPoints:
      return {0, ballot.points_per_option_max};
    case BallotType::kRank:
      return {1, ballot.max};
    case BallotType::kUpDown:
      return {-1, 1};
    default:
      return {1, 1};
  }
}

std::optional<PaperFault> CheckCount(const PaperCount& count, const Range& score,
                                     std::int64_t valid) {
  const std::int64_t ballots = count.ballots;
  if (ballots > valid) {
    return PaperFault{count.option, absl::StrCat(ballots,
                                                 " cards name the option, but cards - "
                                                 "invalid - blank is ",
                                                 valid)};
  }
  const Range range{score.least * ballots, score.most * ballots};
  if (range.Has(count.score)) return std::nullopt;
  return PaperFault{count.option,
                    absl::StrCat("a score of ", count.score, ", but ", ballots, " cards give from ",
                                 range.least, " to ", range.most)};
}

}  // namespace

std::optional<PaperFault> CheckPaperFigures(const BallotDefinition& ballot,
                                            std::size_t options_count,
                                            const PaperFigures& figures) {
  const std::int64_t not_counted = std::int64_t{figures.invalid} + figures.blank;
  const std::int64_t valid = std::int64_t{figures.cards} - not_counted;
  if (valid < 0) {
    return PaperFault{std::nullopt, absl::StrCat("invalid and blank add up to ", not_counted,
                                                 ", but cards is ", figures.cards)};
  }
  const Range score = ScorePerCard(ballot);
  std::int64_t named = 0;
  std::int64_t points = 0;
  for (const PaperCount& count : figures.counts) {
    if (auto fault = CheckCount(count, score, valid)) return fault;
    named += count.ballots;
    points += count.score;
  }
  const Range per_card = NamedPerCard(ballot, static_cast<std::int64_t>(options_count));
  const Range range{per_card.least * valid, per_card.most * valid};
  if (!range.Has(named)) {
    std::string text =
        absl::StrCat("the counts add up to ", named, ", but cards - invalid - blank is ", valid);
    if (per_card.most != 1) {
      absl::StrAppend(&text, ", which name from ", range.least, " to ", range.most, " options");
    }
    return PaperFault{std::nullopt, std::move(text)};
  }
  if (ballot.type == BallotType::kPoints && points > valid * ballot.points_total) {
    return PaperFault{std::nullopt,
                      absl::StrCat("the scores add up to ", points, ", but ", valid, " cards have ",
                                   valid * ballot.points_total, " points")};
  }
  return std::nullopt;
}

}  // namespace tallyd
