#include "net/wire_json_ranking.h"

#include <numeric>
#include <string_view>
#include <vector>

#include "net/concat.h"
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

void AppendNull(std::string_view name, std::string& out) {
  AppendTo(&out, ",\"", name, "\":null");
}

// What may not be shown is null in a ranking and absent in a live form, whose patches take it away
// (a null of RFC 7396).
enum class Form : std::uint8_t { kRanking, kLive, kPatch };

template <typename Number>
void AppendOrHide(std::string_view name, bool hidden, Number value, Form form, std::string& out) {
  if (!hidden) {
    AppendMember(name, value, out);
  } else if (form != Form::kLive) {
    AppendNull(name, out);
  }
}

// An option's object: what it has, and what became of it.
void AppendCounts(const RankingSnapshot& snapshot, const OptionDefinition& option,
                  const RankedOption& row, std::uint32_t rank, Form form, std::string& out) {
  const PollDefinition& poll = snapshot.view->definition;
  const std::size_t begin = out.size();
  if (form == Form::kRanking) {
    AppendOrHide("rank", row.suppressed, std::uint64_t{rank}, form, out);
  }
  AppendOrHide("score", row.suppressed, row.score, form, out);
  AppendOrHide("ballots", row.suppressed, row.ballots, form, out);
  AppendOrHide("online", row.split_hidden, row.online, form, out);
  AppendOrHide("paper", row.split_hidden, row.paper, form, out);
  if (row.suppressed || row.split_hidden) {
    out += ",\"suppressed\":true";
  } else if (form == Form::kPatch && poll.visibility.rule == Visibility::kCoarse) {
    AppendNull("suppressed", out);
  }
  AppendFate(poll, option, out);
  out[begin] = '{';  // instead of the first comma
  out += '}';
}

// Calls visit(option, row, rank) for each option whose rank is at most `top`, question by question,
// best first.
template <typename Visitor>
void ForEachOfTop(const RankingSnapshot& snapshot, std::uint32_t top, Visitor visit) {
  if (snapshot.sealed) return;
  ForEachRanked(snapshot, [&](OptionIndex option, const RankedOption& row, std::uint32_t rank) {
    if (rank <= top) visit(snapshot.view->definition.options[option], row, rank);
  });
}

void AppendOptions(const RankingSnapshot& snapshot, QuestionIndex question, std::uint32_t top,
                   std::string& out) {
  out += "\"options\":{";
  bool first = true;
  ForEachOfTop(snapshot, top, [&](const auto& option, const auto& row, std::uint32_t rank) {
    if (option.question != question) return;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    out += ':';
    AppendCounts(snapshot, option, row, rank, Form::kRanking, out);
  });
  out += '}';
}

// Those of `options` that belong to the question, without ranks.
void AppendLiveOptions(const RankingSnapshot& snapshot, QuestionIndex question,
                       absl::Span<const OptionIndex> options, Form form, std::string& out) {
  out += "\"options\":{";
  bool first = true;
  for (const OptionIndex index : options) {
    const OptionDefinition& option = snapshot.view->definition.options[index];
    if (option.question != question) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    out += ':';
    AppendCounts(snapshot, option, snapshot.rows[index], kNoRank, form, out);
  }
  out += '}';
}

