// Reading what voters may do and what follows from it: ballots, surveys, ballots per voter,
// selection.

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"

#include "engine/limits.h"
#include "net/concat.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using enum ProblemCode;

constexpr std::int64_t kChoicesMax = 1'000'000;
constexpr std::int64_t kPointsMax = 1'000'000'000;
constexpr std::int64_t kMoneyMax = std::int64_t{1} << 53;  // exact in every JSON reader
constexpr std::int64_t kBallotsPerVoterMax = 1'000;
constexpr std::int64_t kWeightMax = 1'000'000;

constexpr NameTable<RankScoring, 2> kScorings = {
    {{"borda", RankScoring::kBorda}, {"borda_ballot", RankScoring::kBordaBallot}}};
constexpr NameTable<bool, 2> kTurnouts = {{{"public", false}, {"hidden", true}}};
// Below 2 every ballot would be a step of its own.
constexpr std::int64_t kCoarseMin = 2;
constexpr std::int64_t kCoarseMax = 1'000'000;
constexpr NameTable<bool, 2> kBallotsPer = {{{"poll", false}, {"day", true}}};

void ReadChoose(ObjectReader& reader, BallotDefinition& ballot) {
  if (!reader.Has("max")) reader.Require("max");
  const auto min = reader.Integer("min", 0, kChoicesMax);
  const auto max = reader.Integer("max", 1, kChoicesMax);
  ballot.min = static_cast<std::uint32_t>(min.value_or(1));
  ballot.max = static_cast<std::uint32_t>(max.value_or(1));
  if (max && ballot.min > ballot.max) {
    reader.Fault("min", kMemberInvalid, "must not be greater than max");
  }
}

void ReadPoints(ObjectReader& reader, BallotDefinition& ballot) {
  if (!reader.Has("total")) reader.Require("total");
  const std::int64_t total = reader.Integer("total", 1, kPointsMax).value_or(1);
  ballot.points_total = static_cast<std::uint32_t>(total);
  ballot.points_per_option_max =
      static_cast<std::uint32_t>(reader.Integer("max_per_option", 1, kPointsMax).value_or(total));
}

void ReadRank(ObjectReader& reader, BallotDefinition& ballot) {
  if (!reader.Has("max")) reader.Require("max");
  ballot.max = static_cast<std::uint32_t>(reader.Integer("max", 1, kChoicesMax).value_or(1));
  ballot.scoring = reader.OneOf<RankScoring>("scoring", kScorings).value_or(RankScoring::kBorda);
}

// A ballot of one of the simple types; false if it is of none.
bool ReadSimpleBallot(ObjectReader& reader, std::string_view type, BallotDefinition& ballot) {
  ballot.min = 0;
  if (type == "choose") {
    ballot.type = BallotType::kChoose;
    ReadChoose(reader, ballot);
  } else if (type == "points") {
    ballot.type = BallotType::kPoints;
    ReadPoints(reader, ballot);
  } else if (type == "rank") {
    ballot.type = BallotType::kRank;
    ReadRank(reader, ballot);
  } else if (type == "updown") {
    ballot.type = BallotType::kUpDown;
  } else {
    return false;
  }
  return true;
}

void ReadQuestionBallot(const json::value& value, std::string pointer, DocumentErrors& errors,
                        BallotDefinition& ballot) {
  ObjectReader reader(value, std::move(pointer), errors);
  if (!reader.is_object()) return;
  const auto type = reader.RequireString("type", 1, 64);
  if (!type) return;
  if (!ReadSimpleBallot(reader, *type, ballot)) {
    reader.Fault("type", kMemberInvalid, "must be choose, updown, points or rank");
    return;
  }
  reader.RefuseUnknown();
}

void ReadQuestion(const json::value& value, QuestionIndex index, DocumentErrors& errors,
                  PollDefinition& definition) {
  const std::string pointer = Concat("/ballot/questions/", index);
  ObjectReader reader(value, pointer, errors);
  QuestionDefinition question;
  if (reader.is_object()) {
    question.id = std::string(reader.RequireString("id", 1, 64).value_or(""));
    if (!question.id.empty() && !IsId(question.id)) {
      reader.Fault("id", kIdInvalid, "1 to 63 lower-case letters, digits or hyphens");
    }
    question.display = "{";
    ReadTitle(reader, false, errors, question.display);
    question.display += '}';
    if (const json::value* ballot = reader.Require("ballot")) {
      ReadQuestionBallot(*ballot, pointer + "/ballot", errors, question.ballot);
    }
    const std::size_t before = definition.options.size();
    ReadOptions(reader, pointer, index, errors, definition);
    if (errors.empty() && definition.options.size() == before) {
      reader.Fault("options", kMemberInvalid, "a question needs at least one option");
    }
    reader.RefuseUnknown();
  }
  definition.questions.push_back(std::move(question));
}

void ReadSurvey(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  const json::array* array = ReadArray(reader, "questions", true, kQuestionsPerPollMax);
  if (array == nullptr) return;
  if (array->empty()) reader.Fault("questions", kMemberInvalid, "a survey needs a question");
  absl::flat_hash_set<std::string> seen;
  for (std::size_t i = 0; i < array->size(); ++i) {
    ReadQuestion((*array)[i], static_cast<QuestionIndex>(i), errors, definition);
    if (!seen.insert(definition.questions.back().id).second) {
      errors.Add(Concat("/ballot/questions/", i, "/id"), kMemberInvalid,
                 "another question has this id");
    }
  }
}

}  // namespace

