#include "tools/tallyctl/poll_commands.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tallyd {
namespace {

namespace json = boost::json;

std::string TitleOf(const json::value& poll) {
  const json::value* title = poll.is_object() ? poll.as_object().if_contains("title") : nullptr;
  if (title == nullptr || !title->is_object() || title->as_object().empty()) return "";
  for (const char* language : {"en", "de"}) {
    if (title->as_object().contains(language)) return TextOf(*title, language);
  }
  return TextOf(*title, std::string(title->as_object().begin()->key()).c_str());
}

void PrintPoll(const json::value& poll) {
  std::cout << TextOf(poll, "id") << "  " << TextOf(poll, "state") << "  "
            << TextOf(poll, "project") << "  " << TitleOf(poll) << "\n";
}

// A poll in an answer of status 200 or 201, printed; else the problem.
ExitCode PrintPollAnswer(const ControlOptions& options, const absl::StatusOr<ClientAnswer>& answer,
                         const std::string& doing) {
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 200 && answer->status != 201) {
    return Fail(doing + ": " + DescribeProblem(*answer));
  }
  const auto poll = ParseJson(answer->body);
  if (!poll.ok()) return Fail(doing + ": the answer is " + std::string(poll.status().message()));
  if (options.json) {
    std::cout << json::serialize(*poll) << "\n";
  } else {
    PrintPoll(*poll);
  }
  return kExitOk;
}

}  // namespace

ExitCode CreatePoll(const ControlOptions& options, const std::string& path, const std::string& id) {
  std::ostringstream content;
  if (path == "-") {
    content << std::cin.rdbuf();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Fail(path + ": cannot be opened", kExitBadData);
    content << file.rdbuf();
  }
  auto document = ParseJson(content.str());
  if (!document.ok() || !document->is_object()) {
    return Fail(
        path + ": " +
            (document.ok() ? "not a JSON object" : std::string(document.status().message())),
        kExitBadData);
  }
  const std::string named = TextOf(*document, "id");
  document->as_object().erase("id");
  const std::string poll = !id.empty()      ? id
                           : !named.empty() ? named
                                            : std::filesystem::path(path).stem().string();
  ClientRequest request =
      MakeRequest(options, "PUT", "/v1/polls/" + EncodeSegment(poll), json::serialize(*document));
  request.headers.emplace_back("If-None-Match", "*");
  return PrintPollAnswer(options, Call(options, request), "creating " + poll);
}

ExitCode ShowPoll(const ControlOptions& options, const std::string& id) {
  const auto answer = Call(options, MakeRequest(options, "GET", "/v1/polls/" + EncodeSegment(id)));
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 200) return Fail(id + ": " + DescribeProblem(*answer));
  const auto poll = ParseJson(answer->body);
  if (!poll.ok() || !poll->is_object()) return Fail(id + ": the answer is not a JSON object");
  if (options.json) {
    std::cout << json::serialize(*poll) << "\n";
    return kExitOk;
  }
  PrintPoll(*poll);
  for (const auto& member : poll->as_object()) {
    if (member.key() == "options" || member.key() == "id" || member.key() == "title") continue;
    std::cout << "  " << member.key() << ": " << TextOf(*poll, std::string(member.key()).c_str())
              << "\n";
  }
  const json::value* choices = poll->as_object().if_contains("options");
  if (choices != nullptr && choices->is_array()) {
    for (const json::value& option : choices->as_array()) {
      std::cout << "  option " << TextOf(option, "id") << "  " << TitleOf(option) << "\n";
    }
  }
  return kExitOk;
}

ExitCode ListPolls(const ControlOptions& options) {
  json::array all;
  std::string cursor;
  do {
    const std::string query = cursor.empty() ? "" : "?cursor=" + EncodeSegment(cursor);
    const auto answer = Call(options, MakeRequest(options, "GET", "/v1/polls" + query));
    if (!answer.ok()) return Fail(answer.status());
    if (answer->status != 200) return Fail("listing polls: " + DescribeProblem(*answer));
    const auto page = ParseJson(answer->body);
    const json::value* polls =
        page.ok() && page->is_object() ? page->as_object().if_contains("polls") : nullptr;
    if (polls == nullptr || !polls->is_array()) return Fail("listing polls: no list came back");
    all.insert(all.end(), polls->as_array().begin(), polls->as_array().end());
    cursor = TextOf(*page, "next");
  } while (!cursor.empty());
  if (options.json) {
    std::cout << json::serialize(json::object{{"polls", std::move(all)}}) << "\n";
    return kExitOk;
  }
  for (const json::value& poll : all) PrintPoll(poll);
  return kExitOk;
}

ExitCode TransitionPoll(const ControlOptions& options, const std::string& id,
                        const std::string& to) {
  const ClientRequest request =
      MakeRequest(options, "POST", "/v1/polls/" + EncodeSegment(id) + "/transitions",
                  json::serialize(json::object{{"to", to}}));
  return PrintPollAnswer(options, Call(options, request), id + " to " + to);
}

}  // namespace tallyd
