#pragma once

// tallyctl select: what the Method of Equal Shares picks, counted from a stopped server's journal.

#include <cstdint>
#include <string>

#include "storage/data_directory.h"
#include "tools/exit_code.h"
#include "tools/tallyctl/control.h"

namespace tallyd {

struct SelectOptions {
  std::string poll;
  std::int64_t budget = 0;
  bool add1 = false;  // completion
};

// The poll must take `choose` ballots. 65: no such poll, other ballots, or none; 74, 75 and 78 as
// with every command that opens a data directory.
ExitCode SelectFromDirectory(const ControlOptions& options, const DataDirectoryOptions& directory,
                             const SelectOptions& select);

}  // namespace tallyd
