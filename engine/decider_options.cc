// Withdrawing an option and merging it into another: what becomes of its votes.

#include <algorithm>
#include <array>
#include <utility>

#include "engine/decider.h"
#include "engine/limits.h"
#include "engine/poll_rules.h"
#include "storage/check.h"

namespace tallyd {
namespace {

// What a ballot gives to each of two groups of options, and to both taken together.
struct Given {
  std::int64_t score = 0;
  bool named = false;
};

Given GivenTo(const BallotRules& rules, std::string_view packed, OptionIndex option) {
  Given given;
  ForEachScore(rules, packed, [&](OptionIndex named, std::int64_t score) {
    if (named == option) given = {score, true};
  });
  return given;
}

// Why the votes cannot be moved or released; "" if they can.
std::string WhyNot(const PollRecord& poll, const WithdrawOption& act, OptionIndex option) {
  if (!poll.opened_once) return "there are no votes yet: the poll has not opened";
  const bool two = MayNameTwo(RulesOfQuestion(poll.rules, act.question));
  if (act.fate == OptionFate::kMoved && two && poll.paper.Names(option)) {
    return "paper batches name the option by sums, which do not say how many cards name both: "
           "void them and count those cards under the other option";
  }
  if (act.fate == OptionFate::kMoved && two && poll.next_seq > kMergeVersionsMax) {
    return "the poll has too many ballots to look through";
  }
  return "";
}

}  // namespace

FateOverlap Decider::FindOverlap(const PollRecord& poll, OptionIndex option, OptionIndex into) {
  FateOverlap overlap;
  const QuestionIndex question = poll.definition.options[option].question;
  if (!MayNameTwo(RulesOfQuestion(poll.rules, question))) return overlap;
  BallotRules merged = poll.rules;
  SetCountsFor(option, into, poll.definition.options.size(), &merged);
  state_.voters->ForEachNewest(poll.number, [&](const BallotVersion& version) {
    if (version.withdrawn) return;
    if (version.channel == Channel::kOnline && poll.flags.HeldAs(version.tag)) return;
    const Given from = GivenTo(poll.rules, version.payload, option);
    const Given to = GivenTo(poll.rules, version.payload, into);
    if (!from.named || !to.named) return;
    const Given together = GivenTo(merged, version.payload, into);
    ++overlap.ballots;
    (version.channel == Channel::kPaper ? overlap.paper : overlap.online) +=
        from.score + to.score - together.score;
  });
  return overlap;
}

Outcome Decider::DecideWithdrawOption(PollNumber number, const WithdrawOption& act,
                                      DecidedBatch* batch) {
  const PollRecord* poll = state_.polls->Find(number);
  if (poll == nullptr) return Answer(OutcomeCode::kNotFound, 0);
  const auto refuse = [&](OutcomeCode code, std::string detail = {}) {
    return Answer(code, poll->revision, std::move(detail));
  };
  if (act.if_revision && *act.if_revision != poll->revision) {
    return refuse(OutcomeCode::kRevisionMismatch);
  }
  const auto option = FindOption(poll->definition, act.question, act.option);
  if (!option) return refuse(OutcomeCode::kOptionNotFound);
  const OptionDefinition& present = poll->definition.options[*option];
  const bool moved = act.fate == OptionFate::kMoved;
  const auto into =
      moved ? FindOption(poll->definition, act.question, act.into) : std::optional<OptionIndex>(0);
  if (!into) return refuse(OutcomeCode::kOptionUnknown, "into names no option of the question");
  if (present.withdrawn && present.fate == act.fate && present.counts_for == *into) {
    return refuse(OutcomeCode::kUnchanged);
  }
  if (poll->state == PollState::kFinal) {
    return refuse(OutcomeCode::kRulesFrozen, "/ (the poll is final)");
  }
  // Votes that stayed may still be moved or released; what was done with them is not undone.
  if (present.withdrawn && (present.fate != OptionFate::kKept || act.fate == OptionFate::kKept)) {
    return refuse(OutcomeCode::kFateNotPossible, "its votes were moved or released before");
  }
  if (moved && *into == *option) {
    return refuse(OutcomeCode::kFateNotPossible, "an option cannot be merged into itself");
  }
  if (moved && poll->definition.options[*into].withdrawn) {
    return refuse(OutcomeCode::kFateNotPossible, "the other option is withdrawn");
  }
  if (act.fate != OptionFate::kKept) {
    if (std::string why = WhyNot(*poll, act, *option); !why.empty()) {
      return refuse(OutcomeCode::kFateNotPossible, std::move(why));
    }
  }
  const bool running = poll->state == PollState::kOpen || poll->state == PollState::kPaused;
  if (act.fate == OptionFate::kReleased && !running) {
    return refuse(OutcomeCode::kFateNotPossible, "the poll is closed: nobody could vote again");
  }
  OptionFateEntry entry{.poll = number,
                        .option = *option,
                        .fate = act.fate,
                        .into = *into,
                        .overlap = {},
                        .reason = act.reason,
                        .actor = act.actor};
  if (moved) entry.overlap = FindOverlap(*poll, *option, *into);
  batch->record.AddOptionFate(entry);
  TALLYD_CHECK(state_.polls->Apply(entry, batch->position));
  TouchPoll(number);
  return Answer(OutcomeCode::kUpdated, batch->position);
}

}  // namespace tallyd
