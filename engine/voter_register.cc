#include "engine/voter_register.h"

#include <utility>

#include "storage/check.h"

namespace tallyd {

VoterRegister::VoterRegister(Options options, const BallotStore* store, EngineMetrics* metrics)
    : options_(std::move(options)), store_(store), metrics_(metrics) {}

const BallotVersion* VoterRegister::FindInTail(PollNumber poll, Seq seq) const {
  const auto found = tails_.find(poll);
  if (found == tails_.end()) return nullptr;
  const PollTail& tail = found->second;
  if (seq < tail.first_seq || seq - tail.first_seq >= tail.versions.size()) return nullptr;
  return tail.versions[seq - tail.first_seq];
}

std::optional<BallotVersion> VoterRegister::FindVersion(PollNumber poll, const VoterTag& tag,
                                                        Seq seq) {
  if (const BallotVersion* version = FindInTail(poll, seq)) {
    if (version->tag == tag) return *version;
    return std::nullopt;
  }
  metrics_->ballot_store_reads.fetch_add(1, std::memory_order_relaxed);
  auto stored = store_->Get(poll, tag, seq);
  if (!stored.ok()) {
    options_.on_fatal(stored.status());
    return std::nullopt;
  }
  return *std::move(stored);
}

std::optional<BallotVersion> VoterRegister::FindNewest(PollNumber poll, const VoterTag& tag) {
  std::optional<BallotVersion> newest;
  index_.ForEachCandidate(poll, tag, [&](Seq seq) {
    newest = FindVersion(poll, tag, seq);
    return newest.has_value();
  });
  if (newest || !incomplete_.contains(poll)) return newest;
  metrics_->ballot_store_reads.fetch_add(1, std::memory_order_relaxed);
  auto stored = store_->GetNewest(poll, tag);
  if (!stored.ok()) {
    options_.on_fatal(stored.status());
    return std::nullopt;
  }
  return *std::move(stored);
}

std::optional<VoterTag> VoterRegister::FindTag(PollNumber poll, Seq seq) {
  if (const BallotVersion* version = FindInTail(poll, seq)) return version->tag;
  auto stored = store_->FindTag(poll, seq);
  if (!stored.ok()) {
    options_.on_fatal(stored.status());
    return std::nullopt;
  }
  return *stored;
}

void VoterRegister::ForEachNewest(PollNumber poll,
                                  absl::FunctionRef<void(const BallotVersion&)> visit) {
  using TagWords = std::pair<std::uint64_t, std::uint64_t>;
  const auto words = [](const VoterTag& tag) { return TagWords{tag.high(), tag.low()}; };
  absl::flat_hash_map<TagWords, const BallotVersion*> in_tail;
  if (const auto tail = tails_.find(poll); tail != tails_.end()) {
    for (const BallotVersion* version : tail->second.versions) {
      in_tail[words(version->tag)] = version;  // by rising seq: the newest stays
    }
  }
  for (const auto& [tag, version] : in_tail) visit(*version);
  std::optional<VoterTag> last;
  const absl::Status scanned = store_->Scan(poll, [&](const BallotVersion& version) {
    const bool newest = last != version.tag;
    last = version.tag;
    if (newest && !in_tail.contains(words(version.tag))) visit(version);
    return absl::OkStatus();
  });
  if (!scanned.ok()) options_.on_fatal(scanned);
}

TailBlock* VoterRegister::BeginBlock(Position position, std::size_t versions_max) {
  auto block = std::make_unique<TailBlock>();
  block->position = position;
  block->versions.reserve(versions_max);  // pointers into it stay valid
  blocks_.push_back(std::move(block));
  return blocks_.back().get();
}

void VoterRegister::Record(TailBlock* block, BallotVersion version) {
  TALLYD_CHECK(block->versions.size() < block->versions.capacity());
  const std::size_t bytes = sizeof(BallotVersion) + version.payload.size();
  block->versions.push_back(std::move(version));
  block->bytes += bytes;
  tail_bytes_ += bytes;
  const BallotVersion& kept = block->versions.back();
  PollTail& tail = tails_[kept.poll];
  if (tail.versions.empty()) tail.first_seq = kept.seq;
  TALLYD_CHECK(tail.first_seq + tail.versions.size() == kept.seq);
  tail.versions.push_back(&kept);
  Index(kept.poll, kept.tag, kept.seq, kept.supersedes);
  last_vote_[kept.poll] = block->position;
}

void VoterRegister::Expect(PollNumber poll, std::size_t voters) {
  // The first bound keeps what a checkpoint says, whatever it says, from overflowing the second.
  if (voters == 0 || voters > options_.memory_bytes_max / DedupIndex::kVoterBytesMax) return;
  if (index_.MemoryBytes() + DedupIndex::BytesFor(voters) > options_.memory_bytes_max) return;
  index_.Reserve(poll, voters);
}

void VoterRegister::RecordStored(PollNumber poll, const VoterTag& tag, Seq seq, Seq supersedes) {
  constexpr std::size_t kAhead = 32;
  index_.Prefetch(poll, tag);
  recovered_.push_back({poll, tag, seq, supersedes});
  IndexRecovered(kAhead);
}

void VoterRegister::IndexRecovered(std::size_t keep) {
  while (recovered_.size() > keep) {
    const Recovered& oldest = recovered_.front();
    Index(oldest.poll, oldest.tag, oldest.seq, oldest.supersedes);
    recovered_.pop_front();
  }
}

void VoterRegister::Index(PollNumber poll, const VoterTag& tag, Seq seq, Seq supersedes) {
  // After the poll was dropped from memory the superseded version may be known to the store alone.
  if (supersedes != 0 && index_.Replace(poll, tag, supersedes, seq)) return;
  index_.Insert(poll, tag, seq);
}

void VoterRegister::Trim(Position stored_through) {
  IndexRecovered(0);
  while (!blocks_.empty() && blocks_.front()->position <= stored_through) {
    const TailBlock& block = *blocks_.front();
    for (const BallotVersion& version : block.versions) {
      PollTail& tail = tails_[version.poll];
      TALLYD_CHECK(!tail.versions.empty() && tail.versions.front() == &version);
      tail.versions.pop_front();
      ++tail.first_seq;
    }
    tail_bytes_ -= block.bytes;
    blocks_.pop_front();
  }
  KeepBudget(stored_through);
  memory_bytes_.store(index_.MemoryBytes() + tail_bytes_, std::memory_order_relaxed);
  voters_.store(index_.TotalVoters(), std::memory_order_relaxed);
}

void VoterRegister::KeepBudget(Position stored_through) {
  while (index_.MemoryBytes() > options_.memory_bytes_max) {
    // The poll whose last vote is longest ago, of those that the store holds completely.
    PollNumber coldest = 0;
    Position coldest_vote = 0;
    index_.ForEachPoll([&](PollNumber poll) {
      const auto found = last_vote_.find(poll);
      const Position last = found == last_vote_.end() ? 0 : found->second;
      if (last <= stored_through && (coldest == 0 || last < coldest_vote)) {
        coldest = poll;
        coldest_vote = last;
      }
    });
    if (coldest == 0) return;  // everything is hotter than the store is far: try again later
    incomplete_[coldest] = true;
    index_.DropPoll(coldest);
    metrics_->dedup_polls_dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace tallyd
