#pragma once

// A data directory: its lock, its format, and where everything in it lies.
//
//   DIR/LOCK              flock()ed by the one process that uses the directory
//   DIR/FORMAT            "tallyd-data 1\n" and the epoch; a newer number is refused
//   DIR/journal/          RocksDB: the truth
//   DIR/ballots/          RocksDB: derived
//   DIR/tally.checkpoint  derived
//   DIR/watermark         unless another path is set
//   DIR.key               beside it: the root key (storage/key_file.h)
//
// The key file is created only together with an empty data directory: a key made later would let
// everyone vote again. It is durable before FORMAT is, and FORMAT before any data: a crash in the
// middle leaves a directory that the next Open() finishes with the key it finds. A key file that is
// there before the first start is taken.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/key_file.h"
#include "storage/records.h"

namespace tallyd {

struct DataDirectoryOptions {
  std::string directory;
  std::string key_file;        // "" = directory + ".key"
  std::string watermark_file;  // "" = directory + "/watermark"
  bool create_if_missing = true;
};

// Writes DIR/FORMAT, synced: from then on the directory is a data directory of that epoch.
absl::Status WriteDataFormat(const std::string& directory, Epoch epoch);

class DataDirectory {
 public:
  // Unavailable: another process holds the lock (the program exits 75). Unimplemented: newer
  // format. PermissionDenied: the key file is readable by others. InvalidArgument: not a key file.
  // NotFound: none there, and not to be created. FailedPrecondition: files but no FORMAT, or a
  // watermark of a directory that is empty now (a disk that is not mounted).
  // A missing key file beside existing data is not an error of Open(): key_present() is false and
  // the server answers 503 key_missing, so that the ranking stays readable.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(DataDirectoryOptions options);
  virtual ~DataDirectory() = default;

  // Nothing has been journaled here yet: this Open() made the directory, or an earlier one did and
  // the process ended before there was a journal. Only then may a journal be created.
  virtual bool created() const = 0;
  virtual Epoch epoch() const = 0;  // a new directory: Unix seconds at its creation
  virtual bool key_present() const = 0;
  virtual const RootKeys& root_keys() const = 0;  // only with key_present()
  // The key file from here on; see ReplaceKeyFile(). Only with key_present().
  virtual absl::StatusOr<bool> ReplaceRootKeys(const RootKeys& keys) = 0;

  virtual std::string journal_path() const = 0;
  virtual std::string ballots_path() const = 0;
  virtual std::string checkpoint_path() const = 0;
  virtual std::string watermark_path() const = 0;

  // Throws the derived state away (ballot store, checkpoint). Only while nothing else is open.
  virtual absl::Status RemoveDerived() = 0;
};

}  // namespace tallyd
