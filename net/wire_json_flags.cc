#include "net/wire_json_flags.h"

#include "engine/limits.h"
#include "engine/visibility.h"
#include "net/concat.h"
#include "net/precondition.h"
#include "net/wire_json_document.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr NameTable<FlagState, 3> kFlagDecisions = {{{"quarantine", FlagState::kQuarantined},
                                                     {"release", FlagState::kReleased},
                                                     {"void", FlagState::kVoided}}};

void AppendBurst(std::string_view name, const BurstRule& rule, std::string& out) {
  AppendTo(&out, "\"", name, "\":{\"ballots\":", rule.ballots, ",\"window_s\":", rule.window_s,
           "}");
}

// What it is, and what became of it; an object that is not closed yet.
void AppendHead(const FlagGroupView& view, Epoch epoch, std::string& out) {
  const FlagGroup& group = view.group;
  AppendTo(&out, "{\"group\":", group.number, ",\"state\":\"", FlagStateName(group.state),
           "\",\"channel\":\"online\",");
  AppendBurst(FlagRuleName(group.rule), group.burst, out);
  AppendTo(&out, ",\"first\":\"", FormatTime(group.opened), "\",\"last\":\"",
           FormatTime(group.newest), "\",\"voters\":", view.voters_count);
  if (group.decisions != 0) {
    AppendTo(&out, ",\"decided\":\"", FormatTime(group.decided), "\"");
    AppendTextMember("reason", group.reason, out);
    if (!group.actor.empty()) AppendTextMember("by", group.actor, out);
  }
  AppendTextMember("etag", RevisionTag(epoch, group.decisions), out);
}

void AppendOptions(const PollDefinition& poll, QuestionIndex question, const HeldFigures& figures,
                   std::string& out) {
  out += "\"options\":{";
  bool first = true;
  for (const HeldCount& count : figures.counts) {
    const OptionDefinition& option = poll.options[count.option];
    if (option.question != question) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    AppendTo(&out, ":{\"ballots\":", count.ballots, ",\"score\":", count.score, "}");
  }
  out += '}';
}

}  // namespace

std::optional<DecideFlags> DecodeFlagDecision(std::string_view body,
                                              std::vector<BodyError>& errors) {
  DocumentErrors found;
  DecideFlags act;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    if (reader.is_object() && !reader.Has("decision")) reader.Require("decision");
    if (const auto to = reader.OneOf<FlagState>("decision", kFlagDecisions)) act.to = *to;
    act.reason = std::string(reader.RequireString("reason", 1, kReasonBytesMax).value_or(""));
    if (!IsText(act.reason)) {
      reader.Fault("reason", ProblemCode::kMemberInvalid, "must have no control characters");
    }
    reader.RefuseUnknown();
  }
  if (found.empty()) return act;
  errors = found.Take();
  return std::nullopt;
}

std::string_view FlagRuleName(FlagRule rule) {
  return rule == FlagRule::kNetworkBurst ? "network_burst" : "poll_burst";
}

std::string_view FlagStateName(FlagState state) {
  switch (state) {
    case FlagState::kFlagged:
      return "flagged";
    case FlagState::kQuarantined:
      return "quarantined";
    case FlagState::kReleased:
      return "released";
    case FlagState::kVoided:
      return "voided";
  }
  return "flagged";
}

void AppendFraud(const FraudDefinition& fraud, std::string& out) {
  out += '{';
  if (fraud.network_burst.is_given()) AppendBurst("network_burst", fraud.network_burst, out);
  if (fraud.network_burst.is_given() && fraud.poll_burst.is_given()) out += ',';
  if (fraud.poll_burst.is_given()) AppendBurst("poll_burst", fraud.poll_burst, out);
  out += '}';
}

void AppendFlagGroup(const PollView& poll, const FlagGroupView& view, Epoch epoch,
                     std::string& out) {
  AppendHead(view, epoch, out);
  const PollDefinition& definition = poll.definition;
  const HeldFigures& figures = *view.figures;
  if (IsWithheld(definition.visibility, poll.state)) {
    out += ",\"withheld\":true}";
    return;
  }
  AppendTo(&out, ",\"ballots\":", figures.ballots);
  if (figures.ballots < kFlagFiguresMin) {  // others were withdrawn; few would show single voters
    out += ",\"suppressed\":true}";
    return;
  }
  AppendTo(&out, ",\"blank\":", figures.blank, ",");
  if (definition.questions.empty()) {
    AppendOptions(definition, 0, figures, out);
  } else {
    out += "\"questions\":{";
    for (QuestionIndex i = 0; i < definition.questions.size(); ++i) {
      if (i != 0) out += ',';
      AppendJsonString(definition.questions[i].id, out);
      out += ":{";
      AppendOptions(definition, i, figures, out);
      out += '}';
    }
    out += '}';
  }
  out += '}';
}

void AppendFlagPage(const FlagPage& page, Epoch epoch, std::string_view next, std::string& out) {
  out += "{\"groups\":[";
  bool first = true;
  for (const FlagGroupView& view : page.groups) {
    if (!first) out += ',';
    first = false;
    AppendHead(view, epoch, out);
    out += '}';
  }
  out += "],\"next\":";
  if (next.empty()) {
    out += "null";
  } else {
    AppendJsonString(next, out);
  }
  out += "}\n";
}

}  // namespace tallyd
