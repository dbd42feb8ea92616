#pragma once

// What tests take from the environment: seeds, and how long to go on.

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace tallyd {

inline std::string EnvironmentText(const char* name, const char* otherwise = "") {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  return text == nullptr ? otherwise : text;
}

inline std::uint64_t EnvironmentNumber(const char* name, std::uint64_t otherwise) {
  const std::string text = EnvironmentText(name);
  return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 10);
}

inline std::uint64_t TestSeed() {
  return EnvironmentNumber("TALLYD_TEST_SEED", std::random_device{}());
}

}  // namespace tallyd
