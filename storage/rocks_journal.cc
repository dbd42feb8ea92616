#include "storage/rocks_journal.h"

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include "storage/broken_build.h"
#include "storage/byte_codec.h"
#include "storage/durable_file.h"
#include "storage/journal_record.h"
#include "storage/rocks_journal_cursor.h"
#include "storage/rocks_status.h"

namespace tallyd {
namespace {

// Records live in the default column family; what the journal knows of itself in this one, so that
// the keys of records stay strictly rising and files move down the levels without being rewritten.
constexpr char kMetaFamily[] = "meta";
constexpr char kFormatKey[] = "format";
constexpr char kEpochKey[] = "epoch";
constexpr char kTermKey[] = "term";
constexpr char kFirstKey[] = "first";
constexpr std::uint32_t kJournalFormat = 1;

constexpr std::size_t kProtectionBytes = 8;  // per key, from the batch into the memtable

// Where the journal begins, and what its first record has to carry as previous hash.
struct Beginning {
  Position first = 1;
  ChainHash previous_hash;
};

std::string Encode(const Beginning& beginning) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U64(beginning.first);
  writer.Bytes(beginning.previous_hash.bytes);
  return bytes;
}

template <typename Integer>
std::string EncodeInteger(Integer value) {
  std::string bytes(sizeof value, '\0');
  EncodeFixed(bytes.data(), value);
  return bytes;
}

rocksdb::DBOptions DatabaseOptions(const RocksJournalOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = true;  // finishes a creation that a crash cut short
  db.paranoid_checks = true;                 // else a failed fsync is forgotten
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.recycle_log_file_num = 0;
  db.manual_wal_flush = false;
  db.max_total_wal_size = options.wal_bytes_max;
  db.max_bgerror_resume_count = 0;  // a failed disk is not argued with: the process stops
  db.allow_data_in_errors = false;  // no voter tags in logs
  db.info_log = LogToStderr("journal");
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_background_jobs = 2;
  db.max_open_files = 256;
  db.skip_stats_update_on_db_open = true;
  // One writer: nothing to gain from the machinery for many.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  db.listeners.push_back(ListenForBackgroundError("journal", options.on_background_error));
  if (TALLYD_BROKEN("M2-sync-error-ignored")) db.paranoid_checks = false;
  if (TALLYD_BROKEN("M2-sync-error-ignored") || TALLYD_BROKEN("M11-unknown-called-refused")) {
    db.listeners.clear();
  }
  if (TALLYD_BROKEN("M8-point-in-time-recovery")) {
    db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  }
  return db;
}

rocksdb::ColumnFamilyOptions RecordsOptions(const RocksJournalOptions& options) {
  rocksdb::ColumnFamilyOptions family;
  family.max_write_buffer_number = 4;
  family.write_buffer_size = options.memory_bytes_max / 4;
  family.compression = rocksdb::kNoCompression;  // tags are random, and moves stay trivial
  family.num_levels = 2;                         // positions only rise: one move, never a merge
  family.level0_slowdown_writes_trigger = 64;
  family.level0_stop_writes_trigger = 128;
  family.force_consistency_checks = true;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;  // records are read once, in order
  table.block_size = 64 << 10;
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

rocksdb::ColumnFamilyOptions MetaOptions() {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = 1 << 20;
  family.compression = rocksdb::kNoCompression;
  return family;
}

class RocksJournal final : public Journal {
 public:
  RocksJournal(std::unique_ptr<rocksdb::DB> db, rocksdb::ColumnFamilyHandle* records,
               rocksdb::ColumnFamilyHandle* meta)
      : db_(std::move(db)), records_(records), meta_(meta), batch_(0, 0, kProtectionBytes, 0) {
    durable_.sync = !TALLYD_BROKEN("M1-no-sync");
  }

  ~RocksJournal() override {
    // Whatever was acknowledged is synced: an error while closing cannot take it back, and the next
    // opening meets the same disk.
    db_->DestroyColumnFamilyHandle(records_).PermitUncheckedError();
    db_->DestroyColumnFamilyHandle(meta_).PermitUncheckedError();
    db_->Close().PermitUncheckedError();
  }

  // Reads what the journal knows of itself, or writes it for the first time.
  absl::Status Start(Epoch epoch_if_created);

  absl::StatusOr<JournalClaim> Claim() override;
  absl::Status Append(Position expected_last, std::string_view record) override;
  absl::StatusOr<std::unique_ptr<JournalCursor>> Read(Position from) override;
  absl::Status CopyTo(const std::string& directory) override;
  absl::Status Trim(Position below) override;
  absl::Status Fork(const JournalFork& fork);

  Position first() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return beginning_.first;
  }
  Position last() const override { return last_.load(std::memory_order_acquire); }

 private:
  absl::StatusOr<std::string> Meta(const char* key);
  absl::Status ReadMeta(bool* found);
  absl::Status WriteFirstMeta(Epoch epoch);
  absl::StatusOr<ChainHash> HashOf(Position position);
  absl::StatusOr<ChainHash> HashBefore(Position position);
  absl::Status CheckRecord(Position expected_last, std::string_view record) const;
  absl::Status Failed() const;
  absl::Status Fail(absl::Status status);

  Beginning beginning() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return beginning_;
  }

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* records_;
  rocksdb::ColumnFamilyHandle* meta_;
  rocksdb::WriteOptions durable_;
  rocksdb::WriteBatch batch_;  // kept for its memory
  Epoch epoch_ = 0;
  std::atomic<Term> term_{0};
  bool claimed_ = false;
  std::atomic<Position> last_{0};

