#pragma once

// Where the PabuLib files lie that are replayed: real elections beside the project
// (TALLYD_SHARED_DIR or ../shared, data/pabulib), which may be absent, and small invented ones
// within it.

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/environment.h"

namespace tallyd {

inline std::string RealElections() {
  const std::string beside = std::string(TALLYD_SOURCE_DIRECTORY) + "/../shared";
  return EnvironmentText("TALLYD_SHARED_DIR", beside.c_str()) + "/data/pabulib";
}

inline std::string TrialElections() {
  return std::string(TALLYD_SOURCE_DIRECTORY) + "/tests/fixtures/pabulib";
}

// The .pb files of a directory, in no order.
inline std::vector<std::string> ElectionsIn(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".pb") files.push_back(entry.path());
  }
  return files;
}

}  // namespace tallyd
