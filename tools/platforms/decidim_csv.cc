#include "tools/platforms/decidim_csv.h"

#include <csv.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace tallyd {
namespace {

using Row = std::vector<std::string>;

struct Rows {
  std::vector<Row> rows;
  std::vector<int> lines;  // where each begins
  Row current;
  int line = 1;
  int begins = 1;
};

void OnField(void* data, std::size_t size, void* to) {
  Rows& rows = *static_cast<Rows*>(to);
  const std::string_view field(static_cast<const char*>(data), size);
  if (rows.current.empty()) rows.begins = rows.line;
  rows.line += static_cast<int>(std::count(field.begin(), field.end(), '\n'));
  rows.current.emplace_back(field);
}

void OnRow(int end, void* to) {
  Rows& rows = *static_cast<Rows*>(to);
  if (!rows.current.empty()) {
    rows.rows.push_back(std::move(rows.current));
    rows.lines.push_back(rows.begins);
  }
  rows.current.clear();
  if (end == '\n') ++rows.line;
}

absl::Status Refuse(const std::string& name, int line, const std::string& rule) {
  return absl::InvalidArgumentError(name + ":" + std::to_string(line) + ": " + rule);
}

absl::StatusOr<Rows> SplitRows(std::string_view content, const std::string& name) {
  const std::string_view header = content.substr(0, content.find('\n'));
  csv_parser parser;
  if (csv_init(&parser, CSV_REPALL_NL) != 0) {
    return absl::ResourceExhaustedError(name + ": not enough memory");
  }
  csv_set_delim(&parser, header.find(';') != std::string_view::npos ? ';' : ',');
  Rows rows;
  const std::size_t taken =
      csv_parse(&parser, content.data(), content.size(), OnField, OnRow, &rows);
  absl::Status status;
  if (taken != content.size()) {
    status = Refuse(name, rows.line, csv_strerror(csv_error(&parser)));
  } else {
    csv_fini(&parser, OnField, OnRow, &rows);
  }
  csv_free(&parser);
  if (!status.ok()) return status;
  return rows;
}

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Columns {
  std::optional<std::size_t> id, ballots, title, cost;
  std::string language = "en";
};

Columns FindColumns(const Row& header) {
  Columns columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string& column = header[i];
    if (column == "id" || column == "project_id") columns.id = i;
    if (column == "paper_ballots_to_import") columns.ballots = i;
    if (column == "budget_amount") columns.cost = i;
    if (columns.title) continue;
    if (column == "title") columns.title = i;
    if (column.starts_with("title/")) {
      columns.title = i;
      columns.language = column.substr(6);
    }
  }
  return columns;
}

// Adds one row to the projects found so far.
absl::Status AddRow(const Columns& columns, const Row& row, const std::string& name, int line,
                    std::vector<DecidimProject>* projects) {
  constexpr std::int64_t kBallotsMax = std::numeric_limits<std::int32_t>::max();
  const auto cell = [&](std::optional<std::size_t> column) {
    return column && *column < row.size() ? std::string_view(row[*column]) : std::string_view();
  };
  const std::string_view id = cell(columns.id);
  if (!ParseNumber(id)) return Refuse(name, line, "the id must be a whole number");
  const std::string_view text = cell(columns.ballots);
  const auto ballots = text.empty() ? std::optional<std::int64_t>(0) : ParseNumber(text);
  if (!ballots || *ballots > kBallotsMax || *ballots < -kBallotsMax) {
    return Refuse(name, line, "paper_ballots_to_import must be a whole number");
  }
  auto found = std::find_if(projects->begin(), projects->end(),
                            [&](const DecidimProject& project) { return project.id == id; });
  if (found == projects->end()) {
    projects->push_back({.id = std::string(id)});
    found = std::prev(projects->end());
  }
  found->paper_ballots += *ballots;
  if (found->title.empty() && !cell(columns.title).empty()) {
    found->title = std::string(cell(columns.title));
    found->language = columns.language;
  }
  if (const auto cost = ParseNumber(cell(columns.cost)); cost && *cost >= 0) found->cost = *cost;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<DecidimProject>> ParseDecidimCsv(std::string_view content,
                                                            const std::string& name) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  const auto rows = SplitRows(content, name);
  if (!rows.ok()) return rows.status();
  if (rows->rows.empty()) return Refuse(name, 1, "the file is empty");
  const Columns columns = FindColumns(rows->rows.front());
  if (!columns.id || !columns.ballots) {
    return Refuse(name, 1, "there must be columns id and paper_ballots_to_import");
  }
  std::vector<DecidimProject> projects;
  for (std::size_t i = 1; i < rows->rows.size(); ++i) {
    absl::Status added = AddRow(columns, rows->rows[i], name, rows->lines[i], &projects);
    if (!added.ok()) return added;
  }
  for (const DecidimProject& project : projects) {
    if (project.paper_ballots < 0) {
      return absl::InvalidArgumentError(name + ": the rows of project " + project.id +
                                        " add up to less than nothing");
    }
  }
  if (projects.empty()) return Refuse(name, 1, "the file names no project");
  return projects;
}

}  // namespace tallyd
