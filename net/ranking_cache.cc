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

RankingCache::Bytes RankingCache::GetPatch(const RankingSnapshot& snapshot, Position since,
                                           absl::Span<const OptionIndex> options) {
  const auto render = [&] {
    auto bytes = std::make_shared<std::string>();
    AppendRankingPatch(snapshot, options, *bytes);
    return bytes;
  };
  Cell& cell = FindCell(snapshot.poll);
  absl::MutexLock lock(&cell.mutex);
  if (!cell.MoveTo(snapshot)) return render();
  for (const auto& [from, bytes] : cell.patches) {
    if (from == since) return bytes;
  }
  if (cell.patches.size() == kPatchesMax) cell.patches.erase(cell.patches.begin());
  return cell.patches.emplace_back(since, render()).second;
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
