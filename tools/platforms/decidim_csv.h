#pragma once

// The CSV file of Decidim's paper ballots for budgets (module budgets_paper_ballots).
//
// Read are the columns `id` (or `project_id`) and `paper_ballots_to_import`, and, if the file is
// the exported list of projects with that column added, the title (`title` or `title/xx`) and
// `budget_amount`; others are passed over. Fields are separated by ';' or ','. A project that comes
// again adds up, and a negative number is a correction, as in Decidim. Values; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tallyd {

struct DecidimProject {
  std::string id;
  std::string language = {};  // of the title; "" = none
  std::string title = {};
  std::int64_t cost = 0;
  std::int64_t paper_ballots = 0;  // all rows together
};

// In the order of the file. InvalidArgument (name:line: rule).
absl::StatusOr<std::vector<DecidimProject>> ParseDecidimCsv(std::string_view content,
                                                            const std::string& name);

}  // namespace tallyd
