#pragma once

// The voters of a simulated election: each casts its ballots one after the other, sends again what
// was not answered, and checks every answer against what it knows.
//
// Three polls: in `fixed` the first ballot counts, in `changing` the last one, `timed` is like
// fixed and closes by itself. Whatever goes wrong is the violation of the run.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/command.h"

namespace tallyd {

inline constexpr PollNumber kFixedPoll = 1;
inline constexpr PollNumber kChangingPoll = 2;
inline constexpr PollNumber kTimedPoll = 3;
inline constexpr PollNumber kSimulatedPolls[] = {kFixedPoll, kChangingPoll, kTimedPoll};
inline constexpr int kSimulatedOptions = 4;

class SimulatedVoters {
 public:
  using Dice = std::function<std::uint64_t(std::uint64_t sides)>;
  SimulatedVoters(std::size_t voters, Dice dice);

  std::size_t count() const { return voters_.size(); }
  // The ballot under way of one voter; nothing if it has cast all of its ballots.
  std::optional<Command> Vote(std::size_t number);
  void Sent(std::size_t number) { ++voters_[number].in_flight; }

  // `closed`: what readers see of the timed poll; `durable`: the newest record.
  void Take(const Outcome& outcome, bool closed, Position durable);
  // Whatever was under way is unknown now.
  void Crash();

  bool AllDone() const;
  bool NothingInFlight() const;
  // By option: what the voters of a poll were told that counts.
  std::vector<std::int64_t> Told(PollNumber poll) const;

  const std::string& violation() const { return violation_; }
  int acknowledged_count() const { return acknowledged_count_; }
  int duplicates_count() const { return duplicates_count_; }

 private:
  struct Voter {
    VoterTag tag;
    PollNumber poll = 0;
    int ballot = 0;        // how many are answered
    int option = 0;        // of the one under way
    bool refusal = false;  // ... which must be refused
    int in_flight = 0;     // copies that may still be answered
    int stale = 0;         // of these: of ballots that are answered already
    int in_force = -1;     // option of the last acknowledged ballot
  };

  void Choose(Voter& voter);
  void Next(Voter& voter);
  void Violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  void TakeClosed(Voter& voter, bool closed, Position durable);

  const Dice dice_;
  std::vector<Voter> voters_;
  std::optional<Position> closed_told_;  // newest record when somebody was first told
  std::string violation_;
  int acknowledged_count_ = 0;
  int duplicates_count_ = 0;
};

}  // namespace tallyd
