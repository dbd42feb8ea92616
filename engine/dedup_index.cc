#include "engine/dedup_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/types/span.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::uint64_t kFurtherBits = 24;
constexpr std::uint64_t kFurtherMask = (std::uint64_t{1} << kFurtherBits) - 1;

struct Slot {
  std::uint64_t remainder = 0;        // tag.low()
  std::uint64_t seq_and_further = 0;  // seq << 24 | low bits of tag.high(); 0 = empty
  Seq seq() const { return seq_and_further >> kFurtherBits; }
  bool empty() const { return seq_and_further == 0; }
};
static_assert(sizeof(Slot) == 16);

std::uint64_t Further(const VoterTag& tag) {
  return tag.high() & kFurtherMask;
}

// Room behind the last home for slots that were shifted out of it.
std::size_t PaddingFor(std::size_t homes) {
  return homes / 16 + 16;
}

}  // namespace

// Slots ordered by remainder, with gaps; a slot lies at or behind its home.
class DedupIndex::Shard {
 public:
  explicit Shard(unsigned depth) : depth_(depth) {}

  unsigned depth() const { return depth_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return sizeof(Shard) + slots_count_ * sizeof(Slot); }

  // The first slot that may hold `remainder`.
  Slot* LowerBound(std::uint64_t remainder) const {
    if (homes_ == 0) return nullptr;
    Slot* slot = slots_.get() + Home(remainder, homes_);
    Slot* const end = slots_.get() + slots_count_;
    while (slot != end && !slot->empty() && slot->remainder < remainder) ++slot;
    return slot;
  }
  const Slot* end() const { return slots_.get() + slots_count_; }
  const void* PlaceOf(std::uint64_t remainder) const {
    return homes_ == 0 ? nullptr : slots_.get() + Home(remainder, homes_);
  }

  void Insert(const Slot& slot) {
    // Load at most 5/6: on average three slots are looked at for a miss.
    if ((size_ + 1) * 6 > homes_ * 5) Rebuild(Larger(homes_));
    while (!TryInsert(slot)) Rebuild(Larger(homes_));
    ++size_;
  }

  // An empty shard for so many, which then never grows.
  void Reserve(unsigned depth, std::size_t voters) {
    TALLYD_CHECK(size_ == 0);
    depth_ = depth;
    Fill({}, voters * 6 / 5 + 8);
  }

  // All slots, ordered.
  std::vector<Slot> TakeAll() const {
    std::vector<Slot> all;
    all.reserve(size_);
    for (std::size_t i = 0; i < slots_count_; ++i) {
      if (!slots_[i].empty()) all.push_back(slots_[i]);
    }
    return all;
  }
  void Assign(unsigned depth, const std::vector<Slot>& sorted) {
    depth_ = depth;
    size_ = sorted.size();
    Fill(sorted, sorted.size() * 5 / 4 + 8);
  }

 private:
  // Rises with the remainder: that keeps the order.
  static std::size_t Home(std::uint64_t remainder, std::size_t homes) {
    using Wide __attribute__((mode(TI))) = unsigned;
    return static_cast<std::size_t>((static_cast<Wide>(remainder) * homes) >> 64);
  }

  // In small steps: the shards of a poll fill at the same pace, so what one wastes all waste at the
  // same time. An eighth keeps a voter below 24 bytes at every size.
  static std::size_t Larger(std::size_t homes) { return homes + homes / 8 + 8; }

  bool TryInsert(const Slot& slot) {
    Slot* at = LowerBound(slot.remainder);
    Slot* const last = slots_.get() + slots_count_;
    Slot* gap = at;
    while (gap != last && !gap->empty()) ++gap;
    if (gap == last) return false;
    std::move_backward(at, gap, gap + 1);
    *at = slot;
    return true;
  }

  void Rebuild(std::size_t homes) {
    const std::unique_ptr<Slot[]> before = std::move(slots_);
    Fill(absl::MakeConstSpan(before.get(), slots_count_), homes);
  }

