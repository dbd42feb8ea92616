#pragma once

// Another root key takes the place of the one there is, and the keys of polls that are over end
// with it. For a stopped server; whoever holds the DataDirectory has its lock.
//
//   1. The key file gets a new root beside the old one.
//   2. Whatever the new root alone does not give (keys of polls and projects, the receipts' key) is
//      sealed under it and journaled; a key that is to be destroyed is not, and an entry says so.
//   3. The watermark is set on the last of these records.
//   4. The journal is read again with the new root alone: it must give every key that is left.
//   5. The key file gets the new root alone.
//
// From 5 on nothing opens what stands in the journal, or in any copy of it, of a destroyed key: its
// seals and what it was derived from need roots that are gone. No key changes that is left, so
// tags, receipts and pseudonyms stay as they are. Every step is durable before the next; a process
// that dies at any of them leaves a data directory that serves with the key file it finds, and the
// next call first brings that rotation to its end.
//
// One thread. Three readings of the journal, about a second per five million ballots each.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "engine/clock.h"
#include "storage/data_directory.h"
#include "storage/journal.h"

namespace tallyd {

struct KeyDestruction {
  std::vector<std::string> polls;  // ids; at most kKeysDestroyedAtOnceMax
  std::string reason;
  std::string actor;
};

struct KeyRotationReport {
  bool completed_earlier = false;  // one that had been begun before
  bool rotated = false;            // one of our own
  std::vector<std::string> destroyed;
  std::vector<std::string> destroyed_before;  // asked for again
  std::vector<std::string> projects_redrawn;  // whose key ended with their polls'
  std::size_t keys_sealed = 0;
  Position position = 0;
  bool old_files_overwritten = true;  // with zeros, as far as a program can
};

// FailedPrecondition: what was asked for is not allowed, and nothing was changed but that an
// earlier rotation may have been completed. Besides the errors of the journal, the watermark and
// the key file.
absl::StatusOr<KeyRotationReport> RotateKeys(const KeyDestruction& destruction, const Clock& clock,
                                             DataDirectory* data, Journal* journal);

}  // namespace tallyd
