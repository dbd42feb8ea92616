#pragma once

// Reading the RocksDB journal in order, and the keys of its records. Internal to the journal.

#include <memory>
#include <string_view>

#include "storage/byte_codec.h"
#include "storage/journal.h"

namespace rocksdb {
class DB;
}

namespace tallyd {

// Positions as keys: big-endian, so that they sort as numbers.
class PositionKey {
 public:
  explicit PositionKey(Position position) { EncodeBigEndian(bytes_, position); }
  std::string_view view() const { return {bytes_, sizeof bytes_}; }

 private:
  char bytes_[sizeof(Position)];
};

// What a cursor holds records against.
struct JournalExpectation {
  Position next = 0;
  Position last = 0;
  ChainHash previous_hash;  // of the record before `next`
  Epoch epoch_max = 0;
  Term term_max = 0;
};

// Reads ahead in large steps and hands out RocksDB's own blocks: no record is copied.
std::unique_ptr<JournalCursor> MakeRocksJournalCursor(rocksdb::DB* db,
                                                      const JournalExpectation& expected);

}  // namespace tallyd
