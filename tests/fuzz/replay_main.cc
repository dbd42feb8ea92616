// Runs a fuzz target without libFuzzer: every corpus file and every seed as it is, then mutations
// of them. A failure stops the process with a message; the printed seed repeats it.
//   NAME CORPUS_FOLDER [MUTATIONS]
//   NAME --write-seeds FOLDER     for libFuzzer to begin with

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace {

constexpr std::uint64_t kMutationsDefault = 20'000;

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> ReadFolder(const std::filesystem::path& folder) {
  std::vector<std::string> inputs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// One to four of: flip a bit, set a byte, cut the end, drop, double or insert something.
std::string Mutate(std::string input, std::mt19937_64& random) {
  for (std::uint64_t rounds = 1 + random() % 4; rounds > 0; --rounds) {
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    const std::uint64_t act = input.empty() ? 5 : random() % 6;
    if (act == 0) {
      input[at] = static_cast<char>(input[at] ^ (1 << (random() % 8)));
    } else if (act == 1) {
      input[at] = static_cast<char>(random());
    } else if (act == 2) {
      input.resize(at);
    } else if (act == 3) {
      input.erase(at, 1 + random() % 8);
    } else if (act == 4) {
      input.insert(at, input.substr(at, 1 + random() % 32));
    } else {
      input.insert(at, 1 + random() % 4, static_cast<char>(random()));
    }
  }
  return input;
}

int WriteSeeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const std::string& seed : tallyd::FuzzSeeds()) {
    std::ofstream out(folder / ("seed-" + std::to_string(++number)), std::ios::binary);
    out << seed;
    if (!out.flush()) {
      std::fprintf(stderr, "cannot write to %s\n", folder.c_str());
      return EXIT_FAILURE;
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER [MUTATIONS] | --write-seeds FOLDER\n", argv[0]);
    return 2;
  }
  if (argc == 3 && std::string(argv[1]) == "--write-seeds") {
    return WriteSeeds(argv[2]);
  }
  const char* given = std::getenv("TALLYD_TEST_SEED");
  const std::uint64_t seed = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  const std::uint64_t mutations =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kMutationsDefault;
  std::printf("TALLYD_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));

  std::vector<std::string> inputs = ReadFolder(argv[1]);
  for (std::string& input : tallyd::FuzzSeeds()) {
    inputs.push_back(std::move(input));
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "no corpus in %s and no seeds: nothing would be tested\n", argv[1]);
    return EXIT_FAILURE;
  }
  for (const std::string& input : inputs) {
    Run(input);
  }
  std::mt19937_64 random(seed);
  for (std::uint64_t i = 0; i < mutations; ++i) {
    Run(Mutate(inputs[random() % inputs.size()], random));
  }
  std::printf("%zu inputs and %llu mutations of them\n", inputs.size(),
              static_cast<unsigned long long>(mutations));
  return EXIT_SUCCESS;
}