  mutable std::mutex mutex_;
  Beginning beginning_;
  absl::Status failure_;
};

absl::Status RocksJournal::Failed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_.ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the journal failed before and is not used again: ", failure_.message()));
}

absl::Status RocksJournal::Fail(absl::Status status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_.ok()) failure_ = status;
  return status;
}

absl::StatusOr<std::string> RocksJournal::Meta(const char* key) {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), meta_, key, &value);
  if (!status.ok()) return FromRocks(status, "journal: read its own state");
  return value;
}

absl::Status RocksJournal::ReadMeta(bool* found) {
  const absl::StatusOr<std::string> format = Meta(kFormatKey);
  *found = !absl::IsNotFound(format.status());
  if (!*found) return absl::OkStatus();
  if (!format.ok()) return format.status();
  ByteReader format_reader(*format);
  const std::uint32_t version = format_reader.U32();
  if (version > kJournalFormat) {
    return absl::UnimplementedError(absl::StrCat("journal has format ", version,
                                                 ", this tallyd reads up to ", kJournalFormat,
                                                 ": use the newer tallyd that wrote it"));
  }
  const absl::StatusOr<std::string> epoch = Meta(kEpochKey);
  if (!epoch.ok()) return epoch.status();
  const absl::StatusOr<std::string> term = Meta(kTermKey);
  if (!term.ok()) return term.status();
  const absl::StatusOr<std::string> first = Meta(kFirstKey);
  if (!first.ok()) return first.status();
  ByteReader epoch_reader(*epoch);
  epoch_ = epoch_reader.U64();
  ByteReader term_reader(*term);
  term_ = term_reader.U64();
  ByteReader first_reader(*first);
  beginning_.first = first_reader.U64();
  first_reader.Bytes(&beginning_.previous_hash.bytes);
  const bool whole = format_reader.finished() && epoch_reader.finished() &&
                     term_reader.finished() && first_reader.finished();
  if (!whole || version != kJournalFormat || beginning_.first == 0) {
    return absl::DataLossError("journal: what it says of itself is damaged");
  }
  return absl::OkStatus();
}

absl::Status RocksJournal::WriteFirstMeta(Epoch epoch) {
  epoch_ = epoch;
  rocksdb::WriteBatch batch;
  rocksdb::Status status = batch.Put(meta_, kFormatKey, EncodeInteger(kJournalFormat));
  if (status.ok()) status = batch.Put(meta_, kEpochKey, EncodeInteger(epoch));
  if (status.ok()) status = batch.Put(meta_, kTermKey, EncodeInteger(Term{0}));
  if (status.ok()) status = batch.Put(meta_, kFirstKey, Encode(Beginning()));
  if (status.ok()) status = db_->Write(durable_, &batch);
  return FromRocks(status, "journal: create");
}

