#include "net/ranking_cache.h"

#include <libdeflate.h>

#include "net/wire_json_ranking.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr int kGzipLevel = 6;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const {
    libdeflate_free_compressor(compressor);
  }
};

}  // namespace

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

RankingCache::Bytes RankingCache::Compress(const std::string& bytes) {
  thread_local const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
      libdeflate_alloc_compressor(kGzipLevel));
  TALLYD_CHECK(compressor != nullptr);
  auto compressed = std::make_shared<std::string>(bytes.size(), '\0');
  // 0: it would not fit into as many bytes as it has, so it is not worth it.
  const std::size_t size = libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(),
                                                    compressed->data(), compressed->size());
  if (size == 0) return nullptr;
  compressed->resize(size);
  compressed->shrink_to_fit();
  return compressed;
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
                                         bool gzip) {
  Cell& cell = FindCell(snapshot.poll);
  absl::MutexLock lock(&cell.mutex);
  if (!cell.MoveTo(snapshot)) return {Render(snapshot, format, kAllRanks), false};
  Cell::Slot& slot = cell.slots[static_cast<std::size_t>(format)];
  if (slot.plain == nullptr) slot.plain = Render(snapshot, format, kAllRanks);
  if (!gzip || slot.plain->size() < kGzipBytesMin) return {slot.plain, false};
  if (!slot.gzip_tried) {
    slot.gzip_tried = true;
    slot.gzip = Compress(*slot.plain);
  }
  return slot.gzip != nullptr ? Rendered{slot.gzip, true} : Rendered{slot.plain, false};
}

}  // namespace tallyd
