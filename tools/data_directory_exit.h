#pragma once

// What it means for whoever started a program that a data directory cannot be used.

#include "absl/status/status.h"

#include "tools/exit_code.h"

namespace tallyd {

inline ExitCode ExitCodeOfOpen(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:  // another process holds the lock
      return kExitLocked;
    case absl::StatusCode::kDataLoss:  // journal damaged, or shorter than the watermark
      return kExitBadData;
    case absl::StatusCode::kUnimplemented:       // a format from the future
    case absl::StatusCode::kInvalidArgument:     // not a key file, not a data directory
    case absl::StatusCode::kPermissionDenied:    // readable by others, or not by us
    case absl::StatusCode::kFailedPrecondition:  // key or watermark missing beside data
    case absl::StatusCode::kNotFound:            // no such directory
      return kExitBadConfig;
    default:
      return kExitIo;
  }
}

}  // namespace tallyd
