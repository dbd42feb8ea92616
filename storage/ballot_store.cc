#include "storage/ballot_store.h"

#include <algorithm>
#include <atomic>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "storage/ballot_store_codec.h"
#include "storage/byte_codec.h"
#include "storage/rocks_status.h"

namespace tallyd {
namespace {

constexpr std::size_t kScanAheadBytes = 1 << 20;
constexpr std::size_t kAhead = 16;

std::string_view View(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

// What has reached the disk, as the store itself tells: nothing is written to a log, so all that
// is in files came by a flush, and a flush takes batches whole, the position with its ballots.
absl::StatusOr<StorePosition> PersistedPosition(rocksdb::DB* db) {
  rocksdb::ReadOptions read;
  read.read_tier = rocksdb::kPersistedTier;
  std::string value;
  const rocksdb::Status status = db->Get(read, ToSlice(kPositionKey), &value);
  if (status.IsNotFound()) return StorePosition();
  if (!status.ok()) return FromRocks(status, "ballot store: read its position");
  return DecodeStorePosition(value);
}

bool SameKey(const BallotVersion& a, const BallotVersion& b) {
  return a.seq == b.seq && a.poll == b.poll && a.tag == b.tag;
}

void Raise(std::atomic<Position>* position, Position to) {
  Position seen = position->load();
  while (seen < to && !position->compare_exchange_weak(seen, to)) {
  }
}

class FlushListener final : public rocksdb::EventListener {
 public:
  explicit FlushListener(std::shared_ptr<std::atomic<Position>> durable)
      : durable_(std::move(durable)) {}

  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& /*info*/) override {
    // An error here only leaves the position behind; the next reader meets the same disk.
    const absl::StatusOr<StorePosition> persisted = PersistedPosition(db);
    if (persisted.ok()) Raise(durable_.get(), persisted->position);
  }

 private:
  const std::shared_ptr<std::atomic<Position>> durable_;
};

rocksdb::Options StoreOptions(const BallotStoreOptions& options) {
  rocksdb::Options store;
  store.create_if_missing = true;
  store.paranoid_checks = true;
  store.max_bgerror_resume_count = 0;
  store.allow_data_in_errors = false;
  store.info_log = LogToStderr("ballot store");
  store.stats_dump_period_sec = 0;
  store.stats_persist_period_sec = 0;
  store.max_background_jobs = 2;
  store.max_open_files = 512;
  store.skip_stats_update_on_db_open = true;
  store.allow_concurrent_memtable_write = false;
  store.enable_write_thread_adaptive_yield = false;
  store.bytes_per_sync = 1 << 20;  // in small portions, or the journal's syncs wait for large ones
  store.write_buffer_size = options.write_buffer_bytes;
  store.max_write_buffer_number = 2;
  store.compression = rocksdb::kNoCompression;  // tags are random bytes
  // Writes come from a background thread in large batches: pile up rather than stall.
  store.level0_file_num_compaction_trigger = 16;
  store.level0_slowdown_writes_trigger = 64;
  store.level0_stop_writes_trigger = 128;
  store.soft_pending_compaction_bytes_limit = 256ull << 30;
  store.hard_pending_compaction_bytes_limit = 1024ull << 30;
  store.max_bytes_for_level_base = 512ull << 20;

  store.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kVoterPrefixBytes));
  rocksdb::BlockBasedTableOptions table;
  // Few shards: a large file's filter and index are blocks of up to a megabyte, and one that fills
  // a shard is read and checked anew for every look-up.
  constexpr int kCacheShardBits = 2;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, kCacheShardBits);
  table.cache_index_and_filter_blocks = true;  // or their memory would be outside every bound
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // One filter entry per voter answers both kinds of look-up; seqs are nearly always there.
  table.whole_key_filtering = false;
  table.format_version = 5;
  store.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  store.listeners.push_back(ListenForBackgroundError("ballot store", options.on_background_error));
  return store;
}

class RocksBallotStore final : public BallotStore {
 public:
  RocksBallotStore(std::unique_ptr<rocksdb::DB> db, rocksdb::Options file_options,
                   const BallotStoreOptions& options,
                   std::shared_ptr<std::atomic<Position>> durable)
      : db_(std::move(db)),
        file_options_(std::move(file_options)),
        file_path_(db_->GetName() + "/next.sst"),
        file_versions_min_(options.file_versions_min),
        epoch_(options.epoch),
        durable_(std::move(durable)) {
    unlogged_.disableWAL = true;
  }