absl::Status RocksJournal::Start(Epoch epoch_if_created) {
  bool found = false;
  if (absl::Status status = ReadMeta(&found); !status.ok()) return status;

  const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(rocksdb::ReadOptions()));
  iterator->SeekToLast();
  if (!iterator->status().ok()) return FromRocks(iterator->status(), "journal: find its end");
  if (!iterator->Valid()) {
    last_ = beginning_.first - 1;
    if (found) return absl::OkStatus();
    // RocksDB syncs what is in its directory; that the directory itself is there is up to us.
    if (absl::Status status = SyncDirectory(DirectoryOf(db_->GetName())); !status.ok()) {
      return status;
    }
    return WriteFirstMeta(epoch_if_created);
  }
  if (!found) return absl::DataLossError("journal: has records but not its own state");
  if (iterator->key().size() != sizeof(Position)) {
    return absl::DataLossError("journal: its last key is no position");
  }
  last_ = DecodeBigEndian<Position>(iterator->key().data());
  if (last_ < beginning_.first) {
    return absl::DataLossError(
        absl::StrCat("journal: ends at ", last_.load(), " but begins at ", beginning_.first));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChainHash> RocksJournal::HashOf(Position position) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), records_, ToSlice(PositionKey(position).view()), &value);
  if (status.IsNotFound()) {
    return absl::DataLossError(absl::StrCat("journal: record ", position, " is missing"));
  }
  if (!status.ok()) return FromRocks(status, "journal: read");
  const absl::StatusOr<RecordView> view = RecordView::Parse(View(value));
  if (!view.ok()) return view.status();
  if (view->header().position != position) {
    return absl::DataLossError(
        absl::StrCat("journal: record ", position, " holds another position's record"));
  }
  return view->Hash();
}

absl::StatusOr<ChainHash> RocksJournal::HashBefore(Position position) {
  const Beginning begins = beginning();
  if (position == begins.first) return begins.previous_hash;
  return HashOf(position - 1);
}

absl::StatusOr<JournalClaim> RocksJournal::Claim() {
  if (absl::Status status = Failed(); !status.ok()) return status;
  JournalClaim claim;
  claim.term = term_ + 1;
  claim.epoch = epoch_;
  claim.last = last_;
  absl::StatusOr<ChainHash> hash = HashBefore(claim.last + 1);
  if (!hash.ok()) return hash.status();
  claim.last_hash = *hash;

  rocksdb::Status status = db_->Put(durable_, meta_, kTermKey, EncodeInteger(claim.term));
  // Flushed, or this one key would keep every write-ahead log from now on alive.
  if (status.ok()) status = db_->Flush(rocksdb::FlushOptions(), meta_);
  if (!status.ok()) return Fail(FromRocks(status, "journal: claim"));
  term_ = claim.term;
  claimed_ = true;
  return claim;
}

absl::Status RocksJournal::CheckRecord(Position expected_last, std::string_view record) const {
  if (!claimed_) return absl::FailedPreconditionError("journal: append without a claim");
  const absl::StatusOr<RecordView> view = RecordView::Parse(record);
  if (!view.ok()) return absl::InvalidArgumentError(view.status().message());
  const RecordHeader& header = view->header();
  if (header.term < term_) {
    return absl::AbortedError(absl::StrCat("journal: claimed by term ", term_.load(),
                                           ", the writer of term ", header.term, " is fenced"));
  }
  if (expected_last != last_) {
    return absl::AbortedError(absl::StrCat("journal: ends at ", last_.load(),
                                           ", the writer builds upon ", expected_last));
  }
  if (header.position != expected_last + 1 || header.term != term_ || header.epoch != epoch_) {
    return absl::InvalidArgumentError("journal: record of another position, term or epoch");
  }
  return absl::OkStatus();
}

absl::Status RocksJournal::Append(Position expected_last, std::string_view record) {
  if (absl::Status status = Failed(); !status.ok()) return status;
  // Parsing costs a few microseconds a record and keeps memory errors out of the truth.
  if (absl::Status status = CheckRecord(expected_last, record); !status.ok()) return status;
  batch_.Clear();
  rocksdb::Status status =
      batch_.Put(records_, ToSlice(PositionKey(expected_last + 1).view()), ToSlice(record));
  if (status.ok()) status = db_->Write(durable_, &batch_);
  if (!status.ok() && !TALLYD_BROKEN("M2-sync-error-ignored")) {
    return Fail(FromRocks(status, "journal: append"));
  }
  last_.store(expected_last + 1, std::memory_order_release);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<JournalCursor>> RocksJournal::Read(Position from) {
  if (absl::Status status = Failed(); !status.ok()) return status;
  JournalExpectation expected;
  expected.next = from;
  expected.last = last();
  expected.epoch_max = epoch_;
  expected.term_max = term_;
  if (from < first() || from > expected.last + 1) {
    return absl::OutOfRangeError(
        absl::StrCat("journal: read from ", from, ", it has ", first(), " to ", expected.last));
  }
  absl::StatusOr<ChainHash> hash = HashBefore(from);
  if (!hash.ok()) return hash.status();
  expected.previous_hash = *hash;
  return MakeRocksJournalCursor(db_.get(), expected);
}

absl::Status RocksJournal::CopyTo(const std::string& directory) {
  if (absl::Status status = Failed(); !status.ok()) return status;
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Everything is flushed first: 7.8.3 links write-ahead logs whose end may not be synced.
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory, /*log_size_for_flush=*/0);
  return FromRocks(status, "journal: copy");
}

