#include "net/wire_json_audit.h"

#include <iterator>
#include <variant>

#include "net/concat.h"
#include "net/problem_response.h"
#include "net/wire_json_flags.h"
#include "net/wire_json_poll.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

void AppendBy(std::string_view actor, std::string& out) {
  if (!actor.empty()) AppendTextMember("by", actor, out);
}

// What the engine does not interpret is JSON text already.
void AppendDisplay(std::string_view display, std::string& out) {
  if (display.size() > 2) AppendTo(&out, ",\"display\":", display);
}

std::string_view BallotTypeWord(BallotType type) {
  switch (type) {
    case BallotType::kChoose:
      return "choose";
    case BallotType::kPoints:
      return "points";
    case BallotType::kRank:
      return "rank";
    case BallotType::kUpDown:
      return "updown";
    case BallotType::kSurvey:
      return "survey";
  }
  return "";
}

// Every number, used by the type or not: the line says what is stored.
void AppendBallotRules(const BallotDefinition& ballot, std::string& out) {
  AppendTo(&out, R"(,"ballot":{"type":")", BallotTypeWord(ballot.type), "\",\"min\":", ballot.min,
           ",\"max\":", ballot.max, ",\"points_total\":", ballot.points_total,
           ",\"points_per_option_max\":", ballot.points_per_option_max, ",\"scoring\":\"",
           ballot.scoring == RankScoring::kBorda ? "borda\"}" : "borda_ballot\"}");
}

void AppendQuestions(const PollDefinition& poll, std::string& out) {
  if (poll.questions.empty()) return;
  out += ",\"questions\":[";
  for (std::size_t i = 0; i < poll.questions.size(); ++i) {
    const QuestionDefinition& question = poll.questions[i];
    out += i == 0 ? "{\"id\":" : ",{\"id\":";
    AppendJsonString(question.id, out);
    AppendBallotRules(question.ballot, out);
    AppendDisplay(question.display, out);
    out += '}';
  }
  out += ']';
}

void AppendOptions(const PollDefinition& poll, std::string& out) {
  out += ",\"options\":[";
  for (std::size_t i = 0; i < poll.options.size(); ++i) {
    const OptionDefinition& option = poll.options[i];
    out += i == 0 ? "{\"id\":" : ",{\"id\":";
    AppendJsonString(option.id, out);
    if (option.question != 0) AppendTo(&out, ",\"question\":", option.question);
    AppendTo(&out, ",\"cost\":", option.cost);
    if (option.withdrawn) out += ",\"withdrawn\":true";
    if (option.fate != OptionFate::kKept) {
      AppendTo(&out, ",\"fate\":", static_cast<int>(option.fate),
               ",\"counts_for\":", option.counts_for);
    }
    AppendDisplay(option.display, out);
    out += '}';
  }
  out += ']';
}

void AppendBoxes(const PollDefinition& poll, std::string& out) {
  out += ",\"boxes\":[";
  for (std::size_t i = 0; i < poll.boxes.size(); ++i) {
    out += i == 0 ? "{\"id\":" : ",{\"id\":";
    AppendJsonString(poll.boxes[i].id, out);
    AppendDisplay(poll.boxes[i].display, out);
    out += '}';
  }
  out += ']';
}

void AppendAuditedRules(const PollDefinition& poll, std::string& out) {
  constexpr std::string_view kChannelRules[] = {"first", "paper_beats_online", "list"};
  if (poll.opens) AppendTo(&out, ",\"opens\":\"", FormatTime(*poll.opens), "\"");
  if (poll.closes) AppendTo(&out, ",\"closes\":\"", FormatTime(*poll.closes), "\"");
  AppendTo(
      &out, ",\"revote\":\"", poll.revote == RevoteRule::kRefuse ? "refuse" : "replace",
      "\",\"changes_max\":", poll.changes_max, ",\"withdraw\":", poll.withdraw ? "true" : "false",
      ",\"online\":", poll.online ? "true" : "false", ",\"paper\":", poll.paper ? "true" : "false",
      ",\"channel_rule\":\"", kChannelRules[static_cast<std::size_t>(poll.channel_rule)],
      "\",\"paper_confirm\":", poll.paper_confirm ? "true" : "false");
  if (poll.paper_blind) out += ",\"paper_blind\":true";
  if (poll.roll) out += ",\"roll\":true";
  if (!poll.claims.empty()) {
    out += ",\"claims\":";
    AppendClaims(poll.claims, out);
  }
  if (poll.ballots_per_voter != BallotsPerVoter{}) {
    AppendTo(&out, ",\"ballots_per_voter\":", poll.ballots_per_voter.count);
    if (poll.ballots_per_voter.per_day()) {
      AppendTextMember("day_zone", poll.ballots_per_voter.day_zone, out);
    }
  }
  if (const VisibilityDefinition& visibility = poll.visibility;
      visibility != VisibilityDefinition{}) {
    AppendTo(&out, R"(,"visibility":{"rule":)", static_cast<int>(visibility.rule),
             ",\"from\":", static_cast<int>(visibility.from), ",\"k\":", visibility.coarse_k,
             ",\"turnout_hidden\":", visibility.turnout_hidden ? "true}" : "false}");
  }
  if (poll.weight.is_given()) {
    out += ",\"weight\":{\"claim\":";
    AppendJsonString(poll.weight.claim, out);
    AppendTo(&out, ",\"max\":", poll.weight.max, "}");
  }
  if (poll.fraud.is_given()) {
    out += ",\"fraud\":";
    AppendFraud(poll.fraud, out);
  }
  if (poll.selection != SelectionDefinition{}) {
    AppendTo(&out, R"(,"selection":{"rule":)", static_cast<int>(poll.selection.rule),
             ",\"count\":", poll.selection.count, ",\"budget\":", poll.selection.budget,
             ",\"threshold\":", poll.selection.threshold, "}");
  }
}

