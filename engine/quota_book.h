#pragma once

// How many ballots each voter has in force over the polls of a project that has a quota.
//
// Voters are known by their tag under the project's key, which no other project shares. Each change
// is the Apply() of a journal entry, at decision time and in recovery alike. Bounded by
// `voters_max` (about 50 bytes a voter); the caller refuses who does not fit. One thread.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "storage/quota_entries.h"

namespace tallyd {

class QuotaBook {
 public:
  explicit QuotaBook(std::size_t voters_max) : voters_max_(voters_max) {}

  std::uint32_t Spent(const VoterTag& project_tag) const;
  bool HasRoomFor(const VoterTag& project_tag) const;
  std::size_t voters_count() const { return spent_.size(); }

  // False: what was never spent is given back, and nothing was changed.
  bool Apply(const QuotaUseEntry& entry);

 private:
  using TagWords = std::pair<std::uint64_t, std::uint64_t>;
  static TagWords Words(const VoterTag& tag) { return {tag.high(), tag.low()}; }

  std::size_t voters_max_;
  absl::flat_hash_map<TagWords, std::uint32_t> spent_;
};

}  // namespace tallyd
