#pragma once

// The audit logs of all polls and projects as chains of lines: a page from any place on, each line
// with the hash of the one before.
//
// Lines are rendered from the journal when they are asked for. What is kept is the hash of every
// 64th line of the logs that somebody has read: half a byte an act. The first page far from the
// beginning therefore walks the chain up to it, about 30 us an act. One thread at a time.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "engine/engine.h"
#include "storage/records.h"

namespace tallyd {

class AuditChain {
 public:
  // A page ends with the line that makes it this long.
  static constexpr std::size_t kPageBytes = std::size_t{1} << 20;

  struct Page {
    std::string lines;       // each with its line feed
    std::uint64_t last = 0;  // number of the last line in it; `after` if it is empty
    bool has_more = false;   // as of now
  };

  explicit AuditChain(Engine& engine) : engine_(engine) {}

  // `project` names it where the log is a project's.
  absl::StatusOr<Page> Read(AuditLog log, const std::string& project, std::uint64_t after,
                            std::size_t limit);

 private:
  static constexpr std::uint64_t kStride = 64;

  Engine& engine_;
  // By log: hashes of the lines number 64, 128, 192 ...
  absl::flat_hash_map<AuditLog, std::vector<ChainHash>> marks_;
};

}  // namespace tallyd
