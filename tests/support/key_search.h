#pragma once

// What somebody learns who has a data directory and a key file, and all the time in the world: in
// which polls a voter took part. Every key is tried that either root can give, by deriving it or by
// opening any seal that was ever journaled, on every tag that stands in the journal.
//
// The directory must not be open. Knows engine/, unlike the other support of programs' tests.

#include <set>
#include <string>

#include "absl/status/statusor.h"

namespace tallyd {

// Ids of the polls.
absl::StatusOr<std::set<std::string>> FindPollsOf(const std::string& voter,
                                                  const std::string& data_directory,
                                                  const std::string& key_file);

}  // namespace tallyd
