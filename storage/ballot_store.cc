#include "storage/ballot_store.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "storage/ballot_store_codec.h"
#include "storage/ballot_store_writer.h"
#include "storage/rocks_status.h"

namespace tallyd {
namespace {

constexpr std::size_t kScanAheadBytes = 1 << 20;
// A scan reads a few ballots together at first, then ever more: an export that ends early has read
// little in vain.
constexpr std::size_t kScanVersionsFirst = 64;
constexpr std::size_t kScanVersionsMax = 8'192;

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

// A voter is listed with a seq, but its ballot is not there.
absl::Status BallotMissing(PollNumber poll, Seq seq) {
  return absl::DataLossError(absl::StrCat("ballot store: ballot ", seq, " of poll number ", poll,
                                          " is missing: rebuild the ballot store"));
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
  store.max_write_buffer_number = 2;
  store.write_buffer_size = options.memory_bytes_max / 4;
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
  table.block_cache = rocksdb::NewLRUCache(options.memory_bytes_max / 2, kCacheShardBits);
  table.cache_index_and_filter_blocks = true;  // or their memory would be outside every bound
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // One filter entry per voter; seqs that are asked for are nearly always there.
  table.whole_key_filtering = false;
  table.format_version = 5;
  store.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  store.listeners.push_back(ListenForBackgroundError("ballot store", options.on_background_error));
  return store;
}

class RocksBallotStore final : public BallotStore {
 public:
  RocksBallotStore(std::unique_ptr<rocksdb::DB> db, const rocksdb::Options& file_options,
                   const BallotStoreOptions& options,
                   std::shared_ptr<std::atomic<Position>> durable)
      : db_(std::move(db)),
        writer_(db_.get(), file_options, options.epoch, options.file_versions_min),
        file_versions_min_(options.file_versions_min),
        epoch_(options.epoch),
        durable_(std::move(durable)) {}

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

  absl::StatusOr<std::optional<BallotVersion>> ReadBallot(PollNumber poll, Seq seq) const;
  absl::Status ReadBallots(PollNumber poll, absl::Span<const Seq> seqs,
                           std::vector<BallotVersion>* out) const;

