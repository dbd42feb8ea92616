#pragma once

// Reads PabuLib's `.pb` files: real participatory-budgeting elections, one a file (format: arXiv
// 2012.06539): UTF-8, `;`-separated, quoted as in CSV, three sections META, PROJECTS and VOTES,
// each with its header row.
//
//   auto file = ParsePabulib(content, "Poland_Krakow_2021.pb");
//   if (!file.ok()) ...   // InvalidArgument: "Poland_Krakow_2021.pb:17: <rule that was broken>"
//   PabulibScoring scoring = FindScoring(*file);
//   auto counts = RecountVotes(*file, scoring);
//
// A byte-order mark and CRLF are fine. Columns are found by name, unknown ones ignored. Whether a
// ballot keeps the election's limits is not judged here: what the city counted must be importable.
// Values; any thread. Needs about three times the file's size in memory.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tallyd {

struct PabulibProject {
  std::string id;
  std::int64_t cost = 0;
  std::string name;                   // "" if the file has none
  std::optional<std::int64_t> votes;  // as published
  std::optional<std::int64_t> score;  // as published
  int line = 0;
};

struct PabulibVote {
  std::string voter_id;
  std::vector<std::string> choices;  // in the order of the file
  std::vector<std::int64_t> points;  // beside choices, or empty
  bool paper = false;
  int line = 0;
};

enum class PabulibVoteType : std::uint8_t {
  kApproval,
  kChooseOne,
  kCumulative,
  kOrdinal,
  kScoring
};

struct PabulibFile {
  std::string name;
  std::map<std::string, std::string> meta;
  PabulibVoteType vote_type = PabulibVoteType::kApproval;
  std::vector<PabulibProject> projects;
  std::vector<PabulibVote> votes;

  // A number of META; nothing if it is absent or not a whole number.
  std::optional<std::int64_t> MetaNumber(const std::string& key) const;
  std::size_t LongestBallot() const;
  std::size_t ShortestBallot() const;
  std::int64_t LargestPointsSum() const;
};

absl::StatusOr<PabulibFile> ParsePabulib(std::string_view content, const std::string& name);
// NotFound or Unavailable if the file cannot be read.
absl::StatusOr<PabulibFile> ReadPabulib(const std::string& path);

// How a project's score follows from the ballots.
struct PabulibScoring {
  enum class Rule : std::uint8_t { kBallots, kPoints, kBorda, kBordaBallot };
  Rule rule = Rule::kBallots;
  std::int64_t max = 0;  // kBorda: position i (from 0) gets max - i
};

// For rankings the rule that reproduces the published scores, by counting; where both or neither
// do, kBorda if META states max_length, else kBordaBallot.
PabulibScoring FindScoring(const PabulibFile& file);

struct PabulibCount {
  std::int64_t votes = 0;  // ballots naming the project
  std::int64_t score = 0;
  std::int64_t score_online = 0;
  std::int64_t score_paper = 0;
};
// Every project of the file by id, counted from VOTES with no knowledge of tallyd.
std::map<std::string, PabulibCount> RecountVotes(const PabulibFile& file,
                                                 const PabulibScoring& scoring);
// Every difference between the recount and the published columns, one a line; empty if none.
std::vector<std::string> CompareWithPublished(const PabulibFile& file,
                                              const std::map<std::string, PabulibCount>& counts);

}  // namespace tallyd