  ~RocksBallotStore() override {
    // Closing flushes. If that fails the store is shorter, which it says itself when opened.
    db_->Close().PermitUncheckedError();
  }

  absl::Status Start() {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), ToSlice(kPositionKey), &value);
    if (status.IsNotFound()) return StartEmpty();
    if (!status.ok()) return FromRocks(status, "ballot store: read its position");
    const absl::StatusOr<StorePosition> stored = DecodeStorePosition(value);
    if (!stored.ok()) return stored.status();
    if (stored->epoch != epoch_) {
      return absl::FailedPreconditionError(absl::StrCat("ballot store: belongs to epoch ",
                                                        stored->epoch, ", the journal to ", epoch_,
                                                        ": rebuild the ballot store"));
    }
    position_ = stored->position;
    *durable_ = stored->position;  // nothing is in memory yet
    return absl::OkStatus();
  }

  Position position() const override { return position_.load(std::memory_order_acquire); }
  Position durable_position() const override { return durable_->load(); }

  absl::Status WriteGathered(absl::Span<const BallotVersion* const> versions,
                             Position through) override;
  absl::Status Flush() override;
  absl::StatusOr<std::optional<BallotVersion>> Get(PollNumber poll, const VoterTag& tag,
                                                   Seq seq) const override;
  absl::StatusOr<std::optional<BallotVersion>> GetNewest(PollNumber poll,
                                                         const VoterTag& tag) const override;
  absl::StatusOr<std::optional<VoterTag>> FindTag(PollNumber poll, Seq seq) const override;
  absl::Status ScanFrom(PollNumber poll, const VoterTag& begin,
                        absl::FunctionRef<absl::Status(const BallotVersion&)> visit) const override;

 private:
  absl::Status StartEmpty() {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(TotalOrder()));
    at->SeekToFirst();
    if (!at->status().ok()) return FromRocks(at->status(), "ballot store: open");
    if (!at->Valid()) return absl::OkStatus();
    return absl::DataLossError("ballot store: has ballots but no position: rebuild it");
  }

  static rocksdb::ReadOptions TotalOrder() {
    rocksdb::ReadOptions read;
    read.total_order_seek = true;
    return read;
  }

  template <class PutEntry>
  rocksdb::Status PutAll(absl::Span<const BallotVersion* const> versions, Position reached,
                         PutEntry put);
  rocksdb::Status WriteToMemory(absl::Span<const BallotVersion* const> versions, Position reached);
  rocksdb::Status WriteAsFile(absl::Span<const BallotVersion* const> versions, Position reached);

  std::unique_ptr<rocksdb::DB> db_;
  const rocksdb::Options file_options_;
  const std::string file_path_;  // of the file being written; left over by a crash: overwritten
  const std::size_t file_versions_min_;
  const Epoch epoch_;
  rocksdb::WriteOptions unlogged_;
  std::atomic<Position> position_{0};
  const std::shared_ptr<std::atomic<Position>> durable_;
  // A version to be written: what decides its place nearly always, and where it is. Sorting these
  // instead of the versions themselves is several times as fast.
  struct Place {
    std::uint64_t head;  // first half of the tag as a number, or the seq
    PollNumber poll;
    std::size_t index;
  };
  void SortByVoter(absl::Span<const BallotVersion* const> versions);
  void SortBySeq(absl::Span<const BallotVersion* const> versions);

  // Kept for their memory; only Write() uses them.
  rocksdb::WriteBatch batch_;
  std::vector<Place> order_;
  std::string value_;
};

void RocksBallotStore::SortByVoter(absl::Span<const BallotVersion* const> versions) {
  order_.clear();
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const auto* tag = reinterpret_cast<const char*>(versions[i]->tag.bytes.data());
    order_.push_back({DecodeBigEndian<std::uint64_t>(tag), versions[i]->poll, i});
  }
  std::sort(order_.begin(), order_.end(), [&](const Place& a, const Place& b) {
    if (a.poll != b.poll) return a.poll < b.poll;
    if (a.head != b.head) return a.head < b.head;
    const BallotVersion& x = *versions[a.index];
    const BallotVersion& y = *versions[b.index];
    return std::tie(x.tag, y.seq) < std::tie(y.tag, x.seq);
  });
}

