#pragma once

// A selection with its reasons, as a member of the ranking it follows from.

#include <string>

#include "engine/selection.h"

namespace tallyd {

// {"rule":...,"options":[...]}; null where the poll selects nothing.
void AppendSelection(const RankingSnapshot& snapshot, std::string& out);

}  // namespace tallyd
