#include "tools/tallyctl/import_pabulib.h"

#include <unistd.h>

#include <iostream>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tools/client/retrying_connection.h"
#include "tools/pabulib/pabulib_comparison.h"
#include "tools/pabulib/pabulib_file.h"
#include "tools/pabulib/pabulib_poll.h"
#include "tools/tallyctl/ballot_sender.h"
#include "tools/tallyctl/poll_import.h"

namespace tallyd {
namespace {

namespace json = boost::json;

struct Outcome {
  SendResult sent;
  std::string version;                   // of the ranking that was compared
  std::vector<std::string> differences;  // empty: it equals the published result
};

class PabulibImport {
 public:
  PabulibImport(const ControlOptions& control, SendOptions send)
      : control_(control),
        send_(std::move(send)),
        connection_(send_.private_server, send_.give_up_after) {}

  ExitCode Run(const std::vector<Election>& elections) {
    json::array reports;
    bool equal = true;
    for (const Election& election : elections) {
      const auto outcome = ImportElection(election);
      if (!outcome.ok()) {
        return Fail(election.file.name + ": " + std::string(outcome.status().message()));
      }
      equal = equal && outcome->differences.empty() && outcome->sent.refused.empty();
      Print(election, *outcome);
      if (control_.json) reports.push_back(ReportJson(election, *outcome));
    }
    if (control_.json) {
      std::cout << json::serialize(json::object{{"ok", equal}, {"files", std::move(reports)}})
                << "\n";
    }
    return equal ? kExitOk : kExitBadData;
  }

 private:
  absl::StatusOr<Outcome> ImportElection(const Election& election) {
    for (const std::string& note : election.plan.notes) {
      std::cerr << election.file.name << ": " << note << "\n";
    }
    PollImport poll(control_, &connection_);
    absl::Status status =
        poll.CreateAndOpen(election.plan.poll, election.plan.document, "--poll-prefix");
    if (!status.ok()) return status;
    Outcome outcome;
    BallotSender sender(send_, election.file, election.plan);
    const bool terminal = isatty(STDERR_FILENO) == 1;
    auto sent = sender.Run([&](std::size_t done) {
      if (terminal) {
        std::cerr << "\r" << election.plan.poll << ": " << done << " of "
                  << election.file.votes.size() << " ballots" << std::flush;
      }
    });
    if (terminal) std::cerr << "\r\x1b[K";
    if (!sent.ok()) return sent.status();
    outcome.sent = *std::move(sent);

    const auto ranking = poll.CallJson("GET", "/v1/polls/" + election.plan.poll + "/ranking");
    if (!ranking.ok()) return ranking.status();
    const json::value* version = ranking->as_object().if_contains("version");
    if (version != nullptr && version->is_string()) outcome.version = version->as_string().c_str();
    outcome.differences = CompareWithRanking(election.file, election.plan.scoring, *ranking);
    return outcome;
  }

  void Print(const Election& election, const Outcome& outcome) const {
    for (const RefusedBallot& refused : outcome.sent.refused) {
      std::cerr << election.file.name << ":" << refused.line << ": refused: " << refused.status
                << " " << refused.code << "\n";
    }
    for (const std::string& difference : outcome.differences) {
      std::cerr << election.file.name << ": differs: " << difference << "\n";
    }
    if (control_.json) return;
    std::cout << election.plan.poll << ": " << election.plan.ballot_text << "; "
              << election.file.votes.size() << " ballots: " << outcome.sent.counted << " counted, "
              << outcome.sent.duplicate << " duplicate, " << outcome.sent.refused.size()
              << " rejected; ";
    if (outcome.sent.replaced > 0) std::cout << outcome.sent.replaced << " replaced; ";
    if (outcome.differences.empty()) {
      std::cout << "ranking " << outcome.version << " equals the published result ("
                << election.file.projects.size() << " projects)\n";
    } else {
      std::cout << "ranking " << outcome.version << " DIFFERS in " << outcome.differences.size()
                << " figures\n";
    }
  }

  static json::object ReportJson(const Election& election, const Outcome& outcome) {
    json::array refused;
    for (const RefusedBallot& ballot : outcome.sent.refused) {
      refused.push_back(
          json::object{{"line", ballot.line}, {"status", ballot.status}, {"code", ballot.code}});
    }
    return {{"file", election.file.name},
            {"poll", election.plan.poll},
            {"ballot", election.plan.document.at("ballot")},
            {"notes", json::array(election.plan.notes.begin(), election.plan.notes.end())},
            {"ballots", election.file.votes.size()},
            {"counted", outcome.sent.counted},
            {"duplicate", outcome.sent.duplicate},
            {"replaced", outcome.sent.replaced},
            {"rejected", outcome.sent.refused.size()},
            {"refused", std::move(refused)},
            {"version", outcome.version},
            {"differences", json::array(outcome.differences.begin(), outcome.differences.end())},
            {"ok", outcome.differences.empty() && outcome.sent.refused.empty()}};
  }

  const ControlOptions& control_;
  const SendOptions send_;
  RetryingConnection connection_;
};

}  // namespace

ExitCode ImportElections(const ControlOptions& control, const ImportOptions& options,
                         const std::vector<Election>& elections) {
  const auto private_server = ServerAt(control.server, control);
  if (!private_server.ok()) return Fail(private_server.status(), kExitUsage);
  const auto public_server = ServerAt(options.public_server, control);
  if (!public_server.ok()) return Fail(public_server.status(), kExitUsage);
  SendOptions send;
  send.private_server = *private_server;
  send.public_server = *public_server;
  send.connections = options.connections;
  send.single = options.single;
  send.batch_lines = static_cast<std::size_t>(options.batch_lines);
  send.give_up_after = std::chrono::seconds(options.retry_seconds);
  send.actor = control.actor;
  send.token = control.token;
  return PabulibImport(control, std::move(send)).Run(elections);
}

ExitCode ImportPabulib(const ControlOptions& control, const ImportOptions& options) {
  std::vector<Election> elections;
  std::map<std::string, std::string> paths;  // by poll
  for (const std::string& path : options.paths) {
    const std::string poll = PollIdOf(options.poll_prefix, path);
    if (!paths.emplace(poll, path).second) {
      return Fail(path + " and " + paths[poll] + " would both become poll " + poll, kExitUsage);
    }
    auto file = ReadPabulib(path);
    if (!file.ok()) return Fail(file.status(), kExitBadData);
    auto plan = PlanPoll(*file, poll, options.project);
    if (!plan.ok()) return Fail(plan.status(), kExitBadData);
    elections.push_back({*std::move(file), *std::move(plan)});
  }
  return ImportElections(control, options, elections);
}

}  // namespace tallyd
