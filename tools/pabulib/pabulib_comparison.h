#pragma once

// Is what tallyd serves what the city published?

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "tools/pabulib/pabulib_file.h"

namespace tallyd {

// Compares a served ranking (the body of GET .../ranking) with the published votes and scores, and
// with a recount of VOTES: votes, score and channel split of every project, totals by channel,
// blank ballots. Every difference as one line for people; empty if there is none.
std::vector<std::string> CompareWithRanking(const PabulibFile& file, const PabulibScoring& scoring,
                                            const boost::json::value& ranking);

}  // namespace tallyd