  // `sorted` may have gaps.
  void Fill(absl::Span<const Slot> sorted, std::size_t homes) {
    for (;; homes = Larger(homes)) {
      homes_ = homes;
      slots_count_ = homes + PaddingFor(homes);
      slots_ = std::make_unique<Slot[]>(slots_count_);
      std::size_t next = 0;
      bool fits = true;
      for (const Slot& slot : sorted) {
        if (slot.empty()) continue;
        next = std::max(next, Home(slot.remainder, homes_));
        fits = next < slots_count_;
        if (!fits) break;
        slots_[next++] = slot;
      }
      if (fits) return;
    }
  }

  std::unique_ptr<Slot[]> slots_;
  std::size_t homes_ = 0;
  std::size_t slots_count_ = 0;
  std::size_t size_ = 0;
  unsigned depth_;  // bits of the tag that all voters of the shard share
};

struct DedupIndex::PollIndex {
  std::vector<Shard*> directory;  // 2^depth entries; a shard may stand in several
  std::vector<std::unique_ptr<Shard>> shards;
  unsigned depth = 0;
  std::size_t voters = 0;

  // The further bits in a slot are the low 24 bits of high(); the directory uses the same bits, so
  // a split needs nothing but the slots. 2^24 shards of 4,096 voters are beyond any electorate.
  std::size_t PlaceOf(std::uint64_t further) const {
    return further & ((std::size_t{1} << depth) - 1);
  }

  // Whether a full shard may be split. Uniform tags never need a directory of more than about four
  // entries per kShardVotersMax voters. Tags that share their further bits would double it again
  // and again for nothing; they make a long shard instead.
  bool MaySplit(const Shard& shard) const {
    if (shard.depth() < depth) return true;
    return depth < kFurtherBits && 2 * directory.size() <= 16 * voters / kShardVotersMax;
  }
};

DedupIndex::DedupIndex() = default;
DedupIndex::~DedupIndex() = default;

const DedupIndex::PollIndex* DedupIndex::Find(PollNumber poll) const {
  const auto found = polls_.find(poll);
  return found == polls_.end() ? nullptr : found->second.get();
}

DedupIndex::PollIndex& DedupIndex::Ensure(PollNumber poll) {
  std::unique_ptr<PollIndex>& index = polls_[poll];
  if (index == nullptr) {
    index = std::make_unique<PollIndex>();
    index->shards.push_back(std::make_unique<Shard>(0));
    index->directory.push_back(index->shards.back().get());
    bytes_ += index->shards.back()->bytes();
  }
  return *index;
}

void DedupIndex::ForEachCandidate(PollNumber poll, const VoterTag& tag,
                                  absl::FunctionRef<bool(Seq)> visit) const {
  const PollIndex* index = Find(poll);
  if (index == nullptr) return;
  const Shard& shard = *index->directory[index->PlaceOf(Further(tag))];
  const Slot* slot = shard.LowerBound(tag.low());
  if (slot == nullptr) return;
  for (; slot != shard.end() && !slot->empty() && slot->remainder == tag.low(); ++slot) {
    if ((slot->seq_and_further & kFurtherMask) == Further(tag) && visit(slot->seq())) return;
  }
}

void DedupIndex::Insert(PollNumber poll, const VoterTag& tag, Seq seq) {
  TALLYD_CHECK(seq != 0 && seq <= kSeqMax);
  PollIndex& index = Ensure(poll);
  std::size_t at = index.PlaceOf(Further(tag));
  while (index.directory[at]->size() >= kShardVotersMax && index.MaySplit(*index.directory[at])) {
    Split(&index, at);
    at = index.PlaceOf(Further(tag));
  }
  Shard& shard = *index.directory[at];
  bytes_ -= shard.bytes();
  shard.Insert({.remainder = tag.low(), .seq_and_further = seq << kFurtherBits | Further(tag)});
  bytes_ += shard.bytes();
  ++index.voters;
  ++voters_;
}

