#include <boost/json/serialize.hpp>

#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_json_flags.h"
#include "net/wire_json_poll.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

// Splices the members of a display text into an object that is being written: ,"title":{...}
void AppendDisplayMembers(std::string_view display, std::string& out) {
  if (display.size() <= 2) return;
  out += ',';
  out += display.substr(1, display.size() - 2);
}

// The title alone, for lists; {} if there is none (a project that its first poll created).
void AppendTitle(std::string_view display, std::string& out) {
  DocumentErrors errors;
  const auto document = ParseDocument(display, errors);
  const boost::json::object* object = document ? document->if_object() : nullptr;
  const boost::json::value* title = object == nullptr ? nullptr : object->if_contains("title");
  if (title == nullptr) {
    out += "{}";
  } else {
    const std::string text = boost::json::serialize(*title);
    out += text;
  }
}

void AppendFlag(std::string_view name, bool value, std::string& out) {
  AppendTo(&out, ",\"", name, value ? "\":true" : "\":false");
}

void AppendSimpleBallot(const BallotDefinition& ballot, std::string& out) {
  switch (ballot.type) {
    case BallotType::kChoose:
      AppendTo(&out, R"({"type":"choose","min":)", ballot.min, ",\"max\":", ballot.max, "}");
      return;
    case BallotType::kPoints:
      AppendTo(&out, R"({"type":"points","total":)", ballot.points_total,
               ",\"max_per_option\":", ballot.points_per_option_max, "}");
      return;
    case BallotType::kRank:
      AppendTo(&out, R"({"type":"rank","max":)", ballot.max, ",\"scoring\":\"",
               ballot.scoring == RankScoring::kBorda ? "borda" : "borda_ballot", "\"}");
      return;
    case BallotType::kUpDown:
      out += R"({"type":"updown"})";
      return;
    case BallotType::kSurvey:
      return;
  }
}

void AppendOptions(const PollDefinition& definition, QuestionIndex question, std::string& out) {
  out += ",\"options\":[";
  bool first = true;
  for (const OptionDefinition& option : definition.options) {
    if (option.question != question) continue;
    out += first ? "{\"id\":" : ",{\"id\":";
    first = false;
    AppendJsonString(option.id, out);
    AppendDisplayMembers(option.display, out);
    AppendTo(&out, ",\"cost\":", option.cost);
    AppendFate(definition, option, out);
    out += '}';
  }
  out += ']';
}

void AppendBallot(const PollDefinition& definition, std::string& out) {
  if (definition.ballot.type != BallotType::kSurvey) {
    AppendSimpleBallot(definition.ballot, out);
    return;
  }
  out += R"({"type":"survey","questions":[)";
  for (QuestionIndex i = 0; i < definition.questions.size(); ++i) {
    const QuestionDefinition& question = definition.questions[i];
    out += i == 0 ? "{\"id\":" : ",{\"id\":";
    AppendJsonString(question.id, out);
    AppendDisplayMembers(question.display, out);
    out += ",\"ballot\":";
    AppendSimpleBallot(question.ballot, out);
    AppendOptions(definition, i, out);
    out += '}';
  }
  out += "]}";
}

void AppendSelection(const SelectionDefinition& selection, std::string& out) {
  if (selection.rule == SelectionRule::kNone) return;
  out += ",\"selection\":{\"rule\":\"";
  for (const auto& [name, rule] : kSelectionRules) {
    if (rule == selection.rule) out += name;
  }
  out += '"';
  if (selection.rule == SelectionRule::kTop) {
    AppendTo(&out, ",\"count\":", selection.count);
  } else {
    AppendTo(&out, ",\"budget\":", selection.budget);
  }
  if (selection.threshold != 0 || selection.rule == SelectionRule::kGreedyThreshold) {
    AppendTo(&out, ",\"threshold\":", selection.threshold);
  }
  out += '}';
}

template <typename Table, typename Value>
std::string_view NameIn(const Table& names, Value value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "";
}

void AppendVisibility(const VisibilityDefinition& visibility, std::string& out) {
  AppendTo(&out, ",\"visibility\":\"", NameIn(kVisibilities, visibility.rule),
           "\",\"visible_from\":\"", NameIn(kVisibleFroms, visibility.from), "\"");
  if (visibility.rule == Visibility::kCoarse) {
    AppendTo(&out, ",\"coarse\":{\"k\":", visibility.coarse_k, "}");
  }
  if (visibility.rule == Visibility::kSealed) {
    AppendTo(&out, ",\"turnout\":\"", visibility.turnout_hidden ? "hidden" : "public", "\"");
  }
}

void AppendHead(const PollView& poll, std::string& out) {
  out += "{\"id\":";
  AppendJsonString(poll.definition.id, out);
  AppendTo(&out, ",\"state\":\"", PollStateName(poll.state), "\"");
  AppendFlag("accepting", poll.accepting_online, out);
  AppendTo(&out, ",\"revision\":", poll.revision, ",\"project\":");
  AppendJsonString(poll.definition.project, out);
}

void AppendEligible(const PollDefinition& definition, std::string& out) {
  if (definition.claims.empty() && !definition.roll) return;
  out += R"(,"eligible":{)";
  if (!definition.claims.empty()) {
    out += R"("claims":)";
    AppendClaims(definition.claims, out);
    if (definition.roll) out += ',';
  }
  if (definition.roll) out += R"("roll":true)";
  out += '}';
}

