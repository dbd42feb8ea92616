#pragma once

// The key file: the root key, 32 random bytes, outside the data directory and its backups.
//
// One root as 64 hex digits; in the middle of a rotation two, the new one first, behind a line that
// says so (docs/data_formats.md). Mode 0600 or 0400, and nobody else may read it. Any thread;
// blocking.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tallyd {

using RootKey = std::array<std::uint8_t, 32>;

struct RootKeys {
  RootKey newest{};                 // the one in force
  std::optional<RootKey> previous;  // a rotation was begun and not yet completed
  const RootKey& oldest() const { return previous ? *previous : newest; }
  friend bool operator==(const RootKeys&, const RootKeys&) = default;
};

RootKey DrawRootKey();

// NotFound; PermissionDenied: readable by others; InvalidArgument: not a key file.
absl::StatusOr<RootKeys> ReadKeyFile(const std::string& path);

// Draws a root key and keeps it. AlreadyExists rather than overwrite one.
absl::StatusOr<RootKeys> CreateKeyFile(const std::string& path);

// After a crash the file holds the roots of before or `keys`; a link is followed, and what it names
// is replaced. Then zeros go over the old file, unless another name of it is left; false: they
// could not be written. (Zeros do not reach every copy that a disk keeps: docs/security.md.)
// PermissionDenied: it belongs to another user, who could not read what we leave there.
absl::StatusOr<bool> ReplaceKeyFile(const std::string& path, const RootKeys& keys);

}  // namespace tallyd
