#include "tests/e2e/pabulib_reader.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <tuple>
#include <utility>

#include "gtest/gtest.h"

namespace tallyd {
namespace {

// One row into its fields: `;` between them, quotes as in CSV.
std::vector<std::string> Fields(const std::string& row, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    if (quoted && c == '"' && i + 1 < row.size() && row[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

bool QuotesAreOpen(const std::string& row) {
  bool open = false;
  bool field_start = true;
  for (const char c : row) {
    if (c == '"' && (open || field_start)) open = !open;
    field_start = !open && c == ';';
  }
  return open;
}

std::string Member(const std::map<std::string, std::string>& row, const std::string& name) {
  const auto found = row.find(name);
  return found == row.end() ? "" : found->second;
}

void AddBallot(PabulibElection& election, const std::map<std::string, std::string>& row,
               std::size_t line) {
  PabulibElection::Ballot ballot;
  ballot.voter = Member(row, "voter_id");
  ballot.line = line;
  ballot.paper = Member(row, "voting_method") == "paper";
  const std::string vote = Member(row, "vote");
  if (!vote.empty()) ballot.choices = Fields(vote, ',');
  const std::string points = Member(row, "points");
  if (election.vote_type == "cumulative") {
    for (const std::string& value : Fields(points, ',')) ballot.points.push_back(std::stoll(value));
  }
  const std::set<std::string> distinct(ballot.choices.begin(), ballot.choices.end());
  ballot.repeats_an_option = distinct.size() != ballot.choices.size();
  election.ballots.push_back(std::move(ballot));
}

void AddRow(PabulibElection& election, const std::string& section,
            const std::map<std::string, std::string>& row, std::size_t line) {
  if (section == "META") {
    election.meta[Member(row, "key")] = Member(row, "value");
    election.vote_type = Member(election.meta, "vote_type");
  } else if (section == "PROJECTS") {
    PabulibElection::Project project;
    project.votes = std::stoll(Member(row, "votes"));
    const std::string score = Member(row, "score");
    project.score = score.empty() ? project.votes : std::stoll(score);
    project.cost = std::stoll(Member(row, "cost"));
    project.selected = Member(row, "selected");
    election.projects[Member(row, "project_id")] = project;
  } else {
    AddBallot(election, row, line);
  }
}

}  // namespace

PabulibElection ReadPabulib(const std::string& path) {
  PabulibElection election;
  election.path = path;
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::string section;
  std::vector<std::string> header;
  std::string text;
  std::size_t line = 0;
  while (std::getline(file, text)) {
    ++line;
    const std::size_t row_line = line;
    std::string more;
    while (QuotesAreOpen(text) && std::getline(file, more)) {
      text += "\n" + more;
      ++line;
    }
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (text.empty()) continue;
    if (text == "META" || text == "PROJECTS" || text == "VOTES") {
      section = text;
      header.clear();
      continue;
    }
    const std::vector<std::string> fields = Fields(text, ';');
    if (header.empty()) {
      header = fields;
      continue;
    }
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < fields.size() && i < header.size(); ++i) row[header[i]] = fields[i];
    AddRow(election, section, row, row_line);
  }
  return election;
}

std::map<std::string, ChannelCount> Recount(const PabulibElection& election) {
  std::map<std::string, ChannelCount> counts;
  for (const auto& [id, project] : election.projects) counts[id] = {};
  const auto max_length = election.meta.find("max_length");
  for (const PabulibElection::Ballot& ballot : election.ballots) {
    if (ballot.repeats_an_option) continue;
    const std::size_t places =
        max_length != election.meta.end() ? std::stoul(max_length->second) : ballot.choices.size();
    for (std::size_t i = 0; i < ballot.choices.size(); ++i) {
      std::int64_t score = 1;
      if (election.vote_type == "cumulative") score = ballot.points.at(i);
      if (election.vote_type == "ordinal") score = static_cast<std::int64_t>(places - i);
      ChannelCount& count = counts[ballot.choices[i]];
      ++count.ballots;
      (ballot.paper ? count.paper : count.online) += score;
    }
  }
  return counts;
}

std::set<std::string> SelectAsPublished(const PabulibElection& election) {
  const auto meta = [&](const char* key) {
    const auto found = election.meta.find(key);
    return found == election.meta.end() ? std::string() : found->second;
  };
  const std::string rule = meta("rule");
  if (!rule.starts_with("greedy")) return {};
  std::int64_t left = std::stoll(meta("budget"));
  const std::string least = meta("min_project_score_threshold");
  std::vector<std::pair<std::string, PabulibElection::Project>> order;
  for (const auto& project : election.projects) {
    if (project.second.selected.empty()) return {};
    if (least.empty() || project.second.score >= std::stoll(least)) order.push_back(project);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::tuple(-a.second.score, a.second.selected != "1", a.first) <
           std::tuple(-b.second.score, b.second.selected != "1", b.first);
  });
  std::set<std::string> selected;
  for (const auto& [id, project] : order) {
    if (project.cost <= left) {
      left -= project.cost;
      selected.insert(id);
    } else if (rule == "greedy-no-skip" || rule == "greedy-custom") {
      break;
    }
  }
  return selected;
}

}  // namespace tallyd
