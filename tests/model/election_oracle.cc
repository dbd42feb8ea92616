#include "tests/model/election_oracle.h"

#include <algorithm>
#include <tuple>

namespace tallyd {
namespace {

// Order means something only in a ranking, values only where voters give them.
Marks CanonicalAnswer(BallotType type, Marks marks) {
  if (type != BallotType::kPoints && type != BallotType::kUpDown) {
    for (auto& [option, value] : marks) value = 0;
  }
  if (type != BallotType::kRank) std::sort(marks.begin(), marks.end());
  return marks;
}

QuestionIndex QuestionOf(const PollDefinition& poll, OptionIndex option) {
  return option < poll.options.size() ? poll.options[option].question : 0;
}

const BallotDefinition& RulesOf(const PollDefinition& poll, QuestionIndex question) {
  return poll.questions.empty() ? poll.ballot : poll.questions[question].ballot;
}

Marks AnswerTo(const PollDefinition& poll, QuestionIndex question, const Marks& marks) {
  Marks answer;
  for (const auto& mark : marks) {
    if (QuestionOf(poll, mark.first) == question) answer.push_back(mark);
  }
  return answer;
}

}  // namespace

// A survey is its questions' ballots, one after the other.
Marks CanonicalMarks(const PollDefinition& poll, const Marks& marks) {
  if (poll.questions.empty()) return CanonicalAnswer(poll.ballot.type, marks);
  Marks whole;
  for (QuestionIndex i = 0; i < poll.questions.size(); ++i) {
    const Marks answer = CanonicalAnswer(poll.questions[i].ballot.type, AnswerTo(poll, i, marks));
    whole.insert(whole.end(), answer.begin(), answer.end());
  }
  return whole;
}

namespace {

std::int64_t Score(const BallotDefinition& rules, const Marks& marks, std::size_t place) {
  switch (rules.type) {
    case BallotType::kChoose:
      return 1;
    case BallotType::kPoints:
    case BallotType::kUpDown:
      return marks[place].second;
    case BallotType::kRank:
      break;
    case BallotType::kSurvey:
      return 0;  // has no score of its own
  }
  const std::size_t length = rules.scoring == RankScoring::kBorda ? rules.max : marks.size();
  return static_cast<std::int64_t>(length) - static_cast<std::int64_t>(place);
}

bool ArrowExists(PollState from, PollState to) {
  static const std::map<PollState, std::vector<PollState>> arrows = {
      {PollState::kDraft, {PollState::kOpen}},
      {PollState::kOpen, {PollState::kPaused, PollState::kClosed}},
      {PollState::kPaused, {PollState::kOpen, PollState::kClosed}},
      {PollState::kClosed, {PollState::kFinal}},
      {PollState::kFinal, {}}};
  const auto& targets = arrows.at(from);
  return std::find(targets.begin(), targets.end(), to) != targets.end();
}

bool NamesWithdrawnOption(const PollDefinition& definition, const Marks& marks) {
  return std::any_of(marks.begin(), marks.end(),
                     [&](const auto& mark) { return definition.options[mark.first].withdrawn; });
}

bool NamesUnknownOption(const PollDefinition& definition, const Marks& marks) {
  return std::any_of(marks.begin(), marks.end(),
                     [&](const auto& mark) { return mark.first >= definition.options.size(); });
}

// Whom a mark counts for now; nothing if its votes were released.
std::optional<OptionIndex> CountsFor(const PollDefinition& definition, OptionIndex option) {
  const OptionDefinition& named = definition.options[option];
  if (named.fate == OptionFate::kReleased) return std::nullopt;
  return named.fate == OptionFate::kMoved ? CountsFor(definition, named.counts_for) : option;
}

bool NamesReleasedOption(const PollDefinition& definition, const Marks& marks) {
  return std::any_of(marks.begin(), marks.end(), [&](const auto& mark) {
    return !CountsFor(definition, mark.first).has_value();
  });
}

// One ballot gives once to options that count together.
std::int64_t Together(BallotType type, std::int64_t a, std::int64_t b) {
  return type == BallotType::kPoints || type == BallotType::kUpDown ? a + b : std::max(a, b);
}

Expected Refused(OutcomeCode code) {
  return {.code = code};
}

}  // namespace

std::vector<std::pair<OptionIndex, std::int64_t>> ScoresOf(const PollDefinition& poll,
                                                           const Marks& marks) {
  std::vector<std::pair<OptionIndex, std::int64_t>> scores;
  const std::size_t questions = std::max<std::size_t>(1, poll.questions.size());
  for (QuestionIndex question = 0; question < questions; ++question) {
    const Marks answer = AnswerTo(poll, question, marks);
    for (std::size_t place = 0; place < answer.size(); ++place) {
      scores.emplace_back(answer[place].first, Score(RulesOf(poll, question), answer, place));
    }
  }
  return scores;
}

bool OneMayNameTwo(const PollDefinition& poll, OptionIndex option) {
  const BallotDefinition& rules = RulesOf(poll, QuestionOf(poll, option));
  const bool has_max = rules.type == BallotType::kChoose || rules.type == BallotType::kRank;
  return !has_max || rules.max > 1;
}

void ElectionOracle::EnterState(Poll& poll, PollState to) {
  poll.state = to;
  // Opened by hand before its window begins, a poll only waits for it.
  const bool window_began = !poll.definition.opens || *poll.definition.opens <= now_;
  if (to == PollState::kOpen && window_began) poll.opened = true;
}

void ElectionOracle::SetTime(TimeUs now) {
  now_ = now;
  for (auto& [number, poll] : polls_) {
    if (poll.state == PollState::kOpen && !poll.opened) EnterState(poll, PollState::kOpen);
    const bool running = poll.state == PollState::kOpen || poll.state == PollState::kPaused;
    if (running && poll.definition.closes && *poll.definition.closes <= now) {
      EnterState(poll, PollState::kClosed);
    }
  }
}

void ElectionOracle::CreatePoll(PollNumber number, PollDefinition definition, PollState state) {
  Poll poll;
  poll.definition = std::move(definition);
  EnterState(poll, state);
  polls_[number] = std::move(poll);
}

OutcomeCode ElectionOracle::ReplacePoll(PollNumber number, const PollDefinition& next) {
  Poll& poll = polls_.at(number);
  const PollDefinition& old = poll.definition;
  if (next == old) return OutcomeCode::kUnchanged;
  if (poll.opened) {
    bool frozen = poll.state == PollState::kFinal || !(next.ballot == old.ballot) ||
                  next.questions != old.questions || next.revote != old.revote ||
                  next.changes_max != old.changes_max || next.withdraw != old.withdraw ||
                  next.channel_rule != old.channel_rule || next.opens != old.opens ||
                  next.options.size() < old.options.size();
    for (std::size_t i = 0; !frozen && i < old.options.size(); ++i) {
      frozen = next.options[i].fate != old.options[i].fate ||
               next.options[i].id != old.options[i].id ||
               next.options[i].cost != old.options[i].cost;
    }
    if (frozen) return OutcomeCode::kRulesFrozen;
  }
  poll.definition = next;
  return OutcomeCode::kUpdated;
}

OutcomeCode ElectionOracle::WithdrawOption(PollNumber number, OptionIndex option, OptionFate fate,
                                           OptionIndex into) {
  Poll& poll = polls_.at(number);
  OptionDefinition& named = poll.definition.options.at(option);
  const bool moved = fate == OptionFate::kMoved;
  if (moved && poll.definition.options.at(into).question != named.question) {
    return OutcomeCode::kOptionUnknown;
  }
  if (named.withdrawn && named.fate == fate && (!moved || named.counts_for == into)) {
    return OutcomeCode::kUnchanged;
  }
  if (poll.state == PollState::kFinal) return OutcomeCode::kRulesFrozen;
  const bool done = named.withdrawn && (named.fate != OptionFate::kKept || fate == named.fate);
  const bool circle = moved && (into == option || poll.definition.options.at(into).withdrawn);
  if (done || circle) return OutcomeCode::kFateNotPossible;
  if (fate != OptionFate::kKept && !poll.opened) return OutcomeCode::kFateNotPossible;
  if (fate == OptionFate::kReleased && poll.state == PollState::kClosed) {
    return OutcomeCode::kFateNotPossible;
  }
  for (const auto& [id, batch] : poll.paper) {
    if (!moved || batch.voided || !OneMayNameTwo(poll.definition, option)) continue;
    for (const PaperCount& count : batch.figures.counts) {
      if (count.option == option) return OutcomeCode::kFateNotPossible;
    }
  }
  named.withdrawn = true;
  named.fate = fate;
  named.counts_for = moved ? into : 0;
  return OutcomeCode::kUpdated;
}

OutcomeCode ElectionOracle::Transition(PollNumber number, PollState to) {
  Poll& poll = polls_.at(number);
  if (poll.state == to) return OutcomeCode::kUnchanged;
  if (!ArrowExists(poll.state, to)) return OutcomeCode::kTransitionNotAllowed;
  EnterState(poll, to);
  return OutcomeCode::kUpdated;
}

// Closed ends online votes, paper goes on; final freezes everything.
bool ElectionOracle::Accepts(const Poll& poll, Channel channel) const {
  if (!poll.opened) return false;
  if (poll.state == PollState::kOpen) return true;
  return channel == Channel::kPaper && poll.state == PollState::kClosed;
}

Expected ElectionOracle::Vote(const OracleVote& vote) {
  Poll& poll = polls_.at(vote.poll);
  const PollDefinition& rules = poll.definition;
  const Marks marks = CanonicalMarks(rules, vote.marks);
  if (rules.roll && !poll.roll.contains(vote.voter)) return Refused(OutcomeCode::kNotOnRoll);
  History& history = poll.voters[vote.voter];
  const Version* newest = history.empty() ? nullptr : &history.back();
  const Version* in_force = newest != nullptr && !newest->withdrawn ? newest : nullptr;

  // The newest with that key: an online ballot that a void put back in force has it again.
  for (auto at = history.rbegin(); at != history.rend(); ++at) {
    const Version& version = *at;
    if (vote.key == 0 || version.key != vote.key) continue;
    if (version.withdrawn || version.marks != marks) return Refused(OutcomeCode::kKeyReused);
    return {.code = OutcomeCode::kDuplicate, .seq = version.seq, .in_force = &version == in_force};
  }
  const bool beaten = in_force != nullptr && in_force->channel == Channel::kOnline &&
                      vote.channel == Channel::kPaper &&
                      rules.channel_rule == ChannelRule::kPaperBeatsOnline;
  if (in_force != nullptr && in_force->marks == marks && !beaten) {
    return {.code = OutcomeCode::kDuplicate, .seq = in_force->seq};
  }
  if (!Accepts(poll, vote.channel)) return Refused(OutcomeCode::kPollNotOpen);
  if (vote.channel == Channel::kPaper && rules.paper_confirm)
    return Refused(OutcomeCode::kFourEyes);
  if (NamesUnknownOption(rules, marks)) return Refused(OutcomeCode::kOptionUnknown);
  if (NamesWithdrawnOption(rules, marks)) return Refused(OutcomeCode::kOptionWithdrawn);
  if (vote.if_match != 0 && (in_force == nullptr || in_force->seq != vote.if_match)) {
    return Refused(OutcomeCode::kVersionMismatch);
  }
  if (in_force != nullptr && !beaten) {
    if (in_force->channel != vote.channel) return Refused(OutcomeCode::kAlreadyVoted);
  }
  // Whose votes were released may vote again, whatever the rule of changes.
  const bool released = in_force != nullptr && NamesReleasedOption(rules, in_force->marks);
  if (in_force != nullptr && !released && !beaten && rules.revote == RevoteRule::kRefuse) {
    return Refused(OutcomeCode::kAlreadyVoted);
  }
  // The first version is no change; every later one is, a withdrawal included.
  if (!released && !beaten && history.size() > rules.changes_max) {
    return Refused(OutcomeCode::kChangesExhausted);
  }

  const bool first = history.empty();
  const Seq replaces = in_force != nullptr ? in_force->seq : 0;
  const Seq seq = poll.next_seq++;
  history.push_back({.seq = seq,
                     .withdrawn = false,
                     .marks = marks,
                     .channel = vote.channel,
                     .box = vote.box,
                     .key = vote.key,
                     .replaces = replaces,
                     .weight = vote.weight});
  if (first && vote.channel == Channel::kOnline) NoteBallot(poll, vote.voter, vote.network);
  return {.code = replaces != 0 ? OutcomeCode::kReplaced : OutcomeCode::kCounted,
          .seq = seq,
          .replaces = replaces};
}

Expected ElectionOracle::Withdraw(PollNumber number, int voter, int key, Seq if_match) {
  Poll& poll = polls_.at(number);
  History& history = poll.voters[voter];
  if (history.empty()) return Refused(OutcomeCode::kNoBallot);
  const auto answer = [](const Version& withdrawal) {
    return Expected{.code = OutcomeCode::kWithdrawn,
                    .seq = withdrawal.seq,
                    .replaces = withdrawal.replaces,
                    .in_force = false};
  };
  for (auto at = history.rbegin(); at != history.rend(); ++at) {
    const Version& version = *at;
    if (key == 0 || version.key != key) continue;
    return version.withdrawn ? answer(version) : Refused(OutcomeCode::kKeyReused);
  }
  const Version newest = history.back();
  if (newest.withdrawn) return answer(newest);
  if (!poll.definition.withdraw || newest.channel == Channel::kPaper) {
    return Refused(OutcomeCode::kWithdrawNotAllowed);
  }
  if (!Accepts(poll, Channel::kOnline)) return Refused(OutcomeCode::kPollNotOpen);
  if (if_match != 0 && newest.seq != if_match) return Refused(OutcomeCode::kVersionMismatch);
  history.push_back({.seq = poll.next_seq++,
                     .withdrawn = true,
                     .marks = {},
                     .channel = newest.channel,
                     .box = newest.box,
                     .key = key,
                     .replaces = newest.seq});
  return answer(history.back());
}

Expected ElectionOracle::LookUp(PollNumber number, int voter) const {
  const Poll& poll = polls_.at(number);
  const auto found = poll.voters.find(voter);
  if (found == poll.voters.end() || found->second.empty()) return Refused(OutcomeCode::kNoBallot);
  const Version& newest = found->second.back();
  if (newest.withdrawn) {
    return {.code = OutcomeCode::kWithdrawn,
            .seq = newest.seq,
            .replaces = newest.replaces,
            .in_force = false};
  }
  return {.code = OutcomeCode::kFound, .seq = newest.seq};
}

Expected ElectionOracle::Receipt(PollNumber number, Seq seq) const {
  for (const auto& [voter, history] : polls_.at(number).voters) {
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (history[i].seq != seq) continue;
      // What became of a version is what came after it.
      const bool newest = i + 1 == history.size();
      const bool withdrawn = newest ? history[i].withdrawn : history[i + 1].withdrawn;
      Expected expected{.code = newest ? OutcomeCode::kFound : OutcomeCode::kSuperseded,
                        .seq = seq};
      if (newest && HeldAs(polls_.at(number), voter, history[i]) == FlagState::kVoided) {
        expected.code = OutcomeCode::kVoided;
      }
      if (withdrawn) expected.code = OutcomeCode::kWithdrawn;
      expected.in_force = newest && !withdrawn;
      return expected;
    }
  }
  return Refused(OutcomeCode::kUnknown);
}

