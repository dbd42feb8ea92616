#include "tools/tallyctl/paper_commands.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tools/tallyctl/code_sheet.h"

namespace tallyd {
namespace {

namespace json = boost::json;

absl::StatusOr<std::string> ReadContent(const std::string& path) {
  std::ostringstream content;
  if (path == "-") {
    content << std::cin.rdbuf();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::NotFoundError(path + ": cannot be opened");
    content << file.rdbuf();
  }
  return content.str();
}

bool IsCsv(const std::string& path) {
  return path.size() > 4 &&
         (path.substr(path.size() - 4) == ".csv" || path.substr(path.size() - 4) == ".CSV");
}

std::string Target(const PaperOptions& paper, const std::string& rest = "") {
  return "/v1/polls/" + EncodeSegment(paper.poll) + "/paper-batches/" + EncodeSegment(paper.batch) +
         rest;
}

ClientRequest WithBody(const ControlOptions& options, std::string method, std::string target,
                       std::string media_type, std::string body) {
  ClientRequest request = MakeRequest(options, std::move(method), std::move(target));
  request.body = std::move(body);
  request.headers.emplace_back("Content-Type", std::move(media_type));
  return request;
}

// Each fault of a body on a line of its own: for a table that is the line of the table.
void PrintFaults(const ClientAnswer& answer) {
  const auto problem = ParseJson(answer.body);
  const json::object* members = problem.ok() ? problem->if_object() : nullptr;
  const json::value* errors = members == nullptr ? nullptr : members->if_contains("errors");
  if (errors == nullptr || !errors->is_array()) return;
  for (const json::value& error : errors->as_array()) {
    std::cerr << "  " << TextOf(error, "pointer") << "  " << TextOf(error, "code") << "  "
              << TextOf(error, "detail") << "\n";
  }
}

void PrintCardLines(const json::value& batch) {
  const json::object* members = batch.if_object();
  const json::value* lines = members == nullptr ? nullptr : members->if_contains("card_lines");
  if (lines == nullptr || !lines->is_object()) return;
  std::cout << "  cards: " << TextOf(*lines, "counted") << " counted, "
            << TextOf(*lines, "beat_online") << " in place of an online ballot, "
            << TextOf(*lines, "voted_online") << " voted online, " << TextOf(*lines, "on_paper")
            << " counted before, " << TextOf(*lines, "not_on_roll") << " not on the roll\n";
  const json::value* items = lines->as_object().if_contains("items");
  if (items == nullptr || !items->is_array()) return;
  for (const json::value& item : items->as_array()) {
    std::cout << "  card " << TextOf(item, "line") << ": " << TextOf(item, "code") << " "
              << TextOf(item, "channel") << "\n";
  }
}

// Of figures that are kept from the second person of a blind poll there are none.
std::string CardsOf(const json::value& figures, const char* before_rest, const char* after_rest) {
  if (!TextOf(figures, "figures_hidden").empty()) return "figures hidden until they count";
  return TextOf(figures, "cards") + " cards" + before_rest + TextOf(figures, "invalid") +
         " invalid, " + TextOf(figures, "blank") + " blank" + after_rest;
}

void PrintBatch(const json::value& batch) {
  std::cout << TextOf(batch, "batch") << "  " << TextOf(batch, "status") << "  "
            << TextOf(batch, "box") << "  " << CardsOf(batch, ", ", "") << "\n";
  PrintCardLines(batch);
}

ExitCode PrintPaperAnswer(const ControlOptions& options, const absl::StatusOr<ClientAnswer>& answer,
                          const std::string& what) {
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 200 && answer->status != 201) {
    const ExitCode code = Fail(what + ": " + DescribeProblem(*answer));
    PrintFaults(*answer);
    return code;
  }
  const auto batch = ParseJson(answer->body);
  if (!batch.ok()) return Fail(what + ": the answer cannot be read");
  if (options.json) {
    std::cout << json::serialize(*batch) << "\n";
  } else {
    PrintBatch(*batch);
  }
  return kExitOk;
}

ExitCode SendFile(const ControlOptions& options, const PaperOptions& paper, std::string method,
                  const std::string& target, const std::string& what) {
  auto content = ReadContent(paper.file);
  if (!content.ok()) return Fail(content.status(), kExitBadData);
  const char* type = IsCsv(paper.file) ? "text/csv" : "application/json";
  return PrintPaperAnswer(
      options,
      Call(options, WithBody(options, std::move(method), target, type, *std::move(content))),
      what + " " + paper.batch);
}

void PrintBox(const json::value& box) {
  const auto sum = [&](const char* name) {
    const json::object* members = box.if_object();
    const json::value* value = members == nullptr ? nullptr : members->if_contains(name);
    return value == nullptr ? json::value() : *value;
  };
  std::cout << TextOf(box, "box") << "  " << TextOf(box, "place") << "\n";
  for (const char* state : {"entered", "counted", "voided"}) {
    const json::value figures = sum(state);
    std::cout << "  " << state << ": " << TextOf(figures, "batches") << " batches, "
              << CardsOf(figures, " (", ")") << "\n";
  }
  if (!TextOf(box, "handed_out").empty()) {
    std::cout << "  handed out: " << TextOf(box, "handed_out")
              << ", not returned: " << TextOf(box, "not_returned") << "\n";
  }
}

}  // namespace

ExitCode EnterPaper(const ControlOptions& options, const PaperOptions& paper) {
  return SendFile(options, paper, "PUT", Target(paper), "entering");
}

