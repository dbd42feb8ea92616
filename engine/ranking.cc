#include "engine/ranking.h"

#include <algorithm>
#include <numeric>

#include "storage/check.h"

namespace tallyd {

bool Ranking::Before(OptionIndex a, OptionIndex b, ScoreOf score) const {
  if (!question_of_.empty() && question_of_[a] != question_of_[b]) {
    return question_of_[a] < question_of_[b];
  }
  const std::int64_t score_a = score(a);
  const std::int64_t score_b = score(b);
  return score_a != score_b ? score_a > score_b : id_place_[a] < id_place_[b];
}

void Ranking::Reset(absl::Span<const Name> names, ScoreOf score) {
  question_of_.clear();
  const bool survey =
      std::any_of(names.begin(), names.end(), [](const Name& name) { return name.question != 0; });
  if (survey) {
    for (const Name& name : names) question_of_.push_back(name.question);
  }
  order_.resize(names.size());
  std::iota(order_.begin(), order_.end(), OptionIndex{0});
  std::sort(order_.begin(), order_.end(),
            [names](OptionIndex a, OptionIndex b) { return names[a] < names[b]; });
  id_place_.resize(names.size());
  for (std::uint32_t place = 0; place < order_.size(); ++place) id_place_[order_[place]] = place;
  std::sort(order_.begin(), order_.end(),
            [&](OptionIndex a, OptionIndex b) { return Before(a, b, score); });
}

void Ranking::Update(absl::Span<const OptionIndex> changed, ScoreOf score) {
  if (changed.empty()) return;
  std::vector<bool> is_changed(order_.size(), false);
  for (const OptionIndex option : changed) {
    TALLYD_CHECK(option < order_.size());
    is_changed[option] = true;
  }
  std::vector<OptionIndex> moved(changed.begin(), changed.end());
  const auto before = [&](OptionIndex a, OptionIndex b) { return Before(a, b, score); };
  std::sort(moved.begin(), moved.end(), before);
  std::vector<OptionIndex> rest;
  rest.reserve(order_.size() - moved.size());
  std::copy_if(order_.begin(), order_.end(), std::back_inserter(rest),
               [&](OptionIndex option) { return !is_changed[option]; });
  TALLYD_CHECK(rest.size() + moved.size() == order_.size());  // each changed option once
  std::merge(rest.begin(), rest.end(), moved.begin(), moved.end(), order_.begin(), before);
}

std::vector<std::uint32_t> Ranking::Ranks(ScoreOf score) const {
  std::vector<std::uint32_t> ranks(order_.size());
  std::uint32_t rank = 1;
  std::size_t begin = 0;  // of the question
  for (std::size_t place = 0; place < order_.size(); ++place) {
    if (place > 0 && !question_of_.empty() &&
        question_of_[order_[place]] != question_of_[order_[place - 1]]) {
      begin = place;
      rank = 1;
    } else if (place > 0 && score(order_[place]) != score(order_[place - 1])) {
      rank = static_cast<std::uint32_t>(place - begin) + 1;
    }
    ranks[order_[place]] = rank;
  }
  return ranks;
}

}  // namespace tallyd
