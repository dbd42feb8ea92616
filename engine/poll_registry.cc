#include "engine/poll_registry.h"

#include <algorithm>

#include "engine/limits.h"
#include "storage/absl_view.h"
#include "storage/check.h"

namespace tallyd {
namespace {

bool AwaitsOpening(const PollRecord& poll) {
  return poll.state == PollState::kOpen && !poll.opened_once && poll.definition.opens.has_value();
}

bool AwaitsClosing(const PollRecord& poll) {
  return (poll.state == PollState::kOpen || poll.state == PollState::kPaused) &&
         poll.definition.closes.has_value();
}

BallotRules RulesOfOne(const BallotDefinition& ballot) {
  return BallotRules{.type = ballot.type,
                     .min = ballot.min,
                     .max = ballot.max,
                     .points_total = ballot.points_total,
                     .points_per_option_max = ballot.points_per_option_max,
                     .scoring = ballot.scoring,
                     .weight_max = 0,
                     .questions = {},
                     .question_of_option = {},
                     .counts_for = {}};
}

// Follows an option that was merged into one that was merged later, and so on.
OptionIndex CountsFor(const PollDefinition& definition, OptionIndex option) {
  for (std::size_t steps = 0; steps <= definition.options.size(); ++steps) {
    const OptionDefinition& at = definition.options[option];
    if (at.fate == OptionFate::kKept) return option;
    if (at.fate == OptionFate::kReleased) return kNoOption;
    option = at.counts_for;
  }
  TALLYD_CHECK(false);  // an option is merged into one that is not withdrawn: no circles
  return kNoOption;
}

}  // namespace

void SetCountsFor(OptionIndex option, OptionIndex into, std::size_t options_count,
                  BallotRules* rules) {
  std::vector<OptionIndex>& counts_for = rules->counts_for;
  for (auto next = static_cast<OptionIndex>(counts_for.size()); next < options_count; ++next) {
    counts_for.push_back(next);
  }
  std::replace(counts_for.begin(), counts_for.end(), option, into);
}

BallotRules RulesOf(const PollDefinition& definition) {
  BallotRules rules = RulesOfOne(definition.ballot);
  rules.weight_max = definition.weight.max;
  const bool fates =
      std::any_of(definition.options.begin(), definition.options.end(),
                  [](const OptionDefinition& option) { return option.fate != OptionFate::kKept; });
  for (OptionIndex i = 0; fates && i < definition.options.size(); ++i) {
    rules.counts_for.push_back(CountsFor(definition, i));
  }
  if (rules.type != BallotType::kSurvey) return rules;
  for (const QuestionDefinition& question : definition.questions) {
    rules.questions.push_back(RulesOfOne(question.ballot));
  }
  for (const OptionDefinition& option : definition.options) {
    rules.question_of_option.push_back(option.question);
  }
  return rules;
}

PollRegistry::PollRegistry(const Keyring& keyring, const PaperLimits& paper,
                           const FlagLimits& flags)
    : keyring_(keyring),
      receipt_key_(keyring.DeriveReceiptKey()),
      paper_limits_(paper),
      flag_limits_(flags),
      quotas_(kQuotaVotersMax) {
  polls_.push_back(nullptr);
}

PollRecord* PollRegistry::Find(PollNumber number) {
  return number < polls_.size() ? polls_[number].get() : nullptr;
}

const PollRecord* PollRegistry::Find(PollNumber number) const {
  return number < polls_.size() ? polls_[number].get() : nullptr;
}

const PollRecord* PollRegistry::Find(std::string_view id) const {
  const auto found = number_by_id_.find(AbslView(id));
  return found == number_by_id_.end() ? nullptr : polls_[found->second].get();
}

const ProjectView* PollRegistry::FindProject(std::string_view id) const {
  const auto found = projects_.find(AbslView(id));
  return found == projects_.end() ? nullptr : &found->second;
}

void PollRegistry::Apply(const ProjectEntry& entry, Position position) {
  const auto [found, is_new] = projects_.try_emplace(entry.id);
  ProjectView& project = found->second;
  if (is_new) project.voter_key = keyring_.DeriveProjectKey(entry.id);
  project.project = entry;
  project.revision = position;
}

bool PollRegistry::Apply(const ProjectQuotaEntry& entry, Position position) {
  const auto project = projects_.find(entry.project);
  if (project == projects_.end()) return false;
  project->second.ballots_per_voter = entry.ballots_per_voter;
  project->second.revision = position;
  for (const PollNumber poll : PollsOf(entry.project)) {
    polls_[poll]->project_quota = entry.ballots_per_voter;
  }
  return true;
}

bool PollRegistry::Apply(const QuotaUseEntry& entry) {
  return Find(entry.spent_in) != nullptr && quotas_.Apply(entry);
}

std::vector<PollNumber> PollRegistry::PollsOf(std::string_view project) const {
  std::vector<PollNumber> polls;
  for (std::size_t i = 1; i < polls_.size(); ++i) {
    if (polls_[i]->definition.project == project) polls.push_back(polls_[i]->number);
  }
  return polls;
}

void PollRegistry::Apply(const PollEntry& entry, Position position) {
  TALLYD_CHECK(entry.number != 0 && entry.number <= polls_.size());
  if (entry.number == polls_.size()) {
    auto poll = std::make_unique<PollRecord>();
    poll->number = entry.number;
    poll->paper = PaperLedger(paper_limits_);
    poll->flags = FlagBook(flag_limits_);
    poll->key_salt = entry.key_salt;
    poll->key_check = entry.key_check;
    poll->voter_key = keyring_.DerivePollKey(entry);
    number_by_id_.emplace(entry.definition.id, entry.number);
    polls_.push_back(std::move(poll));
  }
  PollRecord& poll = *polls_[entry.number];
  poll.definition = entry.definition;
  const ProjectView* project = FindProject(entry.definition.project);
  poll.project_quota = project == nullptr ? 0 : project->ballots_per_voter;
  poll.rules = RulesOf(entry.definition);
  poll.revision = position;
  FindNextDue();
}

void PollRegistry::Apply(const PollStateEntry& entry, Position position, TimeUs time) {
  PollRecord* poll = Find(entry.poll);
  TALLYD_CHECK(poll != nullptr);
  poll->state = entry.to;
  poll->revision = position;
  if (entry.to == PollState::kOpen) {
    // Journaled time decides, so that a replay decides alike: an actor who opens a poll before its
    // window begins only arms it; the schedule's own entry then opens it.
    const bool window_began = !poll->definition.opens || *poll->definition.opens <= time;
    if (entry.cause == StateCause::kSchedule || window_began) poll->opened_once = true;
  }
  FindNextDue();
}

bool PollRegistry::Apply(const OptionFateEntry& entry, Position position) {
  PollRecord* poll = Find(entry.poll);
  if (poll == nullptr) return false;
  std::vector<OptionDefinition>& options = poll->definition.options;
  const bool moved = entry.fate == OptionFate::kMoved;
  if (entry.option >= options.size() || options[entry.option].fate != OptionFate::kKept) {
    return false;
  }
  if (moved && (entry.into >= options.size() || options[entry.into].withdrawn)) return false;
  OptionDefinition& option = options[entry.option];
  option.withdrawn = true;
  option.fate = entry.fate;
  option.counts_for = moved ? entry.into : 0;
  poll->rules = RulesOf(poll->definition);
  poll->revision = position;
  return true;
}

bool PollRegistry::Apply(const RollEntry& entry) {
  PollRecord* poll = Find(entry.poll);
  if (poll == nullptr || !poll->roll.batches.insert(entry.batch).second) return false;
  poll->roll.tags.insert(entry.tags.begin(), entry.tags.end());
  return true;
}

// The newest seal decides: where it cannot be opened, the key file is not the one that belongs to
// this history, and what an older root gives is not asked for.
bool PollRegistry::Apply(const KeySealedEntry& entry) {
  if (entry.owner == KeyOwner::kReceipts) {
    receipt_key_ = keyring_.OpenReceiptKey(entry);
    return true;
  }
  if (entry.owner == KeyOwner::kProject) {
    const auto project = projects_.find(entry.of_project);
    if (project == projects_.end()) return false;
    project->second.voter_key = keyring_.OpenVoterKey(entry, entry.of_project);
    return true;
  }
  PollRecord* poll = Find(entry.of_poll);
  if (poll == nullptr || poll->key_destroyed_at) return false;
  poll->voter_key = keyring_.OpenVoterKey(entry, poll->definition.id);
  return !poll->voter_key || poll->voter_key->Check() == poll->key_check;
}

bool PollRegistry::Apply(const KeyDestroyedEntry& entry, Position position, TimeUs time) {
  if (entry.poll == 0) {
    const auto project = projects_.find(entry.project);
    if (project == projects_.end()) return false;
    project->second.voter_key.reset();
    return true;
  }
  PollRecord* poll = Find(entry.poll);
  if (poll == nullptr || poll->key_destroyed_at || poll->state != PollState::kFinal) return false;
  poll->key_destroyed_at = time;
  poll->voter_key.reset();
  poll->revision = position;
  return true;
}

bool PollRegistry::Apply(const FlagOpenedEntry& entry, TimeUs time) {
  PollRecord* poll = Find(entry.poll);
  if (poll == nullptr || !poll->flags.Apply(entry, time)) return false;
  flagged_voters_ += entry.voters.size();
  return true;
}

bool PollRegistry::Apply(const FlagJoinedEntry& entry, TimeUs time) {
  PollRecord* poll = Find(entry.poll);
  if (poll == nullptr || !poll->flags.Apply(entry, time)) return false;
  ++flagged_voters_;
  return true;
}

bool PollRegistry::Apply(const FlagDecisionEntry& entry, TimeUs time) {
  PollRecord* poll = Find(entry.poll);
  return poll != nullptr && poll->flags.Apply(entry, time);
}

void PollRegistry::ApplySeq(PollNumber number, Seq seq) {
  PollRecord* poll = Find(number);
  TALLYD_CHECK(poll != nullptr && poll->next_seq == seq);
  poll->next_seq = seq + 1;
}

void PollRegistry::ApplyPastSeq(PollNumber number, Seq seq, Epoch epoch) {
  ApplySeq(number, seq);
  std::vector<PastSeqs>& past = Find(number)->past;
  if (past.empty() || past.back().epoch != epoch) past.push_back({.epoch = epoch});
  past.back().last = seq;
}

std::vector<PollNumber> PollRegistry::DueToOpen(TimeUs now) const {
  std::vector<PollNumber> due;
  if (!next_due_ || *next_due_ > now) return due;
  for (std::size_t i = 1; i < polls_.size(); ++i) {
    if (AwaitsOpening(*polls_[i]) && *polls_[i]->definition.opens <= now) {
      due.push_back(polls_[i]->number);
    }
  }
  return due;
}

std::vector<PollNumber> PollRegistry::DueToClose(TimeUs now) const {
  std::vector<PollNumber> due;
  if (!next_due_ || *next_due_ > now) return due;
  for (std::size_t i = 1; i < polls_.size(); ++i) {
    if (AwaitsClosing(*polls_[i]) && *polls_[i]->definition.closes <= now) {
      due.push_back(polls_[i]->number);
    }
  }
  return due;
}

void PollRegistry::FindNextDue() {
  next_due_.reset();
  const auto consider = [this](TimeUs time) {
    if (!next_due_ || time < *next_due_) next_due_ = time;
  };
  for (std::size_t i = 1; i < polls_.size(); ++i) {
    if (AwaitsOpening(*polls_[i])) consider(*polls_[i]->definition.opens);
    if (AwaitsClosing(*polls_[i])) consider(*polls_[i]->definition.closes);
  }
}

std::shared_ptr<const PollView> PollRegistry::MakeView(PollNumber number) const {
  const PollRecord& poll = *polls_[number];
  auto view = std::make_shared<PollView>();
  view->number = poll.number;
  view->definition = poll.definition;
  view->rules = poll.rules;
  view->state = poll.state;
  view->opened_once = poll.opened_once;
  view->accepting_online = poll.Accepts(Channel::kOnline) && poll.definition.online;
  view->revision = poll.revision;
  view->voter_key = poll.voter_key;
  view->key_destroyed_at = poll.key_destroyed_at;
  const ProjectView* project = FindProject(poll.definition.project);
  if (poll.project_quota != 0 && project != nullptr) view->project_key = project->voter_key;
  view->past = poll.past;
  view->IndexIds();
  return view;
}

std::vector<std::shared_ptr<const PollView>> PollRegistry::MakeAllViews() const {
  std::vector<std::shared_ptr<const PollView>> views;
  for (std::size_t i = 1; i < polls_.size(); ++i) {
    views.push_back(MakeView(static_cast<PollNumber>(i)));
  }
  return views;
}

std::vector<std::shared_ptr<const ProjectView>> PollRegistry::MakeAllProjectViews() const {
  std::vector<std::shared_ptr<const ProjectView>> views;
  for (const auto& [id, view] : projects_) views.push_back(std::make_shared<ProjectView>(view));
  return views;
}

}  // namespace tallyd
