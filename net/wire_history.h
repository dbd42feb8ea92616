#pragma once

// One line of a poll's history: when, totals, and the new counts of the options that changed.

#include <string>

#include "engine/poll_history.h"

namespace tallyd {

// Appends to `out`; any thread. Options not named are as in the lines before, 0 where there are
// none.
void AppendHistoryLine(Epoch epoch, const HistoryStep& step, std::int64_t step_us, PollFold& fold,
                       std::string& out);

}  // namespace tallyd
