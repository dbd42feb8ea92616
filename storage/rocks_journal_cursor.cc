#include "storage/rocks_journal_cursor.h"

#include "absl/strings/str_cat.h"
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "storage/journal_record.h"
#include "storage/rocks_status.h"

namespace tallyd {
namespace {

constexpr std::size_t kReadAheadBytes = 4 << 20;

class RocksCursor final : public JournalCursor {
 public:
  RocksCursor(rocksdb::DB* db, const JournalExpectation& expected)
      : expected_(expected), upper_key_(expected.last + 1), upper_(ToSlice(upper_key_.view())) {
    rocksdb::ReadOptions read;
    read.readahead_size = kReadAheadBytes;
    read.fill_cache = false;
    read.iterate_upper_bound = &upper_;
    iterator_.reset(db->NewIterator(read));
    iterator_->Seek(ToSlice(PositionKey(expected.next).view()));
  }

  absl::StatusOr<std::string_view> Next() override {
    if (!failure_.ok()) return failure_;
    if (expected_.next > expected_.last) return std::string_view();
    if (started_) iterator_->Next();
    started_ = true;
    absl::StatusOr<std::string_view> record = Checked();
    if (!record.ok()) failure_ = record.status();
    return record;
  }

 private:
  absl::StatusOr<std::string_view> Checked() {
    const Position position = expected_.next;
    if (!iterator_->Valid()) {
      if (!iterator_->status().ok()) return FromRocks(iterator_->status(), "journal: read");
      return Broken(position, "is missing: the journal ends before it");
    }
    const rocksdb::Slice key = iterator_->key();
    if (key.size() != sizeof(Position)) return Broken(position, "has a key that is no position");
    if (DecodeBigEndian<Position>(key.data()) != position) return Broken(position, "is missing");

    const std::string_view bytes(iterator_->value().data(), iterator_->value().size());
    const absl::StatusOr<RecordView> view = RecordView::Parse(bytes);
    if (!view.ok()) {
      return absl::Status(view.status().code(), absl::StrCat("journal: position ", position, ": ",
                                                             view.status().message()));
    }
    const RecordHeader& header = view->header();
    if (header.position != position) return Broken(position, "holds another position's record");
    if (header.previous_hash != expected_.previous_hash) {
      return Broken(position, "does not follow the record before it (hash chain)");
    }
    if (header.term < term_ || header.term > expected_.term_max) {
      return Broken(position, "has a term out of order");
    }
    if (header.epoch < epoch_ || header.epoch > expected_.epoch_max) {
      return Broken(position, "has an epoch out of order");
    }
    term_ = header.term;
    epoch_ = header.epoch;
    expected_.previous_hash = view->Hash();
    ++expected_.next;
    return bytes;
  }

  static absl::Status Broken(Position position, const char* what) {
    return absl::DataLossError(absl::StrCat("journal: record ", position, " ", what));
  }

  JournalExpectation expected_;
  const PositionKey upper_key_;
  const rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  bool started_ = false;
  Term term_ = 0;
  Epoch epoch_ = 0;
  absl::Status failure_;
};

}  // namespace

std::unique_ptr<JournalCursor> MakeRocksJournalCursor(rocksdb::DB* db,
                                                      const JournalExpectation& expected) {
  return std::make_unique<RocksCursor>(db, expected);
}

}  // namespace tallyd
