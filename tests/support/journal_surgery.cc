#include "tests/support/journal_surgery.h"

#include <functional>
#include <memory>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "storage/byte_codec.h"
#include "storage/rocks_status.h"

namespace tallyd {
namespace {

std::string KeyOf(Position position) {
  std::string key(sizeof position, '\0');
  EncodeBigEndian(key.data(), position);
  return key;
}

absl::Status Operate(const std::string& directory,
                     const std::function<rocksdb::Status(rocksdb::DB*)>& operation) {
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), directory, &names);
  if (!status.ok()) return FromRocks(status, "surgery: list");
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    rocksdb::ColumnFamilyOptions options;
    options.num_levels = 2;
    families.emplace_back(name, options);
  }
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  status = rocksdb::DB::Open(rocksdb::DBOptions(), directory, families, &handles, &opened);
  if (!status.ok()) return FromRocks(status, "surgery: open");
  const std::unique_ptr<rocksdb::DB> db(opened);
  status = operation(db.get());
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    const rocksdb::Status closed = db->DestroyColumnFamilyHandle(handle);
    if (status.ok()) status = closed;
  }
  const rocksdb::Status closed = db->Close();
  if (status.ok()) status = closed;
  return FromRocks(status, "surgery");
}

rocksdb::WriteOptions Durable() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadJournalRecords(const std::string& directory) {
  std::vector<std::string> records;
  absl::Status read = Operate(directory, [&](rocksdb::DB* db) {
    const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(rocksdb::ReadOptions()));
    for (at->Seek(KeyOf(1)); at->Valid(); at->Next()) records.push_back(at->value().ToString());
    return at->status();
  });
  if (!read.ok()) return read;
  return records;
}

absl::Status ChopJournal(const std::string& directory, Position keep_through) {
  return Operate(directory, [&](rocksdb::DB* db) {
    // One by one, without a range tombstone: what recovery meets has plain keys only.
    const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(rocksdb::ReadOptions()));
    for (at->Seek(KeyOf(keep_through + 1)); at->Valid(); at->Next()) {
      const rocksdb::Status status = db->Delete(Durable(), at->key());
      if (!status.ok()) return status;
    }
    return at->status();
  });
}

absl::Status RemoveJournalRecord(const std::string& directory, Position position) {
  return Operate(directory,
                 [&](rocksdb::DB* db) { return db->Delete(Durable(), KeyOf(position)); });
}

absl::Status OverwriteJournalRecord(const std::string& directory, Position position,
                                    const std::string& bytes) {
  return Operate(directory,
                 [&](rocksdb::DB* db) { return db->Put(Durable(), KeyOf(position), bytes); });
}

}  // namespace tallyd
