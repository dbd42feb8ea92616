#pragma once

// tallyctl export: ballots, history, PabuLib file or ranking of a poll, page by page into a file.
//
// One page is in memory at a time, whatever the size of the poll.

#include <string>

#include "tools/tallyctl/control.h"

namespace tallyd {

struct ExportOptions {
  enum class What { kBallots, kHistory, kPabulib, kRanking };
  What what = What::kBallots;
  std::string poll;
  std::string format = "ndjson";  // ballots, ranking: ndjson or csv
  bool excel_de = false;          // ballots as CSV: for a German Excel
  int step_seconds = 60;          // history
  std::string out = "-";          // "-" = standard output
  // Where the next increment begins: read if it is there, written at the end. "" = everything.
  std::string cursor_file;
};

ExitCode ExportPoll(const ControlOptions& control, const ExportOptions& options);

}  // namespace tallyd