void AppendAct(const PollView&, const Engine::JournaledAct& act, const PollEntry& entry,
               std::string& out) {
  const PollDefinition& poll = entry.definition;
  AppendTo(&out, ",\"act\":\"", act.number == 1 ? "poll_created" : "poll_replaced", "\"");
  AppendBy(entry.actor, out);
  out += ",\"definition\":{\"id\":";
  AppendJsonString(poll.id, out);
  AppendTextMember("project", poll.project, out);
  AppendBallotRules(poll.ballot, out);
  AppendQuestions(poll, out);
  AppendOptions(poll, out);
  AppendBoxes(poll, out);
  AppendAuditedRules(poll, out);
  AppendDisplay(poll.display, out);
  out += '}';
}

void AppendAct(const PollView&, const Engine::JournaledAct&, const PollStateEntry& entry,
               std::string& out) {
  AppendTo(&out, ",\"act\":\"", entry.cause == StateCause::kSchedule ? "scheduled" : "transition",
           "\"");
  AppendBy(entry.actor, out);
  AppendTo(&out, ",\"to\":\"", PollStateName(entry.to), "\"");
}

// By CardResult.
constexpr std::string_view kCardResultWords[] = {"counted", "beat_online", "voted_online",
                                                 "on_paper", "not_on_roll"};

// In a survey an option is named with its question.
std::string OptionName(const PollView& poll, OptionIndex index) {
  const OptionDefinition& option = poll.definition.options[index];
  if (poll.definition.questions.empty()) return option.id;
  return Concat(poll.definition.questions[option.question].id, "/", option.id);
}

void AppendFigures(const PollView& poll, const PaperFigures& figures, std::string& out) {
  AppendTo(&out, ",\"cards\":", figures.cards, ",\"invalid\":", figures.invalid,
           ",\"blank\":", figures.blank, ",\"counts\":{");
  bool first = true;
  for (const PaperCount& count : figures.counts) {
    if (!first) out += ',';
    first = false;
    AppendJsonString(OptionName(poll, count.option), out);
    AppendTo(&out, ":{\"ballots\":", count.ballots, ",\"score\":", count.score, "}");
  }
  out += '}';
}

void AppendAct(const PollView& poll, const Engine::JournaledAct&, const PaperBatchEntry& entry,
               std::string& out) {
  const PaperBatch& batch = entry.batch;
  out += R"(,"act":"paper_entered")";
  AppendBy(entry.actor, out);
  AppendTextMember("batch", batch.id, out);
  AppendTextMember("box", poll.definition.boxes[batch.box - 1].id, out);
  if (batch.opened_at) AppendTo(&out, ",\"opened_at\":\"", FormatTime(*batch.opened_at), "\"");
  if (!batch.counted_by.empty()) {
    out += ",\"counted_by\":[";
    for (std::size_t i = 0; i < batch.counted_by.size(); ++i) {
      if (i != 0) out += ',';
      AppendJsonString(batch.counted_by[i], out);
    }
    out += ']';
  }
  if (!batch.seal.empty()) AppendTextMember("seal", batch.seal, out);
  // Whoever confirms must not read the first entry here; the confirmation's line has the figures.
  if (!poll.definition.paper_blind) AppendFigures(poll, batch.figures, out);
  if (entry.counts) out += ",\"counts_at_once\":true";
  if (batch.by_cards) out += ",\"by_cards\":true";
}

