#pragma once

// Valid ballots at random, for the histories that run against the oracle, and the oracle's marks as
// the engine's bytes.

#include <random>

#include "engine/ballot.h"
#include "tests/model/election_oracle.h"

namespace tallyd {

// Options that the poll does not have go into the first answer.
PackedBallot Pack(const PollDefinition& poll, const Marks& marks);

// A ballot that keeps the rules, of options withdrawn or not.
Marks AnyMarks(const PollDefinition& poll, std::mt19937_64& random);

}  // namespace tallyd
