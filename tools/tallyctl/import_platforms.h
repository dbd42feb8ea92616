#pragma once

// tallyctl import consul, import decidim: paper that another platform counted, brought into a poll
// of its own, and the served ranking held against the file.
//
// Consul's sheets are ballots: each becomes one, named after its sheet and place, so that sending a
// sheet again finds every ballot counted already. Decidim's file is sums: it becomes one paper
// batch.

#include <cstdint>
#include <string>

#include "tools/tallyctl/control.h"
#include "tools/tallyctl/import_pabulib.h"

namespace tallyd {

// All sheets together are one poll; its id is `poll`, else that of the first file's name.
ExitCode ImportConsul(const ControlOptions& control, const ImportOptions& options,
                      const std::string& poll);

struct DecidimOptions {
  std::string path;
  std::string poll;  // "" = from the file's name
  std::string project = "decidim";
  std::int64_t cards = 0;  // in the box: the file does not say
  std::int64_t invalid = 0;
  std::int64_t blank = 0;
  std::int64_t max = 0;  // projects on a card; 0 = all
  int retry_seconds = 30;
};

ExitCode ImportDecidim(const ControlOptions& control, const DecidimOptions& options);

}  // namespace tallyd