void AppendDefinedRules(const PollDefinition& definition, std::string& out) {
  if (definition.opens) AppendTo(&out, ",\"opens\":\"", FormatTime(*definition.opens), "\"");
  if (definition.closes) {
    AppendTo(&out, ",\"closes\":\"", FormatTime(*definition.closes), "\"");
  }
  AppendTo(&out,
           ",\"revote\":", definition.revote == RevoteRule::kRefuse ? "\"refuse\"" : "\"replace\"",
           ",\"changes_max\":", definition.changes_max);
  AppendFlag("withdraw", definition.withdraw, out);
  AppendTo(&out, ",\"ballots_per_voter\":", definition.ballots_per_voter.count);
  if (definition.ballots_per_voter.per_day()) out += ",\"ballots_per\":\"day\"";
  AppendVisibility(definition.visibility, out);
  out += ",\"channels\":[";
  if (definition.online) out += "\"online\"";
  if (definition.online && definition.paper) out += ',';
  if (definition.paper) out += "\"paper\"";
  out += "],\"channel_rule\":";
  switch (definition.channel_rule) {
    case ChannelRule::kFirst:
      out += "\"first\"";
      break;
    case ChannelRule::kPaperBeatsOnline:
      out += "\"paper_beats_online\"";
      break;
    case ChannelRule::kList:
      out += "\"list\"";
      break;
  }
  AppendTo(&out, ",\"paper\":{\"confirm\":", definition.paper_confirm ? "true" : "false",
           definition.paper_blind ? ",\"blind\":true}" : "}");
  AppendEligible(definition, out);
  if (definition.weight.is_given()) {
    out += ",\"weight\":{\"claim\":";
    AppendJsonString(definition.weight.claim, out);
    AppendTo(&out, ",\"max\":", definition.weight.max, "}");
  }
  AppendSelection(definition.selection, out);
}

}  // namespace

void AppendClaims(absl::Span<const ClaimRule> claims, std::string& out) {
  out += '{';
  for (const ClaimRule& claim : claims) {
    if (&claim != &claims.front()) out += ',';
    AppendJsonString(claim.name, out);
    for (const std::string& value : claim.values) {
      out += &value == &claim.values.front() ? ":[" : ",";
      AppendJsonString(value, out);
    }
    out += ']';
  }
  out += '}';
}

void AppendFate(const PollDefinition& poll, const OptionDefinition& option, std::string& out) {
  if (!option.withdrawn) return;
  out += R"(,"withdrawn":true,"fate":")";
  for (const auto& [name, fate] : kOptionFates) {
    if (fate == option.fate) out += name;
  }
  out += '"';
  if (option.fate != OptionFate::kMoved) return;
  out += ",\"merged_into\":";
  AppendJsonString(poll.options[option.counts_for].id, out);
}

std::string_view PollStateName(PollState state) {
  switch (state) {
    case PollState::kDraft:
      return "draft";
    case PollState::kOpen:
      return "open";
    case PollState::kPaused:
      return "paused";
    case PollState::kClosed:
      return "closed";
    case PollState::kFinal:
      return "final";
  }
  return "draft";
}

void AppendPoll(const PollView& poll, std::string& out, PollReader reader) {
  const PollDefinition& definition = poll.definition;
  AppendHead(poll, out);
  if (poll.key_destroyed_at) {
    AppendTo(&out, ",\"voter_key_destroyed\":\"", FormatTime(*poll.key_destroyed_at), "\"");
  }
  AppendDisplayMembers(definition.display, out);
  out += ",\"ballot\":";
  AppendBallot(definition, out);
  if (definition.questions.empty()) {
    AppendOptions(definition, 0, out);
  } else {
    out += ",\"options\":[]";  // those of the questions are in the ballot
  }
  AppendDefinedRules(definition, out);
  if (definition.fraud.is_given() && reader == PollReader::kOperator) {
    out += ",\"fraud\":";
    AppendFraud(definition.fraud, out);
  }
  out += ",\"boxes\":[";
  for (std::size_t i = 0; i < definition.boxes.size(); ++i) {
    out += i == 0 ? "{\"id\":" : ",{\"id\":";
    AppendJsonString(definition.boxes[i].id, out);
    AppendDisplayMembers(definition.boxes[i].display, out);
    out += '}';
  }
  out += "]}\n";
}

void AppendPollSummary(const PollView& poll, std::string& out) {
  AppendHead(poll, out);
  out += ",\"title\":";
  AppendTitle(poll.definition.display, out);
  out += '}';
}

void AppendPollPage(absl::Span<const std::shared_ptr<const PollView>> polls, std::string_view next,
                    std::string& out) {
  out += "{\"polls\":[";
  for (std::size_t i = 0; i < polls.size(); ++i) {
    if (i != 0) out += ',';
    AppendPollSummary(*polls[i], out);
  }
  out += ']';
  if (!next.empty()) {
    out += ",\"next\":";
    AppendJsonString(next, out);
  }
  out += "}\n";
}

void AppendProject(const ProjectView& project, std::string& out) {
  out += "{\"id\":";
  AppendJsonString(project.project.id, out);
  AppendTo(&out, ",\"revision\":", project.revision);
  AppendDisplayMembers(project.project.display, out);
  if (project.ballots_per_voter != 0) {
    AppendTo(&out, ",\"ballots_per_voter\":", project.ballots_per_voter);
  }
  out += "}\n";
}

}  // namespace tallyd
