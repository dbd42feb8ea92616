#pragma once

// A project's quota: how many ballots a voter may have in force over all of its polls.
//
// Only polls of such a project can be linked with each other: each of their ballots spends one of
// its voter's, known by a tag under the project's key. Bytes: docs/data_formats.md.

#include <cstdint>
#include <string>

#include "storage/records.h"

namespace tallyd {

struct ProjectQuotaEntry {
  std::string project = {};
  std::uint32_t ballots_per_voter = 0;  // 0 = no quota
  std::string actor = {};
};

// Goes with the ballot or the withdrawal that comes next in the record. No act of the poll, so its
// poll is not called `poll`.
struct QuotaUseEntry {
  PollNumber spent_in = 0;
  VoterTag project_tag = {};
  bool given_back = false;  // by a withdrawal
};

}  // namespace tallyd
