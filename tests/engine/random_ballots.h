#pragma once

// Random rules, ballots that keep them, voter tags and definitions, for the tests of engine/.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "engine/ballot.h"
#include "storage/entries.h"
#include "storage/records.h"

namespace tallyd {

using Random = std::mt19937_64;

// 0 ... bound - 1.
inline std::uint64_t Below(Random* random, std::uint64_t bound) {
  return (*random)() % bound;
}

VoterTag TagOf(std::uint64_t high, std::uint64_t low);
VoterTag RandomTag(Random* random);

// Rules of any type that some ballot over `options_count` options keeps.
BallotRules RandomRules(Random* random, OptionIndex options_count);
BallotDefinition DefinitionOf(const BallotRules& rules);

OptionDefinition Option(std::string id, std::string display = "");
BoxDefinition Box(std::string id, std::string display = "");

// Options (and points) of a ballot that keeps the rules: in canonical order, for rank in the
// voter's order.
std::vector<OptionValue> RandomValues(Random* random, const BallotRules& rules,
                                      OptionIndex options_count);
PackedBallot Pack(BallotType type, std::vector<OptionValue> values);

// What the ballot adds to an option, counted the plain way.
struct NaiveScore {
  OptionIndex option;
  std::int64_t score;
  friend bool operator==(const NaiveScore&, const NaiveScore&) = default;
};
std::vector<NaiveScore> ScoresOf(const BallotRules& rules, const std::vector<OptionValue>& values);

}  // namespace tallyd
