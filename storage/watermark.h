#pragma once

// The watermark: how far the journal had come, kept outside the database (best on another disk).
//
// RocksDB cannot tell a torn tail from a lost one. The watermark can: what recovery finds must
// reach at least {position, hash} of it, or the server refuses to serve. Two slots are written in
// turn, each with a CRC and its own fdatasync, so one torn write never leaves us without. Never
// ahead of what is durable; behind it by at most the write interval (250 ms), which
// docs/durability.md says plainly.

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/records.h"

namespace tallyd {

struct Watermark {
  Epoch epoch = 0;
  Position position = 0;
  ChainHash hash;
  friend bool operator==(const Watermark&, const Watermark&) = default;
};

class WatermarkFile {
 public:
  // NotFound if the file does not exist; DataLoss if no slot is intact; Unimplemented if newer.
  static absl::StatusOr<std::unique_ptr<WatermarkFile>> Open(const std::string& path);
  // AlreadyExists rather than overwrite one.
  static absl::StatusOr<std::unique_ptr<WatermarkFile>> Create(const std::string& path,
                                                               const Watermark& initial);
  virtual ~WatermarkFile() = default;

  virtual const Watermark& newest() const = 0;
  // Durable when it returns. Epochs, and positions of one epoch, never go back (a broken
  // invariant). After an error every further call returns it.
  virtual absl::Status Write(const Watermark& watermark) = 0;
};

}  // namespace tallyd
