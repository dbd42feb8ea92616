#include "tests/model/poll_history.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gtest/gtest.h"

#include "tests/model/engine_driver.h"
#include "tests/model/random_marks.h"

namespace tallyd {
namespace {

constexpr int kVoters = 5;
constexpr int kOnRoll = 4;
constexpr int kKeys = 3;
constexpr int kBatches = 4;
constexpr int kClerks = 3;
constexpr int kWeightMax = 3;

bool MakesVersion(OutcomeCode code) {
  return code == OutcomeCode::kCounted || code == OutcomeCode::kReplaced ||
         code == OutcomeCode::kWithdrawn || code == OutcomeCode::kCreated ||
         code == OutcomeCode::kUpdated;
}

std::string BatchName(int batch) {
  return "b" + std::to_string(batch);
}
std::string ClerkName(int clerk) {
  return "clerk-" + std::to_string(clerk);
}

}  // namespace

HistoryRules HistoryRulesOf(std::size_t number) {
  constexpr std::array kTypes = {BallotType::kChoose, BallotType::kPoints, BallotType::kRank,
                                 BallotType::kUpDown, BallotType::kSurvey};
  constexpr std::array kRevotes = {RevoteRule::kRefuse, RevoteRule::kReplace};
  constexpr std::array kChannels = {ChannelRule::kFirst, ChannelRule::kPaperBeatsOnline,
                                    ChannelRule::kList};
  return {.type = kTypes[number % 5],
          .revote = kRevotes[number / 5 % 2],
          .channel_rule = kChannels[number / 10 % 3]};
}

PollHistory::PollHistory(std::uint64_t number, const HistoryRules& rules, std::uint64_t seed,
                         TimeUs now)
    : number_(number), random_(seed) {
  oracle_.SetTime(now);
  first_ = MakeDefinition(rules, now);
  if (Below(10) == 0) first_state_ = PollState::kDraft;
}

BallotDefinition PollHistory::AnyAnswerRules(BallotType type) {
  BallotDefinition rules;
  rules.type = type;
  rules.max = type == BallotType::kSurvey ? 0 : 1 + static_cast<std::uint32_t>(Below(3));
  if (type == BallotType::kChoose) rules.min = static_cast<std::uint32_t>(Below(2));
  if (type == BallotType::kRank && Below(2) == 0) rules.scoring = RankScoring::kBordaBallot;
  if (type == BallotType::kPoints) {
    rules.points_total = 4;
    rules.points_per_option_max = 3;
  }
  return rules;
}

PollDefinition PollHistory::MakeDefinition(const HistoryRules& rules, TimeUs now) {
  PollDefinition made;
  made.id = "history-" + std::to_string(number_);
  made.project = "model";
  made.display = "{}";
  made.ballot = AnyAnswerRules(rules.type);
  if (rules.type == BallotType::kSurvey) {
    const auto any = [this] { return HistoryRulesOf(static_cast<std::size_t>(Below(4))).type; };
    made.questions.push_back({.id = "one", .ballot = AnyAnswerRules(any()), .display = "{}"});
    made.questions.push_back({.id = "two", .ballot = AnyAnswerRules(any()), .display = "{}"});
  }
  // Ids in another order than the indexes: ties are broken by id.
  for (const char* id : {"m", "c", "x", "a"}) {
    OptionDefinition option;
    option.id = id;
    option.display = "{}";
    if (!made.questions.empty()) option.question = made.options.size() % 2;
    made.options.push_back(std::move(option));
  }
  made.boxes.push_back({.id = "box", .display = "{}"});
  made.revote = rules.revote;
  made.channel_rule = rules.channel_rule;
  made.withdraw = Below(4) != 0;
  made.changes_max = Below(2) == 0 ? 20 : static_cast<std::uint32_t>(Below(4));
  made.paper_confirm = Below(3) != 0;
  made.paper_blind = made.paper_confirm && Below(4) == 0;
  made.roll = Below(5) == 0;
  // Longer than any history: bursts end by a restart only.
  const auto burst = [this] {
    return BurstRule{.ballots = 1 + static_cast<std::uint32_t>(Below(3)), .window_s = 3'600};
  };
  if (Below(2) == 0) made.fraud.network_burst = burst();
  if (Below(3) == 0) made.fraud.poll_burst = burst();
  if (Below(5) == 0) made.weight = {.claim = "shares", .max = kWeightMax};
  if (Below(8) == 0) made.opens = now + 1'000'000 * Below(20);
  if (Below(6) == 0) made.closes = now + 1'000'000 * (20 + Below(60));
  return made;
}

Command PollHistory::Creation() {
  PutPoll put;
  put.definition = first_;
  put.initial_state = first_state_;
  put.create_only = true;
  Command command;
  command.kind = CommandKind::kAct;
  command.act = std::make_unique<Act>(std::move(put));
  return command;
}

void PollHistory::Created(const Outcome& outcome, const PollView& view,
                          std::vector<Command>* commands) {
  ASSERT_EQ(static_cast<int>(outcome.code), static_cast<int>(OutcomeCode::kCreated));
  poll_ = outcome.poll;
  oracle_.CreatePoll(poll_, first_, first_state_);
  PutRoll roll{.batch = "letters", .tags = {}, .actor = "model"};
  for (int voter = 0; voter < kVoters; ++voter) {
    tags_.push_back(view.voter_key->MakeTag("v" + std::to_string(voter)));
    if (voter >= kOnRoll) continue;
    roll.tags.push_back(tags_.back());
    oracle_.PutOnRoll(poll_, voter);
  }
  if (first_.roll) AddAct(std::move(roll), OutcomeCode::kCreated, "roll", commands);
}

void PollHistory::Next(std::vector<Command>* commands) {
  // Several within one commit at times.
  for (int count = 1 + (Below(3) == 0 ? 1 : 0) + (Below(6) == 0 ? 1 : 0); count > 0; --count) {
    const int dice = Below(36);
    if (dice < 15) {
      Vote(commands);
    } else if (dice < 18) {
      Withdraw(commands);
    } else if (dice < 19) {
      Look(commands);
    } else if (dice < 21) {
      EnterSums(commands);
    } else if (dice < 24) {
      EnterCards(commands);
    } else if (dice < 28) {
      Confirm(commands);
    } else if (dice < 30) {
      Void(commands);
    } else if (dice < 32) {
      ChangePoll(commands);
    } else {
      DecideAboutFlags(commands);
    }
  }
}

Command PollHistory::CommandOf(int voter, int key) {
  Command command;
  command.poll = poll_;
  command.tag = tags_[static_cast<std::size_t>(voter)];
  command.idempotency_print = key == 0 ? 0 : 1000 + static_cast<std::uint64_t>(key);
  return command;
}

void PollHistory::AddAct(Act act, OutcomeCode expected, std::string told,
                         std::vector<Command>* commands) {
  Command command;
  command.kind = CommandKind::kAct;
  command.poll = poll_;
  command.act = std::make_unique<Act>(std::move(act));
  commands->push_back(std::move(command));
  awaited_.push_back(
      {.expected = {.code = expected}, .cards = std::nullopt, .told = std::move(told)});
}

// A vote, or one sent before once more: a late retry if its voter has done something since.
void PollHistory::Vote(std::vector<Command>* commands) {
  OracleVote vote;
  if (!sent_.empty() && Below(5) < 2) {
    vote = sent_[static_cast<std::size_t>(Below(static_cast<int>(sent_.size())))];
  } else {
    vote.poll = poll_;
    vote.voter = Below(kVoters);
    vote.marks = AnyMarks(definition(), random_);
    vote.key = Below(2) == 0 ? 1 + Below(kKeys) : 0;
    if (Below(8) == 0) vote.if_match = 1 + static_cast<Seq>(Below(8));
    if (Below(8) == 0) vote.if_match = oracle_.InForce(poll_, vote.voter);
    if (Below(5) == 0) {
      vote.channel = Channel::kPaper;
      vote.box = 1;
    }
    vote.network = Below(3);
    if (Below(40) == 0) vote.marks = {{99, 1}};
    sent_.push_back(vote);
  }
  // Whoever votes again may weigh something else by then.
  const bool weighed = definition().weight.is_given();
  if (weighed && vote.channel == Channel::kOnline) {
    vote.weight = 1 + static_cast<std::uint32_t>(Below(kWeightMax));
  }
  Command command = CommandOf(vote.voter, vote.key);
  command.kind = CommandKind::kVote;
  command.channel = vote.channel;
  command.box = vote.box;
  command.seq = vote.if_match;
  command.ballot = Pack(definition(), vote.marks);
  if (vote.network != 0) {
    VoteExtras extras;
    extras.network = {.bytes = {static_cast<std::uint8_t>(vote.network)}, .size = 4};
    command.act = std::make_unique<Act>(extras);
  }
  if (weighed) command.ballot = PackWeighted(vote.weight, command.ballot.view());
  commands->push_back(std::move(command));
  awaited_.push_back({.expected = oracle_.Vote(vote),
                      .cards = std::nullopt,
                      .told = "vote of " + std::to_string(vote.voter)});
}

void PollHistory::Withdraw(std::vector<Command>* commands) {
  const int voter = Below(kVoters);
  const int key = Below(3) == 0 ? 1 + Below(kKeys) : 0;
  Command command = CommandOf(voter, key);
  command.kind = CommandKind::kWithdraw;
  if (Below(8) == 0) command.seq = 1 + static_cast<Seq>(Below(8));
  awaited_.push_back({.expected = oracle_.Withdraw(poll_, voter, key, command.seq),
                      .cards = std::nullopt,
                      .told = "withdrawal of " + std::to_string(voter)});
  commands->push_back(std::move(command));
}

void PollHistory::Look(std::vector<Command>* commands) {
  const int voter = Below(kVoters);
  Command command = CommandOf(voter, 0);
  Awaited awaited;
  if (Below(2) == 0) {
    command.kind = CommandKind::kLookUp;
    awaited.expected = oracle_.LookUp(poll_, voter);
    awaited.told = "look-up of " + std::to_string(voter);
  } else {
    command.kind = CommandKind::kReceipt;
    command.seq = 1 + static_cast<Seq>(Below(static_cast<int>(oracle_.LastSeq(poll_)) + 2));
    awaited.expected = oracle_.Receipt(poll_, command.seq);
    awaited.told = "receipt of " + std::to_string(command.seq);
  }
  commands->push_back(std::move(command));
  awaited_.push_back(std::move(awaited));
}

void PollHistory::EnterSums(std::vector<Command>* commands) {
  const int batch = Below(kBatches);
  PaperFigures& figures = sums_[batch];
  if (figures.cards == 0 || Below(3) == 0) {  // else the same once more
    figures = {.cards = 9,
               .invalid = static_cast<std::uint32_t>(Below(2)),
               .blank = static_cast<std::uint32_t>(Below(2)),
               .counts = {}};
    for (OptionIndex i = 0; i < definition().options.size(); ++i) {
      if (Below(2) == 0) continue;
      const auto ballots = 1 + static_cast<std::uint32_t>(Below(3));
      figures.counts.push_back({.option = i, .ballots = ballots, .score = Below(7) - 2});
    }
  }
  const int clerk = Below(kClerks);
  PutPaperBatch put;
  put.batch.id = BatchName(batch);
  put.batch.box = 1;
  put.batch.figures = figures;
  put.actor = ClerkName(clerk);
  const OutcomeCode expected = oracle_.EnterBatch(poll_, batch, figures, clerk);
  AddAct(std::move(put), expected, "sums " + BatchName(batch), commands);
}

void PollHistory::EnterCards(std::vector<Command>* commands) {
  const int batch = Below(kBatches);
  const int clerk = Below(kClerks);
  std::vector<OracleCard>& cards = cards_[batch];
  if (cards.empty() || Below(3) == 0) {  // else the same once more
    cards.clear();
    for (int i = Below(4) + 1; i > 0; --i) {
      cards.push_back({Below(kVoters), AnyMarks(definition(), random_)});
    }
  }
  PutPaperCards put;
  put.batch_id = BatchName(batch);
  put.actor = ClerkName(clerk);
  for (const OracleCard& card : cards) {
    PackedBallot packed = Pack(definition(), card.marks);
    if (definition().weight.is_given()) packed = PackWeighted(1, packed.view());
    put.cards.push_back({.tag = tags_[static_cast<std::size_t>(card.voter)],
                         .payload = std::string(packed.view())});
  }
  PaperBatch& head = put.batch.emplace();
  head.id = put.batch_id;
  head.box = 1;
  head.by_cards = true;
  head.figures.invalid = 1;
  head.figures.cards = 1 + static_cast<std::uint32_t>(cards.size());
  const OutcomeCode expected = oracle_.EnterCards(poll_, batch, cards, 1, clerk);
  AddAct(std::move(put), expected, "cards " + BatchName(batch), commands);
  if (expected == OutcomeCode::kCreated && !definition().paper_confirm) {
    awaited_.back().cards = oracle_.CardOutcomes(poll_, batch);
  }
}

// By the same person at times, without or with a second entry, which may be another one.
void PollHistory::Confirm(std::vector<Command>* commands) {
  const int batch = Below(kBatches);
  const int clerk = Below(kClerks);
  ConfirmPaperBatch confirm{
      .batch = BatchName(batch), .second = std::nullopt, .actor = ClerkName(clerk)};
  std::optional<PaperFigures> second;
  if (Below(2) == 0) {
    second = oracle_.Figures(poll_, batch);
    if (second && Below(4) == 0) ++second->cards;
    if (second) confirm.second = {.box = {}, .seal = {}, .figures = *second};
  }
  const OutcomeCode expected = oracle_.Confirm(poll_, batch, clerk, second);
  AddAct(std::move(confirm), expected, "confirm " + BatchName(batch), commands);
  if (expected == OutcomeCode::kUpdated) awaited_.back().cards = oracle_.CardOutcomes(poll_, batch);
}

void PollHistory::Void(std::vector<Command>* commands) {
  const int batch = Below(kBatches);
  VoidPaperBatch taken{.batch = BatchName(batch), .reason = "wrong", .actor = "chief"};
  const OutcomeCode expected = oracle_.Void(poll_, batch);
  AddAct(std::move(taken), expected, "void " + BatchName(batch), commands);
}

// Of a group that is there as a rule; a look at it now and then.
void PollHistory::DecideAboutFlags(std::vector<Command>* commands) {
  const int group = 1 + Below(std::max(1, oracle_.FlagGroups(poll_) + (Below(8) == 0 ? 1 : 0)));
  const bool there = group <= oracle_.FlagGroups(poll_);
  const auto number = static_cast<FlagGroupNumber>(group);
  if (Below(5) == 0) {
    AddAct(ReadFlags{.group = number}, there ? OutcomeCode::kFound : OutcomeCode::kFlagsNotFound,
           "flags " + std::to_string(group), commands);
  } else {
    const auto to = static_cast<FlagState>(1 + Below(3));
    const OutcomeCode expected = oracle_.DecideFlags(poll_, group, to);
    AddAct(DecideFlags{.group = number,
                       .to = to,
                       .reason = "model",
                       .if_revision = std::nullopt,
                       .actor = "chief"},
           expected, "decision on flags " + std::to_string(group), commands);
    if (expected == OutcomeCode::kUpdated) ++counts_.flag_decisions;
  }
  const OutcomeCode code = awaited_.back().expected.code;
  if (there && code != OutcomeCode::kPollNotOpen) {
    awaited_.back().flags = oracle_.GroupOf(poll_, group);
  }
}

void PollHistory::ChangePoll(std::vector<Command>* commands) {
  const int dice = Below(7);
  if (dice == 0) {
    PutPoll put;
    put.definition = definition();
    put.definition.changes_max = put.definition.changes_max == 1 ? 2 : 1;
    const OutcomeCode expected = oracle_.ReplacePoll(poll_, put.definition);
    return AddAct(std::move(put), expected, "frozen change", commands);
  }
  if (dice == 6) {  // the rules of bursts are no rules of the count
    PutPoll put;
    put.definition = definition();
    put.definition.fraud.poll_burst = {.ballots = 1 + static_cast<std::uint32_t>(Below(3)),
                                       .window_s = 3'600};
    const OutcomeCode expected = oracle_.ReplacePoll(poll_, put.definition);
    return AddAct(std::move(put), expected, "another burst rule", commands);
  }
  if (dice < 3) {
    const auto to = static_cast<PollState>(Below(5));
    // Without the ends of a poll's life being hit too early.
    if ((to == PollState::kClosed || to == PollState::kFinal) && Below(3) != 0) return;
    const OutcomeCode expected = oracle_.Transition(poll_, to);
    return AddAct(TransitionPoll{.to = to, .actor = "model"}, expected, "transition", commands);
  }
  const OptionIndex option = AnyOption();
  const OptionIndex into = AnyOption();
  const auto fate = static_cast<OptionFate>(Below(3));
  WithdrawOption act;
  act.question = definition().options[option].question;
  act.option = definition().options[option].id;
  act.fate = fate;
  if (fate == OptionFate::kMoved) act.into = definition().options[into].id;
  act.reason = "model";
  const OutcomeCode expected = oracle_.WithdrawOption(poll_, option, fate, into);
  if (expected == OutcomeCode::kUpdated) ++counts_.fates;
  AddAct(std::move(act), expected,
         "fate " + std::to_string(static_cast<int>(fate)) + " of " + std::to_string(option) +
             " into " + std::to_string(into),
         commands);
}

void PollHistory::Compare(const Outcome& outcome) {
  ASSERT_LT(compared_, awaited_.size());
  const Awaited& awaited = awaited_[compared_++];
  const Expected& expected = awaited.expected;
  ++counts_.commands;
  if (expected.code == OutcomeCode::kReplaced) ++counts_.changes;
  if (expected.code == OutcomeCode::kWithdrawn) ++counts_.withdrawals;
  if (expected.code == OutcomeCode::kDuplicate) {
    ++(expected.in_force ? counts_.retries_in_force : counts_.late_retries);
  }
  if (!MakesVersion(expected.code)) ++counts_.refused;
  ASSERT_EQ(static_cast<int>(outcome.code), static_cast<int>(expected.code))
      << awaited.told << " (command " << compared_ << " of the poll) " << outcome.detail;
  if (expected.seq != 0) {
    EXPECT_EQ(outcome.seq, expected.seq) << awaited.told;
    EXPECT_EQ(outcome.in_force, expected.in_force) << awaited.told;
    const bool names_another =
        expected.code == OutcomeCode::kReplaced || expected.code == OutcomeCode::kWithdrawn;
    if (names_another && expected.replaces != 0) {
      EXPECT_EQ(outcome.replaces, expected.replaces) << awaited.told;
    }
  }
  if (awaited.flags) {
    const FlagGroupView& group = outcome.flags->groups.at(0);
    EXPECT_EQ(static_cast<int>(group.group.state), static_cast<int>(awaited.flags->state));
    EXPECT_EQ(group.voters_count, awaited.flags->voters) << awaited.told;
    EXPECT_EQ(group.figures->ballots, awaited.flags->ballots) << awaited.told;
    counts_.held_ballots += group.figures->ballots;
  }
  if (!awaited.cards) return;
  EXPECT_EQ(outcome.paper->batches.at(0).outcomes, *awaited.cards) << awaited.told;
  counts_.cards += awaited.cards->size();
  counts_.cards_met_online += static_cast<std::uint64_t>(
      std::count_if(awaited.cards->begin(), awaited.cards->end(), [](const CardOutcome& card) {
        return card.result == CardResult::kBeatsOnline || card.result == CardResult::kVotedOnline;
      }));
}

void PollHistory::CompareRanking(const RankingSnapshot& snapshot) const {
  const ExpectedRanking expected = oracle_.Ranking(poll_);
  EXPECT_EQ(snapshot.state, expected.state);
  EXPECT_EQ(snapshot.totals.ballots(), static_cast<std::uint64_t>(expected.ballots));
  EXPECT_EQ(snapshot.totals.online, static_cast<std::uint64_t>(expected.online));
  EXPECT_EQ(snapshot.totals.paper, static_cast<std::uint64_t>(expected.paper));
  EXPECT_EQ(snapshot.totals.blank, static_cast<std::uint64_t>(expected.blank));
  EXPECT_EQ(snapshot.totals.invalid, static_cast<std::uint64_t>(expected.invalid));
  EXPECT_EQ(snapshot.totals.quarantined, static_cast<std::uint64_t>(expected.quarantined));
  EXPECT_EQ(snapshot.totals.voided, static_cast<std::uint64_t>(expected.voided));
  const std::vector<ExpectedRow> served = RowsOf(snapshot);
  ASSERT_EQ(served.size(), expected.rows.size());
  for (std::size_t i = 0; i < expected.rows.size(); ++i) {
    EXPECT_TRUE(served[i] == expected.rows[i])
        << "place " << i << ": " << served[i].option << " score " << served[i].score << " of "
        << expected.rows[i].option << ' ' << expected.rows[i].score;
  }
}

}  // namespace tallyd
