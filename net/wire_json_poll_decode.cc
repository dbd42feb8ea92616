#include <algorithm>
#include <array>

#include "absl/container/flat_hash_set.h"

#include "engine/claim_rule.h"
#include "engine/limits.h"
#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_json_poll.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using enum ProblemCode;

constexpr std::int64_t kProjectQuotaMax = 1'000'000;
constexpr std::int64_t kChangesMax = 1'000'000;

constexpr NameTable<PollState, 5> kStates = {{{"draft", PollState::kDraft},
                                              {"open", PollState::kOpen},
                                              {"paused", PollState::kPaused},
                                              {"closed", PollState::kClosed},
                                              {"final", PollState::kFinal}}};
constexpr NameTable<RevoteRule, 2> kRevotes = {
    {{"refuse", RevoteRule::kRefuse}, {"replace", RevoteRule::kReplace}}};
constexpr NameTable<ChannelRule, 3> kChannelRules = {
    {{"first", ChannelRule::kFirst},
     {"paper_beats_online", ChannelRule::kPaperBeatsOnline},
     {"list", ChannelRule::kList}}};
bool IsTimeZone(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '+' || c == '-';
  });
}

std::string ReadTimeZone(ObjectReader& reader, std::string& display) {
  const auto zone = reader.String("time_zone", 1, 64);
  if (zone && !IsTimeZone(*zone)) {
    reader.Fault("time_zone", kMemberInvalid, "not a name of the IANA time zone database");
  }
  AppendTo(&display, display.size() > 1 ? "," : "", "\"time_zone\":");
  std::string name(zone.value_or("Europe/Berlin"));
  AppendJsonString(name, display);
  return name;
}

// A survey's options are its questions'.
void ReadPollOptions(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  if (definition.ballot.type != BallotType::kSurvey) {
    ReadOptions(reader, "", 0, errors, definition);
    return;
  }
  const json::array* array = ReadArray(reader, "options", false, kOptionsPerPollMax);
  if (array != nullptr && !array->empty()) {
    reader.Fault("options", kMemberInvalid, "a survey's options are those of its questions");
  }
  if (definition.options.size() > kOptionsPerPollMax) {
    errors.Add("/ballot/questions", kMemberInvalid,
               Concat("must not have more than ", kOptionsPerPollMax, " options in all"));
  }
}

constexpr std::int64_t kHandedOutMax = 100'000'000;

void ReadBoxes(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  const json::array* array = ReadArray(reader, "boxes", false, kBoxesPerPollMax);
  if (array == nullptr) return;
  absl::flat_hash_set<std::string> seen;
  for (std::size_t i = 0; i < array->size(); ++i) {
    ObjectReader member((*array)[i], Concat("/boxes/", i), errors);
    if (!member.is_object()) continue;
    BoxDefinition box;
    box.id = std::string(member.RequireString("id", 1, 64).value_or(""));
    if (!box.id.empty() && !IsId(box.id)) {
      member.Fault("id", kIdInvalid, "a box id is 1 to 63 lower-case letters, digits or hyphens");
    } else if (!box.id.empty() && !seen.insert(box.id).second) {
      member.Fault("id", kMemberInvalid, "another box has this id");
    }
    box.display = "{";
    if (const auto place = member.String("place", 0, 500)) {
      box.display += "\"place\":";
      AppendJsonString(*place, box.display);
    }
    if (const auto handed_out = member.Integer("handed_out", 0, kHandedOutMax)) {
      AppendTo(&box.display, box.display.size() > 1 ? "," : "", "\"handed_out\":", *handed_out);
    }
    box.display += '}';
    member.RefuseUnknown();
    definition.boxes.push_back(std::move(box));
  }
}

std::optional<TimeUs> ReadTime(ObjectReader& reader, std::string_view name) {
  const auto text = reader.String(name, 1, 64);
  if (!text) return std::nullopt;
  const auto time = ParseTime(*text);
  if (!time) reader.Fault(name, kMemberInvalid, "not a time such as 2026-05-01T06:00:00Z");
  return time;
}

void ReadWindow(ObjectReader& reader, PollDefinition& definition) {
  definition.opens = ReadTime(reader, "opens");
  definition.closes = ReadTime(reader, "closes");
  if (definition.opens && definition.closes && *definition.opens >= *definition.closes) {
    reader.Fault("closes", kMemberInvalid, "must be later than opens");
  }
}

