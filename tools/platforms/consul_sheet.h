#pragma once

// Ballot sheets of Consul Democracy: what officers of a booth type in, ballot by ballot.
//
// A sheet is text: ballots are separated by ';' or a line end, the ids of the investments on a
// ballot by ','. "4,5,6;7,8" are two ballots. As in Consul an id counts once on a ballot. ";;" is a
// ballot that names nothing; what is empty at the end of a line or of the sheet is layout and no
// ballot. Values; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "tools/pabulib/pabulib_file.h"

namespace tallyd {

struct ConsulBallot {
  int number = 0;  // place in the sheet, from 0: Consul's external_id
  int line = 0;
  std::vector<std::string> investments;  // each once, in the order of the ballot
};

// InvalidArgument (name:line: rule) for an id that is none, or a sheet without a ballot.
absl::StatusOr<std::vector<ConsulBallot>> ParseConsulSheet(std::string_view content,
                                                           const std::string& name);

struct ConsulSheet {
  std::string name;  // of the file: says whose ballots they are
  std::vector<ConsulBallot> ballots;
};
// All sheets of a vote as one election on paper. Its published figures are what the sheets add up
// to.
PabulibFile ElectionOf(const std::vector<ConsulSheet>& sheets);

}  // namespace tallyd
