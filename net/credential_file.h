#pragma once

// Reads a file that decides who is believed: whole, and only if nobody else could have written it.
//
// At most 1 MiB. PermissionDenied if group or others may write it or, with `secret`, read it.
// Any thread; blocking.

#include <string>

#include "absl/status/statusor.h"

namespace tallyd {

absl::StatusOr<std::string> ReadCredentialFile(const std::string& path, bool secret);

}  // namespace tallyd
