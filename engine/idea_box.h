#pragma once

// Every idea that was handed in, and what a moderator made of it.
//
// Each change is the Apply() of a journal entry, at decision time and in recovery alike. The text
// of an idea goes from memory once it is decided (the journal keeps it); title, state and reason
// stay. Bounded by FindLimit() (limits.h); the caller refuses what does not fit. One thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"

#include "storage/idea_entries.h"
#include "storage/records.h"

namespace tallyd {

enum class IdeaState : std::uint8_t { kPending = 0, kApproved = 1, kRejected = 2, kMerged = 3 };

struct IdeaRecord {
  IdeaEntry idea;  // its text is empty once it is decided
  std::uint64_t content_print = 0;
  IdeaState state = IdeaState::kPending;
  TimeUs submitted = 0;   // of the commits
  TimeUs decided = 0;     // 0 = not yet
  Position revision = 0;  // commit that last changed it
  PollNumber poll = 0;    // approved, merged
  OptionIndex option = 0;
  std::string reason_code;
  std::string moderator;
};

// An answer to readers: ideas by rising number.
struct IdeaPage {
  std::vector<IdeaRecord> ideas;
  bool is_last = true;
};

class IdeaBox {
 public:
  // Null if there is none; valid until the next Apply().
  const IdeaRecord* Find(IdeaNumber number) const;
  // The idea that this Idempotency-Key of that submitter made.
  const IdeaRecord* FindByKey(const VoterTag& submitter, std::uint64_t idempotency_print) const;
  // Up to `limit` ideas in `state` with a greater number than `after`; "" = of every project.
  IdeaPage List(IdeaState state, std::string_view project, IdeaNumber after,
                std::size_t limit) const;
  // Why no further idea may come, in words; nullopt: it may.
  std::optional<std::string_view> FindLimit(const IdeaEntry& idea) const;

  IdeaNumber next_number() const { return static_cast<IdeaNumber>(ideas_.size() + 1); }
  std::size_t pending_count() const { return by_state_[0].size(); }

  // False: the entry does not fit what came before, and nothing was changed.
  bool Apply(const IdeaEntry& entry, Position position, TimeUs time);
  bool Apply(const IdeaDecisionEntry& entry, Position position, TimeUs time);

  // Equal for the same title and text.
  static std::uint64_t ContentPrint(const IdeaEntry& idea);

 private:
  // (submitter, key): both halves of the tag and the print.
  using KeyWords = std::pair<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>;

  std::vector<IdeaRecord> ideas_;  // by number - 1
  absl::flat_hash_map<KeyWords, IdeaNumber> by_key_;
  std::array<absl::btree_set<IdeaNumber>, 4> by_state_;
  absl::flat_hash_map<std::string, std::size_t> pending_by_project_;
  absl::flat_hash_map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> pending_by_submitter_;
};

}  // namespace tallyd
