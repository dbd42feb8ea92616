// Ideas of citizens: handed in, read, and what a moderator makes of them.

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/decider.h"
#include "engine/limits.h"
#include "engine/poll_rules.h"
#include "storage/check.h"

namespace tallyd {
namespace {

Outcome About(OutcomeCode code, const IdeaRecord& record) {
  Outcome outcome;
  outcome.code = code;
  outcome.revision = record.revision;
  outcome.ideas = std::make_unique<IdeaPage>();
  outcome.ideas->ideas.push_back(record);
  return outcome;
}

// The question that an option of an idea goes into; nullopt: the poll has none of that name.
std::optional<QuestionIndex> FindQuestion(const PollDefinition& poll, const std::string& question) {
  if (poll.questions.empty()) return question.empty() ? std::optional(0u) : std::nullopt;
  for (QuestionIndex i = 0; i < poll.questions.size(); ++i) {
    if (poll.questions[i].id == question) return i;
  }
  return std::nullopt;
}

}  // namespace

Outcome Decider::DecideIdeas(const Act& act, DecidedBatch* batch) {
  if (const auto* submitted = std::get_if<SubmitIdea>(&act)) {
    return DecideSubmitIdea(*submitted, batch);
  }
  if (const auto* decided = std::get_if<DecideIdea>(&act)) return DecideOnIdea(*decided, batch);
  const auto& read = std::get<ReadIdeas>(act);
  const IdeaBox& ideas = state_.polls->ideas();
  if (read.number != 0) {
    const IdeaRecord* record = ideas.Find(read.number);
    const bool shown = record != nullptr &&
                       (read.project.empty() || record->idea.project == read.project) &&
                       (!read.submitter || record->idea.submitter == *read.submitter);
    return shown ? About(OutcomeCode::kFound, *record) : Refused(OutcomeCode::kIdeaNotFound);
  }
  Outcome outcome;
  outcome.code = OutcomeCode::kFound;
  outcome.ideas =
      std::make_unique<IdeaPage>(ideas.List(read.state, read.project, read.after, read.limit));
  return outcome;
}

Outcome Decider::DecideSubmitIdea(const SubmitIdea& act, DecidedBatch* batch) {
  IdeaBox& ideas = state_.polls->ideas();
  const IdeaEntry& idea = act.idea;
  if (state_.polls->FindProject(idea.project) == nullptr) {
    return Refused(OutcomeCode::kProjectNotFound);
  }
  // First of all: sending the same again is harmless, whatever became of it meanwhile.
  if (const IdeaRecord* present = ideas.FindByKey(idea.submitter, idea.idempotency_print)) {
    const bool same = present->content_print == IdeaBox::ContentPrint(idea);
    return same ? About(OutcomeCode::kUnchanged, *present) : Refused(OutcomeCode::kKeyReused);
  }
  if (const auto limit = ideas.FindLimit(idea)) {
    return Refused(OutcomeCode::kTooLarge, std::string(*limit));
  }
  IdeaEntry entry = idea;
  entry.number = ideas.next_number();
  batch->record.AddIdea(entry);
  TALLYD_CHECK(ideas.Apply(entry, batch->position, batch->time));
  state_.metrics->ideas_pending.store(ideas.pending_count(), std::memory_order_relaxed);
  return About(OutcomeCode::kCreated, *ideas.Find(entry.number));
}

Outcome Decider::DecideOnIdea(const DecideIdea& act, DecidedBatch* batch) {
  const IdeaRecord* idea = state_.polls->ideas().Find(act.number);
  if (idea == nullptr) return Refused(OutcomeCode::kIdeaNotFound);
  if (act.if_revision && *act.if_revision != idea->revision) {
    return Refused(OutcomeCode::kRevisionMismatch);
  }
  if (idea->state != IdeaState::kPending) {
    return Refused(OutcomeCode::kRevisionMismatch, "the idea was decided before");
  }
  IdeaDecisionEntry entry{.number = act.number,
                          .decision = act.decision,
                          .poll = 0,
                          .option = 0,
                          .reason_code = act.reason_code,
                          .actor = act.actor};
  if (act.decision == IdeaDecision::kRejected) return RecordDecision(entry, batch);
  if (act.decision == IdeaDecision::kApproved) return ApproveIdea(*idea, act, batch);
  const PollRecord* poll = state_.polls->Find(act.poll);
  if (poll == nullptr) return Refused(OutcomeCode::kNotFound);
  if (poll->definition.project != idea->idea.project) {
    return Refused(OutcomeCode::kOtherProject, "the poll belongs to another project than the idea");
  }
  const auto question = FindQuestion(poll->definition, act.question);
  const auto into = question ? FindOption(poll->definition, *question, act.option) : std::nullopt;
  if (!into) return Refused(OutcomeCode::kOptionUnknown);
  entry.poll = poll->number;
  entry.option = *into;
  return RecordDecision(entry, batch);
}

Outcome Decider::ApproveIdea(const IdeaRecord& idea, const DecideIdea& act, DecidedBatch* batch) {
  const PollRecord* poll = state_.polls->Find(act.poll);
  if (poll == nullptr) return Refused(OutcomeCode::kNotFound);
  if (poll->definition.project != idea.idea.project) {
    return Refused(OutcomeCode::kOtherProject, "the poll belongs to another project than the idea");
  }
  if (poll->state == PollState::kFinal) {
    return Refused(OutcomeCode::kRulesFrozen, "/ (the poll is final)");
  }
  const auto question = FindQuestion(poll->definition, act.question);
  if (!question) return Refused(OutcomeCode::kOptionUnknown, "the poll has no such question");
  if (FindOption(poll->definition, *question, act.option)) {
    return Refused(OutcomeCode::kOptionExists);
  }
  PollEntry changed{.number = poll->number,
                    .key_salt = poll->key_salt,
                    .key_check = poll->key_check,
                    .definition = poll->definition,
                    .actor = act.actor};
  OptionDefinition option;
  option.id = act.option;
  option.cost = act.cost;
  option.display = idea.idea.display;
  option.question = *question;
  changed.definition.options.push_back(std::move(option));
  if (changed.definition.options.size() > kOptionsPerPollMax ||
      EncodedSizeMax(changed) > kDefinitionBytesMax) {
    return Refused(OutcomeCode::kTooLarge, "the poll has as many options as it may");
  }
  batch->record.AddPoll(changed);
  state_.polls->Apply(changed, batch->position);
  TouchPoll(changed.number);
  return RecordDecision({.number = act.number,
                         .decision = act.decision,
                         .poll = changed.number,
                         .option = static_cast<OptionIndex>(changed.definition.options.size() - 1),
                         .reason_code = act.reason_code,
                         .actor = act.actor},
                        batch);
}

Outcome Decider::RecordDecision(const IdeaDecisionEntry& entry, DecidedBatch* batch) {
  IdeaBox& ideas = state_.polls->ideas();
  batch->record.AddIdeaDecision(entry);
  TALLYD_CHECK(ideas.Apply(entry, batch->position, batch->time));
  state_.metrics->ideas_pending.store(ideas.pending_count(), std::memory_order_relaxed);
  return About(OutcomeCode::kUpdated, *ideas.Find(entry.number));
}

}  // namespace tallyd