ExitCode EnterCards(const ControlOptions& options, const PaperOptions& paper) {
  auto content = ReadContent(paper.file);
  if (!content.ok()) return Fail(content.status(), kExitBadData);
  std::string query =
      "?invalid=" + std::to_string(paper.invalid) + "&blank=" + std::to_string(paper.blank);
  if (!paper.box.empty()) query += "&box=" + EncodeSegment(paper.box);
  if (!paper.seal.empty()) query += "&seal=" + EncodeSegment(paper.seal);
  return PrintPaperAnswer(options,
                          Call(options, WithBody(options, "POST", Target(paper, "/cards" + query),
                                                 "application/x-ndjson", *std::move(content))),
                          "entering cards of " + paper.batch);
}

ExitCode ConfirmPaper(const ControlOptions& options, const PaperOptions& paper) {
  const std::string target = Target(paper, "/confirm");
  if (!paper.file.empty()) return SendFile(options, paper, "POST", target, "confirming");
  return PrintPaperAnswer(options, Call(options, MakeRequest(options, "POST", target)),
                          "confirming " + paper.batch);
}

ExitCode VoidPaper(const ControlOptions& options, const PaperOptions& paper) {
  const std::string body = json::serialize(json::object{{"reason", paper.reason}});
  return PrintPaperAnswer(options,
                          Call(options, MakeRequest(options, "POST", Target(paper, "/void"), body)),
                          "voiding " + paper.batch);
}

ExitCode ShowPaper(const ControlOptions& options, const PaperOptions& paper) {
  return PrintPaperAnswer(options, Call(options, MakeRequest(options, "GET", Target(paper))),
                          paper.batch);
}

ExitCode ListPaper(const ControlOptions& options, const PaperOptions& paper) {
  const std::string base = "/v1/polls/" + EncodeSegment(paper.poll) + "/paper-batches";
  json::array all;
  std::string cursor;
  do {
    const std::string query = cursor.empty() ? "" : "?cursor=" + EncodeSegment(cursor);
    const auto answer = Call(options, MakeRequest(options, "GET", base + query));
    if (!answer.ok()) return Fail(answer.status());
    if (answer->status != 200) return Fail("listing batches: " + DescribeProblem(*answer));
    const auto page = ParseJson(answer->body);
    const json::object* members = page.ok() ? page->if_object() : nullptr;
    const json::value* batches = members == nullptr ? nullptr : members->if_contains("batches");
    if (batches == nullptr || !batches->is_array()) return Fail("no list of batches came back");
    all.insert(all.end(), batches->as_array().begin(), batches->as_array().end());
    cursor = TextOf(*page, "next");
  } while (!cursor.empty());
  if (options.json) {
    std::cout << json::serialize(json::object{{"batches", std::move(all)}}) << "\n";
    return kExitOk;
  }
  for (const json::value& batch : all) PrintBatch(batch);
  return kExitOk;
}

ExitCode ReconcilePaper(const ControlOptions& options, const PaperOptions& paper) {
  const std::string target = "/v1/polls/" + EncodeSegment(paper.poll) + "/paper-reconciliation";
  const auto answer = Call(options, MakeRequest(options, "GET", target));
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 200) return Fail("reconciliation: " + DescribeProblem(*answer));
  const auto report = ParseJson(answer->body);
  const json::object* members = report.ok() ? report->if_object() : nullptr;
  const json::value* boxes = members == nullptr ? nullptr : members->if_contains("boxes");
  if (boxes == nullptr || !boxes->is_array()) return Fail("no list of boxes came back");
  if (options.json) {
    std::cout << json::serialize(*report) << "\n";
    return kExitOk;
  }
  for (const json::value& box : boxes->as_array()) PrintBox(box);
  return kExitOk;
}

ExitCode MakeCodes(const ControlOptions& options, const PaperOptions& paper) {
  json::object order{{"count", paper.count}};
  if (!paper.batch.empty()) order["batch"] = paper.batch;
  const std::string target = "/v1/polls/" + EncodeSegment(paper.poll) + "/codes";
  // Before the codes are made: they are shown only once.
  std::ofstream sheet;
  if (!paper.sheet.empty()) {
    sheet.open(paper.sheet, std::ios::binary);
    if (!sheet) return Fail(paper.sheet + ": cannot be written", kExitIo);
  }
  const auto answer = Call(options, MakeRequest(options, "POST", target, json::serialize(order)));
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 201) return Fail("making codes: " + DescribeProblem(*answer));
  const auto made = ParseJson(answer->body);
  const json::object* members = made.ok() ? made->if_object() : nullptr;
  const json::value* list = members == nullptr ? nullptr : members->if_contains("codes");
  if (list == nullptr || !list->is_array()) return Fail("no codes came back");
  std::vector<std::string> codes;
  for (const json::value& code : list->as_array()) {
    if (code.is_string()) codes.emplace_back(code.as_string());
  }
  if (options.json) {
    std::cout << json::serialize(*made) << "\n";
  } else {
    for (const std::string& code : codes) std::cout << code << "\n";
  }
  if (paper.sheet.empty()) return kExitOk;
  const auto html = CodeSheet(codes, {.title = paper.title, .url_prefix = paper.url_prefix});
  if (!html.ok()) return Fail(html.status());
  sheet << *html;
  sheet.close();
  return sheet ? kExitOk : Fail(paper.sheet + ": cannot be written", kExitIo);
}

}  // namespace tallyd
