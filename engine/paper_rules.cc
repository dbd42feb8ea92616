#include "engine/paper_rules.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

#include "storage/absl_view.h"

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

// The counts of one question, or of the whole poll: of `valid` cards each names `per_card` options.
struct Asked {
  const BallotDefinition& ballot;
  Range per_card;
  std::string_view where;  // before the text of a fault
};

std::optional<PaperFault> CheckCounts(const Asked& asked, const std::vector<PaperCount>& counts,
                                      std::int64_t valid) {
  const Range score = ScorePerCard(asked.ballot);
  std::int64_t named = 0;
  std::int64_t points = 0;
  for (const PaperCount& count : counts) {
    if (auto fault = CheckCount(count, score, valid)) return fault;
    named += count.ballots;
    points += count.score;
  }
  const Range range{asked.per_card.least * valid, asked.per_card.most * valid};
  if (!range.Has(named)) {
    std::string text = absl::StrCat(AbslView(asked.where), "the counts add up to ", named,
                                    ", but cards - invalid - blank is ", valid);
    if (asked.per_card.most != 1 || asked.per_card.least != 1) {
      absl::StrAppend(&text, ", which name from ", range.least, " to ", range.most, " options");
    }
    return PaperFault{std::nullopt, std::move(text)};
  }
  if (asked.ballot.type == BallotType::kPoints && points > valid * asked.ballot.points_total) {
    return PaperFault{std::nullopt, absl::StrCat(AbslView(asked.where), "the scores add up to ",
                                                 points, ", but ", valid, " cards have ",
                                                 valid * asked.ballot.points_total, " points")};
  }
  return std::nullopt;
}

std::optional<PaperFault> CheckSurvey(const PollDefinition& poll, const PaperFigures& figures,
                                      std::int64_t valid) {
  std::int64_t named = 0;
  for (QuestionIndex question = 0; question < poll.questions.size(); ++question) {
    const QuestionDefinition& asked = poll.questions[question];
    std::vector<PaperCount> counts;
    for (const PaperCount& count : figures.counts) {
      if (poll.options[count.option].question == question) counts.push_back(count);
      if (poll.options[count.option].question == question) named += count.ballots;
    }
    const auto options = std::count_if(poll.options.begin(), poll.options.end(),
                                       [&](const auto& o) { return o.question == question; });
    Range per_card = NamedPerCard(asked.ballot, options);
    per_card.least = asked.ballot.type == BallotType::kChoose ? asked.ballot.min : 0;
    const std::string where = absl::StrCat(asked.id, ": ");
    if (auto fault = CheckCounts({asked.ballot, per_card, where}, counts, valid)) return fault;
  }
  if (named >= valid) return std::nullopt;
  return PaperFault{std::nullopt,
                    absl::StrCat("the counts of all questions add up to ", named, ", but ", valid,
                                 " cards are neither invalid nor blank")};
}

}  // namespace

std::optional<PaperFault> CheckPaperFigures(const PollDefinition& poll,
                                            const PaperFigures& figures) {
  const std::int64_t not_counted = std::int64_t{figures.invalid} + figures.blank;
  const std::int64_t valid = std::int64_t{figures.cards} - not_counted;
  if (valid < 0) {
    return PaperFault{std::nullopt, absl::StrCat("invalid and blank add up to ", not_counted,
                                                 ", but cards is ", figures.cards)};
  }
  if (poll.ballot.type == BallotType::kSurvey) return CheckSurvey(poll, figures, valid);
  const auto options = static_cast<std::int64_t>(poll.options.size());
  return CheckCounts({poll.ballot, NamedPerCard(poll.ballot, options), ""}, figures.counts, valid);
}

}  // namespace tallyd
