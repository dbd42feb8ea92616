#pragma once

// The obvious model of an election: maps, loops and the rules of API.md sections 3 and 4 word for
// word. It knows no journal, no threads, no hashing and no clock but the one it is told, and it
// keeps every version of every ballot. What it says an outcome must be, the engine must answer.
//
// Slow on purpose. One thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/command.h"
#include "storage/entries.h"

namespace tallyd {

// What a voter marks: choose = options (value unused), points and updown = option and value, rank =
// options in order (value unused); survey = those of all questions.
using Marks = std::vector<std::pair<OptionIndex, std::int64_t>>;

struct OracleVote {
  PollNumber poll = 0;
  int voter = 0;
  Marks marks;
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  int key = 0;  // Idempotency-Key; 0 = none
  std::uint32_t weight = 1;
  int network = 0;   // by which it came; 0 = nobody knows
  Seq if_match = 0;  // 0 = none
};

struct OracleCard {
  int voter = 0;
  Marks marks;
};

struct Expected {
  OutcomeCode code = OutcomeCode::kUnknown;
  Seq seq = 0;
  Seq replaces = 0;  // kReplaced and kWithdrawn
  bool in_force = true;
};

// A group of flagged voters.
struct ExpectedGroup {
  FlagState state = FlagState::kFlagged;
  std::size_t voters = 0;
  std::uint64_t ballots = 0;  // online and in force
};

struct ExpectedRow {
  QuestionIndex question = 0;
  std::string option;
  std::int64_t rank = 0;
  std::int64_t score = 0;
  std::int64_t ballots = 0;
  std::int64_t online = 0;
  std::int64_t paper = 0;
  friend bool operator==(const ExpectedRow&, const ExpectedRow&) = default;
};

struct ExpectedRanking {
  PollState state = PollState::kDraft;
  std::int64_t ballots = 0;
  std::int64_t online = 0;
  std::int64_t paper = 0;
  std::int64_t blank = 0;
  std::int64_t invalid = 0;
  std::int64_t quarantined = 0;
  std::int64_t voided = 0;
  std::vector<ExpectedRow> rows;  // by question, then by rank, then by option id
};

// The ballot in the form in which equal ones are equal.
Marks CanonicalMarks(const PollDefinition& poll, const Marks& marks);

// What a ballot gives to each option that it names, wherever that counts now.
std::vector<std::pair<OptionIndex, std::int64_t>> ScoresOf(const PollDefinition& poll,
                                                           const Marks& marks);
// Whether one ballot may name two options of this one's question.
bool OneMayNameTwo(const PollDefinition& poll, OptionIndex option);

class ElectionOracle {
 public:
  // Openings and closings that are due by then happen.
  void SetTime(TimeUs now);

  void CreatePoll(PollNumber number, PollDefinition definition, PollState state);
  OutcomeCode ReplacePoll(PollNumber number, const PollDefinition& definition);
  OutcomeCode Transition(PollNumber poll, PollState to);
  OutcomeCode WithdrawOption(PollNumber poll, OptionIndex option, OptionFate fate,
                             OptionIndex into);

  Expected Vote(const OracleVote& vote);
  Expected Withdraw(PollNumber poll, int voter, int key, Seq if_match);
  // Paper (election_oracle_paper.cc). Batches by their number; of cards, or of sums alone.
  void PutOnRoll(PollNumber poll, int voter) { polls_.at(poll).roll.insert(voter); }
  OutcomeCode EnterBatch(PollNumber poll, int batch, const PaperFigures& figures, int clerk);
  OutcomeCode EnterCards(PollNumber poll, int batch, std::vector<OracleCard> cards,
                         std::uint32_t invalid, int clerk);
  // `second`: all figures entered again.
  OutcomeCode Confirm(PollNumber poll, int batch, int clerk,
                      const std::optional<PaperFigures>& second = std::nullopt);
  // What was counted in the box, with the sums of its cards; nullopt: no such batch.
  std::optional<PaperFigures> Figures(PollNumber poll, int batch) const;
  OutcomeCode Void(PollNumber poll, int batch);
  // Of a batch of cards that counts: what became of each.
  std::vector<CardOutcome> CardOutcomes(PollNumber poll, int batch) const;

  // Flagged ballots (election_oracle_fraud.cc). Groups by their number, from 1.
  OutcomeCode DecideFlags(PollNumber poll, int group, FlagState to);
  int FlagGroups(PollNumber poll) const;
  ExpectedGroup GroupOf(PollNumber poll, int group) const;
  // The engine was started anew: what bursts there were is in memory only.
  void ForgetWatched();

  Expected LookUp(PollNumber poll, int voter) const;
  Expected Receipt(PollNumber poll, Seq seq) const;

  ExpectedRanking Ranking(PollNumber poll) const;
  PollState State(PollNumber poll) const { return polls_.at(poll).state; }
  bool Opened(PollNumber poll) const { return polls_.at(poll).opened; }
  Seq LastSeq(PollNumber poll) const { return polls_.at(poll).next_seq - 1; }
  // Seq of the ballot in force; 0 = none.
  Seq InForce(PollNumber poll, int voter) const;
  const PollDefinition& Definition(PollNumber poll) const { return polls_.at(poll).definition; }

 private:
  struct Version {
    Seq seq = 0;
    bool withdrawn = false;
    Marks marks;
    Channel channel = Channel::kOnline;
    BoxIndex box = 0;
    int key = 0;
    Seq replaces = 0;
    std::int64_t weight = 1;
  };
  using History = std::vector<Version>;  // of one voter, oldest first
  struct Batch {
    bool by_cards = false;
    PaperFigures figures;  // of cards: those without a ballot
    std::vector<OracleCard> cards;
    std::vector<CardOutcome> outcomes;
    int clerk = 0;
    bool counts = false;
    bool voided = false;
  };
  struct Group {
    std::set<int> voters;
    FlagState state = FlagState::kFlagged;
  };
  // First ballots since the start, under one rule: source and voter; and the group that the burst
  // of a source went to last.
  struct Watched {
    BurstRule burst;
    std::vector<std::pair<int, int>> ballots;
    std::map<int, int> group;
  };
  struct Poll {
    PollDefinition definition;
    PollState state = PollState::kDraft;
    bool opened = false;  // has taken votes once
    Seq next_seq = 1;
    std::map<int, History> voters;
    std::map<int, Batch> paper;
    std::set<int> roll;
    std::vector<Group> groups;
    std::map<FlagRule, Watched> watched;
  };

  bool Accepts(const Poll& poll, Channel channel) const;
  void EnterState(Poll& poll, PollState to);
  static CardOutcome CountCard(Poll& poll, const OracleCard& card);
  static bool IsFlagged(const Poll& poll, int voter);
  static void NoteBallot(Poll& poll, int voter, int network);
  static void NoteUnder(Poll& poll, FlagRule rule, const BurstRule& burst, int voter, int source);
  static FlagState HeldAs(const Poll& poll, int voter, const Version& ballot);

  std::map<PollNumber, Poll> polls_;
  TimeUs now_ = 0;
};

}  // namespace tallyd