void ReadChannels(ObjectReader& reader, PollDefinition& definition) {
  const json::array* array = ReadArray(reader, "channels", false, 2);
  if (array == nullptr) return;
  definition.online = definition.paper = false;
  for (const json::value& value : *array) {
    const json::string* text = value.if_string();
    bool* channel = text == nullptr     ? nullptr
                    : *text == "online" ? &definition.online
                    : *text == "paper"  ? &definition.paper
                                        : nullptr;
    if (channel == nullptr || *channel) {
      reader.Fault("channels", kMemberInvalid, "must name online, paper or both, each once");
      return;
    }
    *channel = true;
  }
  if (array->empty()) reader.Fault("channels", kMemberInvalid, "must name at least one channel");
}

// One name and the values it may have.
void ReadClaim(std::string_view name, const json::value& values, DocumentErrors& errors,
               std::vector<ClaimRule>& claims) {
  std::string pointer = "/eligible/claims";
  AppendPointer(name, pointer);
  const json::array* array = values.if_array();
  if (!IsClaimText(name) || array == nullptr || array->empty() || array->size() > kClaimValuesMax) {
    errors.Add(pointer, kMemberInvalid,
               Concat("a claim has a plain name and a list of 1 to ", kClaimValuesMax, " texts"));
    return;
  }
  ClaimRule& claim = claims.emplace_back(ClaimRule{.name = std::string(name), .values = {}});
  for (std::size_t i = 0; i < array->size(); ++i) {
    const json::string* text = (*array)[i].if_string();
    if (text == nullptr || !IsClaimText(std::string_view(text->data(), text->size()))) {
      errors.Add(Concat(pointer, "/", i), kMemberInvalid,
                 Concat("must be a text of 1 to ", kClaimTextBytesMax,
                        " bytes without quotation mark, backslash and control characters"));
      return;
    }
    claim.values.emplace_back(text->data(), text->size());
  }
}

void ReadClaims(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  const json::value* claims = reader.Find("claims");
  if (claims == nullptr) return;
  const json::object* object = claims->if_object();
  if (object == nullptr || object->size() > kClaimNamesMax) {
    reader.Fault("claims", kMemberInvalid,
                 Concat("must be an object of at most ", kClaimNamesMax, " names"));
    return;
  }
  for (const auto& [name, values] : *object) ReadClaim(name, values, errors, definition.claims);
  std::sort(definition.claims.begin(), definition.claims.end(),
            [](const ClaimRule& a, const ClaimRule& b) { return a.name < b.name; });
}

void ReadEligible(ObjectReader& poll, DocumentErrors& errors, PollDefinition& definition) {
  const json::value* eligible = poll.Find("eligible");
  if (eligible == nullptr) return;
  ObjectReader reader(*eligible, "/eligible", errors);
  ReadClaims(reader, errors, definition);
  definition.roll = reader.Bool("roll").value_or(false);
  reader.RefuseUnknown();
}

void ReadRules(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  definition.revote = reader.OneOf<RevoteRule>("revote", kRevotes).value_or(RevoteRule::kRefuse);
  definition.changes_max =
      static_cast<std::uint32_t>(reader.Integer("changes_max", 0, kChangesMax).value_or(20));
  definition.withdraw = reader.Bool("withdraw").value_or(false);
  ReadChannels(reader, definition);
  definition.channel_rule =
      reader.OneOf<ChannelRule>("channel_rule", kChannelRules).value_or(ChannelRule::kFirst);
  if (const json::value* paper = reader.Find("paper")) {
    ObjectReader member(*paper, "/paper", errors);
    definition.paper_confirm = member.Bool("confirm").value_or(true);
    definition.paper_blind = member.Bool("blind").value_or(false);
    if (definition.paper_blind && !definition.paper_confirm) {
      member.Fault("blind", kMemberInvalid, "a second entry is made by whoever confirms");
    }
    member.RefuseUnknown();
  }
}

}  // namespace

std::size_t EstimateDefinitionBytes(const PollDefinition& definition) {
  constexpr std::size_t kPerItem = 32;
  std::size_t bytes =
      256 + definition.id.size() + definition.project.size() + definition.display.size();
  for (const OptionDefinition& option : definition.options) {
    bytes += kPerItem + option.id.size() + option.display.size();
  }
  for (const QuestionDefinition& question : definition.questions) {
    bytes += 2 * kPerItem + question.id.size() + question.display.size();
  }
  for (const BoxDefinition& box : definition.boxes) {
    bytes += kPerItem + box.id.size() + box.display.size();
  }
  for (const ClaimRule& claim : definition.claims) {
    bytes += kPerItem + claim.name.size();
    for (const std::string& value : claim.values) bytes += kPerItem + value.size();
  }
  return bytes;
}

