#include "net/wire_json_ranking.h"

#include <numeric>
#include <string_view>
#include <vector>

#include "net/problem_response.h"
#include "net/wire_json_poll.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

template <typename Number>
void AppendMember(std::string_view name, Number value, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  AppendNumber(value, out);
}

// The rest of an option's object: what it has, and what became of it.
void AppendCounts(const RankingSnapshot& snapshot, const OptionDefinition& option,
                  const RankedOption& row, std::string& out) {
  AppendMember("score", row.score, out);
  AppendMember("ballots", row.ballots, out);
  AppendMember("online", row.online, out);
  AppendMember("paper", row.paper, out);
  AppendFate(snapshot.view->definition, option, out);
  out += '}';
}

// Calls visit(option, row) for each option whose rank is at most `top`, question by question, best
// first.
template <typename Visitor>
void ForEachRanked(const RankingSnapshot& snapshot, std::uint32_t top, Visitor visit) {
  for (const OptionIndex option : snapshot.order) {
    const RankedOption& row = snapshot.rows[option];
    if (row.rank <= top) visit(snapshot.view->definition.options[option], row);
  }
}

void AppendOptions(const RankingSnapshot& snapshot, QuestionIndex question, std::uint32_t top,
                   std::string& out) {
  out += "\"options\":{";
  bool first = true;
  ForEachRanked(snapshot, top, [&](const OptionDefinition& option, const RankedOption& row) {
    if (option.question != question) return;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    out += ":{\"rank\":";
    AppendNumber(std::uint64_t{row.rank}, out);
    AppendCounts(snapshot, option, row, out);
  });
  out += '}';
}

// Those of `options` that belong to the question, without ranks.
void AppendLiveOptions(const RankingSnapshot& snapshot, QuestionIndex question,
                       absl::Span<const OptionIndex> options, std::string& out) {
  out += "\"options\":{";
  bool first = true;
  for (const OptionIndex index : options) {
    const OptionDefinition& option = snapshot.view->definition.options[index];
    if (option.question != question) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    out += ":{\"score\":";
    const RankedOption& row = snapshot.rows[index];
    AppendNumber(row.score, out);
    AppendMember("ballots", row.ballots, out);
    AppendMember("online", row.online, out);
    AppendMember("paper", row.paper, out);
    AppendFate(snapshot.view->definition, option, out);
    out += '}';
  }
  out += '}';
}

// version, as_of, state and totals: what every version has anew.
void AppendVersionAndTotals(const RankingSnapshot& snapshot, std::string& out) {
  out += "\"version\":\"";
  AppendVersionTag(snapshot.epoch, snapshot.position, out);
  out += "\",\"as_of\":\"";
  AppendTimeMs(snapshot.as_of, out);
  out += "\",\"state\":\"";
  out += PollStateName(snapshot.state);
  out += "\",\"totals\":{\"ballots\":";
  AppendNumber(std::uint64_t{snapshot.totals.ballots()}, out);
  AppendMember("online", snapshot.totals.online, out);
  AppendMember("paper", snapshot.totals.paper, out);
  AppendMember("blank", snapshot.totals.blank, out);
  AppendMember("invalid", snapshot.totals.invalid, out);
  out += '}';
}

// Cards that are known as sums only cannot be matched with online votes, and the result says so.
bool HasUnlinkedCards(const RankingSnapshot& snapshot) {
  return snapshot.totals.anonymous > 0 && snapshot.view->definition.online;
}

// A comma and what `append(question)` writes; in a survey that of each question, by its id.
template <typename Append>
void AppendByQuestion(const RankingSnapshot& snapshot, std::string& out, Append append) {
  const auto& questions = snapshot.view->definition.questions;
  if (questions.empty()) {
    out += ',';
    append(0);
    return;
  }
  out += ",\"questions\":{";
  for (QuestionIndex i = 0; i < questions.size(); ++i) {
    if (i != 0) out += ',';
    AppendJsonString(questions[i].id, out);
    out += ":{";
    append(i);
    out += '}';
  }
  out += '}';
}

void AppendCsvCell(std::string_view text, std::string& out) {
  const bool formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
  const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (quoted) out += '"';
  if (formula) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  if (quoted) out += '"';
}

}  // namespace

void AppendRankingJson(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out) {
  out += "{\"poll\":";
  AppendJsonString(snapshot.view->definition.id, out);
  out += ',';
  AppendVersionAndTotals(snapshot, out);
  if (HasUnlinkedCards(snapshot)) out += ",\"channels_linked\":false";
  AppendByQuestion(snapshot, out,
                   [&](QuestionIndex question) { AppendOptions(snapshot, question, top, out); });
  out += "}\n";
}

void AppendRankingLive(const RankingSnapshot& snapshot, std::string& out) {
  std::vector<OptionIndex> all(snapshot.rows.size());
  std::iota(all.begin(), all.end(), OptionIndex{0});
  out += "{\"poll\":";
  AppendJsonString(snapshot.view->definition.id, out);
  out += ',';
  AppendVersionAndTotals(snapshot, out);
  if (HasUnlinkedCards(snapshot)) out += ",\"channels_linked\":false";
  AppendByQuestion(snapshot, out, [&](QuestionIndex question) {
    AppendLiveOptions(snapshot, question, all, out);
  });
  out += "}\n";
}

void AppendRankingPatch(const RankingSnapshot& snapshot, absl::Span<const OptionIndex> options,
                        std::string& out) {
  out += '{';
  AppendVersionAndTotals(snapshot, out);
  // A merge patch takes a member away by null: it may have been there at the older version.
  if (HasUnlinkedCards(snapshot)) {
    out += ",\"channels_linked\":false";
  } else if (!snapshot.view->definition.boxes.empty()) {
    out += ",\"channels_linked\":null";
  }
  AppendByQuestion(snapshot, out, [&](QuestionIndex question) {
    AppendLiveOptions(snapshot, question, options, out);
  });
  out += "}\n";
}

void AppendRankingCsv(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out) {
  const auto& questions = snapshot.view->definition.questions;
  if (!questions.empty()) out += "question,";
  out += "rank,option,score,ballots,online,paper\r\n";
  ForEachRanked(snapshot, top, [&](const OptionDefinition& option, const RankedOption& row) {
    if (!questions.empty()) {
      AppendCsvCell(questions[option.question].id, out);
      out += ',';
    }
    AppendNumber(std::uint64_t{row.rank}, out);
    out += ',';
    AppendCsvCell(option.id, out);
    out += ',';
    AppendNumber(row.score, out);
    out += ',';
    AppendNumber(row.ballots, out);
    out += ',';
    AppendNumber(row.online, out);
    out += ',';
    AppendNumber(row.paper, out);
    out += "\r\n";
  });
}

void AppendRankingNdjson(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out) {
  const auto& questions = snapshot.view->definition.questions;
  ForEachRanked(snapshot, top, [&](const OptionDefinition& option, const RankedOption& row) {
    out += '{';
    if (!questions.empty()) {
      out += "\"question\":";
      AppendJsonString(questions[option.question].id, out);
      out += ',';
    }
    out += "\"option\":";
    AppendJsonString(option.id, out);
    AppendMember("rank", std::uint64_t{row.rank}, out);
    AppendCounts(snapshot, option, row, out);
    out += '\n';
  });
}

}  // namespace tallyd