void RocksBallotStore::SortBySeq(absl::Span<const BallotVersion* const> versions) {
  order_.clear();
  for (std::size_t i = 0; i < versions.size(); ++i) {
    order_.push_back({versions[i]->seq, versions[i]->poll, i});
  }
  const auto before = [](const Place& a, const Place& b) {
    return std::tie(a.poll, a.head) < std::tie(b.poll, b.head);
  };
  // Commits of one poll come in this order already.
  if (!std::is_sorted(order_.begin(), order_.end(), before)) {
    std::sort(order_.begin(), order_.end(), before);
  }
}

// Where the entries of one write go: a batch for the memtable, or a file that the store takes in.
// Both want status checks after each entry, the file wants rising keys.
template <class PutEntry>
rocksdb::Status RocksBallotStore::PutAll(absl::Span<const BallotVersion* const> versions,
                                         Position reached, PutEntry put) {
  SortByVoter(versions);
  std::size_t previous = versions.size();
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const Place& place = order_[i];
    // In tag order the versions lie anywhere: ask for the coming ones early, both lines of each.
    if (i + kAhead < order_.size()) {
      const BallotVersion* const coming = versions[order_[i + kAhead].index];
      __builtin_prefetch(coming);
      __builtin_prefetch(&coming->payload);
    }
    const BallotVersion& version = *versions[place.index];
    // The same version twice in one write is one entry.
    if (previous != versions.size() && SameKey(*versions[previous], version)) continue;
    previous = place.index;
    EncodeBallotValue(version, &value_);
    const BallotKey key(version.poll, version.tag, version.seq);
    if (rocksdb::Status status = put(ToSlice(key.whole()), value_); !status.ok()) return status;
  }
  const std::string position = EncodeStorePosition({.epoch = epoch_, .position = reached});
  if (rocksdb::Status status = put(ToSlice(kPositionKey), position); !status.ok()) return status;
  SortBySeq(versions);
  previous = versions.size();
  for (const Place& place : order_) {
    const BallotVersion& version = *versions[place.index];
    if (previous != versions.size() && SameKey(*versions[previous], version)) continue;
    previous = place.index;
    const SeqKey key(version.poll, version.seq);
    const auto* tag = reinterpret_cast<const char*>(version.tag.bytes.data());
    rocksdb::Status status =
        put(ToSlice(key.whole()), rocksdb::Slice(tag, version.tag.bytes.size()));
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

absl::Status RocksBallotStore::WriteGathered(absl::Span<const BallotVersion* const> versions,
                                             Position through) {
  // What was written before may be written again, but the position does not go back.
  const Position reached = std::max(through, position());
  const rocksdb::Status status = versions.size() >= file_versions_min_
                                     ? WriteAsFile(versions, reached)
                                     : WriteToMemory(versions, reached);
  if (!status.ok()) return FromRocks(status, "ballot store: write");
  position_.store(reached, std::memory_order_release);
  return absl::OkStatus();
}

rocksdb::Status RocksBallotStore::WriteToMemory(absl::Span<const BallotVersion* const> versions,
                                                Position reached) {
  batch_.Clear();
  rocksdb::Status status =
      PutAll(versions, reached, [this](const rocksdb::Slice& key, const rocksdb::Slice& value) {
        return batch_.Put(key, value);
      });
  if (status.ok()) status = db_->Write(unlogged_, &batch_);
  return status;
}

// Many versions are sorted once and become a table file as they are: no insertion into a memtable,
// which costs several times as much, and no flush. RocksDB flushes an overlapping memtable first
// and syncs the file, so the position in it is durable when this returns.
rocksdb::Status RocksBallotStore::WriteAsFile(absl::Span<const BallotVersion* const> versions,
                                              Position reached) {
  rocksdb::SstFileWriter file(rocksdb::EnvOptions(), file_options_);
  rocksdb::Status status = file.Open(file_path_);
  if (!status.ok()) return status;
  status =
      PutAll(versions, reached, [&file](const rocksdb::Slice& key, const rocksdb::Slice& value) {
        return file.Put(key, value);
      });
  if (status.ok()) status = file.Finish();
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  ingest.write_global_seqno = false;
  if (status.ok()) status = db_->IngestExternalFile({file_path_}, ingest);
  if (status.ok()) Raise(durable_.get(), reached);
  return status;
}

absl::Status RocksBallotStore::Flush() {
  const rocksdb::Status status = db_->Flush(rocksdb::FlushOptions());
  if (!status.ok()) return FromRocks(status, "ballot store: flush");
  const absl::StatusOr<StorePosition> persisted = PersistedPosition(db_.get());
  if (!persisted.ok()) return persisted.status();
  Raise(durable_.get(), persisted->position);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<BallotVersion>> RocksBallotStore::Get(PollNumber poll,
                                                                   const VoterTag& tag,
                                                                   Seq seq) const {
  const BallotKey key(poll, tag, seq);
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), ToSlice(key.whole()), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocks(status, "ballot store: get");
  absl::StatusOr<BallotVersion> version = DecodeBallot(key.whole(), View(value));
  if (!version.ok()) return version.status();
  return *std::move(version);
}

absl::StatusOr<std::optional<BallotVersion>> RocksBallotStore::GetNewest(
    PollNumber poll, const VoterTag& tag) const {
  const BallotKey key(poll, tag, kSeqMax);
  // The bound ends the search with the voter; `prefix_same_as_start` would ask RocksDB for the
  // prefix of whatever key comes next, and those of other families have none.
  const BallotKey bound(poll, tag, 0);
  const rocksdb::Slice upper = ToSlice(bound.whole());
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
  at->Seek(ToSlice(key.voter()));
  if (!at->Valid()) {
    if (!at->status().ok()) return FromRocks(at->status(), "ballot store: get newest");
    return std::nullopt;
  }
  absl::StatusOr<BallotVersion> version = DecodeBallot(View(at->key()), View(at->value()));
  if (!version.ok()) return version.status();
  return *std::move(version);
}

absl::StatusOr<std::optional<VoterTag>> RocksBallotStore::FindTag(PollNumber poll, Seq seq) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(),
                                          ToSlice(SeqKey(poll, seq).whole()), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocks(status, "ballot store: find tag");
  VoterTag tag;
  if (value.size() != tag.bytes.size()) {
    return absl::DataLossError("ballot store: a tag is damaged: rebuild the ballot store");
  }
  std::copy_n(value.data(), value.size(), reinterpret_cast<char*>(tag.bytes.data()));
  return tag;
}

