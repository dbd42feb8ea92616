#pragma once

// `tallyctl flags`: bursts of ballots that a poll's rules have flagged, and what an operator
// decides about them.
//
// Each command is one request to the private listener (a list: one a page); who does it is --actor,
// or the token's.

#include <cstdint>
#include <string>

#include "tools/tallyctl/control.h"

namespace tallyd {

struct FlagOptions {
  std::string poll;
  std::uint32_t group = 0;
  std::string decision;  // quarantine, release, void
  std::string reason;
  std::string if_match;  // only if nobody has decided since; "" = whatever happened
};

ExitCode ListFlags(const ControlOptions& options, const FlagOptions& flags);
ExitCode ShowFlags(const ControlOptions& options, const FlagOptions& flags);
ExitCode DecideFlagGroup(const ControlOptions& options, const FlagOptions& flags);

}  // namespace tallyd
