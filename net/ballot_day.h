#pragma once

// The day a ballot is for, in polls where a voter may vote once (or more) each day.
//
// A day is a day of the poll's time zone: it begins and ends when clocks there say so, also on the
// 23 or 25 hours of a change of the clocks. Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/command.h"
#include "engine/poll_view.h"

namespace tallyd {

struct BallotDay {
  std::int32_t number = 0;  // days since 1970-01-01
  VoteDay window;
};

// "2026-05-01"; nullopt: not a day, or not a time zone of this machine.
std::optional<BallotDay> ParseBallotDay(std::string_view text, const std::string& time_zone);

// Names the ballot in `command`: whose, which of theirs, for which day; and who it is over all
// polls of a project with a quota. The poll must have its voter key.
void NameBallot(const PollView& poll, std::string_view voter, std::uint32_t ballot_no,
                const std::optional<BallotDay>& day, Command* command);

}  // namespace tallyd
