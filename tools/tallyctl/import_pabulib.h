#pragma once

// tallyctl import pabulib: real elections in, and the served ranking held against what the city
// published. Restartable: sending a file again finds every ballot counted already.

#include <string>
#include <vector>

#include "tools/pabulib/pabulib_file.h"
#include "tools/pabulib/pabulib_poll.h"
#include "tools/tallyctl/control.h"

namespace tallyd {

struct ImportOptions {
  std::vector<std::string> paths;
  std::string public_server = "http://127.0.0.1:8080";  // single votes go there
  std::string poll_prefix;
  std::string project = "pabulib";
  int connections = 4;
  bool single = false;
  int batch_lines = 1'000;
  int retry_seconds = 30;
};

// A file and the poll it becomes.
struct Election {
  PabulibFile file;
  PollPlan plan;
};

// 0: every file is in and equals its published result; 65: a file is bad, or something differs; 1:
// the server refused or cannot be reached.
ExitCode ImportPabulib(const ControlOptions& control, const ImportOptions& options);

// The same for elections that were read elsewhere.
ExitCode ImportElections(const ControlOptions& control, const ImportOptions& options,
                         const std::vector<Election>& elections);

}  // namespace tallyd
