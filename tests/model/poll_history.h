#pragma once

// One poll and what a few voters, clerks and administrators do with it at random, with the oracle's
// word on each act. Many of these go on side by side in one engine (million_histories_test.cc), so
// that a million of them are a matter of minutes: a history writes its next commands down, whoever
// runs it submits those of all histories at once and gives the outcomes back.
//
// Small on purpose: five voters, four options, three keys and four batches make repeats, clashes
// and late retries the rule. One thread.

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/command.h"
#include "engine/poll_view.h"
#include "engine/snapshot.h"
#include "tests/model/election_oracle.h"

namespace tallyd {

struct HistoryRules {
  BallotType type = BallotType::kChoose;
  RevoteRule revote = RevoteRule::kRefuse;
  ChannelRule channel_rule = ChannelRule::kFirst;
};
// Every ballot type x revote rule x channel rule.
inline constexpr std::size_t kHistoryRulesCount = 5 * 2 * 3;
HistoryRules HistoryRulesOf(std::size_t number);

// What a run met, to show that it met it.
struct HistoryCounts {
  std::uint64_t commands = 0;
  std::uint64_t late_retries = 0;  // answered for a version changed or withdrawn since
  std::uint64_t retries_in_force = 0;
  std::uint64_t changes = 0;
  std::uint64_t withdrawals = 0;
  std::uint64_t cards = 0;
  std::uint64_t cards_met_online = 0;
  std::uint64_t fates = 0;
  std::uint64_t flag_decisions = 0;
  std::uint64_t held_ballots = 0;  // that a decision took out or put back
  std::uint64_t refused = 0;
};

class PollHistory {
 public:
  PollHistory(std::uint64_t number, const HistoryRules& rules, std::uint64_t seed, TimeUs now);

  // The first act; Created() takes its outcome and the poll as readers see it.
  Command Creation();
  void Created(const Outcome& outcome, const PollView& view, std::vector<Command>* commands);

  // Time went on for everybody.
  void SetTime(TimeUs now) { oracle_.SetTime(now); }
  // The engine was closed and opened again.
  void Reopened() { oracle_.ForgetWatched(); }
  PollState State() const { return oracle_.State(poll_); }
  bool Opened() const { return oracle_.Opened(poll_); }

  // One to three commands.
  void Next(std::vector<Command>* commands);
  // The outcome of the oldest command that has none yet.
  void Compare(const Outcome& outcome);
  void CompareRanking(const RankingSnapshot& snapshot) const;

  ExpectedRanking ExpectedNow() const { return oracle_.Ranking(poll_); }

  PollNumber poll() const { return poll_; }
  const HistoryCounts& counts() const { return counts_; }

 private:
  // What the oracle says about a command.
  struct Awaited {
    Expected expected;
    std::optional<std::vector<CardOutcome>> cards;
    std::optional<ExpectedGroup> flags = std::nullopt;
    std::string told;
  };

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  OptionIndex AnyOption() {
    return static_cast<OptionIndex>(Below(static_cast<int>(definition().options.size())));
  }
  const PollDefinition& definition() const { return oracle_.Definition(poll_); }
  PollDefinition MakeDefinition(const HistoryRules& rules, TimeUs now);
  BallotDefinition AnyAnswerRules(BallotType type);
  Command CommandOf(int voter, int key);
  void AddAct(Act act, OutcomeCode expected, std::string told, std::vector<Command>* commands);
  void Vote(std::vector<Command>* commands);
  void Withdraw(std::vector<Command>* commands);
  void Look(std::vector<Command>* commands);
  void EnterSums(std::vector<Command>* commands);
  void EnterCards(std::vector<Command>* commands);
  void Confirm(std::vector<Command>* commands);
  void Void(std::vector<Command>* commands);
  void ChangePoll(std::vector<Command>* commands);
  void DecideAboutFlags(std::vector<Command>* commands);

  const std::uint64_t number_;
  std::mt19937_64 random_;
  PollDefinition first_;
  PollState first_state_ = PollState::kOpen;
  ElectionOracle oracle_;
  PollNumber poll_ = 0;
  std::vector<VoterTag> tags_;
  std::vector<OracleVote> sent_;
  std::map<int, std::vector<OracleCard>> cards_;
  std::map<int, PaperFigures> sums_;
  std::vector<Awaited> awaited_;
  std::size_t compared_ = 0;
  HistoryCounts counts_;
};

}  // namespace tallyd
