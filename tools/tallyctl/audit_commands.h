#pragma once

// `tallyctl audit`: the audit log of a poll or of a project, printed line by line as the server
// gives it, and its chain checked on the way: dense numbers, each line with the SHA-256 of the line
// before.
//
// `CheckAudits` is what `tallyctl verify` does with the logs of all polls and of the projects they
// are in. A log kept from earlier is compared line by line: what once was said must still be said.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <boost/json/array.hpp>

#include "tools/tallyctl/control.h"

namespace tallyd {

// Follows one chain. Add() refuses (DataLoss) a line that does not follow from those before.
class AuditFollower {
 public:
  // `line` without its line feed.
  absl::Status Add(std::string_view line);
  std::uint64_t lines() const { return lines_; }
  // SHA-256 of the last line in hex digits; zeros before the first.
  const std::string& head() const { return head_; }

 private:
  std::uint64_t lines_ = 0;
  std::string head_ = std::string(64, '0');
};

// Whose log.
struct AuditOf {
  std::string id;
  bool is_project = false;
};

// Shows every line of the log to `take`; DataLoss if the chain is broken.
absl::StatusOr<AuditFollower> ReadAudit(
    const ControlOptions& options, const AuditOf& log,
    const std::function<absl::Status(std::uint64_t n, std::string_view line)>& take);

// Prints the log; with `kept`, a file with an older one, compares instead of printing.
ExitCode PrintAudit(const ControlOptions& options, const AuditOf& log);
ExitCode CompareAudit(const ControlOptions& options, const AuditOf& log, const std::string& kept);

// Checks all logs of the server. False: one is broken, which was said on stderr; `report` gets
// {"poll" or "project","acts","head"} of each.
absl::StatusOr<bool> CheckAudits(const ControlOptions& options, boost::json::array& report);

}  // namespace tallyd