void DedupIndex::Reserve(PollNumber poll, std::size_t voters) {
  TALLYD_CHECK(Find(poll) == nullptr);
  PollIndex& index = Ensure(poll);
  bytes_ -= index.shards.back()->bytes();
  // Three quarters of what a shard may hold at most: then none of uniform tags comes to split.
  while (index.depth < kFurtherBits && voters >> index.depth > kShardVotersMax * 3 / 4) {
    ++index.depth;
  }
  const std::size_t shards = std::size_t{1} << index.depth;
  const double mean = static_cast<double>(voters) / static_cast<double>(shards);
  // Three standard deviations of what falls into one of many.
  const auto each = static_cast<std::size_t>(mean + 3 * std::sqrt(mean));
  index.shards.clear();
  index.shards.reserve(shards);
  index.directory.clear();
  index.directory.reserve(shards);
  for (std::size_t i = 0; i < shards; ++i) {
    index.shards.push_back(std::make_unique<Shard>(index.depth));
    index.shards.back()->Reserve(index.depth, each);
    index.directory.push_back(index.shards.back().get());
    bytes_ += index.shards.back()->bytes();
  }
  bytes_ += (shards - 1) * sizeof(Shard*);
}

void DedupIndex::Split(PollIndex* index, std::size_t at) {
  Shard* const low = index->directory[at];
  const unsigned bit = low->depth();
  if (bit == index->depth) {
    // Every entry gets a twin that differs in the new highest bit.
    const std::size_t half = index->directory.size();
    index->directory.resize(2 * half);
    std::copy_n(index->directory.begin(), half,
                index->directory.begin() + static_cast<std::ptrdiff_t>(half));
    ++index->depth;
    bytes_ += half * sizeof(Shard*);
  }
  std::vector<Slot> stay;
  std::vector<Slot> move;
  for (const Slot& slot : low->TakeAll()) {
    (slot.seq_and_further >> bit & 1 ? move : stay).push_back(slot);
  }
  bytes_ -= low->bytes();
  low->Assign(bit + 1, stay);
  index->shards.push_back(std::make_unique<Shard>(bit + 1));
  Shard* const high = index->shards.back().get();
  high->Assign(bit + 1, move);
  bytes_ += low->bytes() + high->bytes();
  const std::size_t step = std::size_t{1} << (bit + 1);
  for (std::size_t i = (at & (step / 2 - 1)) | step / 2; i < index->directory.size(); i += step) {
    index->directory[i] = high;
  }
}

bool DedupIndex::Replace(PollNumber poll, const VoterTag& tag, Seq old_seq, Seq new_seq) {
  const PollIndex* index = Find(poll);
  if (index == nullptr) return false;
  const Shard& shard = *index->directory[index->PlaceOf(Further(tag))];
  Slot* slot = shard.LowerBound(tag.low());
  if (slot == nullptr) return false;
  const std::uint64_t wanted = old_seq << kFurtherBits | Further(tag);
  for (; slot != shard.end() && !slot->empty() && slot->remainder == tag.low(); ++slot) {
    if (slot->seq_and_further != wanted) continue;
    slot->seq_and_further = new_seq << kFurtherBits | Further(tag);
    return true;
  }
  return false;
}

void DedupIndex::Prefetch(PollNumber poll, const VoterTag& tag) const {
  const PollIndex* index = Find(poll);
  if (index == nullptr) return;
  const Shard& shard = *index->directory[index->PlaceOf(Further(tag))];
  if (const void* place = shard.PlaceOf(tag.low())) __builtin_prefetch(place);
}

void DedupIndex::DropPoll(PollNumber poll) {
  const auto found = polls_.find(poll);
  if (found == polls_.end()) return;
  const PollIndex& index = *found->second;
  for (const auto& shard : index.shards) bytes_ -= shard->bytes();
  bytes_ -= (index.directory.size() - 1) * sizeof(Shard*);
  voters_ -= index.voters;
  polls_.erase(found);
}

void DedupIndex::ForEachPoll(absl::FunctionRef<void(PollNumber)> visit) const {
  for (const auto& [poll, index] : polls_) visit(poll);
}

std::size_t DedupIndex::voters(PollNumber poll) const {
  const PollIndex* index = Find(poll);
  return index == nullptr ? 0 : index->voters;
}

}  // namespace tallyd