absl::Status RocksJournal::Fork(const JournalFork& fork) {
  if (fork.through > last() || fork.through + 1 < first()) {
    return absl::OutOfRangeError(
        absl::StrCat("journal: has ", first(), " to ", last(), ", not ", fork.through));
  }
  rocksdb::WriteBatch batch;
  const PositionKey begin(fork.through + 1);
  const PositionKey end(last() + 1);
  rocksdb::Status status = batch.Put(meta_, kEpochKey, EncodeInteger(fork.epoch));
  if (status.ok()) status = batch.DeleteRange(records_, ToSlice(begin.view()), ToSlice(end.view()));
  if (status.ok()) status = db_->Write(durable_, &batch);
  if (!status.ok()) return Fail(FromRocks(status, "journal: fork"));
  epoch_ = fork.epoch;
  last_.store(fork.through, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status RocksJournal::Trim(Position below) {
  if (absl::Status status = Failed(); !status.ok()) return status;
  if (below > last() + 1) {
    return absl::OutOfRangeError(
        absl::StrCat("journal: trim below ", below, ", it ends at ", last()));
  }
  if (below <= first()) return absl::OkStatus();
  const absl::StatusOr<ChainHash> hash = HashBefore(below);
  if (!hash.ok()) return hash.status();
  const Beginning begins{.first = below, .previous_hash = *hash};

  rocksdb::WriteBatch batch;
  const PositionKey begin(0);
  const PositionKey end(below);
  rocksdb::Status status = batch.Put(meta_, kFirstKey, Encode(begins));
  if (status.ok()) status = batch.DeleteRange(records_, ToSlice(begin.view()), ToSlice(end.view()));
  if (status.ok()) status = db_->Write(durable_, &batch);
  if (!status.ok()) return Fail(FromRocks(status, "journal: trim"));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    beginning_ = begins;
  }
  // Gives back the space of whole files at once; the rest goes with compaction.
  const rocksdb::Slice from = ToSlice(begin.view());
  const rocksdb::Slice to = ToSlice(end.view());
  status = rocksdb::DeleteFilesInRange(db_.get(), records_, &from, &to, /*include_end=*/false);
  if (!status.ok()) return Fail(FromRocks(status, "journal: trim"));
  return absl::OkStatus();
}

// RocksDB would begin a new database over the remains of one whose CURRENT is lost.
absl::Status CheckBeforeOpening(const RocksJournalOptions& options) {
  rocksdb::Env* const env = rocksdb::Env::Default();
  const rocksdb::Status current = env->FileExists(options.directory + "/CURRENT");
  if (current.ok()) return absl::OkStatus();
  if (!current.IsNotFound()) return FromRocks(current, "journal: open");
  std::vector<std::string> names;
  const rocksdb::Status listed = env->GetChildren(options.directory, &names);
  if (!listed.ok() && !listed.IsNotFound()) return FromRocks(listed, "journal: open");
  for (const std::string& name : names) {
    if (name.ends_with(".sst") || name.ends_with(".log")) {
      return absl::DataLossError(
          absl::StrCat("journal: ", options.directory, " has ", name, " but no CURRENT"));
    }
  }
  // Or RocksDB would tell everyone who starts for the first time that the directory is missing.
  if (options.create_if_missing) {
    return FromRocks(env->CreateDirIfMissing(options.directory), "journal: create");
  }
  return absl::NotFoundError(absl::StrCat("journal: there is none in ", options.directory));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> OpenRocksJournal(const RocksJournalOptions& options) {
  if (absl::Status status = CheckBeforeOpening(options); !status.ok()) return status;
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, RecordsOptions(options)},
      {kMetaFamily, MetaOptions()},
  };
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status =
      rocksdb::DB::Open(DatabaseOptions(options), options.directory, families, &handles, &opened);
  if (!status.ok()) return FromRocks(status, "journal: open");
  auto journal =
      std::make_unique<RocksJournal>(std::unique_ptr<rocksdb::DB>(opened), handles[0], handles[1]);
  if (absl::Status started = journal->Start(options.epoch_if_created); !started.ok()) {
    return started;
  }
  if (options.fork) {
    if (absl::Status forked = journal->Fork(*options.fork); !forked.ok()) return forked;
  }
  return journal;
}

}  // namespace tallyd
