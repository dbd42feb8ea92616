#pragma once

// How ballot versions get into the ballot store's database: sorted, through its memtable if they
// are few, as table files of their own if they are many. Both take versions and position in whole.
//
// One thread, the store's writer.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "storage/ballot_store.h"
#include "storage/records.h"

namespace tallyd {

class BallotStoreWriter {
 public:
  using Versions = absl::Span<const BallotVersion* const>;

  // `file_options` are those of the database, which must live longer. A poll with at least
  // `file_versions_min` versions in a write gets a file to itself.
  BallotStoreWriter(rocksdb::DB* db, rocksdb::Options file_options, Epoch epoch,
                    std::size_t file_versions_min);

  // Readable on return, durable by a later flush.
  rocksdb::Status WriteToMemory(Versions versions, Position reached);
  // Readable and durable on return.
  rocksdb::Status WriteAsFiles(Versions versions, Position reached);

  // Removes what a crash left of a write. Before the database is opened.
  static absl::Status RemoveUnfinished(const std::string& directory);

 private:
  // What decides the place of a version, beside each other: sorting these instead of the versions
  // themselves, which lie anywhere, is several times as fast.
  struct SeqPlace {
    PollNumber poll;
    Seq seq;
    const BallotVersion* version;
  };
  struct VoterPlace {
    PollNumber poll;
    std::uint64_t tag_high;  // the halves of the tag as big-endian numbers
    std::uint64_t tag_low;
    Seq seq;
  };

  void SortByVoter(Versions versions);
  void SortBySeq(Versions versions);
  template <class PutEntry>
  rocksdb::Status PutBallots(absl::Span<const SeqPlace> places, PutEntry put);
  template <class PutEntry>
  rocksdb::Status PutVoters(Position reached, PutEntry put);
  std::size_t EndOfNextFile(std::size_t begin) const;
  template <class PutEntries>
  rocksdb::Status MakeFile(std::vector<std::string>* paths, PutEntries put_entries);

  rocksdb::DB* const db_;
  const rocksdb::Options file_options_;
  const Epoch epoch_;
  const std::size_t file_versions_min_;
  rocksdb::WriteOptions unlogged_;
  // Kept for their memory.
  rocksdb::WriteBatch batch_;
  std::vector<SeqPlace> by_seq_;
  std::vector<VoterPlace> by_voter_;
  std::string value_;
};

}  // namespace tallyd
