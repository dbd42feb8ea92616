#include "tools/tallyctl/flag_commands.h"

#include <iostream>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tallyd {
namespace {

namespace json = boost::json;

std::string Target(const FlagOptions& flags) {
  return "/v1/polls/" + EncodeSegment(flags.poll) + "/flags";
}

std::string TargetOfGroup(const FlagOptions& flags) {
  return Target(flags) + "/" + std::to_string(flags.group);
}

// What made the burst: "200 ballots of one network in 60 s".
std::string RuleOf(const json::object& group) {
  for (const auto& [rule, of] :
       {std::pair{"network_burst", " of one network"}, std::pair{"poll_burst", " of the poll"}}) {
    const json::value* burst = group.if_contains(rule);
    if (burst == nullptr) continue;
    return TextOf(*burst, "ballots") + " ballots" + of + " in " + TextOf(*burst, "window_s") + " s";
  }
  return "?";
}

void PrintGroup(const json::value& group) {
  if (!group.is_object()) return;
  std::cout << "group " << TextOf(group, "group") << "  " << TextOf(group, "state") << "  "
            << TextOf(group, "voters") << " voters  " << TextOf(group, "first") << " to "
            << TextOf(group, "last") << "  (" << RuleOf(group.as_object()) << ")\n";
  if (const std::string reason = TextOf(group, "reason"); !reason.empty()) {
    std::cout << "  " << TextOf(group, "decided") << " by " << TextOf(group, "by") << ": " << reason
              << "\n";
  }
}

void PrintOptions(const json::value& holder, const std::string& prefix) {
  const json::object* members = holder.if_object();
  const json::value* options = members == nullptr ? nullptr : members->if_contains("options");
  if (options == nullptr || !options->is_object()) return;
  for (const auto& option : options->as_object()) {
    std::cout << "  " << prefix << std::string(option.key()) << "  "
              << TextOf(option.value(), "score") << "  (" << TextOf(option.value(), "ballots")
              << " ballots)\n";
  }
}

void PrintFigures(const json::value& group) {
  if (!TextOf(group, "withheld").empty()) {
    std::cout << "  the poll keeps its figures to itself for now\n";
    return;
  }
  std::cout << "  " << TextOf(group, "ballots") << " ballots in force";
  if (!TextOf(group, "suppressed").empty()) {
    std::cout << ", too few to show\n";
    return;
  }
  std::cout << ", " << TextOf(group, "blank") << " blank\n";
  PrintOptions(group, "");
  const json::value* questions = group.as_object().if_contains("questions");
  if (questions == nullptr || !questions->is_object()) return;
  for (const auto& question : questions->as_object()) {
    PrintOptions(question.value(), std::string(question.key()) + "/");
  }
}

ExitCode PrintAnswer(const ControlOptions& options, const absl::StatusOr<ClientAnswer>& answer,
                     const FlagOptions& flags) {
  const std::string what = "group " + std::to_string(flags.group);
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 200) return Fail(what + ": " + DescribeProblem(*answer));
  const auto group = ParseJson(answer->body);
  if (!group.ok() || !group->is_object()) return Fail(what + ": the answer cannot be read");
  if (options.json) {
    std::cout << json::serialize(*group) << "\n";
  } else {
    PrintGroup(*group);
    PrintFigures(*group);
  }
  return kExitOk;
}

}  // namespace

ExitCode ListFlags(const ControlOptions& options, const FlagOptions& flags) {
  json::array all;
  std::string cursor;
  do {
    const std::string query = cursor.empty() ? "" : "?cursor=" + cursor;
    const auto answer = Call(options, MakeRequest(options, "GET", Target(flags) + query));
    if (!answer.ok()) return Fail(answer.status());
    if (answer->status != 200) return Fail("flags: " + DescribeProblem(*answer));
    const auto page = ParseJson(answer->body);
    const json::object* members = page.ok() ? page->if_object() : nullptr;
    const json::value* groups = members == nullptr ? nullptr : members->if_contains("groups");
    if (groups == nullptr || !groups->is_array()) return Fail("flags: the answer cannot be read");
    for (const json::value& group : groups->as_array()) {
      if (options.json) {
        all.push_back(group);
      } else {
        PrintGroup(group);
      }
    }
    const json::value* next = members->if_contains("next");
    cursor = next != nullptr && next->is_string() ? std::string(next->as_string()) : "";
  } while (!cursor.empty());
  if (options.json) std::cout << json::serialize(json::object{{"groups", std::move(all)}}) << "\n";
  return kExitOk;
}

ExitCode ShowFlags(const ControlOptions& options, const FlagOptions& flags) {
  return PrintAnswer(options, Call(options, MakeRequest(options, "GET", TargetOfGroup(flags))),
                     flags);
}

ExitCode DecideFlagGroup(const ControlOptions& options, const FlagOptions& flags) {
  ClientRequest request = MakeRequest(
      options, "POST", TargetOfGroup(flags) + "/decision",
      json::serialize(json::object{{"decision", flags.decision}, {"reason", flags.reason}}));
  if (!flags.if_match.empty()) request.headers.emplace_back("If-Match", flags.if_match);
  return PrintAnswer(options, Call(options, request), flags);
}

}  // namespace tallyd
