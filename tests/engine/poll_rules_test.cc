#include "engine/poll_rules.h"

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"

namespace tallyd {
namespace {

constexpr PollState kStates[] = {PollState::kDraft, PollState::kOpen, PollState::kPaused,
                                 PollState::kClosed, PollState::kFinal};

PollDefinition Definition() {
  PollDefinition definition;
  definition.id = "parks";
  definition.project = "city";
  definition.ballot = {.type = BallotType::kChoose, .min = 1, .max = 2};
  definition.options = {Option("a", "{}"), Option("b"), Option("c")};
  definition.options[0].cost = 10;
  definition.boxes = {Box("library", "{}"), Box("school")};
  definition.opens = 1'000;
  definition.closes = 2'000;
  definition.display = "{}";
  definition.paper_confirm = false;
  return definition;
}

PollRecord OpenPoll() {
  PollRecord poll;
  poll.number = 1;
  poll.definition = Definition();
  poll.rules = RulesOf(poll.definition);
  poll.state = PollState::kOpen;
  poll.opened_once = true;
  return poll;
}

Command Vote(std::vector<OptionIndex> options) {
  Command vote;
  vote.poll = 1;
  vote.ballot = PackChoose(absl::MakeSpan(options));
  return vote;
}

TEST(TransitionTest, TheTableIsComplete) {
  const std::set<std::pair<PollState, PollState>> allowed = {
      {PollState::kDraft, PollState::kOpen},    {PollState::kOpen, PollState::kPaused},
      {PollState::kOpen, PollState::kClosed},   {PollState::kPaused, PollState::kOpen},
      {PollState::kPaused, PollState::kClosed}, {PollState::kClosed, PollState::kFinal},
  };
  for (const PollState from : kStates) {
    for (const PollState to : kStates) {
      EXPECT_EQ(TransitionAllowed(from, to), allowed.contains({from, to}))
          << int(from) << " -> " << int(to);
    }
  }
}

struct Change {
  std::string frozen;  // what the answer begins with; "" = allowed
  std::function<void(PollDefinition&)> make;
};

std::vector<Change> Changes() {
  return {
      {"/project", [](PollDefinition& d) { d.project = "other"; }},
      {"/ballot", [](PollDefinition& d) { d.ballot.type = BallotType::kRank; }},
      {"/ballot", [](PollDefinition& d) { d.ballot.min = 0; }},
      {"/ballot", [](PollDefinition& d) { d.ballot.max = 3; }},
      {"/ballot", [](PollDefinition& d) { d.ballot.points_total = 1; }},
      {"/ballot", [](PollDefinition& d) { d.ballot.points_per_option_max = 1; }},
      {"/ballot", [](PollDefinition& d) { d.ballot.scoring = RankScoring::kBordaBallot; }},
      {"/opens", [](PollDefinition& d) { d.opens = 999; }},
      {"/opens", [](PollDefinition& d) { d.opens.reset(); }},
      {"/closes", [](PollDefinition& d) { d.closes = 1'999; }},
      {"/revote", [](PollDefinition& d) { d.revote = RevoteRule::kReplace; }},
      {"/changes_max", [](PollDefinition& d) { d.changes_max = 21; }},
      {"/withdraw", [](PollDefinition& d) { d.withdraw = true; }},
      {"/channels", [](PollDefinition& d) { d.online = false; }},
      {"/channels", [](PollDefinition& d) { d.paper = false; }},
      {"/channel_rule", [](PollDefinition& d) { d.channel_rule = ChannelRule::kList; }},
      {"/paper/confirm", [](PollDefinition& d) { d.paper_confirm = true; }},
      {"/options (a is missing)", [](PollDefinition& d) { d.options.erase(d.options.begin()); }},
      {"/options (cost of a)", [](PollDefinition& d) { d.options[0].cost = 11; }},
      {"/boxes (school is missing)", [](PollDefinition& d) { d.boxes.pop_back(); }},
      {"", [](PollDefinition&) {}},
      {"", [](PollDefinition& d) { d.closes = 2'001; }},
      {"", [](PollDefinition& d) { d.closes.reset(); }},
      {"", [](PollDefinition& d) { d.display = "{\"title\":\"x\"}"; }},
      {"", [](PollDefinition& d) { d.options[0].display = "{\"title\":\"x\"}"; }},
      {"", [](PollDefinition& d) { d.options[0].withdrawn = true; }},
      {"", [](PollDefinition& d) { d.options.insert(d.options.begin(), Option("new")); }},
      {"", [](PollDefinition& d) { std::swap(d.options[0], d.options[2]); }},
      {"", [](PollDefinition& d) { d.boxes.push_back(Box("station")); }},
      {"", [](PollDefinition& d) { d.boxes[0].display = "{\"title\":\"x\"}"; }},
  };
}

TEST(FrozenTest, EachRuleIsFrozenAfterTheFirstOpening) {
  PollRecord poll = OpenPoll();
  for (const PollState state : {PollState::kOpen, PollState::kPaused, PollState::kClosed}) {
    poll.state = state;
    for (const Change& change : Changes()) {
      PollDefinition next = poll.definition;
      change.make(next);
      EXPECT_EQ(FindFrozenChange(poll, next).value_or(""), change.frozen);
    }
  }
}

TEST(FrozenTest, BeforeTheFirstOpeningOnlyTheProjectIs) {
  PollRecord poll = OpenPoll();
  poll.opened_once = false;  // also while it is armed: open, but its window has not begun
  for (const PollState state : {PollState::kDraft, PollState::kOpen}) {
    poll.state = state;
    for (const Change& change : Changes()) {
      PollDefinition next = poll.definition;
      change.make(next);
      EXPECT_EQ(FindFrozenChange(poll, next).value_or(""),
                change.frozen == "/project" ? "/project" : "");
    }
  }
}

TEST(FrozenTest, AFinalPollChangesInNothing) {
  PollRecord poll = OpenPoll();
  poll.state = PollState::kFinal;
  for (const Change& change : Changes()) {
    PollDefinition next = poll.definition;
    change.make(next);
    EXPECT_EQ(FindFrozenChange(poll, next).has_value(), !(next == poll.definition));
  }
}

TEST(FrozenTest, AWindowThatHadNoEndMayNotGetOne) {
  PollRecord poll = OpenPoll();
  poll.definition.closes.reset();
  PollDefinition next = poll.definition;
  EXPECT_EQ(FindFrozenChange(poll, next), std::nullopt);
  next.closes = 9'000;
  EXPECT_EQ(FindFrozenChange(poll, next), "/closes");
}

TEST(KeepOrderTest, KnownKeepTheirPlacesAndNewOnesComeBehind) {
  const PollDefinition current = Definition();
  PollDefinition next = current;
  next.options = {Option("z"), Option("c", "new"), Option("a"), Option("y"), Option("b")};
  next.boxes = {Box("school"), Box("station"), Box("library")};
  next.display = "kept";
  const PollDefinition kept = KeepOrder(current, next);
  std::string ids;
  for (const OptionDefinition& option : kept.options) ids += option.id;
  EXPECT_EQ(ids, "abczy");
  EXPECT_EQ(kept.options[2].display, "new");
  ASSERT_EQ(kept.boxes.size(), 3u);
  EXPECT_EQ(kept.boxes[0].id, "library");
  EXPECT_EQ(kept.boxes[1].id, "school");
  EXPECT_EQ(kept.boxes[2].id, "station");
  EXPECT_EQ(kept.display, "kept");
  EXPECT_EQ(KeepOrder(current, current), current);
}

TEST(CheckBallotTest, MeetsTheRulesOfThePoll) {
  PollRecord poll = OpenPoll();
  const auto code = [&](const Command& vote) -> std::optional<OutcomeCode> {
    const auto refusal = CheckBallot(poll, vote);
    if (!refusal) return std::nullopt;
    return refusal->code;
  };
  EXPECT_EQ(code(Vote({0, 2})), std::nullopt);
  EXPECT_EQ(code(Vote({3})), OutcomeCode::kOptionUnknown);
  EXPECT_EQ(CheckBallot(poll, Vote({}))->ballot_error, BallotError::kTooFew);
  EXPECT_EQ(code(Vote({0, 1, 2})), OutcomeCode::kBallotInvalid);
  poll.definition.options[2].withdrawn = true;
  EXPECT_EQ(code(Vote({0, 2})), OutcomeCode::kOptionWithdrawn);
  EXPECT_EQ(code(Vote({0, 1})), std::nullopt);
}

TEST(CheckBallotTest, OnlyAnOpenPollInsideItsWindowAccepts) {
  PollRecord poll = OpenPoll();
  for (const PollState state : kStates) {
    poll.state = state;
    EXPECT_EQ(CheckBallot(poll, Vote({0})).has_value(), state != PollState::kOpen);
    Command paper = Vote({0});
    paper.channel = Channel::kPaper;
    const bool accepted = state == PollState::kOpen || state == PollState::kClosed;
    EXPECT_EQ(CheckBallot(poll, paper).has_value(), !accepted) << "paper counts until final";
  }
  poll.state = PollState::kOpen;
  poll.opened_once = false;
  EXPECT_EQ(CheckBallot(poll, Vote({0}))->code, OutcomeCode::kPollNotOpen);
}

TEST(CheckBallotTest, ChannelsAndBoxes) {
  PollRecord poll = OpenPoll();
  Command paper = Vote({0});
  paper.channel = Channel::kPaper;
  paper.box = 2;
  EXPECT_FALSE(CheckBallot(poll, paper));
  paper.box = 3;
  EXPECT_EQ(CheckBallot(poll, paper)->code, OutcomeCode::kChannelNotAllowed);
  paper.box = 0;
  poll.definition.paper_confirm = true;
  EXPECT_EQ(CheckBallot(poll, paper)->code, OutcomeCode::kFourEyes);
  poll.definition.paper = false;
  EXPECT_EQ(CheckBallot(poll, paper)->code, OutcomeCode::kChannelNotAllowed);
  EXPECT_FALSE(CheckBallot(poll, Vote({0})));
  poll.definition.online = false;
  EXPECT_EQ(CheckBallot(poll, Vote({0}))->code, OutcomeCode::kChannelNotAllowed);
}

TEST(CheckReplacementTest, FollowsRevoteChannelAndChangesMax) {
  PollRecord poll = OpenPoll();
  BallotVersion in_force;
  in_force.version_no = 1;
  const Command vote = Vote({1});
  EXPECT_EQ(CheckReplacement(poll, in_force, vote), OutcomeCode::kAlreadyVoted);
  poll.definition.revote = RevoteRule::kReplace;
  poll.definition.changes_max = 2;
  EXPECT_EQ(CheckReplacement(poll, in_force, vote), OutcomeCode::kReplaced);
  in_force.version_no = 2;
  EXPECT_EQ(CheckReplacement(poll, in_force, vote), OutcomeCode::kReplaced);
  in_force.version_no = 3;  // changed twice already
  EXPECT_EQ(CheckReplacement(poll, in_force, vote), OutcomeCode::kChangesExhausted);
  in_force.channel = Channel::kPaper;
  in_force.version_no = 1;
  EXPECT_EQ(CheckReplacement(poll, in_force, vote), OutcomeCode::kAlreadyVoted);
}

}  // namespace
}  // namespace tallyd
