#pragma once

// A backup: a directory with the journal as of one commit, its FORMAT and its watermark; what
// `tallyctl verify --data-dir` can look at, and `tallyctl restore` makes a data directory of. No
// derived stores, and never the key.
//
// Made while votes go on: the journal's files are linked (or copied, on another disk), then the
// copy is opened and every record of it is read and counted; only then it gets its name, e<epoch>-
// <position>. What a crash leaves is called `.partial` and removed by the next backup.
// One at a time, any thread; a second per some million ballots.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

#include "storage/data_directory.h"
#include "storage/journal.h"

namespace tallyd {

struct BackupReport {
  std::string path;
  Epoch epoch = 0;
  Position position = 0;
  std::uint64_t ballots = 0;  // in force
};

// Into a new directory below `base`, which is made if it is missing. An existing backup of the same
// position is counted again and reported. ResourceExhausted: no space; anything else: the copy is
// not what it should be, or could not be made. The journal that serves is not affected by any of
// them.
absl::StatusOr<BackupReport> MakeBackup(Journal* journal, Epoch epoch, const std::string& base);

// Reads the journal at `directory` from end to end, writes FORMAT and the watermark beside it,
// syncs.
absl::StatusOr<BackupReport> SealCopy(const std::string& directory, Epoch epoch);

}  // namespace tallyd
