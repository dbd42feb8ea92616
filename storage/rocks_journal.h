#pragma once

// The embedded journal: one RocksDB, one record per commit under its position as a big-endian key,
// written with sync=true. Settings follow what was measured to matter for durability: a flipped
// byte in the write-ahead log refuses to open (kTolerateCorruptedTailRecords), nothing is recycled,
// a background error stops the process through `on_background_error`. docs/durability.md says why.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "storage/journal.h"

namespace tallyd {

// Begins another history: what comes after `through` is forgotten, and new records are of `epoch`.
struct JournalFork {
  Position through = 0;
  Epoch epoch = 0;
};

struct RocksJournalOptions {
  std::string directory;
  bool create_if_missing = false;
  Epoch epoch_if_created = 0;
  std::optional<JournalFork> fork = std::nullopt;  // OutOfRange if it does not reach so far
  std::uint64_t memory_bytes_max = 128ull << 20;   // records on their way to a file
  std::uint64_t wal_bytes_max = 256ull << 20;
  // Called from any thread, at most once; must not return to normal work (the server exits 74).
  std::function<void(const absl::Status&)> on_background_error;
};

// NotFound: there is none and it may not be created. DataLoss: damaged. Unimplemented: newer
// format. Walks nothing: damage inside records is found by Read(). A creation that a crash cut
// short is finished, with or without `create_if_missing`. Cursors must be gone before the journal
// is.
absl::StatusOr<std::unique_ptr<Journal>> OpenRocksJournal(const RocksJournalOptions& options);

}  // namespace tallyd
