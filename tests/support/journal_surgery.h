#pragma once

// Harm done to a closed journal on purpose: for tests of the watermark, of recovery and for drills.
// What no honest program does, so it lives here and not in storage/. The journal must not be open.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/records.h"

namespace tallyd {

// The records as they lie there, in order; nothing is harmed.
absl::StatusOr<std::vector<std::string>> ReadJournalRecords(const std::string& directory);

// Removes the records after `keep_through`, as if the disk had lost them.
absl::Status ChopJournal(const std::string& directory, Position keep_through);

// Removes one record and leaves those around it.
absl::Status RemoveJournalRecord(const std::string& directory, Position position);

// Puts other bytes in the place of one record.
absl::Status OverwriteJournalRecord(const std::string& directory, Position position,
                                    const std::string& bytes);

}  // namespace tallyd
