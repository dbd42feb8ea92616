#pragma once

// What a table of a ranking needs of JSON texts: titles, and the figures of GET .../ranking.
//
// Pure functions, callable on any bytes: what is not there is left out. Any thread; one parse.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

struct TableRow {
  std::string id;
  std::optional<std::int64_t> rank, score, online, paper;  // nullopt: not published
};

struct TableFigures {
  std::optional<std::int64_t> ballots, quarantined, voided;
  struct Question {
    std::string id;              // "" where the poll is no survey
    std::vector<TableRow> rows;  // by rank, then id
  };
  std::vector<Question> questions;
};

TableFigures ReadTableFigures(std::string_view ranking_json);

// Of a poll, question or option: in the language asked for, else in any, else the id.
std::string DisplayTitle(std::string_view display_json, std::string_view id, bool german);

}  // namespace tallyd
