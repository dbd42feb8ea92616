#include "net/wire_json_selection.h"

#include <algorithm>
#include <string_view>

#include "net/concat.h"
#include "net/problem_response.h"
#include "net/wire_json_poll.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

std::string_view NameOf(SelectionRule rule) {
  for (const auto& [name, known] : kSelectionRules) {
    if (known == rule) return name;
  }
  return "";
}

std::string_view NameOf(SelectionReason reason) {
  switch (reason) {
    case SelectionReason::kInCount:
      return "in_count";
    case SelectionReason::kFits:
      return "fits";
    case SelectionReason::kWithdrawn:
      return "withdrawn";
    case SelectionReason::kBelowThreshold:
      return "below_threshold";
    case SelectionReason::kBeyondCount:
      return "beyond_count";
    case SelectionReason::kTooExpensive:
      return "too_expensive";
    case SelectionReason::kAfterEnd:
      return "after_end";
  }
  return "";
}

bool HasAllFigures(const RankingSnapshot& snapshot) {
  return !snapshot.sealed && std::none_of(snapshot.rows.begin(), snapshot.rows.end(),
                                          [](const RankedOption& row) { return row.suppressed; });
}

void AppendConsidered(const RankingSnapshot& snapshot, const ConsideredOption& considered,
                      bool has_budget, std::string& out) {
  const OptionDefinition& option = snapshot.view->definition.options[considered.option];
  out += "{\"option\":";
  AppendJsonString(option.id, out);
  AppendTo(&out, ",\"selected\":", considered.selected ? "true" : "false", ",\"reason\":\"",
           NameOf(considered.reason), "\",\"score\":", snapshot.rows[considered.option].score,
           ",\"cost\":", option.cost);
  AppendFate(snapshot.view->definition, option, out);
  if (has_budget) AppendTo(&out, ",\"budget_left\":", considered.budget_left);
  out += considered.tie_decided ? ",\"tie_decided\":true}" : "}";
}

}  // namespace

void AppendSelection(const RankingSnapshot& snapshot, std::string& out) {
  const SelectionDefinition& rule = snapshot.view->definition.selection;
  // The choice follows from every figure.
  if (rule.rule == SelectionRule::kNone || !HasAllFigures(snapshot)) {
    out += "null";
    return;
  }
  const Selection selection = Select(snapshot);
  const bool has_budget = rule.rule != SelectionRule::kTop;
  AppendTo(&out, R"({"rule":")", NameOf(rule.rule), "\"");
  if (has_budget) {
    AppendTo(&out, ",\"budget\":", rule.budget);
  } else {
    AppendTo(&out, ",\"count\":", rule.count);
  }
  if (rule.threshold != 0 || rule.rule == SelectionRule::kGreedyThreshold) {
    AppendTo(&out, ",\"threshold\":", rule.threshold);
  }
  const bool ended = snapshot.state == PollState::kClosed || snapshot.state == PollState::kFinal;
  AppendTo(&out, ",\"spent\":", selection.spent, ",\"provisional\":", ended ? "false" : "true",
           R"(,"tie_rule":"option_id","tie_decided":)", selection.tie_decided ? "true" : "false",
           ",\"options\":[");
  bool first = true;
  for (const ConsideredOption& considered : selection.options) {
    if (!first) out += ',';
    first = false;
    AppendConsidered(snapshot, considered, has_budget, out);
  }
  out += "]}";
}

}  // namespace tallyd