void ReadBallot(const json::value& value, DocumentErrors& errors, PollDefinition& definition) {
  ObjectReader reader(value, "/ballot", errors);
  if (!reader.is_object()) return;
  const auto type = reader.RequireString("type", 1, 64);
  if (!type) return;
  if (*type == "survey") {
    definition.ballot = {};
    definition.ballot.type = BallotType::kSurvey;
    ReadSurvey(reader, errors, definition);
  } else if (!ReadSimpleBallot(reader, *type, definition.ballot)) {
    reader.Fault("type", kMemberInvalid, "must be choose, updown, points, rank or survey");
    return;
  }
  reader.RefuseUnknown();
}

void ReadBallotsPerVoter(ObjectReader& reader, std::string_view time_zone,
                         PollDefinition& definition) {
  BallotsPerVoter& ballots = definition.ballots_per_voter;
  ballots.count = static_cast<std::uint32_t>(
      reader.Integer("ballots_per_voter", 1, kBallotsPerVoterMax).value_or(1));
  if (!reader.OneOf<bool>("ballots_per", kBallotsPer).value_or(false)) return;
  ballots.day_zone = std::string(time_zone);
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(ballots.day_zone, &zone)) {
    reader.Fault("time_zone", kMemberInvalid,
                 "this server does not know the time zone, and ballots are per day");
  }
}

void ReadWeight(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  const json::value* value = reader.Find("weight");
  if (value == nullptr) return;
  ObjectReader member(*value, "/weight", errors);
  if (!member.is_object()) return;
  definition.weight.claim = std::string(member.RequireString("claim", 1, 64).value_or(""));
  if (!member.Has("max")) member.Require("max");
  definition.weight.max =
      static_cast<std::uint32_t>(member.Integer("max", 1, kWeightMax).value_or(1));
  // So that no sum of scores comes near the end of 64 bits.
  const auto fits = [&](const BallotDefinition& ballot) {
    const std::int64_t most = std::max<std::int64_t>(ballot.max, ballot.points_total);
    return most * definition.weight.max <= kPointsMax;
  };
  const bool all_fit = fits(definition.ballot) &&
                       std::all_of(definition.questions.begin(), definition.questions.end(),
                                   [&](const auto& question) { return fits(question.ballot); });
  if (!all_fit) {
    member.Fault("max", kMemberInvalid,
                 Concat("one ballot must not give more than ", kPointsMax, " to an option"));
  }
  member.RefuseUnknown();
}

void ReadVisibility(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition) {
  VisibilityDefinition& visibility = definition.visibility;
  visibility.rule =
      reader.OneOf<Visibility>("visibility", kVisibilities).value_or(Visibility::kLive);
  const bool sealed = visibility.rule == Visibility::kSealed;
  const auto from = reader.OneOf<VisibleFrom>("visible_from", kVisibleFroms);
  visibility.from = from.value_or(sealed ? VisibleFrom::kClosed : VisibleFrom::kOpen);
  if (sealed != (visibility.from != VisibleFrom::kOpen)) {
    reader.Fault("visible_from", kMemberInvalid,
                 sealed ? "a sealed poll is visible from closed or final"
                        : "only a sealed poll is visible from a later state than open");
  }
  visibility.turnout_hidden = reader.OneOf<bool>("turnout", kTurnouts).value_or(false);
  if (visibility.turnout_hidden && !sealed) {
    reader.Fault("turnout", kMemberInvalid, "only a sealed poll can hide its turnout");
  }
  const json::value* coarse = reader.Find("coarse");
  if (visibility.rule != Visibility::kCoarse) {
    if (coarse != nullptr) reader.Fault("coarse", kMemberInvalid, "only of a coarse poll");
    return;
  }
  if (coarse == nullptr) {
    reader.Fault("coarse", kMemberMissing, R"(a coarse poll says its k, as {"k":20})");
    return;
  }
  ObjectReader member(*coarse, "/coarse", errors);
  if (!member.is_object()) return;
  if (!member.Has("k")) member.Require("k");
  visibility.coarse_k =
      static_cast<std::uint32_t>(member.Integer("k", kCoarseMin, kCoarseMax).value_or(kCoarseMin));
  member.RefuseUnknown();
}

void ReadSelection(const json::value& value, DocumentErrors& errors, PollDefinition& definition) {
  ObjectReader reader(value, "/selection", errors);
  if (!reader.is_object()) return;
  SelectionDefinition& selection = definition.selection;
  if (!reader.Has("rule")) reader.Require("rule");
  selection.rule =
      reader.OneOf<SelectionRule>("rule", kSelectionRules).value_or(SelectionRule::kNone);
  if (selection.rule == SelectionRule::kNone) return;
  if (definition.ballot.type == BallotType::kSurvey) {
    reader.Fault("rule", kNotSupported, "a survey selects nothing");
  }
  selection.threshold = reader.Integer("threshold", -kMoneyMax, kMoneyMax).value_or(0);
  if (selection.rule == SelectionRule::kTop) {
    if (!reader.Has("count")) reader.Require("count");
    selection.count =
        static_cast<std::uint32_t>(reader.Integer("count", 1, kChoicesMax).value_or(1));
  } else {
    if (!reader.Has("budget")) reader.Require("budget");
    selection.budget = reader.Integer("budget", 0, kMoneyMax).value_or(0);
  }
  if (selection.rule == SelectionRule::kGreedyThreshold && !reader.Has("threshold")) {
    reader.Require("threshold");
  }
  reader.RefuseUnknown();
}

}  // namespace tallyd