Seq ElectionOracle::InForce(PollNumber number, int voter) const {
  const Poll& poll = polls_.at(number);
  const auto found = poll.voters.find(voter);
  if (found == poll.voters.end() || found->second.empty()) return 0;
  return found->second.back().withdrawn ? 0 : found->second.back().seq;
}

ExpectedRanking ElectionOracle::Ranking(PollNumber number) const {
  const Poll& poll = polls_.at(number);
  ExpectedRanking ranking;
  ranking.state = poll.state;
  for (const OptionDefinition& option : poll.definition.options) {
    ranking.rows.push_back({.question = option.question, .option = option.id});
  }
  for (const auto& [id, batch] : poll.paper) {
    if (!batch.counts) continue;
    const PaperFigures& figures = batch.figures;
    ranking.ballots += figures.cards - figures.invalid;
    ranking.paper += figures.cards - figures.invalid;
    ranking.blank += figures.blank;
    ranking.invalid += figures.invalid;
    for (const PaperCount& count : figures.counts) {
      const auto option = CountsFor(poll.definition, count.option);
      if (!option) continue;
      ExpectedRow& row = ranking.rows[*option];
      row.ballots += count.ballots;
      row.score += count.score;
      row.paper += count.score;
    }
  }
  for (const auto& [voter, history] : poll.voters) {
    if (history.empty() || history.back().withdrawn) continue;
    const Version& ballot = history.back();
    const bool online = ballot.channel == Channel::kOnline;
    if (const FlagState state = HeldAs(poll, voter, ballot); IsHeld(state)) {
      ++(state == FlagState::kVoided ? ranking.voided : ranking.quarantined);
      continue;
    }
    ++ranking.ballots;
    ++(online ? ranking.online : ranking.paper);
    if (ballot.marks.empty()) ++ranking.blank;
    const std::size_t questions = std::max<std::size_t>(1, poll.definition.questions.size());
    for (QuestionIndex question = 0; question < questions; ++question) {
      const Marks answer = AnswerTo(poll.definition, question, ballot.marks);
      const BallotDefinition& rules = RulesOf(poll.definition, question);
      std::map<OptionIndex, std::int64_t> given;
      for (std::size_t place = 0; place < answer.size(); ++place) {
        const auto option = CountsFor(poll.definition, answer[place].first);
        if (!option) continue;
        const std::int64_t score = Score(rules, answer, place);
        const auto [at, first] = given.emplace(*option, score);
        if (!first) at->second = Together(rules.type, at->second, score);
      }
      for (const auto& [option, sum] : given) {
        const bool updown = rules.type == BallotType::kUpDown;
        const std::int64_t once = updown ? std::clamp<std::int64_t>(sum, -1, 1) : sum;
        const std::int64_t score = ballot.weight * once;
        ExpectedRow& row = ranking.rows[option];
        row.score += score;
        ++row.ballots;
        (online ? row.online : row.paper) += score;
      }
    }
  }
  for (ExpectedRow& row : ranking.rows) {
    row.rank =
        1 + std::count_if(ranking.rows.begin(), ranking.rows.end(), [&](const ExpectedRow& other) {
          return other.question == row.question && other.score > row.score;
        });
  }
  std::sort(ranking.rows.begin(), ranking.rows.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.question, a.rank, a.option) < std::tuple(b.question, b.rank, b.option);
  });
  return ranking;
}

}  // namespace tallyd