  std::unique_ptr<rocksdb::DB> db_;
  BallotStoreWriter writer_;
  const std::size_t file_versions_min_;
  const Epoch epoch_;
  std::atomic<Position> position_{0};
  const std::shared_ptr<std::atomic<Position>> durable_;
};

absl::Status RocksBallotStore::WriteGathered(absl::Span<const BallotVersion* const> versions,
                                             Position through) {
  // What was written before may be written again, but the position does not go back.
  const Position reached = std::max(through, position());
  const bool many = versions.size() >= file_versions_min_;
  absl::Status written =
      many ? writer_.WriteAsFiles(versions, reached) : writer_.WriteToMemory(versions, reached);
  if (!written.ok()) return written;
  if (many) Raise(durable_.get(), reached);
  position_.store(reached, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status RocksBallotStore::Flush() {
  const rocksdb::Status status = db_->Flush(rocksdb::FlushOptions());
  if (!status.ok()) return FromRocks(status, "ballot store: flush");
  const absl::StatusOr<StorePosition> persisted = PersistedPosition(db_.get());
  if (!persisted.ok()) return persisted.status();
  Raise(durable_.get(), persisted->position);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<BallotVersion>> RocksBallotStore::ReadBallot(PollNumber poll,
                                                                          Seq seq) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(),
                                          ToSlice(BallotKey(poll, seq).whole()), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocks(status, "ballot store: get");
  absl::StatusOr<BallotVersion> version = DecodeBallot(poll, seq, View(value));
  if (!version.ok()) return version.status();
  return *std::move(version);
}

absl::StatusOr<std::optional<BallotVersion>> RocksBallotStore::Get(PollNumber poll,
                                                                   const VoterTag& tag,
                                                                   Seq seq) const {
  absl::StatusOr<std::optional<BallotVersion>> version = ReadBallot(poll, seq);
  if (version.ok() && version->has_value() && !((*version)->tag == tag)) return std::nullopt;
  return version;
}

absl::StatusOr<std::optional<BallotVersion>> RocksBallotStore::GetNewest(
    PollNumber poll, const VoterTag& tag) const {
  const VoterBallotKey key(poll, tag, kSeqMax);
  // The bound ends the search with the voter; `prefix_same_as_start` would ask RocksDB for the
  // prefix of whatever key comes next, and those of other families have none.
  const VoterBallotKey bound(poll, tag, 0);
  const rocksdb::Slice upper = ToSlice(bound.whole());
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
  at->Seek(ToSlice(key.voter()));
  if (!at->Valid()) {
    if (!at->status().ok()) return FromRocks(at->status(), "ballot store: get newest");
    return std::nullopt;
  }
  const absl::StatusOr<Seq> seq = SeqOfVoterKey(View(at->key()));
  if (!seq.ok()) return seq.status();
  absl::StatusOr<std::optional<BallotVersion>> version = Get(poll, tag, *seq);
  if (version.ok() && !version->has_value()) return BallotMissing(poll, *seq);
  return version;
}

absl::StatusOr<std::optional<VoterTag>> RocksBallotStore::FindTag(PollNumber poll, Seq seq) const {
  const absl::StatusOr<std::optional<BallotVersion>> version = ReadBallot(poll, seq);
  if (!version.ok()) return version.status();
  if (!version->has_value()) return std::nullopt;
  return (*version)->tag;
}

// In seq order, as they lie in the files; `out` has them in the order asked for.
absl::Status RocksBallotStore::ReadBallots(PollNumber poll, absl::Span<const Seq> seqs,
                                           std::vector<BallotVersion>* out) const {
  std::vector<std::size_t> order(seqs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return seqs[a] < seqs[b]; });
  std::vector<BallotKey> keys;
  keys.reserve(seqs.size());
  for (const std::size_t i : order) keys.emplace_back(poll, seqs[i]);
  std::vector<rocksdb::Slice> slices;
  slices.reserve(seqs.size());
  for (const BallotKey& key : keys) slices.push_back(ToSlice(key.whole()));
  std::vector<rocksdb::PinnableSlice> values(seqs.size());
  std::vector<rocksdb::Status> statuses(seqs.size());
  rocksdb::ReadOptions read;
  read.fill_cache = false;  // an export must not push the voters of now out of memory
  db_->MultiGet(read, db_->DefaultColumnFamily(), slices.size(), slices.data(), values.data(),
                statuses.data(), /*sorted_input=*/true);
  out->resize(seqs.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Seq seq = seqs[order[i]];
    if (statuses[i].IsNotFound()) return BallotMissing(poll, seq);
    if (!statuses[i].ok()) return FromRocks(statuses[i], "ballot store: scan");
    absl::StatusOr<BallotVersion> version = DecodeBallot(poll, seq, View(values[i]));
    if (!version.ok()) return version.status();
    (*out)[order[i]] = *std::move(version);
  }
  return absl::OkStatus();
}

absl::Status RocksBallotStore::ScanFrom(
    PollNumber poll, const VoterTag& begin,
    absl::FunctionRef<absl::Status(const BallotVersion&)> visit) const {
  const VoterBallotKey first(poll, begin, 0);  // its voter part comes before every seq
  const std::string end = VoterPollPrefix(poll + 1);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions read = TotalOrder();
  read.iterate_upper_bound = &upper;
  read.readahead_size = kScanAheadBytes;
  read.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
  at->Seek(ToSlice(first.voter()));
  std::vector<Seq> seqs;
  std::vector<BallotVersion> versions;
  for (std::size_t together = kScanVersionsFirst; at->Valid();
       together = std::min(2 * together, kScanVersionsMax)) {
    seqs.clear();
    for (; at->Valid() && seqs.size() < together; at->Next()) {
      const absl::StatusOr<Seq> seq = SeqOfVoterKey(View(at->key()));
      if (!seq.ok()) return seq.status();
      seqs.push_back(*seq);
    }
    if (absl::Status got = ReadBallots(poll, seqs, &versions); !got.ok()) return got;
    for (const BallotVersion& version : versions) {
      if (absl::Status status = visit(version); !status.ok()) return status;
    }
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
  if (absl::Status removed = BallotStoreWriter::RemoveUnfinished(options.directory);
      !removed.ok()) {
    return removed;
  }
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(store_options, options.directory, &opened);
  if (!status.ok()) return FromRocks(status, "ballot store: open");
  auto store = std::make_unique<RocksBallotStore>(std::unique_ptr<rocksdb::DB>(opened),
                                                  store_options, options, std::move(durable));
  if (absl::Status started = store->Start(); !started.ok()) return started;
  return store;
}

}  // namespace tallyd
