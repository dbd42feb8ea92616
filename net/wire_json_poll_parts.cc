#include "net/wire_json_poll_parts.h"

#include <algorithm>
#include <map>

#include "absl/container/flat_hash_set.h"

#include "engine/limits.h"
#include "net/concat.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using enum ProblemCode;

constexpr std::int64_t kCostMax = std::int64_t{1} << 53;  // exact in every JSON reader
constexpr std::size_t kTextCharactersMax = 500;

std::size_t CountCharacters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// One text per language, as canonical JSON appended to `out`.
void ReadTexts(const json::value& value, const std::string& pointer, std::size_t characters_max,
               DocumentErrors& errors, std::string& out) {
  const json::object* object = value.if_object();
  if (object == nullptr) {
    errors.Add(pointer, kMemberInvalid, "must be an object: one text per language");
    return;
  }
  if (object->empty() || object->size() > kLanguagesMax) {
    errors.Add(pointer, kMemberInvalid, Concat("must have 1 to ", kLanguagesMax, " languages"));
    return;
  }
  std::map<std::string_view, std::string_view> sorted;
  for (const auto& member : *object) {
    const std::string_view language(member.key().data(), member.key().size());
    std::string place = pointer;
    AppendPointer(language, place);
    const json::string* text = member.value().if_string();
    if (!IsLanguageTag(language)) {
      errors.Add(place, kMemberInvalid, "not a language tag such as de or pt-BR");
    } else if (text == nullptr) {
      errors.Add(place, kMemberInvalid, "must be a string");
    } else {
      const std::string_view view(text->data(), text->size());
      if (view.empty() || CountCharacters(view) > characters_max || !IsText(view)) {
        errors.Add(place, kMemberInvalid,
                   Concat("must have 1 to ", characters_max, " characters, no control characters"));
      }
      sorted.emplace(language, view);
    }
  }
  char separator = '{';
  for (const auto& [language, text] : sorted) {
    out += separator;
    separator = ',';
    AppendJsonString(language, out);
    out += ':';
    AppendJsonString(text, out);
  }
  out += '}';
}

BurstRule ReadBurst(ObjectReader& fraud, std::string_view name, DocumentErrors& errors) {
  BurstRule rule;
  const json::value* burst = fraud.Find(name);
  if (burst == nullptr) return rule;
  ObjectReader reader(*burst, fraud.PointerTo(name), errors);
  if (!reader.is_object()) return rule;
  for (const std::string_view member : {"ballots", "window_s"}) {
    if (!reader.Has(member)) reader.Require(member);
  }
  rule.ballots = static_cast<std::uint32_t>(
      reader.Integer("ballots", kBurstBallotsMin, kBurstBallotsMax).value_or(0));
  rule.window_s =
      static_cast<std::uint32_t>(reader.Integer("window_s", 1, kBurstWindowSecondsMax).value_or(0));
  reader.RefuseUnknown();
  return rule;
}

}  // namespace

void ReadFraud(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  const json::value* fraud = reader.Find("fraud");
  if (fraud == nullptr) return;
  ObjectReader member(*fraud, "/fraud", errors);
  definition.fraud.network_burst = ReadBurst(member, "network_burst", errors);
  definition.fraud.poll_burst = ReadBurst(member, "poll_burst", errors);
  member.RefuseUnknown();
}

void ReadTitle(ObjectReader& reader, bool required, DocumentErrors& errors, std::string& display) {
  const json::value* title = required ? reader.Require("title") : reader.Find("title");
  if (title == nullptr) return;
  AppendTo(&display, display.size() > 1 ? "," : "", "\"title\":");
  ReadTexts(*title, reader.PointerTo("title"), kTextCharactersMax, errors, display);
}

void ReadTextsOf(ObjectReader& reader, std::string_view name, std::size_t characters_max,
                 DocumentErrors& errors, std::string& out) {
  const json::value* texts = reader.Find(name);
  if (texts != nullptr) ReadTexts(*texts, reader.PointerTo(name), characters_max, errors, out);
}

std::int64_t ReadCost(ObjectReader& reader) {
  return reader.Integer("cost", 0, kCostMax).value_or(0);
}

void ReadOptionMembers(ObjectReader& reader, DocumentErrors& errors, OptionDefinition& option) {
  option.display = "{";
  ReadTitle(reader, false, errors, option.display);
  option.display += '}';
  option.cost = ReadCost(reader);
  reader.RefuseUnknown();
}

const json::array* ReadArray(ObjectReader& reader, std::string_view name, bool required,
                             std::size_t size_max) {
  const json::value* value = required ? reader.Require(name) : reader.Find(name);
  if (value == nullptr) return nullptr;
  const json::array* array = value->if_array();
  if (array == nullptr) {
    reader.Fault(name, kMemberInvalid, "must be an array");
  } else if (array->size() > size_max) {
    reader.Fault(name, kMemberInvalid, Concat("must not have more than ", size_max));
    array = nullptr;
  }
  return array;
}

void ReadOptions(ObjectReader& reader, std::string_view pointer, QuestionIndex question,
                 DocumentErrors& errors, PollDefinition& definition) {
  const json::array* array = ReadArray(reader, "options", true, kOptionsPerPollMax);
  if (array == nullptr) return;
  absl::flat_hash_set<std::string> seen;
  for (std::size_t i = 0; i < array->size(); ++i) {
    ObjectReader member((*array)[i], Concat(pointer, "/options/", i), errors);
    if (!member.is_object()) continue;
    OptionDefinition option;
    option.question = question;
    option.id = std::string(member.RequireString("id", 1, 64).value_or(""));
    if (!option.id.empty() && !IsOptionId(option.id)) {
      member.Fault("id", kIdInvalid, "an option id is 1 to 64 letters, digits, _ . / or -");
    } else if (!option.id.empty() && !seen.insert(option.id).second) {
      member.Fault("id", kOptionRepeated, "another option has this id");
    }
    ReadOptionMembers(member, errors, option);
    definition.options.push_back(std::move(option));
  }
}

}  // namespace tallyd
