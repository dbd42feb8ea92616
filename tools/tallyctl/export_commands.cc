#include "tools/tallyctl/export_commands.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tallyd {
namespace {

// As many as the server gives at once.
std::string FirstTarget(const ExportOptions& options) {
  std::string poll = "/v1/polls/" + EncodeSegment(options.poll);
  switch (options.what) {
    case ExportOptions::What::kBallots:
      return poll + "/export/ballots." + options.format + "?limit=100000" +
             (options.excel_de ? "&dialect=excel-de" : "");
    case ExportOptions::What::kHistory:
      return poll +
             "/export/history.ndjson?limit=10000&step=" + std::to_string(options.step_seconds);
    case ExportOptions::What::kPabulib:
      return poll + "/export/pabulib.pb?limit=400000";
    case ExportOptions::What::kRanking:
      return poll + "/ranking." + options.format;
  }
  return poll;
}

// The target of `Link: <target>; rel="next"`; "" if there is none.
std::string NextTarget(const ClientAnswer& answer) {
  const std::string_view link = answer.Header("link");
  const std::size_t end = link.find('>');
  if (!link.starts_with('<') || end == std::string_view::npos ||
      link.find("rel=\"next\"") == std::string_view::npos) {
    return "";
  }
  return std::string(link.substr(1, end - 1));
}

std::string ReadCursor(const std::string& path) {
  std::ifstream file(path);
  std::string cursor;
  std::getline(file, cursor);
  return cursor;
}

// Each page of CSV has a header of its own; one is enough for a file.
std::string_view WithoutHeader(std::string_view page) {
  const std::size_t end = page.find("\r\n");
  return end == std::string_view::npos ? page : page.substr(end + 2);
}

}  // namespace

ExitCode ExportPoll(const ControlOptions& control, const ExportOptions& options) {
  const auto address = ServerAt(control.server, control);
  if (!address.ok()) return Fail(address.status(), kExitUsage);
  ClientConnection connection(*address, {.timeout = std::chrono::minutes(30)});
  std::ofstream file;
  if (options.out != "-") {
    file.open(options.out, std::ios::binary);
    if (!file) return Fail(options.out + ": cannot be written", kExitIo);
  }
  std::ostream& out = options.out == "-" ? std::cout : file;
  std::string target = FirstTarget(options);
  if (!options.cursor_file.empty()) {
    const std::string begin = ReadCursor(options.cursor_file);
    if (!begin.empty()) target += "&after=" + EncodeSegment(begin);
  }
  std::string cursor;
  std::uint64_t bytes = 0;
  int pages = 0;
  while (!target.empty()) {
    const auto answer = connection.Send(MakeRequest(control, "GET", target));
    if (!answer.ok()) return Fail(answer.status());
    if (answer->status != 200) return Fail("exporting: " + DescribeProblem(*answer));
    const bool headed = pages > 0 && options.format == "csv";
    const std::string_view page = headed ? WithoutHeader(answer->body) : answer->body;
    out.write(page.data(), static_cast<std::streamsize>(page.size()));
    bytes += page.size();
    ++pages;
    cursor = std::string(answer->Header("tallyd-cursor"));
    target = NextTarget(*answer);
  }
  out.flush();
  if (!out) return Fail(options.out + ": cannot be written", kExitIo);
  // Last, so that an increment is never skipped; after a crash it is read again.
  if (!options.cursor_file.empty()) {
    std::ofstream kept(options.cursor_file, std::ios::trunc);
    if (!(kept << cursor << "\n" << std::flush)) {
      return Fail(options.cursor_file + ": cannot be written", kExitIo);
    }
  }
  if (control.json && options.out != "-") {
    std::cout << boost::json::serialize(boost::json::object{
                     {"file", options.out}, {"pages", pages}, {"bytes", bytes}, {"cursor", cursor}})
              << "\n";
  }
  return kExitOk;
}

}  // namespace tallyd
