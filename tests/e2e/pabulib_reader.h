#pragma once

// A second reader of PabuLib files (arXiv 2012.06539), for the tests alone: it shares no line with
// tools/pabulib, so that a fault there cannot hide behind the same fault here.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tallyd {

struct PabulibElection {
  std::string path;
  std::string vote_type;
  std::map<std::string, std::string> meta;
  struct Project {
    std::int64_t votes = 0;  // as published
    std::int64_t score = 0;  // as published; where absent, the votes
    std::int64_t cost = 0;
    std::string selected;  // as published; "1" is in, "" if the file has no such column
  };
  std::map<std::string, Project> projects;
  struct Ballot {
    std::string voter;
    std::vector<std::string> choices;
    std::vector<std::int64_t> points;
    bool paper = false;
    bool repeats_an_option = false;  // tallyd refuses it
    std::size_t line = 0;
  };
  std::vector<Ballot> ballots;
};

PabulibElection ReadPabulib(const std::string& path);

struct ChannelCount {
  std::int64_t ballots = 0;
  std::int64_t online = 0;  // of the score
  std::int64_t paper = 0;
  std::int64_t score() const { return online + paper; }
};

// What VOTES adds up to by option, counted anew; refused ballots left out.
std::map<std::string, ChannelCount> Recount(const PabulibElection& election);

// What META's rule selects by the published scores, ties broken as the city broke them: among equal
// scores those that it selected come first. Empty if the rule is not a greedy one or nothing was
// published.
std::set<std::string> SelectAsPublished(const PabulibElection& election);

}  // namespace tallyd
