// The acts of administrators: projects, polls, states. Same writer, same journal as the votes.

#include <algorithm>
#include <utility>

#include "engine/decider.h"
#include "engine/limits.h"
#include "engine/poll_rules.h"
#include "storage/broken_build.h"
#include "storage/check.h"

namespace tallyd {
namespace {

template <class T>
void AddOnce(std::vector<T>* list, const T& value) {
  if (std::find(list->begin(), list->end(), value) == list->end()) list->push_back(value);
}

}  // namespace

void Decider::DecideSchedule(TimeUs now, bool close_too, DecidedBatch* batch) {
  Begin(now, batch);
  if (TALLYD_BROKEN("M9-closed-by-the-clock")) return;
  for (const PollNumber poll : state_.polls->DueToOpen(now)) {
    if (!batch->record.Fits(kStateEntryBytesMax)) return;  // the rest with the next batch
    ChangeState(poll, PollState::kOpen, StateCause::kSchedule, "", batch);
  }
  if (!close_too) return;
  for (const PollNumber poll : state_.polls->DueToClose(now)) {
    if (!batch->record.Fits(kStateEntryBytesMax)) return;
    ChangeState(poll, PollState::kClosed, StateCause::kSchedule, "", batch);
  }
}

void Decider::TouchPoll(PollNumber poll) {
  AddOnce(&polls_touched_, poll);
}

void Decider::ChangeState(PollNumber poll, PollState to, StateCause cause, const std::string& actor,
                          DecidedBatch* batch) {
  const PollStateEntry entry{.poll = poll, .to = to, .cause = cause, .actor = actor};
  batch->record.AddPollState(entry);
  state_.polls->Apply(entry, batch->position, batch->time);
  TouchPoll(poll);
}

Outcome Decider::Answer(OutcomeCode code, Position revision, std::string detail) {
  Outcome outcome;
  outcome.code = code;
  outcome.revision = revision;
  outcome.detail = std::move(detail);
  return outcome;
}

Outcome Decider::Refused(OutcomeCode code, std::string detail) {
  return Answer(code, 0, std::move(detail));
}

Outcome Decider::DecideAct(PollNumber number, const Act& act, DecidedBatch* batch) {
  if (const auto* project = std::get_if<PutProject>(&act)) return DecidePutProject(*project, batch);
  if (const auto* poll = std::get_if<PutPoll>(&act)) return DecidePutPoll(*poll, batch);
  if (const auto* taken = std::get_if<WithdrawOption>(&act)) {
    return DecideWithdrawOption(number, *taken, batch);
  }
  if (std::holds_alternative<SubmitIdea>(act) || std::holds_alternative<DecideIdea>(act) ||
      std::holds_alternative<ReadIdeas>(act)) {
    return DecideIdeas(act, batch);
  }
  if (std::holds_alternative<DecideFlags>(act) || std::holds_alternative<ReadFlags>(act)) {
    return DecideFlagActs(number, act, batch);
  }
  if (std::holds_alternative<VoteExtras>(act)) return Answer(OutcomeCode::kUnknown);  // no act
  return DecidePaper(number, act, batch);
}

Outcome Decider::DecidePutProject(const PutProject& act, DecidedBatch* batch) {
  const ProjectView* existing = state_.polls->FindProject(act.project.id);
  if (existing != nullptr && act.create_only) return Answer(OutcomeCode::kExists);
  if (act.if_revision) {
    if (existing == nullptr) return Answer(OutcomeCode::kNotFound);
    if (existing->revision != *act.if_revision) return Answer(OutcomeCode::kRevisionMismatch);
  }
  if (existing == nullptr && state_.polls->projects_count() >= kProjectsMax) {
    return Answer(OutcomeCode::kTooLarge, 0, "too many projects");
  }
  if (EncodedSizeMax(act.project) > kDefinitionBytesMax) {
    return Answer(OutcomeCode::kTooLarge, 0, "the project is too large");
  }
  const bool same_quota =
      act.ballots_per_voter == (existing == nullptr ? 0 : existing->ballots_per_voter);
  const bool same_display = existing != nullptr && existing->project.display == act.project.display;
  if (same_display && same_quota) return Answer(OutcomeCode::kUnchanged, existing->revision);
  const std::vector<PollNumber> polls = state_.polls->PollsOf(act.project.id);
  const bool opened = std::any_of(polls.begin(), polls.end(), [this](PollNumber poll) {
    return state_.polls->Find(poll)->opened_once;
  });
  // What was cast before is not known by the project's tag.
  if (!same_quota && opened) {
    return Answer(OutcomeCode::kRulesFrozen, existing->revision, "/ballots_per_voter");
  }
  const OutcomeCode code = existing == nullptr ? OutcomeCode::kCreated : OutcomeCode::kUpdated;
  if (!same_display) {
    batch->record.AddProject(act.project);
    state_.polls->Apply(act.project, batch->position);
  }
  if (!same_quota) {
    const ProjectQuotaEntry quota{.project = act.project.id,
                                  .ballots_per_voter = act.ballots_per_voter,
                                  .actor = act.project.actor};
    batch->record.AddProjectQuota(quota);
    TALLYD_CHECK(state_.polls->Apply(quota, batch->position));
    for (const PollNumber poll : polls) TouchPoll(poll);
  }
  AddOnce(&projects_touched_, act.project.id);
  return Answer(code, batch->position);
}

Outcome Decider::DecidePutPoll(const PutPoll& act, DecidedBatch* batch) {
  const PollDefinition& definition = act.definition;
  const PollRecord* existing = state_.polls->Find(definition.id);
  if (existing != nullptr && act.create_only) return Answer(OutcomeCode::kExists);
  if (act.if_revision) {
    if (existing == nullptr) return Answer(OutcomeCode::kNotFound);
    if (existing->revision != *act.if_revision) return Answer(OutcomeCode::kRevisionMismatch);
  }
  if (definition.options.size() > kOptionsPerPollMax ||
      definition.boxes.size() > kBoxesPerPollMax ||
      definition.questions.size() > kQuestionsPerPollMax ||
      EncodedSizeMax(PollEntry{.number = 0,
                               .key_salt = {},
                               .key_check = {},
                               .definition = definition,
                               .actor = act.actor}) > kDefinitionBytesMax) {
    return Answer(OutcomeCode::kTooLarge, 0, "the poll definition is too large");
  }
  return existing == nullptr ? CreatePoll(act, batch) : ReplacePoll(*existing, act, batch);
}

void Decider::CreateProjectOf(const PutPoll& act, DecidedBatch* batch) {
  if (state_.polls->FindProject(act.definition.project) != nullptr) return;
  const ProjectEntry project{.id = act.definition.project, .display = "{}", .actor = act.actor};
  batch->record.AddProject(project);
  state_.polls->Apply(project, batch->position);
  AddOnce(&projects_touched_, project.id);
}

Outcome Decider::CreatePoll(const PutPoll& act, DecidedBatch* batch) {
  if (state_.polls->keyring().empty()) return Answer(OutcomeCode::kKeyMissing);
  const bool new_project = state_.polls->FindProject(act.definition.project) == nullptr;
  if (state_.polls->polls_count() >= kPollsMax) {
    return Answer(OutcomeCode::kTooLarge, 0, "too many polls");
  }
  if (new_project && state_.polls->projects_count() >= kProjectsMax) {
    return Answer(OutcomeCode::kTooLarge, 0, "too many projects");
  }
  CreateProjectOf(act, batch);
  PollEntry entry{.number = state_.polls->next_number(),
                  .key_salt = VoterKey::NewSalt(),
                  .key_check = {},
                  .definition = act.definition,
                  .actor = act.actor};
  const RootKey& root = state_.polls->keyring().newest();
  entry.key_check = VoterKey::Derive(root, act.definition.id, entry.key_salt).Check();
  batch->record.AddPoll(entry);
  state_.polls->Apply(entry, batch->position);
  TouchPoll(entry.number);
  if (act.initial_state != PollState::kDraft) {
    ChangeState(entry.number, act.initial_state, StateCause::kActor, act.actor, batch);
  }
  Outcome outcome = Answer(OutcomeCode::kCreated, batch->position);
  outcome.poll = entry.number;
  return outcome;
}

Outcome Decider::ReplacePoll(const PollRecord& poll, const PutPoll& act, DecidedBatch* batch) {
  if (auto frozen = FindFrozenChange(poll, act.definition)) {
    return Answer(OutcomeCode::kRulesFrozen, poll.revision, *std::move(frozen));
  }
  PollEntry entry{
      .number = poll.number,
      .key_salt = poll.key_salt,
      .key_check = poll.key_check,
      .definition = poll.opened_once ? KeepOrder(poll.definition, act.definition) : act.definition,
      .actor = act.actor};
  Outcome outcome = Answer(OutcomeCode::kUnchanged, poll.revision);
  outcome.poll = poll.number;
  if (entry.definition == poll.definition) return outcome;
  batch->record.AddPoll(entry);
  state_.polls->Apply(entry, batch->position);
  TouchPoll(entry.number);
  outcome.code = OutcomeCode::kUpdated;
  outcome.revision = batch->position;
  return outcome;
}

Outcome Decider::DecideTransition(PollNumber number, const TransitionPoll& act,
                                  DecidedBatch* batch) {
  const PollRecord* poll = state_.polls->Find(number);
  if (poll == nullptr) return Answer(OutcomeCode::kNotFound);
  if (poll->state == act.to) return Answer(OutcomeCode::kUnchanged, poll->revision);
  if (!TransitionAllowed(poll->state, act.to)) {
    return Answer(OutcomeCode::kTransitionNotAllowed, poll->revision);
  }
  ChangeState(number, act.to, StateCause::kActor, act.actor, batch);
  return Answer(OutcomeCode::kUpdated, batch->position);
}

}  // namespace tallyd
