#pragma once

// What fault_disk.cc is to do, as the environment of the server it is preloaded into.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tallyd {

struct FaultPlan {
  std::string action;
  std::string operation;
  std::int64_t number = 1;
  std::string directory;  // only files below it
  std::string path = {};  // only paths that contain this
  std::string mark = {};  // file that says whether it fired
  int hold_ms = 0;

  std::vector<std::pair<std::string, std::string>> Environment() const {
    return {{"LD_PRELOAD", TALLYD_FAULT_DISK},
            {"TALLYD_FAULT", action + ":" + operation + ":" + std::to_string(number)},
            {"TALLYD_FAULT_DIR", directory},
            {"TALLYD_FAULT_PATH", path},
            {"TALLYD_FAULT_MARK", mark},
            {"TALLYD_FAULT_HOLD_MS", std::to_string(hold_ms)}};
  }
};

}  // namespace tallyd
