#pragma once

// A poll's view made by hand, for tests of decoders and encoders that need no engine.

#include <memory>
#include <string>
#include <vector>

#include "engine/poll_registry.h"
#include "engine/poll_view.h"

namespace tallyd {

inline PollView MakePollView(BallotDefinition ballot, const std::vector<std::string>& options,
                             const std::vector<std::string>& boxes = {}) {
  PollView view;
  view.number = 1;
  view.definition.id = "sommer-2026";
  view.definition.project = "stadt";
  view.definition.ballot = ballot;
  for (const std::string& id : options) {
    OptionDefinition option;
    option.id = id;
    option.display = "{}";
    view.definition.options.push_back(std::move(option));
  }
  for (const std::string& id : boxes) {
    view.definition.boxes.push_back({.id = id, .display = "{}"});
  }
  view.state = PollState::kOpen;
  view.rules = RulesOf(view.definition);
  view.IndexIds();
  return view;
}

// A survey of questions that have the options a, b and c each.
inline PollView MakeSurveyView(const std::vector<BallotDefinition>& ballots) {
  PollView view = MakePollView({.type = BallotType::kSurvey}, {});
  for (const BallotDefinition& ballot : ballots) {
    const auto question = static_cast<QuestionIndex>(view.definition.questions.size());
    view.definition.questions.push_back(
        {.id = "q" + std::to_string(question + 1), .ballot = ballot, .display = "{}"});
    for (const char* id : {"a", "b", "c"}) {
      OptionDefinition option;
      option.id = id;
      option.display = "{}";
      option.question = question;
      view.definition.options.push_back(std::move(option));
    }
  }
  view.rules = RulesOf(view.definition);
  view.IndexIds();
  return view;
}

}  // namespace tallyd
