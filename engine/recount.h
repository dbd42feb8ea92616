#pragma once

// The independent recount: who has which ballot in force at a position, straight from the journal,
// and what that adds up to.
//
// Written to share nothing with the tally but the packed ballot: it keeps each voter's last ballot
// and counts at the end, where the tally adds and subtracts as it goes. Large elections are counted
// in several passes over the journal, each for a part of the voters, so memory stays bounded.
//
// Any thread; a pass costs about a second per five million ballots.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "engine/ballot.h"
#include "engine/tally.h"
#include "storage/journal.h"

namespace tallyd {

struct RecountedOption {
  std::int64_t online = 0;
  std::int64_t paper = 0;
  std::uint64_t ballots = 0;
  friend bool operator==(const RecountedOption&, const RecountedOption&) = default;
};

struct RecountedPoll {
  std::uint64_t online_ballots = 0;
  std::uint64_t paper_ballots = 0;
  std::uint64_t blank_ballots = 0;
  std::uint64_t invalid_cards = 0;
  std::uint64_t quarantined_ballots = 0;
  std::uint64_t voided_ballots = 0;
  std::vector<RecountedOption> options;
};

struct Recount {
  Position position = 0;
  std::uint64_t records = 0;
  std::map<PollNumber, RecountedPoll> polls;
};

// Counts every record up to `through` of what the journal holds, in as many passes as keep the
// voters of one within about `memory_bytes_max`. DataLoss if the chain is broken.
absl::StatusOr<Recount> RecountJournal(Journal* journal, Position through,
                                       std::size_t memory_bytes_max = std::size_t{256} << 20);

// What differs between a poll's tally and its recount, in words; empty if nothing does.
std::vector<std::string> CompareWithRecount(const PollTally& tally, const RecountedPoll& recount);

}  // namespace tallyd