// version, as_of, state and totals: what every version has anew.
void AppendVersionAndTotals(const RankingSnapshot& snapshot, Form form, std::string& out) {
  out += "\"version\":\"";
  AppendVersionTag(snapshot.epoch, snapshot.position, out);
  out += "\",\"as_of\":\"";
  AppendTimeMs(snapshot.as_of, out);
  out += "\",\"state\":\"";
  out += PollStateName(snapshot.state);
  out += '"';
  const VisibilityDefinition& visibility = snapshot.view->definition.visibility;
  if (snapshot.sealed) {
    AppendTo(&out, ",\"sealed\":true,\"visible_from\":\"",
             visibility.from == VisibleFrom::kFinal ? "final" : "closed", "\"");
  } else if (visibility.rule == Visibility::kSealed && form == Form::kPatch) {
    AppendNull("sealed", out);
    AppendNull("visible_from", out);
  }
  const PollTotals& totals = snapshot.totals;
  out += ",\"totals\":";
  const std::size_t begin = out.size();
  AppendOrHide("ballots", snapshot.turnout_hidden, totals.ballots(), form, out);
  AppendOrHide("online", snapshot.turnout_hidden, totals.online, form, out);
  AppendOrHide("paper", snapshot.turnout_hidden, totals.paper, form, out);
  AppendOrHide("blank", snapshot.blank_hidden, totals.blank, form, out);
  AppendOrHide("invalid", snapshot.turnout_hidden, totals.invalid, form, out);
  if (totals.decisions != 0) {  // and from the first one on
    AppendOrHide("quarantined", snapshot.held_hidden, totals.quarantined, form, out);
    AppendOrHide("voided", snapshot.held_hidden, totals.voided, form, out);
  }
  if (out.size() == begin) out += ',';
  out[begin] = '{';
  out += '}';
}

// Cards that are known as sums only cannot be matched with online votes, and the result says so.
bool HasUnlinkedCards(const RankingSnapshot& snapshot) {
  return snapshot.totals.anonymous > 0 && snapshot.view->definition.online;
}

// A comma and what `append(question)` writes; in a survey that of each question, by its id. Nothing
// where no option may be shown.
template <typename Append>
void AppendByQuestion(const RankingSnapshot& snapshot, std::string& out, Append append) {
  if (snapshot.sealed) return;
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
  AppendVersionAndTotals(snapshot, Form::kRanking, out);
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
  AppendVersionAndTotals(snapshot, Form::kLive, out);
  if (HasUnlinkedCards(snapshot)) out += ",\"channels_linked\":false";
  AppendByQuestion(snapshot, out, [&](QuestionIndex question) {
    AppendLiveOptions(snapshot, question, all, Form::kLive, out);
  });
  out += "}\n";
}

void AppendRankingPatch(const RankingSnapshot& snapshot, absl::Span<const OptionIndex> options,
                        std::string& out) {
  out += '{';
  AppendVersionAndTotals(snapshot, Form::kPatch, out);
  // A merge patch takes a member away by null: it may have been there at the older version.
  if (HasUnlinkedCards(snapshot)) {
    out += ",\"channels_linked\":false";
  } else if (!snapshot.view->definition.boxes.empty()) {
    out += ",\"channels_linked\":null";
  }
  AppendByQuestion(snapshot, out, [&](QuestionIndex question) {
    AppendLiveOptions(snapshot, question, options, Form::kPatch, out);
  });
  out += "}\n";
}

void AppendRankingCsv(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out) {
  const auto& questions = snapshot.view->definition.questions;
  if (!questions.empty()) out += "question,";
  out += "rank,option,score,ballots,online,paper\r\n";
  ForEachOfTop(snapshot, top, [&](const auto& option, const auto& row, std::uint32_t rank) {
    if (!questions.empty()) {
      AppendCsvCell(questions[option.question].id, out);
      out += ',';
    }
    const auto append = [&out](bool hidden, auto number) {
      if (!hidden) AppendNumber(number, out);  // else an empty cell
      out += ',';
    };
    append(row.suppressed, std::uint64_t{rank});
    AppendCsvCell(option.id, out);
    out += ',';
    append(row.suppressed, row.score);
    append(row.suppressed, row.ballots);
    append(row.split_hidden, row.online);
    append(row.split_hidden, row.paper);
    out.pop_back();
    out += "\r\n";
  });
}

void AppendRankingNdjson(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out) {
  const auto& questions = snapshot.view->definition.questions;
  ForEachOfTop(snapshot, top, [&](const auto& option, const auto& row, std::uint32_t rank) {
    out += '{';
    if (!questions.empty()) {
      out += "\"question\":";
      AppendJsonString(questions[option.question].id, out);
      out += ',';
    }
    out += "\"option\":";
    AppendJsonString(option.id, out);
    const std::size_t counts = out.size();
    AppendCounts(snapshot, option, row, rank, Form::kRanking, out);
    out[counts] = ',';  // the same object goes on
    out += '\n';
  });
}

}  // namespace tallyd
