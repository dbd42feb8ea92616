#pragma once

// The border to RocksDB: its statuses become absl::Status here and nowhere else, its background
// errors and warnings are heard here, and its slices are our views. Its headers stay in .cc files.

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class EventListener;
class Logger;
class Slice;
class Status;
}  // namespace rocksdb

namespace tallyd {

// `what` says what was tried: "journal: append". Corruption becomes DataLoss, a full disk
// ResourceExhausted, other I/O errors Internal. Never Aborted: that word means a fenced writer.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// Calls `on_error` at the first background error, from RocksDB's thread, and never again.
std::shared_ptr<rocksdb::EventListener> ListenForBackgroundError(
    std::string_view what, std::function<void(const absl::Status&)> on_error);

// Writes RocksDB's warnings and errors to stderr, a line each, beginning with `what`. Not to a file
// of its own in the data directory: on a disk that fails, RocksDB's second line into that file
// breaks an assertion of its own (Debian builds them in), and the process would end by SIGABRT
// before it could say what is wrong.
std::shared_ptr<rocksdb::Logger> LogToStderr(std::string_view what);

// The same bytes; nothing is copied.
rocksdb::Slice ToSlice(std::string_view bytes);
std::string_view View(const rocksdb::Slice& slice);

}  // namespace tallyd
