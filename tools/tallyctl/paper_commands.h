#pragma once

// `tallyctl paper`: what comes out of ballot boxes, from a clerk's command line.
//
// Each command is one request to the private listener; who does it is --actor, or the token's.
// Files may be JSON or CSV (docs/running_a_vote_with_boxes.md); "-" reads JSON from stdin.

#include <cstdint>
#include <string>

#include "tools/tallyctl/control.h"

namespace tallyd {

struct PaperOptions {
  std::string poll;
  std::string batch;
  std::string file;
  std::string reason;
  // Cards of a batch that was not announced.
  std::string box;
  std::string seal;
  std::uint32_t invalid = 0;
  std::uint32_t blank = 0;
  // Codes.
  std::uint32_t count = 0;
  std::string sheet;       // file of the HTML sheet with QR codes; "" = none
  std::string url_prefix;  // put before each code in its QR code
  std::string title;
};

ExitCode EnterPaper(const ControlOptions& options, const PaperOptions& paper);
ExitCode EnterCards(const ControlOptions& options, const PaperOptions& paper);
// With a file it is a second entry.
ExitCode ConfirmPaper(const ControlOptions& options, const PaperOptions& paper);
ExitCode VoidPaper(const ControlOptions& options, const PaperOptions& paper);
ExitCode ShowPaper(const ControlOptions& options, const PaperOptions& paper);
ExitCode ListPaper(const ControlOptions& options, const PaperOptions& paper);
ExitCode ReconcilePaper(const ControlOptions& options, const PaperOptions& paper);
// Prints the codes, one a line, and writes the sheet.
ExitCode MakeCodes(const ControlOptions& options, const PaperOptions& paper);

}  // namespace tallyd
