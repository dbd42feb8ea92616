#include "net/ranking_table.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "net/concat.h"
#include "net/embedded_page.h"
#include "net/wire_json_table.h"
#include "net/wire_text.h"
#include "storage/records.h"

namespace tallyd {
namespace {

// A figure that is not published is a dash.
void AppendFigure(std::optional<std::int64_t> figure, std::string& out) {
  out += "<td>";
  if (figure) {
    AppendNumber(*figure, out);
  } else {
    out += "&ndash;";
  }
  out += "</td>";
}

void AppendHead(std::string_view title, bool german, std::string& out) {
  out += Concat("<!DOCTYPE html>\n<html lang=\"", german ? "de" : "en",
                "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                "content=\"width=device-width, initial-scale=1\">\n<title>");
  AppendHtmlText(title, out);
  out += Concat("</title>\n<link rel=\"stylesheet\" href=\"/assets/", EmbeddedPagesVersion(),
                "/pages.css\">\n<link rel=\"icon\" href=\"/assets/", EmbeddedPagesVersion(),
                "/icon.svg\">\n</head>\n<body>\n<main>\n<h1>");
  AppendHtmlText(title, out);
  out += "</h1>\n";
}

std::string OptionTitle(const PollView& poll, QuestionIndex question, std::string_view id,
                        bool german) {
  const auto option = poll.FindOption(id, question);
  return option ? DisplayTitle(poll.definition.options[*option].display, id, german)
                : std::string(id);
}

void AppendTable(const PollView& poll, QuestionIndex question, std::string_view caption,
                 const std::vector<TableRow>& rows, std::size_t& rows_left, bool german,
                 std::string& out) {
  out += "<div class=\"scroll\" role=\"region\" aria-label=\"";
  AppendHtmlText(caption, out);
  out += "\" tabindex=\"0\">\n<table>\n<caption>";
  AppendHtmlText(caption, out);
  out += german ? "</caption>\n<thead><tr><th scope=\"col\">Platz</th><th scope=\"col\">Vorschlag"
                  "</th><th scope=\"col\">Stimmen</th><th scope=\"col\">online</th>"
                  "<th scope=\"col\">Papier</th></tr></thead>\n<tbody>\n"
                : "</caption>\n<thead><tr><th scope=\"col\">Rank</th><th scope=\"col\">Idea</th>"
                  "<th scope=\"col\">Votes</th><th scope=\"col\">online</th>"
                  "<th scope=\"col\">paper</th></tr></thead>\n<tbody>\n";
  const std::size_t shown = std::min(rows.size(), rows_left);
  for (std::size_t i = 0; i < shown; ++i) {
    out += "<tr>";
    AppendFigure(rows[i].rank, out);
    out += "<th scope=\"row\">";
    AppendHtmlText(OptionTitle(poll, question, rows[i].id, german), out);
    out += "</th>";
    for (const auto& figure : {rows[i].score, rows[i].online, rows[i].paper}) {
      AppendFigure(figure, out);
    }
    out += "</tr>\n";
  }
  out += "</tbody>\n</table>\n</div>\n";
  if (shown < rows.size()) {
    out += Concat("<p>", german ? "Nicht gezeigt: " : "Left out: ", rows.size() - shown, "</p>\n");
  }
  rows_left -= shown;
}

// Ballots that somebody took out of the count; not a word where there are none or they are hidden.
void AppendNotCounted(const TableFigures& figures, bool german, std::string& out) {
  const std::int64_t held = figures.quarantined.value_or(0);
  const std::int64_t voided = figures.voided.value_or(0);
  if (held == 0 && voided == 0) return;
  out += german ? "<p>Nicht gez&auml;hlt: " : "<p>Not counted: ";
  if (held != 0) {
    AppendTo(&out, held, german ? " zur Pr&uuml;fung zur&uuml;ckgestellt" : " held for review");
  }
  if (held != 0 && voided != 0) out += ", ";
  if (voided != 0) AppendTo(&out, voided, german ? " herausgenommen" : " taken out");
  out += "</p>\n";
}

// Instead of the figures of a sealed poll: when they will be here.
void AppendSealed(VisibleFrom from, bool german, std::string& out) {
  const bool final = from == VisibleFrom::kFinal;
  if (german) {
    out += Concat("<p>Wie die Vorschl&auml;ge stehen, wird erst gezeigt, wenn ",
                  final ? "das Ergebnis feststeht" : "die Abstimmung beendet ist", ".</p>\n");
  } else {
    out += Concat("<p>How the ideas stand is shown only once the ",
                  final ? "result is final" : "poll has ended", ".</p>\n");
  }
}

}  // namespace

void AppendHtmlText(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

std::string RankingTableList(const PollDirectory& polls, std::size_t polls_max, bool german) {
  std::string out;
  AppendHead(german ? "Abstimmungen" : "Polls", german, out);
  out += "<ul>\n";
  for (const auto& poll : polls.List({}, polls_max)) {
    if (poll->state == PollState::kDraft) continue;
    out += Concat("<li><a href=\"/table/", poll->definition.id, "\">");
    AppendHtmlText(DisplayTitle(poll->definition.display, poll->definition.id, german), out);
    out += "</a></li>\n";
  }
  out += "</ul>\n</main>\n</body>\n</html>\n";
  return out;
}

std::string RankingTable(const PollView& poll, std::string_view ranking_json, std::size_t rows_max,
                         bool german) {
  const TableFigures figures = ReadTableFigures(ranking_json);
  std::string out;
  AppendHead(DisplayTitle(poll.definition.display, poll.definition.id, german), german, out);
  if (figures.ballots) {
    out += Concat("<p>", german ? "Abgegebene Stimmzettel: " : "Ballots cast: ", *figures.ballots,
                  "</p>\n");
  }
  AppendNotCounted(figures, german, out);
  if (figures.questions.empty()) AppendSealed(poll.definition.visibility.from, german, out);
  std::size_t rows_left = rows_max;
  for (const TableFigures::Question& question : figures.questions) {
    const auto index = poll.FindQuestion(question.id);
    const std::string caption =
        index ? DisplayTitle(poll.definition.questions[*index].display, question.id, german)
              : std::string(german ? "Rangliste" : "Ranking");
    AppendTable(poll, index.value_or(0), caption, question.rows, rows_left, german, out);
  }
  out += Concat("<p><a href=\"/table\">", german ? "Alle Abstimmungen" : "All polls",
                "</a></p>\n</main>\n</body>\n</html>\n");
  return out;
}

}  // namespace tallyd
