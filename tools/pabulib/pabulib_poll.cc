#include "tools/pabulib/pabulib_poll.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr std::size_t kIdLengthMax = 63;
constexpr char kPaperBox[] = "paper";

std::uint32_t Fnv1a(std::string_view text) {
  std::uint32_t hash = 2'166'136'261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619u;
  return hash;
}

std::string Hex(std::uint32_t number) {
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
  return text;
}

bool FitsOptionId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/' || c == '-';
  });
}

std::string MetaText(const PabulibFile& file, const std::string& key) {
  const auto found = file.meta.find(key);
  return found == file.meta.end() ? "" : found->second;
}

// The larger of what META states and what the ballots need; says so when they need more.
std::int64_t Widen(PollPlan& plan, const std::string& what, std::int64_t stated,
                   std::int64_t needed) {
  if (needed > stated) {
    plan.notes.push_back(what + " is " + std::to_string(stated) +
                         ", but a ballot of the file has " + std::to_string(needed) +
                         ": the poll allows " + std::to_string(needed));
  }
  return std::max(stated, needed);
}

json::object PlanChoose(const PabulibFile& file, PollPlan& plan) {
  const auto all = static_cast<std::int64_t>(file.projects.size());
  const bool single = file.vote_type == PabulibVoteType::kChooseOne;
  const std::int64_t stated = single ? 1 : file.MetaNumber("max_length").value_or(all);
  const std::int64_t max =
      Widen(plan, "max_length", stated, static_cast<std::int64_t>(file.LongestBallot()));
  const std::int64_t min_stated = file.MetaNumber("min_length").value_or(0);
  const std::int64_t min =
      std::min({min_stated, static_cast<std::int64_t>(file.ShortestBallot()), max});
  if (min < min_stated) {
    plan.notes.push_back("min_length is " + std::to_string(min_stated) +
                         ", but a ballot of the file has " + std::to_string(min) +
                         ": the poll allows " + std::to_string(min));
  }
  plan.ballot_text = "choose " + std::to_string(min) + " to " + std::to_string(max);
  return {{"type", "choose"}, {"min", min}, {"max", std::max<std::int64_t>(max, 1)}};
}

json::object PlanPoints(const PabulibFile& file, PollPlan& plan) {
  const std::int64_t needed = file.LargestPointsSum();
  const std::int64_t stated = file.MetaNumber("max_sum_points").value_or(needed);
  const std::int64_t total =
      std::max<std::int64_t>(Widen(plan, "max_sum_points", stated, needed), 1);
  plan.ballot_text = "points, " + std::to_string(total) + " in all";
  return {{"type", "points"}, {"total", total}, {"max_per_option", total}};
}

json::object PlanRank(const PabulibFile& file, PollPlan& plan) {
  const bool borda = plan.scoring.rule == PabulibScoring::Rule::kBorda;
  const auto all = static_cast<std::int64_t>(file.projects.size());
  const std::int64_t stated = file.MetaNumber("max_length").value_or(all);
  const std::int64_t max =
      borda ? plan.scoring.max
            : Widen(plan, "max_length", stated, static_cast<std::int64_t>(file.LongestBallot()));
  plan.notes.push_back(borda ? "scoring is borda (max - position, max " + std::to_string(max) +
                                   "): it reproduces the published scores"
                             : std::string("scoring is borda_ballot (length of the ballot - "
                                           "position): it reproduces the published scores"));
  if (!CompareWithPublished(file, RecountVotes(file, plan.scoring)).empty()) {
    plan.notes.back() = std::string("no scoring reproduces the published scores; ") +
                        (borda ? "borda" : "borda_ballot") + " is used";
  }
  plan.ballot_text = std::string("rank, ") + (borda ? "borda" : "borda_ballot");
  return {{"type", "rank"}, {"max", max}, {"scoring", borda ? "borda" : "borda_ballot"}};
}

// The city's rule, where tallyd has it. "greedy-custom" (Poznan) is greedy-no-skip, and a city that
// adds money of its own for the next project marks that with another number.
std::optional<json::object> PlanSelection(const PabulibFile& file, PollPlan& plan) {
  const std::string stated = MetaText(file, "rule");
  const std::optional<std::int64_t> budget = file.MetaNumber("budget");
  const std::optional<std::int64_t> threshold = file.MetaNumber("min_project_score_threshold");
  std::string rule = stated == "greedy-custom" ? "greedy-no-skip" : stated;
  if (rule == "greedy-threshold" && !threshold) rule = "greedy";
  const bool known = rule == "greedy" || rule == "greedy-no-skip" || rule == "greedy-threshold";
  if (!known || !budget) {
    if (!stated.empty()) plan.notes.push_back("rule \"" + stated + "\" selects nothing here");
    return std::nullopt;
  }
  if (rule != stated) plan.notes.push_back("rule \"" + stated + "\" is taken as " + rule);
  json::object selection = {{"rule", rule}, {"budget", *budget}};
  if (threshold) selection["threshold"] = *threshold;
  return selection;
}

}  // namespace

