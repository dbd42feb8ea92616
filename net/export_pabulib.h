#pragma once

// A poll as a PabuLib file (.pb): META, PROJECTS with votes and scores, VOTES in force at one
// commit.
//
// Ballots come from the ballot store in the order of a keyed hash, which tells nothing of when they
// were cast. The figures in PROJECTS are counted from the very ballots of the file. Paper batches
// are sums and no ballots: a poll that counts any is exported without them, and META says how many
// cards. A file of more than kPabulibBallotsMax ballots comes in pages, to be put one behind the
// other.
//
// On the analysis thread. Cost: two passes over the poll's ballots for the first page, one over its
// own part for each further one.

#include "net/export_pages.h"

namespace tallyd {

inline constexpr std::uint64_t kPabulibBallotsMax = 400'000;

HttpResponse MakePabulibPage(const ExportAsk& ask);

}  // namespace tallyd
