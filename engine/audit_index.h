#pragma once

// Where in the journal the acts of each audit log are: the positions of their records, in order.
//
// Each poll has a log: every entry of it that is no voter's act (a ballot, a withdrawal, and what
// goes with them for flagged voters), so definitions, states, paper, groups of flags, the end of
// its key. Each project has one: its definitions and quotas, and what moderators made of its ideas
// (what became an option is in the poll's log too). The index is made of durable records only, in
// the running server and in recovery alike, so it is the same after a rebuild. Eight bytes an act
// and four an idea; acts are made by people with a name, not by voters.
//
// Apply() by the committing thread (recovery before it starts); everything else from any thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "storage/entries.h"
#include "storage/journal_record.h"

namespace tallyd {

// An audit log: the number of its poll, or that of a project with kProjectLog. 0 = none.
using AuditLog = std::uint64_t;
inline constexpr AuditLog kProjectLog = AuditLog{1} << 32;

class AuditIndex {
 public:
  absl::Status Apply(const RecordView& record);

  // Of a project that was once put or that a poll was made in.
  std::optional<AuditLog> FindProject(std::string_view project) const;
  // Whether the entry, which was applied, is an act of that log.
  bool IsActOf(AuditLog log, const Entry& entry) const;

  std::uint64_t acts_count(AuditLog log) const;
  std::uint64_t acts_count() const;

  // One record and which of the log's acts in it are asked for.
  struct Span {
    Position position = 0;
    std::size_t skip = 0;   // acts of the log in the record before the first asked for
    std::size_t count = 0;  // how many from there
  };
  // The acts number `after` + 1 to `after` + `limit` of a log, as far as there are.
  std::vector<Span> Find(AuditLog log, std::uint64_t after, std::size_t limit) const;

 private:
  // Those of its poll and of its project; 0 = none.
  std::array<AuditLog, 2> LogsOf(const Entry& entry) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  AuditLog LogOfProject(const std::string& project) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Projects and ideas get their places as they come. False: an idea of a project never made.
  bool Learn(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<AuditLog, std::vector<Position>> positions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::uint32_t> projects_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> project_of_idea_ ABSL_GUARDED_BY(mutex_);  // by idea number - 1
  std::uint64_t acts_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tallyd
