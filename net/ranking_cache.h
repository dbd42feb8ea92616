#pragma once

// The newest rendered ranking of each poll, shared by every connection of every io thread.
//
// A version is rendered once per format, and encoded once per content coding that anybody asks for;
// the bytes go out uncopied. Older versions live as long as somebody still sends them. Bounded by
// the number of polls. Any thread: who comes while a version is being rendered waits for it instead
// of rendering it again.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

#include "engine/snapshot.h"
#include "engine/snapshot_board.h"
#include "net/content_coding.h"

namespace tallyd {

enum class RankingFormat : std::uint8_t { kJson, kCsv, kNdjson, kLive };

class RankingCache {
 public:
  using Bytes = std::shared_ptr<const std::string>;
  struct Rendered {
    Bytes bytes;
    Coding coding = Coding::kIdentity;  // the one asked for, if it is worth it
  };

  // The whole ranking of `snapshot`. Whoever comes with an older snapshot than the cache holds gets
  // a rendering of his own, which is not kept.
  Rendered Get(const RankingSnapshot& snapshot, RankingFormat format, Coding coding);

  // The merge patch from the live form at `since`, of the same epoch, to that of `snapshot`; null
  // if the board does not know any more what changed. The newest version's patches from the last
  // kPatchesMax versions asked for are kept, and the board is not asked again for them: a crowd of
  // readers has few versions.
  Bytes PatchSince(const SnapshotBoard& board, const RankingSnapshot& snapshot, Position since);
  static constexpr std::size_t kPatchesMax = 8;

  // Without the cache: the first `top` ranks.
  static Bytes Render(const RankingSnapshot& snapshot, RankingFormat format, std::uint32_t top);

 private:
  static constexpr std::size_t kFormats = 4;
  struct Cell {
    absl::Mutex mutex;
    Position position ABSL_GUARDED_BY(mutex) = 0;
    Epoch epoch ABSL_GUARDED_BY(mutex) = 0;
    struct Slot {
      std::array<Bytes, kCodings> encoded;  // by Coding; null: not yet, or not worth it
      std::array<bool, kCodings> tried{};
    };
    Slot slots[kFormats] ABSL_GUARDED_BY(mutex);
    std::vector<std::pair<Position, Bytes>> patches ABSL_GUARDED_BY(mutex);  // by `since`

    Bytes FindPatch(Position since) const ABSL_SHARED_LOCKS_REQUIRED(mutex);
    // False: the cell holds a newer version than `snapshot`.
    bool MoveTo(const RankingSnapshot& snapshot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  };

  Cell& FindCell(PollNumber poll);

  absl::Mutex mutex_;
  absl::flat_hash_map<PollNumber, std::unique_ptr<Cell>> cells_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tallyd
