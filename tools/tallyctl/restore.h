#pragma once

// tallyctl backup and restore.

#include <optional>
#include <string>

#include "storage/data_directory.h"
#include "tools/tallyctl/control.h"

namespace tallyd {

// Asks the running server for a backup; prints where it lies.
ExitCode BackUpServer(const ControlOptions& options);

struct RestoreOptions {
  std::string backup;
  DataDirectoryOptions directory;            // new; its key file is brought by the operator
  std::optional<std::uint64_t> to_position;  // records after this one are left out
  std::string to_seq;                        // "poll:seq": the commit with that ballot is the last
  bool accept_loss = false;                  // although a watermark tells of a longer history
};

// Makes a new data directory of a backup: copies the journal, leaves out what comes after the point
// asked for, begins a new epoch (later than the old one and than every watermark found), reads all
// of it again. Refuses an existing directory (78), and a backup that is shorter than the watermark
// at `directory.watermark_file` says the history was (65), unless told that this is meant. Never
// makes a key: without the old one polls answer 503 key_missing, and nobody votes twice.
ExitCode RestoreDirectory(const ControlOptions& options, const RestoreOptions& restore);

}  // namespace tallyd