void AppendAct(const PollView& poll, const Engine::JournaledAct&, const PaperConfirmEntry& entry,
               std::string& out) {
  out += R"(,"act":"paper_confirmed")";
  AppendBy(entry.actor, out);
  AppendTextMember("batch", entry.batch, out);
  out += entry.blind ? ",\"blind\":true" : ",\"blind\":false";
  AppendFigures(poll, entry.figures, out);
}

void AppendAct(const PollView& poll, const Engine::JournaledAct&, const PaperVoidEntry& entry,
               std::string& out) {
  out += R"(,"act":"paper_voided")";
  AppendBy(entry.actor, out);
  AppendTextMember("batch", entry.batch, out);
  AppendTextMember("reason", entry.reason, out);
  out += entry.reverses ? ",\"counted\":true" : ",\"counted\":false";
  if (entry.reverses) AppendFigures(poll, *entry.reverses, out);
}

void AppendAct(const PollView& poll, const Engine::JournaledAct&, const OptionFateEntry& entry,
               std::string& out) {
  const PollDefinition& definition = poll.definition;
  out += entry.fate == OptionFate::kMoved ? R"(,"act":"option_merged")"
                                          : R"(,"act":"option_withdrawn")";
  AppendBy(entry.actor, out);
  const OptionDefinition& option = definition.options[entry.option];
  AppendTextMember("option", option.id, out);
  if (option.question != 0) AppendTo(&out, ",\"question\":", option.question);
  if (entry.fate == OptionFate::kMoved) {
    AppendTextMember("into", definition.options[entry.into].id, out);
    AppendTo(&out, ",\"overlap\":{\"ballots\":", entry.overlap.ballots,
             ",\"online\":", entry.overlap.online, ",\"paper\":", entry.overlap.paper, "}");
  } else {
    AppendTextMember("fate", entry.fate == OptionFate::kKept ? "kept" : "released", out);
  }
  if (!entry.reason.empty()) AppendTextMember("reason", entry.reason, out);
}

// Of an idea that became an option of the poll, or went into one.
void AppendAct(const PollView& poll, const Engine::JournaledAct&, const IdeaDecisionEntry& entry,
               std::string& out) {
  out += entry.decision == IdeaDecision::kApproved ? R"(,"act":"idea_approved")"
                                                   : R"(,"act":"idea_merged")";
  AppendBy(entry.actor, out);
  AppendTo(&out, ",\"idea\":", entry.number);
  AppendTextMember("option", poll.definition.options[entry.option].id, out);
  if (!entry.reason_code.empty()) AppendTextMember("reason_code", entry.reason_code, out);
}

void AppendAct(const PollView& poll, const Engine::JournaledAct&, const PaperCardsEntry& entry,
               std::string& out) {
  out += R"(,"act":"paper_cards_entered")";
  AppendBy(entry.actor, out);
  AppendTextMember("batch", entry.batch, out);
  if (!poll.definition.paper_blind) AppendFigures(poll, entry.figures, out);
}

void AppendAct(const PollView&, const Engine::JournaledAct&, const PaperCardsCountEntry& entry,
               std::string& out) {
  out += R"(,"act":"paper_cards_counted")";
  AppendBy(entry.actor, out);
  AppendTextMember("batch", entry.batch, out);
  AppendTo(&out, ",\"blind\":", entry.blind ? "true" : "false",
           ",\"at_once\":", entry.at_once ? "true" : "false", ",\"cards\":", entry.outcomes.size());
  std::size_t counts[std::size(kCardResultWords)] = {};
  for (const CardOutcome& outcome : entry.outcomes) {
    ++counts[static_cast<std::size_t>(outcome.result)];
  }
  for (std::size_t i = 0; i < std::size(counts); ++i) {
    AppendTo(&out, ",\"", kCardResultWords[i], "\":", counts[i]);
  }
}

// How many codes, never which.
void AppendAct(const PollView&, const Engine::JournaledAct&, const RollEntry& entry,
               std::string& out) {
  out += R"(,"act":"codes_made")";
  AppendBy(entry.actor, out);
  AppendTextMember("batch", entry.batch, out);
  AppendTo(&out, ",\"codes\":", entry.tags.size());
}

void AppendAct(const PollView&, const Engine::JournaledAct&, const OnlineAfterPaperEntry& entry,
               std::string& out) {
  AppendTo(&out, R"(,"act":"online_after_paper","on_paper":)", entry.on_paper);
}

void AppendAct(const PollView&, const Engine::JournaledAct&, const KeyDestroyedEntry& entry,
               std::string& out) {
  out += R"(,"act":"key_destroyed")";
  AppendBy(entry.actor, out);
  AppendTextMember("reason", entry.reason, out);
}

