#pragma once

// How ballot versions get into the ballot store's database: sorted, through its memtable if they
// are few, as table files of their own if they are many. Both take versions and position in whole.
//
// One thread, the store's writer.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "storage/ballot_store.h"
#include "storage/records.h"

namespace rocksdb {
class DB;
struct Options;
}  // namespace rocksdb

namespace tallyd {

class BallotStoreWriter {
 public:
  using Versions = absl::Span<const BallotVersion* const>;

  // `file_options` are those of the database, which must live longer. A poll with at least
  // `file_versions_min` versions in a write gets a file to itself.
  BallotStoreWriter(rocksdb::DB* db, const rocksdb::Options& file_options, Epoch epoch,
                    std::size_t file_versions_min);
  ~BallotStoreWriter();

  // Readable on return, durable by a later flush.
  absl::Status WriteToMemory(Versions versions, Position reached);
  // Readable and durable on return.
  absl::Status WriteAsFiles(Versions versions, Position reached);

  // Removes what a crash left of a write. Before the database is opened.
  static absl::Status RemoveUnfinished(const std::string& directory);

 private:
  class Sorted;
  std::unique_ptr<Sorted> sorted_;
};

}  // namespace tallyd