std::string PollIdOf(const std::string& prefix, std::string_view path) {
  std::string_view stem =
      path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  if (stem.ends_with(".pb")) stem.remove_suffix(3);
  std::string id;
  for (char c : prefix + std::string(stem)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      id += c;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  if (id.empty()) id = "poll-" + Hex(Fnv1a(stem));
  if (id.size() <= kIdLengthMax) return id;
  return id.substr(0, kIdLengthMax - 9) + "-" + Hex(Fnv1a(id));
}

absl::StatusOr<PollPlan> PlanPoll(const PabulibFile& file, const std::string& poll,
                                  const std::string& project) {
  PollPlan plan;
  plan.poll = poll;
  plan.scoring = FindScoring(file);
  json::array options;
  for (const PabulibProject& option : file.projects) {
    if (!FitsOptionId(option.id)) {
      return absl::InvalidArgumentError(file.name + ":" + std::to_string(option.line) +
                                        ": the project id \"" + option.id +
                                        "\" does not fit [A-Za-z0-9_./-]{1,64}");
    }
    json::object described = {{"id", option.id}, {"cost", option.cost}};
    if (!option.name.empty()) described["title"] = json::object{{"und", option.name}};
    options.push_back(std::move(described));
  }
  json::object ballot;
  switch (file.vote_type) {
    case PabulibVoteType::kApproval:
    case PabulibVoteType::kChooseOne:
      ballot = PlanChoose(file, plan);
      break;
    case PabulibVoteType::kCumulative:
    case PabulibVoteType::kScoring:
      ballot = PlanPoints(file, plan);
      break;
    case PabulibVoteType::kOrdinal:
      ballot = PlanRank(file, plan);
      break;
  }
  std::string title = MetaText(file, "description");
  if (title.empty()) title = poll;
  plan.document = {
      {"title", json::object{{"und", title}}},
      {"project", project},
      {"state", "draft"},
      {"ballot", std::move(ballot)},
      {"options", std::move(options)},
      {"revote", "refuse"},
      {"channels", json::array{"online", "paper"}},
      {"paper", json::object{{"confirm", false}}},
      {"boxes", json::array{json::object{{"id", kPaperBox}, {"place", "Paper ballots"}}}}};
  if (auto selection = PlanSelection(file, plan)) plan.document["selection"] = *selection;
  return plan;
}

std::string VoteLine(const PabulibFile& file, const PollPlan& plan, const PabulibVote& vote,
                     bool with_channel) {
  json::object line;
  line["voter"] = plan.poll + ":" + vote.voter_id;
  switch (file.vote_type) {
    case PabulibVoteType::kApproval:
    case PabulibVoteType::kChooseOne:
      line["choices"] = json::array(vote.choices.begin(), vote.choices.end());
      break;
    case PabulibVoteType::kOrdinal:
      line["ranking"] = json::array(vote.choices.begin(), vote.choices.end());
      break;
    case PabulibVoteType::kCumulative:
    case PabulibVoteType::kScoring: {
      // Written by hand: an object would drop an option that is named twice, and the server is to
      // see and refuse such a ballot, not we to mend it.
      std::string text = json::serialize(line);
      text.back() = ',';
      text += "\"points\":{";
      for (std::size_t i = 0; i < vote.choices.size(); ++i) {
        text += (i == 0 ? "" : ",") + json::serialize(json::value(vote.choices[i])) + ":" +
                std::to_string(vote.points[i]);
      }
      text += '}';
      if (with_channel && vote.paper) {
        text += std::string(R"(,"channel":"paper","box":")") + kPaperBox + '"';
      }
      return text + "}\n";
    }
  }
  if (with_channel && vote.paper) {
    line["channel"] = "paper";
    line["box"] = kPaperBox;
  }
  return json::serialize(line) + "\n";
}

bool HoldsAll(const json::value& given, const json::value& wanted) {
  if (wanted.is_object()) {
    if (!given.is_object()) return false;
    return std::all_of(wanted.as_object().begin(), wanted.as_object().end(),
                       [&](const auto& member) {
                         const json::value* held = given.as_object().if_contains(member.key());
                         return held != nullptr && HoldsAll(*held, member.value());
                       });
  }
  if (wanted.is_array()) {
    if (!given.is_array() || given.as_array().size() != wanted.as_array().size()) return false;
    for (std::size_t i = 0; i < wanted.as_array().size(); ++i) {
      if (!HoldsAll(given.as_array()[i], wanted.as_array()[i])) return false;
    }
    return true;
  }
  return given == wanted;
}

}  // namespace tallyd
