#include "tools/tallyctl/audit_commands.h"

#include <fstream>
#include <iostream>
#include <set>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "storage/checksums.h"

namespace tallyd {
namespace {

namespace json = boost::json;

std::string HashOf(std::string_view line) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : Sha256(line).bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

// The logs of all polls, drafts too, and of the projects they are in.
absl::StatusOr<std::vector<AuditOf>> AllLogs(const ControlOptions& options) {
  std::vector<AuditOf> logs;
  std::set<std::string> projects;
  std::string cursor;
  do {
    const std::string query = cursor.empty() ? "" : "?cursor=" + EncodeSegment(cursor);
    const auto answer = Call(options, MakeRequest(options, "GET", "/v1/polls" + query));
    if (!answer.ok()) return answer.status();
    if (answer->status != 200) return absl::UnavailableError(DescribeProblem(*answer));
    const auto page = ParseJson(answer->body);
    if (!page.ok()) return page.status();
    const json::object* members = page->if_object();
    const json::value* polls = members == nullptr ? nullptr : members->if_contains("polls");
    if (polls == nullptr || !polls->is_array()) return absl::DataLossError("no list of polls");
    for (const json::value& poll : polls->as_array()) {
      logs.push_back({.id = TextOf(poll, "id"), .is_project = false});
      projects.insert(TextOf(poll, "project"));
    }
    cursor = TextOf(*page, "next");
  } while (!cursor.empty());
  for (const std::string& project : projects) logs.push_back({.id = project, .is_project = true});
  return logs;
}

std::string NameOf(const AuditOf& log) {
  return (log.is_project ? "audit of project " : "audit of ") + log.id;
}

}  // namespace

absl::Status AuditFollower::Add(std::string_view line) {
  const std::uint64_t expected = lines_ + 1;
  const auto broken = [&](const std::string& what) {
    return absl::DataLossError("line " + std::to_string(expected) + " of the audit log " + what);
  };
  const auto parsed = ParseJson(line);
  const json::object* members = parsed.ok() ? parsed->if_object() : nullptr;
  if (members == nullptr) return broken("is not a JSON object");
  const json::value* n = members->if_contains("n");
  if (n == nullptr || !n->is_int64() || n->as_int64() != static_cast<std::int64_t>(expected)) {
    return broken("has another number");
  }
  if (TextOf(*parsed, "previous") != head_) {
    return broken("does not name the hash of the line before");
  }
  lines_ = expected;
  head_ = HashOf(line);
  return absl::OkStatus();
}

absl::StatusOr<AuditFollower> ReadAudit(
    const ControlOptions& options, const AuditOf& log,
    const std::function<absl::Status(std::uint64_t, std::string_view)>& take) {
  AuditFollower follower;
  for (;;) {
    const std::string target = (log.is_project ? "/v1/projects/" : "/v1/polls/") +
                               EncodeSegment(log.id) +
                               "/audit?limit=1000&after=" + std::to_string(follower.lines());
    const auto answer = Call(options, MakeRequest(options, "GET", target));
    if (!answer.ok()) return answer.status();
    if (answer->status != 200) return absl::UnavailableError(DescribeProblem(*answer));
    std::string_view rest = answer->body;
    if (rest.empty()) return follower;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) return absl::DataLossError("a page is cut off");
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (absl::Status added = follower.Add(line); !added.ok()) return added;
      if (absl::Status taken = take(follower.lines(), line); !taken.ok()) return taken;
    }
  }
}

ExitCode PrintAudit(const ControlOptions& options, const AuditOf& log) {
  const auto read = ReadAudit(options, log, [](std::uint64_t, std::string_view line) {
    std::cout << line << '\n';
    return std::cout ? absl::OkStatus() : absl::DataLossError("stdout cannot be written");
  });
  if (read.ok()) return kExitOk;
  const bool broken = absl::IsDataLoss(read.status());
  return Fail(NameOf(log) + ": " + std::string(read.status().message()),
              broken ? kExitBadData : kExitFailure);
}

ExitCode CompareAudit(const ControlOptions& options, const AuditOf& log, const std::string& kept) {
  std::ifstream file(kept, std::ios::binary);
  if (!file) return Fail(kept + ": cannot be opened", kExitBadData);
  std::uint64_t compared = 0;
  std::string expected;
  bool more = static_cast<bool>(std::getline(file, expected));
  const auto read = ReadAudit(options, log, [&](std::uint64_t n, std::string_view line) {
    if (!more) return absl::OkStatus();
    if (line != expected) {
      return absl::DataLossError("line " + std::to_string(n) + " is another than in " + kept);
    }
    compared = n;
    more = static_cast<bool>(std::getline(file, expected));
    return absl::OkStatus();
  });
  if (!read.ok()) {
    return Fail(NameOf(log) + ": " + std::string(read.status().message()),
                absl::IsDataLoss(read.status()) ? kExitBadData : kExitFailure);
  }
  if (more) {
    return Fail(NameOf(log) + ": the server has " + std::to_string(read->lines()) + " lines, " +
                    kept + " has more",
                kExitBadData);
  }
  if (options.json) {
    std::cout << json::serialize(json::object{{"ok", true},
                                              {log.is_project ? "project" : "poll", log.id},
                                              {"compared", compared},
                                              {"acts", read->lines()},
                                              {"head", read->head()}})
              << "\n";
  } else {
    std::cout << "ok: " << compared << " lines of " << kept << " are still the same; the log has "
              << read->lines() << ", head " << read->head() << "\n";
  }
  return kExitOk;
}

absl::StatusOr<bool> CheckAudits(const ControlOptions& options, json::array& report) {
  const auto logs = AllLogs(options);
  if (!logs.ok()) return logs.status();
  bool ok = true;
  for (const AuditOf& log : *logs) {
    const auto read =
        ReadAudit(options, log, [](std::uint64_t, std::string_view) { return absl::OkStatus(); });
    if (absl::IsDataLoss(read.status())) {
      Fail(NameOf(log) + ": " + std::string(read.status().message()));
      ok = false;
      continue;
    }
    if (!read.ok()) return read.status();
    report.push_back(json::object{{log.is_project ? "project" : "poll", log.id},
                                  {"acts", read->lines()},
                                  {"head", read->head()}});
  }
  return ok;
}

}  // namespace tallyd
