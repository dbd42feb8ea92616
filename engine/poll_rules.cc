#include "engine/poll_rules.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "storage/check.h"

namespace tallyd {
namespace {

// What names an option or a box within its poll.
using Name = std::pair<QuestionIndex, std::string>;
Name NameOf(const OptionDefinition& option) {
  return {option.question, option.id};
}
Name NameOf(const BoxDefinition& box) {
  return {0, box.id};
}

template <class Definition>
absl::flat_hash_map<Name, const Definition*> ByName(const std::vector<Definition>& definitions) {
  absl::flat_hash_map<Name, const Definition*> by_name;
  for (const Definition& definition : definitions) {
    by_name.emplace(NameOf(definition), &definition);
  }
  return by_name;
}

bool QuestionsChange(const PollDefinition& current, const PollDefinition& next) {
  return !std::equal(current.questions.begin(), current.questions.end(), next.questions.begin(),
                     next.questions.end(),
                     [](const QuestionDefinition& a, const QuestionDefinition& b) {
                       return a.id == b.id && a.ballot == b.ballot;
                     });
}

std::optional<std::string> FindFrozenOption(const PollDefinition& current,
                                            const PollDefinition& next) {
  const auto by_name = ByName(next.options);
  for (const OptionDefinition& option : current.options) {
    const auto found = by_name.find(NameOf(option));
    if (found == by_name.end()) return absl::StrCat("/options (", option.id, " is missing)");
    if (found->second->cost != option.cost) {
      return absl::StrCat("/options (cost of ", option.id, ")");
    }
    // Numbers of options are the same in both: KeepOrder() puts them so.
    if (found->second->fate != option.fate || found->second->counts_for != option.counts_for) {
      return absl::StrCat("/options (what became of the votes of ", option.id, ")");
    }
  }
  return std::nullopt;
}

std::optional<std::string> FindFrozenBox(const PollDefinition& current,
                                         const PollDefinition& next) {
  const auto by_name = ByName(next.boxes);
  for (const BoxDefinition& box : current.boxes) {
    if (!by_name.contains(NameOf(box))) return absl::StrCat("/boxes (", box.id, " is missing)");
  }
  return std::nullopt;
}

bool ClosesEarlier(const PollDefinition& current, const PollDefinition& next) {
  if (!next.closes) return false;
  return !current.closes || *next.closes < *current.closes;
}

template <class Definition>
std::vector<Definition> InOrderOf(const std::vector<Definition>& current,
                                  std::vector<Definition> next) {
  absl::flat_hash_map<Name, std::size_t> place;
  for (std::size_t i = 0; i < current.size(); ++i) place.emplace(NameOf(current[i]), i);
  std::vector<Definition> ordered(current.size());
  std::vector<Definition> added;
  for (Definition& definition : next) {
    const auto found = place.find(NameOf(definition));
    if (found == place.end()) {
      added.push_back(std::move(definition));
    } else {
      ordered[found->second] = std::move(definition);
    }
  }
  std::move(added.begin(), added.end(), std::back_inserter(ordered));
  return ordered;
}

}  // namespace

bool TransitionAllowed(PollState from, PollState to) {
  switch (from) {
    case PollState::kDraft:
      return to == PollState::kOpen;
    case PollState::kOpen:
      return to == PollState::kPaused || to == PollState::kClosed;
    case PollState::kPaused:
      return to == PollState::kOpen || to == PollState::kClosed;
    case PollState::kClosed:
      return to == PollState::kFinal;
    case PollState::kFinal:
      return false;
  }
  return false;
}

std::optional<std::string> FindFrozenChange(const PollRecord& poll, const PollDefinition& next) {
  const PollDefinition& current = poll.definition;
  if (next.project != current.project) return "/project";
  if (!poll.opened_once) return std::nullopt;
  if (poll.state == PollState::kFinal && !(next == current)) return "/ (the poll is final)";
  if (!(next.ballot == current.ballot) || QuestionsChange(current, next)) return "/ballot";
  if (next.ballots_per_voter != current.ballots_per_voter) return "/ballots_per_voter";
  if (next.weight != current.weight) return "/weight";
  if (next.selection != current.selection) return "/selection";
  if (next.visibility != current.visibility) return "/visibility";
  if (next.opens != current.opens) return "/opens";
  if (ClosesEarlier(current, next)) return "/closes";
  if (next.revote != current.revote) return "/revote";
  if (next.changes_max != current.changes_max) return "/changes_max";
  if (next.withdraw != current.withdraw) return "/withdraw";
  if (next.online != current.online || next.paper != current.paper) return "/channels";
  if (next.channel_rule != current.channel_rule) return "/channel_rule";
  if (next.paper_confirm != current.paper_confirm) return "/paper/confirm";
  if (next.paper_blind != current.paper_blind) return "/paper/blind";
  if (next.roll != current.roll) return "/eligible/roll";
  if (next.claims != current.claims) return "/eligible/claims";
  if (auto option = FindFrozenOption(current, next)) return option;
  return FindFrozenBox(current, next);
}

PollDefinition KeepOrder(const PollDefinition& current, PollDefinition next) {
  next.options = InOrderOf(current.options, std::move(next.options));
  next.boxes = InOrderOf(current.boxes, std::move(next.boxes));
  return next;
}

std::optional<BallotRefusal> CheckBallot(const PollRecord& poll, const Command& vote) {
  const PollDefinition& definition = poll.definition;
  if (!poll.Accepts(vote.channel)) return BallotRefusal{OutcomeCode::kPollNotOpen};
  const bool channel_allowed =
      vote.channel == Channel::kPaper ? definition.paper : definition.online;
  if (!channel_allowed) return BallotRefusal{OutcomeCode::kChannelNotAllowed};
  if (vote.channel == Channel::kPaper) {
    if (definition.paper_confirm) return BallotRefusal{OutcomeCode::kFourEyes};
    if (vote.box > definition.boxes.size()) return BallotRefusal{OutcomeCode::kChannelNotAllowed};
  }
  const auto options_count = static_cast<OptionIndex>(definition.options.size());
  const BallotError error = ValidateBallot(poll.rules, options_count, vote.ballot.view());
  if (error == BallotError::kOptionOutOfRange)
    return BallotRefusal{OutcomeCode::kOptionUnknown, error};
  if (error != BallotError::kOk) return BallotRefusal{OutcomeCode::kBallotInvalid, error};
  bool names_withdrawn = false;
  ForEachNamed(poll.rules, vote.ballot.view(), [&](OptionIndex option, std::int64_t) {
    names_withdrawn = names_withdrawn || definition.options[option].withdrawn;
  });
  if (names_withdrawn) return BallotRefusal{OutcomeCode::kOptionWithdrawn};
  return std::nullopt;
}

std::optional<OptionIndex> FindOption(const PollDefinition& poll, QuestionIndex question,
                                      std::string_view id) {
  for (OptionIndex i = 0; i < poll.options.size(); ++i) {
    if (poll.options[i].question == question && poll.options[i].id == id) return i;
  }
  return std::nullopt;
}

bool NamesReleased(const BallotRules& rules, std::string_view packed) {
  if (rules.counts_for.empty()) return false;
  bool released = false;
  ForEachNamed(rules, packed, [&](OptionIndex option, std::int64_t) {
    released =
        released || (option < rules.counts_for.size() && rules.counts_for[option] == kNoOption);
  });
  return released;
}

bool PaperBeats(const PollDefinition& poll, Channel in_force, Channel next) {
  return poll.channel_rule == ChannelRule::kPaperBeatsOnline && in_force == Channel::kOnline &&
         next == Channel::kPaper;
}

OutcomeCode CheckReplacement(const PollRecord& poll, const BallotVersion& in_force,
                             const Command& vote) {
  // One person in both channels: the first ballot counts, unless paper beats what was said online.
  if (in_force.channel != vote.channel) {
    return PaperBeats(poll.definition, in_force.channel, vote.channel) ? OutcomeCode::kReplaced
                                                                       : OutcomeCode::kAlreadyVoted;
  }
  if (NamesReleased(poll.rules, in_force.payload)) return OutcomeCode::kReplaced;
  if (poll.definition.revote == RevoteRule::kRefuse) return OutcomeCode::kAlreadyVoted;
  if (in_force.version_no > poll.definition.changes_max) return OutcomeCode::kChangesExhausted;
  return OutcomeCode::kReplaced;
}

}  // namespace tallyd