// How many, never who, nor for what: the count shows that where it may.
void AppendAct(const PollView&, const Engine::JournaledAct&, const FlagOpenedEntry& entry,
               std::string& out) {
  AppendTo(&out, R"(,"act":"ballots_flagged","group":)", entry.group, ",\"rule\":\"",
           FlagRuleName(entry.rule), "\",\"ballots\":", entry.burst.ballots,
           ",\"window_s\":", entry.burst.window_s, ",\"voters\":", entry.voters.size());
}

void AppendAct(const PollView&, const Engine::JournaledAct&, const FlagDecisionEntry& entry,
               std::string& out) {
  out += R"(,"act":"flags_decided")";
  AppendBy(entry.actor, out);
  AppendTo(&out, ",\"group\":", entry.group, ",\"was\":\"", FlagStateName(entry.was),
           "\",\"to\":\"", FlagStateName(entry.to), "\",\"ballots\":", entry.figures.ballots);
  AppendTextMember("reason", entry.reason, out);
}

// Never acts of a poll (engine/audit_index.h).
void AppendAct(const PollView&, const Engine::JournaledAct&, const KeySealedEntry&, std::string&) {}
void AppendAct(const PollView&, const Engine::JournaledAct&, const FlagJoinedEntry&, std::string&) {
}
void AppendAct(const PollView&, const Engine::JournaledAct&, const HeldBallotEntry&, std::string&) {
}
void AppendAct(const PollView&, const Engine::JournaledAct&, const BallotEntry&, std::string&) {}
void AppendAct(const PollView&, const Engine::JournaledAct&, const WithdrawalEntry&, std::string&) {
}
// Acts of a project's log.
void AppendAct(const PollView&, const Engine::JournaledAct&, const ProjectEntry&, std::string&) {}
void AppendAct(const PollView&, const Engine::JournaledAct&, const IdeaEntry&, std::string&) {}
void AppendAct(const PollView&, const Engine::JournaledAct&, const ProjectQuotaEntry&,
               std::string&) {}
void AppendAct(const PollView&, const Engine::JournaledAct&, const QuotaUseEntry&, std::string&) {}

void AppendHex(const ChainHash& hash, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const std::uint8_t byte : hash.bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

void AppendAuditLine(const PollView& poll, const Engine::JournaledAct& act,
                     const ChainHash& previous, std::string& out) {
  AppendTo(&out, "{\"n\":", act.number, ",\"at\":\"", FormatTime(act.time),
           "\",\"commit\":", act.position, ",\"poll\":");
  AppendJsonString(poll.definition.id, out);
  std::visit([&](const auto& entry) { AppendAct(poll, act, entry, out); }, act.entry);
  out += ",\"previous\":\"";
  AppendHex(previous, out);
  out += "\"}";
}

void AppendProjectAuditLine(std::string_view project, const PollDirectory& polls,
                            const Engine::JournaledAct& act, const ChainHash& previous,
                            std::string& out) {
  AppendTo(&out, "{\"n\":", act.number, ",\"at\":\"", FormatTime(act.time),
           "\",\"commit\":", act.position, ",\"project\":");
  AppendJsonString(project, out);
  if (const auto* put = std::get_if<ProjectEntry>(&act.entry)) {
    AppendTo(&out, ",\"act\":\"", act.number == 1 ? "project_created" : "project_replaced", "\"");
    AppendBy(put->actor, out);
    AppendDisplay(put->display, out);
  } else if (const auto* quota = std::get_if<ProjectQuotaEntry>(&act.entry)) {
    out += R"(,"act":"quota_set")";
    AppendBy(quota->actor, out);
    AppendTo(&out, ",\"ballots_per_voter\":", quota->ballots_per_voter);
  } else if (const auto* destroyed = std::get_if<KeyDestroyedEntry>(&act.entry)) {
    out += R"(,"act":"key_destroyed")";
    AppendBy(destroyed->actor, out);
    AppendTextMember("reason", destroyed->reason, out);
  } else if (const auto* decided = std::get_if<IdeaDecisionEntry>(&act.entry)) {
    AppendTo(&out, ",\"act\":\"",
             decided->decision == IdeaDecision::kRejected   ? "idea_rejected"
             : decided->decision == IdeaDecision::kApproved ? "idea_approved"
                                                            : "idea_merged",
             "\"");
    AppendBy(decided->actor, out);
    AppendTo(&out, ",\"idea\":", decided->number);
    if (const auto poll = polls.Find(decided->poll)) {
      AppendTextMember("poll", poll->definition.id, out);
      AppendTextMember("option", poll->definition.options[decided->option].id, out);
    }
    if (!decided->reason_code.empty()) AppendTextMember("reason_code", decided->reason_code, out);
  }
  out += ",\"previous\":\"";
  AppendHex(previous, out);
  out += "\"}";
}

}  // namespace tallyd
