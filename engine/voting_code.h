#pragma once

// One-time codes for letters and postcards: "K7QX-3M9P-2TRV".
//
// Twelve characters of Crockford's base 32 (no I, L, O, U) from the system's random source: 60
// bits, so that guessing one of a million codes takes 2^40 tries. A code is the name of its voter
// in the poll; it is never stored, only its tag is (engine/voter_key.h). Any thread.

#include <string>

namespace tallyd {

std::string NewVotingCode();

}  // namespace tallyd
