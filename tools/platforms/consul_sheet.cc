#include "tools/platforms/consul_sheet.h"

#include <algorithm>
#include <cstdint>
#include <map>

namespace tallyd {
namespace {

std::string_view Stripped(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool IsInvestmentId(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;
  return !text.empty() && text.size() <= kDigitsMax && text.front() != '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::vector<ConsulBallot>> ParseConsulSheet(std::string_view content,
                                                           const std::string& name) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  std::vector<ConsulBallot> ballots;
  int line = 0;
  while (!content.empty()) {
    ++line;
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view rest = Stripped(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
    while (!rest.empty()) {
      const std::size_t semicolon = std::min(rest.find(';'), rest.size());
      std::string_view ids = rest.substr(0, semicolon);
      rest.remove_prefix(std::min(semicolon + 1, rest.size()));
      ConsulBallot ballot{static_cast<int>(ballots.size()), line, {}};
      while (!ids.empty()) {
        const std::size_t comma = std::min(ids.find(','), ids.size());
        const std::string_view id = Stripped(ids.substr(0, comma));
        ids.remove_prefix(std::min(comma + 1, ids.size()));
        if (id.empty()) continue;
        if (!IsInvestmentId(id)) {
          return absl::InvalidArgumentError(name + ":" + std::to_string(line) + ": \"" +
                                            std::string(id) + "\" is no id of an investment");
        }
        auto& named = ballot.investments;
        if (std::find(named.begin(), named.end(), id) == named.end()) named.emplace_back(id);
      }
      ballots.push_back(std::move(ballot));
    }
  }
  if (ballots.empty()) return absl::InvalidArgumentError(name + ": the sheet has no ballot");
  return ballots;
}

PabulibFile ElectionOf(const std::vector<ConsulSheet>& sheets) {
  PabulibFile file;
  std::map<std::uint64_t, std::int64_t> ballots_by_id;
  for (const ConsulSheet& sheet : sheets) {
    file.name += (file.name.empty() ? "" : "+") + sheet.name;
    for (const ConsulBallot& ballot : sheet.ballots) {
      file.votes.push_back({.voter_id = sheet.name + ":" + std::to_string(ballot.number),
                            .choices = ballot.investments,
                            .points = {},
                            .paper = true,
                            .line = ballot.line});
      for (const std::string& id : ballot.investments) ++ballots_by_id[std::stoull(id)];
    }
  }
  for (const auto& [id, ballots] : ballots_by_id) {
    PabulibProject& project = file.projects.emplace_back();
    project.id = std::to_string(id);
    project.votes = ballots;
  }
  return file;
}

}  // namespace tallyd
