#pragma once

// What tallyctl does when the journal of a stopped server fails under its hands: nothing more.

#include <unistd.h>

#include <iostream>

#include "absl/status/status.h"

#include "tools/exit_code.h"

namespace tallyd {

inline void StopOnStorageError(const absl::Status& status) {
  std::cerr << "tallyctl: storage failed: " << status.message() << "\n" << std::flush;
  _exit(kExitIo);
}

}  // namespace tallyd
