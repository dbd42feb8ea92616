#include "engine/selection.h"

#include <algorithm>

#include "storage/check.h"

namespace tallyd {
namespace {

// What there is to give away, and whether an option gets some of it.
class Pot {
 public:
  explicit Pot(const SelectionDefinition& rule)
      : top_(rule.rule == SelectionRule::kTop),
        stops_(rule.rule == SelectionRule::kGreedyNoSkip),
        places_(rule.count),
        budget_(rule.budget) {}

  bool HasRoomFor(std::int64_t cost) const {
    return !ended_ && (top_ ? places_ > 0 : cost <= budget_);
  }
  SelectionReason Consider(std::int64_t cost) {
    if (ended_) return SelectionReason::kAfterEnd;
    if (!HasRoomFor(cost)) {
      ended_ = stops_;
      return top_ ? SelectionReason::kBeyondCount : SelectionReason::kTooExpensive;
    }
    if (top_) {
      --places_;
      return SelectionReason::kInCount;
    }
    budget_ -= cost;
    return SelectionReason::kFits;
  }
  std::int64_t budget_left() const { return top_ ? 0 : budget_; }

 private:
  bool top_;
  bool stops_;
  bool ended_ = false;
  std::uint32_t places_;
  std::int64_t budget_;
};

bool IsIn(SelectionReason reason) {
  return reason == SelectionReason::kInCount || reason == SelectionReason::kFits;
}

}  // namespace

Selection Select(const RankingSnapshot& snapshot) {
  const PollDefinition& definition = snapshot.view->definition;
  const SelectionDefinition& rule = definition.selection;
  TALLYD_CHECK(rule.rule != SelectionRule::kNone && definition.questions.empty());
  const auto cost = [&](OptionIndex option) { return definition.options[option].cost; };
  const auto score = [&](OptionIndex option) { return snapshot.rows[option].score; };
  // Without the member there is no threshold; with it, a negative one is meant.
  const bool has_threshold = rule.threshold != 0 || rule.rule == SelectionRule::kGreedyThreshold;
  Selection selection;
  Pot pot(rule);
  Pot at_tie = pot;  // as it was before the options of this score
  std::size_t tie_begin = 0;
  const auto end_tie = [&] {
    const auto begin = selection.options.begin() + static_cast<std::ptrdiff_t>(tie_begin);
    const bool decided = std::any_of(begin, selection.options.end(), [&](const auto& considered) {
      const bool never_in = considered.reason == SelectionReason::kWithdrawn ||
                            considered.reason == SelectionReason::kBelowThreshold;
      return !considered.selected && !never_in && at_tie.HasRoomFor(cost(considered.option));
    });
    for (auto it = begin; decided && it != selection.options.end(); ++it) it->tie_decided = true;
    selection.tie_decided = selection.tie_decided || decided;
    tie_begin = selection.options.size();
    at_tie = pot;
  };
  for (const OptionIndex option : snapshot.order) {
    if (!selection.options.empty() && score(selection.options.back().option) != score(option)) {
      end_tie();
    }
    ConsideredOption considered{.option = option, .budget_left = pot.budget_left()};
    if (definition.options[option].withdrawn) {
      considered.reason = SelectionReason::kWithdrawn;
    } else if (has_threshold && score(option) < rule.threshold) {
      considered.reason = SelectionReason::kBelowThreshold;
    } else {
      considered.reason = pot.Consider(cost(option));
    }
    considered.selected = IsIn(considered.reason);
    if (considered.selected) selection.spent += cost(option);
    selection.options.push_back(considered);
  }
  end_tie();
  return selection;
}

}  // namespace tallyd
