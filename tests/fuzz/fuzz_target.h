#pragma once

// What a fuzz target defines. The same file becomes a libFuzzer program (preset fuzz) and, in every
// other preset, a test that replays the corpus and seeded mutations of it (replay_main.cc).

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tallyd {

// Well-formed inputs to begin with, besides the files of the corpus.
std::vector<std::string> FuzzSeeds();

}  // namespace tallyd
