#include "tests/sim/simulated_voters.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace tallyd {
namespace {

constexpr int kBallotsPerVoter = 4;

}  // namespace

SimulatedVoters::SimulatedVoters(std::size_t voters, Dice dice)
    : dice_(std::move(dice)), voters_(voters) {
  for (std::size_t i = 0; i < voters; ++i) {
    for (auto& byte : voters_[i].tag.bytes) byte = static_cast<std::uint8_t>(dice_(256));
    voters_[i].poll = kSimulatedPolls[i % std::size(kSimulatedPolls)];
    Choose(voters_[i]);
  }
}

void SimulatedVoters::Choose(Voter& voter) {
  voter.refusal = voter.poll != kChangingPoll && voter.ballot > 0;
  voter.option = static_cast<int>(dice_(kSimulatedOptions));
  if (voter.option == voter.in_force) voter.option = (voter.option + 1) % kSimulatedOptions;
}

std::optional<Command> SimulatedVoters::Vote(std::size_t number) {
  const Voter& voter = voters_[number];
  if (voter.ballot == kBallotsPerVoter) return std::nullopt;
  Command command;
  command.cookie = number;
  command.sink = static_cast<SinkId>(number % 2);
  command.poll = voter.poll;
  command.tag = voter.tag;
  if (voter.poll == kChangingPoll) {
    command.idempotency_print = static_cast<std::uint64_t>(voter.ballot) + 1;
  }
  const char packed[] = {1, static_cast<char>(voter.option)};
  command.ballot = PackedBallot(std::string_view(packed, sizeof packed));
  return command;
}

void SimulatedVoters::Take(const Outcome& outcome, bool closed, Position durable) {
  Voter& voter = voters_[outcome.cookie];
  --voter.in_flight;
  const bool fresh =
      outcome.code == OutcomeCode::kCounted || outcome.code == OutcomeCode::kReplaced;
  if (outcome.code == OutcomeCode::kDuplicate) ++duplicates_count_;
  if (fresh && voter.poll == kTimedPoll && closed_told_ && durable > *closed_told_) {
    return Violate("a vote was counted after somebody was told that the poll is closed");
  }
  if (voter.stale > 0) {  // a copy of a ballot that was answered before
    --voter.stale;
    if (fresh) Violate("a repeat was counted anew");
    return;
  }
  if (outcome.code == OutcomeCode::kPollNotOpen) return TakeClosed(voter, closed, durable);
  if (voter.refusal) {
    if (outcome.code != OutcomeCode::kAlreadyVoted) Violate("a second vote was not refused");
    return Next(voter);
  }
  if (!fresh && outcome.code != OutcomeCode::kDuplicate) {
    return Violate("an honest vote was refused");
  }
  voter.in_force = voter.option;
  ++acknowledged_count_;
  Next(voter);
}

// The voter came too late and does not come again.
void SimulatedVoters::TakeClosed(Voter& voter, bool closed, Position durable) {
  if (voter.poll != kTimedPoll) return Violate("a poll that never closes is said to be closed");
  if (!closed) return Violate("a vote was refused while readers see the poll open");
  if (!closed_told_) closed_told_ = durable;
  voter.ballot = kBallotsPerVoter - 1;
  Next(voter);
}

// The voter was answered and goes on; further copies of the ballot are stale.
void SimulatedVoters::Next(Voter& voter) {
  voter.stale = voter.in_flight;
  ++voter.ballot;
  Choose(voter);
}

void SimulatedVoters::Crash() {
  for (Voter& voter : voters_) voter.in_flight = voter.stale = 0;
}

bool SimulatedVoters::AllDone() const {
  return std::all_of(voters_.begin(), voters_.end(),
                     [](const Voter& voter) { return voter.ballot == kBallotsPerVoter; });
}

bool SimulatedVoters::NothingInFlight() const {
  return std::all_of(voters_.begin(), voters_.end(),
                     [](const Voter& voter) { return voter.in_flight == 0; });
}

std::vector<std::int64_t> SimulatedVoters::Told(PollNumber poll) const {
  std::vector<std::int64_t> told(kSimulatedOptions);
  for (const Voter& voter : voters_) {
    if (voter.poll == poll && voter.in_force >= 0) ++told[static_cast<std::size_t>(voter.in_force)];
  }
  return told;
}

}  // namespace tallyd