std::optional<PollDocument> DecodePoll(std::string_view body, std::string_view poll_id,
                                       std::vector<BodyError>& errors) {
  DocumentErrors found;
  const auto document = ParseDocument(body, found);
  PollDocument poll;
  if (document) {
    PollDefinition& definition = poll.definition;
    definition.id = std::string(poll_id);
    ObjectReader reader(*document, "", found);
    definition.display = "{";
    ReadTitle(reader, true, found, definition.display);
    const std::string time_zone = ReadTimeZone(reader, definition.display);
    definition.display += '}';
    definition.project = std::string(reader.RequireString("project", 1, 64).value_or(""));
    if (!definition.project.empty() && !IsId(definition.project)) {
      reader.Fault("project", kIdInvalid, "1 to 63 lower-case letters, digits or hyphens");
    }
    poll.state = reader.OneOf<PollState>("state", kStates);
    if (const json::value* ballot = reader.Require("ballot")) {
      ReadBallot(*ballot, found, definition);
    }
    ReadPollOptions(reader, found, definition);
    ReadBoxes(reader, found, definition);
    ReadWindow(reader, definition);
    ReadRules(reader, found, definition);
    ReadVisibility(reader, found, definition);
    ReadEligible(reader, found, definition);
    ReadFraud(reader, found, definition);
    ReadBallotsPerVoter(reader, time_zone, definition);
    ReadWeight(reader, found, definition);
    if (definition.roll && definition.ballots_per_voter != BallotsPerVoter{}) {
      reader.Fault("eligible", kNotSupported, "with a roll every voter has one ballot");
    }
    if (const json::value* selection = reader.Find("selection")) {
      ReadSelection(*selection, found, definition);
    }
    reader.RefuseUnknown();
    if (found.empty() && poll.state == PollState::kOpen && definition.options.empty()) {
      reader.Fault("options", kMemberInvalid, "an open poll needs at least one option");
    }
    if (found.empty() && EstimateDefinitionBytes(definition) > kDefinitionBytesMax) {
      found.Add("", kBodyTooLarge,
                Concat("a poll must not take more than ", kDefinitionBytesMax, " bytes"));
    }
  }
  if (found.empty()) return poll;
  errors = found.Take();
  return std::nullopt;
}

std::optional<OptionDefinition> DecodeOption(std::string_view body, std::string_view option_id,
                                             std::vector<BodyError>& errors) {
  DocumentErrors found;
  OptionDefinition option;
  option.id = std::string(option_id);
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    ReadOptionMembers(reader, found, option);
  }
  if (found.empty()) return option;
  errors = found.Take();
  return std::nullopt;
}

std::optional<PollState> DecodeTransition(std::string_view body, std::vector<BodyError>& errors) {
  DocumentErrors found;
  std::optional<PollState> to;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    if (reader.is_object() && !reader.Has("to")) reader.Require("to");
    to = reader.OneOf<PollState>("to", kStates);
    reader.RefuseUnknown();
  }
  if (found.empty()) return to;
  errors = found.Take();
  return std::nullopt;
}

std::optional<ProjectDocument> DecodeProject(std::string_view body, std::string_view project_id,
                                             std::vector<BodyError>& errors) {
  DocumentErrors found;
  ProjectDocument read;
  ProjectEntry& project = read.project;
  project.id = std::string(project_id);
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    project.display = "{";
    ReadTitle(reader, true, found, project.display);
    if (const json::array* languages = ReadArray(reader, "languages", false, kLanguagesMax)) {
      AppendTo(&project.display, project.display.size() > 1 ? "," : "", "\"languages\":[");
      absl::flat_hash_set<std::string> seen;
      for (const json::value& value : *languages) {
        const json::string* text = value.if_string();
        const std::string language = text == nullptr ? "" : std::string(text->data(), text->size());
        if (!IsLanguageTag(language) || !seen.insert(language).second) {
          reader.Fault("languages", kMemberInvalid, "must be language tags, each once");
          break;
        }
        if (seen.size() > 1) project.display += ',';
        AppendJsonString(language, project.display);
      }
      project.display += ']';
    }
    ReadTimeZone(reader, project.display);
    project.display += '}';
    read.ballots_per_voter = static_cast<std::uint32_t>(
        reader.Integer("ballots_per_voter", 1, kProjectQuotaMax).value_or(0));
    reader.RefuseUnknown();
  }
  if (found.empty()) return read;
  errors = found.Take();
  return std::nullopt;
}

}  // namespace tallyd
