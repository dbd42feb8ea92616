#include "engine/poll_view.h"

#include <algorithm>

#include "storage/absl_view.h"

namespace tallyd {

void PollView::IndexIds() {
  option_by_id.assign(std::max<std::size_t>(1, definition.questions.size()), {});
  for (OptionIndex i = 0; i < definition.options.size(); ++i) {
    const OptionDefinition& option = definition.options[i];
    option_by_id[option.question].emplace(option.id, i);
  }
  question_by_id.clear();
  for (QuestionIndex i = 0; i < definition.questions.size(); ++i) {
    question_by_id.emplace(definition.questions[i].id, i);
  }
  box_by_id.clear();
  for (BoxIndex i = 0; i < definition.boxes.size(); ++i) {
    box_by_id.emplace(definition.boxes[i].id, i + 1);
  }
}

Epoch PollView::EpochOf(Seq seq, Epoch present) const {
  for (const PastSeqs& seqs : past) {
    if (seq <= seqs.last) return seqs.epoch;
  }
  return present;
}

std::optional<OptionIndex> PollView::FindOption(std::string_view id, QuestionIndex question) const {
  if (question >= option_by_id.size()) return std::nullopt;
  const auto& options = option_by_id[question];
  const auto found = options.find(AbslView(id));
  if (found == options.end()) return std::nullopt;
  return found->second;
}

std::optional<QuestionIndex> PollView::FindQuestion(std::string_view id) const {
  const auto found = question_by_id.find(AbslView(id));
  if (found == question_by_id.end()) return std::nullopt;
  return found->second;
}

std::optional<BoxIndex> PollView::FindBox(std::string_view id) const {
  const auto found = box_by_id.find(AbslView(id));
  if (found == box_by_id.end()) return std::nullopt;
  return found->second;
}

}  // namespace tallyd
