#include "net/ranking_cache.h"

#include <utility>

#include "net/wire_json_ranking.h"

namespace tallyd {
RankingCache::Bytes RankingCache::Render(const RankingSnapshot& snapshot, RankingFormat format,
                                         std::uint32_t top) {
  auto bytes = std::make_shared<std::string>();
  switch (format) {
    case RankingFormat::kJson:
      AppendRankingJson(snapshot, top, *bytes);
      break;
    case RankingFormat::kCsv:
      AppendRankingCsv(snapshot, top, *bytes);
      break;
    case RankingFormat::kNdjson:
      AppendRankingNdjson(snapshot, top, *bytes);
      break;
    case RankingFormat::kLive:
      AppendRankingLive(snapshot, *bytes);
      break;
  }
  return bytes;
}

RankingCache::Cell& RankingCache::FindCell(PollNumber poll) {
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = cells_.find(poll);
    if (found != cells_.end()) return *found->second;
  }
  absl::MutexLock lock(&mutex_);
  auto& cell = cells_[poll];
  if (cell == nullptr) cell = std::make_unique<Cell>();
  return *cell;
}

bool RankingCache::Cell::MoveTo(const RankingSnapshot& snapshot) {
  if (epoch == snapshot.epoch && position > snapshot.position) return false;
  if (epoch != snapshot.epoch || position != snapshot.position) {
    for (Slot& slot : slots) slot = {};
    patches.clear();
    epoch = snapshot.epoch;
    position = snapshot.position;
  }
  return true;
}

RankingCache::Bytes RankingCache::Cell::FindPatch(Position since) const {
  for (const auto& [from, bytes] : patches) {
    if (from == since) return bytes;
  }
  return nullptr;
}

RankingCache::Bytes RankingCache::PatchSince(const SnapshotBoard& board,
                                             const RankingSnapshot& snapshot, Position since) {
  Cell& cell = FindCell(snapshot.poll);
  {
    absl::MutexLock lock(&cell.mutex);
    if (cell.MoveTo(snapshot)) {
      if (Bytes known = cell.FindPatch(since)) return known;
    }
  }
  // Not under the lock, the board has its own: two io threads may do this at a time.
  SnapshotBoard::Changes changes = board.ChangesSince(snapshot.poll, since);
  if (!changes.options) return nullptr;
  // The board may be ahead: more options than differ do no harm, but ours must have them.
  std::erase_if(*changes.options,
                [&](OptionIndex option) { return option >= snapshot.rows.size(); });
  auto bytes = std::make_shared<std::string>();
  AppendRankingPatch(snapshot, *changes.options, *bytes);
  absl::MutexLock lock(&cell.mutex);
  if (!cell.MoveTo(snapshot)) return bytes;
  if (Bytes known = cell.FindPatch(since)) return known;
  if (cell.patches.size() == kPatchesMax) cell.patches.erase(cell.patches.begin());
  return cell.patches.emplace_back(since, std::move(bytes)).second;
}

RankingCache::Rendered RankingCache::Get(const RankingSnapshot& snapshot, RankingFormat format,
                                         Coding coding) {
  Cell& cell = FindCell(snapshot.poll);
  absl::MutexLock lock(&cell.mutex);
  if (!cell.MoveTo(snapshot)) return {Render(snapshot, format, kAllRanks), Coding::kIdentity};
  Cell::Slot& slot = cell.slots[static_cast<std::size_t>(format)];
  Bytes& plain = slot.encoded[static_cast<std::size_t>(Coding::kIdentity)];
  if (plain == nullptr) plain = Render(snapshot, format, kAllRanks);
  if (coding == Coding::kIdentity) return {plain, coding};
  Bytes& encoded = slot.encoded[static_cast<std::size_t>(coding)];
  if (!std::exchange(slot.tried[static_cast<std::size_t>(coding)], true)) {
    encoded = Encode(*plain, coding);
  }
  return encoded != nullptr ? Rendered{encoded, coding} : Rendered{plain, Coding::kIdentity};
}

}  // namespace tallyd