absl::Status RocksBallotStore::ScanFrom(
    PollNumber poll, const VoterTag& begin,
    absl::FunctionRef<absl::Status(const BallotVersion&)> visit) const {
  const BallotKey first(poll, begin, 0);  // its voter part comes before every seq
  const std::string end = BallotPollPrefix(poll + 1);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions read = TotalOrder();
  read.iterate_upper_bound = &upper;
  read.readahead_size = kScanAheadBytes;
  read.fill_cache = false;  // an export must not push the voters of now out of memory
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
  for (at->Seek(ToSlice(first.voter())); at->Valid(); at->Next()) {
    const absl::StatusOr<BallotVersion> version = DecodeBallot(View(at->key()), View(at->value()));
    if (!version.ok()) return version.status();
    if (absl::Status status = visit(*version); !status.ok()) return status;
  }
  return FromRocks(at->status(), "ballot store: scan");
}

}  // namespace

absl::Status BallotStore::Write(absl::Span<const BallotVersion> versions, Position through) {
  std::vector<const BallotVersion*> pointers;
  pointers.reserve(versions.size());
  for (const BallotVersion& version : versions) pointers.push_back(&version);
  return WriteGathered(pointers, through);
}

absl::StatusOr<std::unique_ptr<BallotStore>> BallotStore::Open(const BallotStoreOptions& options) {
  rocksdb::Options store_options = StoreOptions(options);
  auto durable = std::make_shared<std::atomic<Position>>(0);
  store_options.listeners.push_back(std::make_shared<FlushListener>(durable));
  // Compaction makes reads cheaper some time later; voters wait now.
  store_options.env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow);
  // Or RocksDB would warn of a new store that its directory is missing.
  const rocksdb::Status made = store_options.env->CreateDirIfMissing(options.directory);
  if (!made.ok()) return FromRocks(made, "ballot store: create");
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(store_options, options.directory, &opened);
  if (!status.ok()) return FromRocks(status, "ballot store: open");
  auto store = std::make_unique<RocksBallotStore>(std::unique_ptr<rocksdb::DB>(opened),
                                                  store_options, options, std::move(durable));
  if (absl::Status started = store->Start(); !started.ok()) return started;
  return store;
}

}  // namespace tallyd
