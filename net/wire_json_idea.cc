#include "net/wire_json_idea.h"

#include <algorithm>
#include <array>
#include <limits>

#include "net/concat.h"
#include "net/precondition.h"
#include "net/wire_json_document.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

using enum ProblemCode;

constexpr std::string_view kIdPrefix = "idea-";

constexpr NameTable<IdeaState, 4> kIdeaStates = {{{"pending", IdeaState::kPending},
                                                  {"approved", IdeaState::kApproved},
                                                  {"rejected", IdeaState::kRejected},
                                                  {"merged", IdeaState::kMerged}}};

constexpr NameTable<IdeaDecision, 3> kIdeaDecisions = {{{"approve", IdeaDecision::kApproved},
                                                        {"reject", IdeaDecision::kRejected},
                                                        {"merge", IdeaDecision::kMerged}}};

bool IsReasonCode(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void ReadReason(ObjectReader& reader, bool required, DecideIdea& act) {
  const auto code =
      required ? reader.RequireString("reason_code", 1, 64) : reader.String("reason_code", 1, 64);
  if (code && !IsReasonCode(*code)) {
    reader.Fault("reason_code", kMemberInvalid, "must be 1 to 64 of a-z, 0-9, _ and -");
  }
  act.reason_code = std::string(code.value_or(""));
}

// The option that the idea becomes, or goes into.
void ReadTarget(ObjectReader& reader, DecideIdea& act) {
  const bool approve = act.decision == IdeaDecision::kApproved;
  act.poll = std::string(reader.RequireString("poll", 1, 64).value_or(""));
  act.question = std::string(reader.String("question", 1, 64).value_or(""));
  const std::string_view name = approve ? "option" : "merge_into";
  const auto option = approve ? reader.String(name, 1, 64) : reader.RequireString(name, 1, 64);
  if (option && !IsOptionId(*option)) {
    reader.Fault(name, kIdInvalid, "an option id is 1 to 64 letters, digits, _ . / or -");
  }
  act.option = option ? std::string(*option) : IdeaId(act.number);
  if (approve) act.cost = ReadCost(reader);
}

}  // namespace

std::string IdeaId(IdeaNumber number) {
  return Concat(kIdPrefix, number);
}

std::optional<IdeaNumber> ParseIdeaId(std::string_view id) {
  if (!id.starts_with(kIdPrefix)) return std::nullopt;
  const auto number = ParseDecimal(id.substr(kIdPrefix.size()));
  if (!number || *number == 0 || *number > std::numeric_limits<IdeaNumber>::max()) {
    return std::nullopt;
  }
  const auto parsed = static_cast<IdeaNumber>(*number);
  return IdeaId(parsed) == id ? std::optional(parsed) : std::nullopt;  // one spelling only
}

std::optional<IdeaState> FindIdeaState(std::string_view name) {
  for (const auto& [known, state] : kIdeaStates) {
    if (known == name) return state;
  }
  return std::nullopt;
}

std::optional<IdeaDocument> DecodeIdea(std::string_view body, std::vector<BodyError>& errors) {
  DocumentErrors found;
  IdeaDocument idea;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    idea.display = "{";
    ReadTitle(reader, true, found, idea.display);
    idea.display += '}';
    ReadTextsOf(reader, "text", kIdeaTextCharactersMax, found, idea.text);
    if (const auto voter = reader.String("voter", 1, kVoterBytesMax)) {
      if (!IsVoter(*voter)) {
        reader.Fault("voter", kVoterInvalid, "1 to 128 bytes of UTF-8, no control characters");
      }
      idea.voter = std::string(*voter);
    }
    reader.RefuseUnknown();
  }
  if (found.empty()) return idea;
  errors = found.Take();
  return std::nullopt;
}

std::optional<DecideIdea> DecodeIdeaDecision(std::string_view body, IdeaNumber number,
                                             std::vector<BodyError>& errors) {
  DocumentErrors found;
  DecideIdea act;
  act.number = number;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    if (reader.is_object() && !reader.Has("decision")) reader.Require("decision");
    if (const auto decision = reader.OneOf<IdeaDecision>("decision", kIdeaDecisions)) {
      act.decision = *decision;
      ReadReason(reader, act.decision == IdeaDecision::kRejected, act);
      // What does not belong to the decision is unknown to it.
      if (act.decision != IdeaDecision::kRejected) ReadTarget(reader, act);
      reader.RefuseUnknown();
    }
  }
  if (found.empty()) return act;
  errors = found.Take();
  return std::nullopt;
}

void AppendIdea(const IdeaRecord& record, const PollDirectory& polls, Epoch epoch,
                IdeaReader reader, std::string& out) {
  out += R"({"id":")";
  out += IdeaId(record.idea.number);
  out += R"(","project":)";
  AppendJsonString(record.idea.project, out);
  out += R"(,"state":")";
  for (const auto& [name, state] : kIdeaStates) {
    if (state == record.state) out += name;
  }
  out += "\",";
  // The members of {"title":{...}}.
  out += std::string_view(record.idea.display).substr(1, record.idea.display.size() - 2);
  if (!record.idea.text.empty()) AppendTo(&out, ",\"text\":", record.idea.text);
  AppendTo(&out, ",\"submitted\":\"", FormatTime(record.submitted), "\"");
  if (record.poll != 0) {
    const auto poll = polls.Find(record.poll);
    out += ",\"poll\":";
    AppendJsonString(poll->definition.id, out);
    out += ",\"option\":";
    AppendJsonString(poll->definition.options[record.option].id, out);
  }
  if (!record.reason_code.empty()) {
    out += ",\"reason_code\":";
    AppendJsonString(record.reason_code, out);
  }
  if (record.decided != 0) AppendTo(&out, ",\"decided\":\"", FormatTime(record.decided), "\"");
  if (reader == IdeaReader::kModerator) {
    if (!record.moderator.empty()) {
      out += ",\"moderator\":";
      AppendJsonString(record.moderator, out);
    }
    out += ",\"etag\":";
    AppendJsonString(RevisionTag(epoch, record.revision), out);
  }
  out += '}';
}

void AppendIdeaPage(const IdeaPage& page, const PollDirectory& polls, Epoch epoch,
                    std::string_view next, std::string& out) {
  out += "{\"ideas\":[";
  bool first = true;
  for (const IdeaRecord& record : page.ideas) {
    if (!first) out += ',';
    first = false;
    AppendIdea(record, polls, epoch, IdeaReader::kModerator, out);
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
