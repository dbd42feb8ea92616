#include "net/wire_json_table.h"

#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>

namespace tallyd {
namespace {

namespace json = boost::json;

json::value Parse(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  return error ? json::value() : value;
}

std::string_view Text(const json::value& value) {
  const json::string* text = value.if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

const json::value* Find(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr
                           : object->if_contains(json::string_view(name.data(), name.size()));
}

std::optional<std::int64_t> Number(const json::value& value, std::string_view name) {
  const json::value* number = Find(value, name);
  if (number == nullptr || !number->is_int64()) return std::nullopt;
  return number->get_int64();
}

std::vector<TableRow> ReadRows(const json::value* options) {
  std::vector<TableRow> rows;
  const json::object* object = options == nullptr ? nullptr : options->if_object();
  if (object == nullptr) return rows;
  for (const auto& member : *object) {
    const json::value& figures = member.value();
    rows.push_back({std::string(member.key()), Number(figures, "rank"), Number(figures, "score"),
                    Number(figures, "online"), Number(figures, "paper")});
  }
  std::sort(rows.begin(), rows.end(), [](const TableRow& left, const TableRow& right) {
    // Without a rank: last.
    if (left.rank.has_value() != right.rank.has_value()) return left.rank.has_value();
    return left.rank != right.rank ? left.rank < right.rank : left.id < right.id;
  });
  return rows;
}

}  // namespace

TableFigures ReadTableFigures(std::string_view ranking_json) {
  const json::value ranking = Parse(ranking_json);
  TableFigures figures;
  if (const json::value* totals = Find(ranking, "totals")) {
    figures.ballots = Number(*totals, "ballots");
    figures.quarantined = Number(*totals, "quarantined");
    figures.voided = Number(*totals, "voided");
  }
  const json::value* questions = Find(ranking, "questions");
  if (questions != nullptr && questions->is_object()) {
    for (const auto& member : questions->get_object()) {
      figures.questions.push_back(
          {std::string(member.key()), ReadRows(Find(member.value(), "options"))});
    }
  } else if (const json::value* options = Find(ranking, "options")) {
    figures.questions.push_back({"", ReadRows(options)});
  }
  return figures;
}

std::string DisplayTitle(std::string_view display_json, std::string_view id, bool german) {
  const json::value document = Parse(display_json);
  const json::value* title = Find(document, "title");
  if (title == nullptr) return std::string(id);
  if (!Text(*title).empty()) return std::string(Text(*title));
  const std::array<std::string_view, 2> wanted = {german ? "de" : "en", german ? "en" : "de"};
  for (const std::string_view language : wanted) {
    const json::value* text = Find(*title, language);
    if (text != nullptr && !Text(*text).empty()) return std::string(Text(*text));
  }
  const json::object* texts = title->if_object();
  return texts == nullptr || texts->empty() ? std::string(id)
                                            : std::string(Text(texts->begin()->value()));
}

}  // namespace tallyd
