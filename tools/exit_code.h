#pragma once

// What the programs end with; operators' scripts and service units rely on it (sysexits(3) where it
// fits).

namespace tallyd {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,     // the server refused, or cannot be reached
  kExitUsage = 2,       // the command line is wrong
  kExitBadData = 65,    // damaged, shorter than the watermark, or a result that differs
  kExitIo = 74,         // a disk does not do what it should
  kExitLocked = 75,     // another process uses the data directory: try later
  kExitBadConfig = 78,  // settings, key file, or a format from the future
};

}  // namespace tallyd
