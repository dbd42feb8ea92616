#pragma once

// The ranking as an HTML document without scripts: for browsers without JavaScript, and for print.
//
// Every text is escaped. The ranking comes as the JSON of GET .../ranking, so the table cannot show
// what that does not. Pure functions; cost: one parse of the JSON.

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/poll_directory.h"
#include "engine/poll_view.h"

namespace tallyd {

// Links to the tables of the first `polls_max` polls by id, drafts left out.
std::string RankingTableList(const PollDirectory& polls, std::size_t polls_max, bool german);

// One table, or one per question of a survey, of at most `rows_max` rows in all.
std::string RankingTable(const PollView& poll, std::string_view ranking_json, std::size_t rows_max,
                         bool german);

// & < > " ' as references.
void AppendHtmlText(std::string_view text, std::string& out);

}  // namespace tallyd
