#include "tools/tallyctl/import_platforms.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tools/pabulib/pabulib_poll.h"
#include "tools/platforms/consul_sheet.h"
#include "tools/platforms/decidim_csv.h"
#include "tools/tallyctl/poll_import.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr const char* kBox = "paper";
constexpr const char* kBatch = "decidim";

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(path + ": cannot be opened");
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

json::object PollOf(const std::string& title, const std::vector<DecidimProject>& projects,
                    const DecidimOptions& options) {
  json::array described;
  for (const DecidimProject& project : projects) {
    json::object option{{"id", project.id}, {"cost", project.cost}};
    if (!project.title.empty()) option["title"] = json::object{{project.language, project.title}};
    described.push_back(std::move(option));
  }
  const auto all = static_cast<std::int64_t>(projects.size());
  return {
      {"title", json::object{{"und", title}}},
      {"project", options.project},
      {"ballot", {{"type", "choose"}, {"min", 0}, {"max", options.max == 0 ? all : options.max}}},
      {"options", std::move(described)},
      {"paper", {{"confirm", false}}},
      {"boxes", json::array{json::object{{"id", kBox}}}}};
}

json::object BatchOf(const std::vector<DecidimProject>& projects, const DecidimOptions& options) {
  json::object counts;
  for (const DecidimProject& project : projects) counts[project.id] = project.paper_ballots;
  return {{"box", kBox},
          {"cards", options.cards},
          {"invalid", options.invalid},
          {"blank", options.blank},
          {"counts", std::move(counts)}};
}

// What the ranking says otherwise than the file.
std::vector<std::string> Differences(const json::value& ranking,
                                     const std::vector<DecidimProject>& projects) {
  std::vector<std::string> differences;
  for (const DecidimProject& project : projects) {
    const std::int64_t served =
        ranking.at("options").at(project.id).at("paper").to_number<std::int64_t>();
    if (served == project.paper_ballots) continue;
    differences.push_back("project " + project.id + ": file " +
                          std::to_string(project.paper_ballots) + ", served " +
                          std::to_string(served));
  }
  return differences;
}

absl::Status PutBatch(const ControlOptions& control, const std::string& poll,
                      const json::object& batch, RetryingConnection* connection) {
  const std::string target = "/v1/polls/" + poll + "/paper-batches/" + kBatch;
  const auto answer = connection->Send(MakeRequest(control, "PUT", target, json::serialize(batch)));
  if (!answer.ok()) return answer.status();
  if (answer->status == 200 || answer->status == 201) return absl::OkStatus();
  return absl::FailedPreconditionError("entering the batch: " + DescribeProblem(*answer));
}

}  // namespace

ExitCode ImportConsul(const ControlOptions& control, const ImportOptions& options,
                      const std::string& poll) {
  std::vector<ConsulSheet> sheets;
  std::map<std::string, std::string> paths;  // by name: ballots are named after it
  for (const std::string& path : options.paths) {
    const std::string name = std::filesystem::path(path).filename().string();
    if (!paths.emplace(name, path).second) {
      return Fail(path + " and " + paths[name] + " have the same name", kExitUsage);
    }
    const auto content = ReadFile(path);
    if (!content.ok()) return Fail(content.status(), kExitBadData);
    auto ballots = ParseConsulSheet(*content, path);
    if (!ballots.ok()) return Fail(ballots.status(), kExitBadData);
    sheets.push_back({name, *std::move(ballots)});
  }
  Election election{ElectionOf(sheets), {}};
  const std::string id = poll.empty() ? PollIdOf(options.poll_prefix, options.paths.front()) : poll;
  auto plan = PlanPoll(election.file, id, options.project);
  if (!plan.ok()) return Fail(plan.status(), kExitBadData);
  election.plan = *std::move(plan);
  std::vector<Election> elections;
  elections.push_back(std::move(election));
  return ImportElections(control, options, elections);
}

ExitCode ImportDecidim(const ControlOptions& control, const DecidimOptions& options) {
  const auto server = ServerAt(control.server, control);
  if (!server.ok()) return Fail(server.status(), kExitUsage);
  const auto content = ReadFile(options.path);
  if (!content.ok()) return Fail(content.status(), kExitBadData);
  const auto projects = ParseDecidimCsv(*content, options.path);
  if (!projects.ok()) return Fail(projects.status(), kExitBadData);
  const std::string poll = options.poll.empty() ? PollIdOf("", options.path) : options.poll;
  RetryingConnection connection(*server, std::chrono::seconds(options.retry_seconds));
  PollImport import(control, &connection);
  absl::Status done = import.CreateAndOpen(poll, PollOf(poll, *projects, options), "--poll");
  if (done.ok()) done = PutBatch(control, poll, BatchOf(*projects, options), &connection);
  if (!done.ok()) return Fail(options.path + ": " + std::string(done.message()));
  const auto ranking = import.CallJson("GET", "/v1/polls/" + poll + "/ranking");
  if (!ranking.ok()) return Fail(ranking.status());
  const auto differences = Differences(*ranking, *projects);
  for (const std::string& difference : differences) {
    std::cerr << options.path << ": differs: " << difference << "\n";
  }
  if (control.json) {
    std::cout << json::serialize(json::object{
                     {"ok", differences.empty()},
                     {"poll", poll},
                     {"projects", projects->size()},
                     {"cards", options.cards},
                     {"version", ranking->at("version")},
                     {"differences", json::array(differences.begin(), differences.end())}})
              << "\n";
  } else {
    std::cout << poll << ": " << projects->size() << " projects, " << options.cards
              << " cards in batch " << kBatch << "; ranking "
              << ranking->at("version").as_string().c_str()
              << (differences.empty() ? " equals the file\n" : " DIFFERS\n");
  }
  return differences.empty() ? kExitOk : kExitBadData;
}

}  // namespace tallyd
