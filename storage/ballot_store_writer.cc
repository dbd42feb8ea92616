#include "storage/ballot_store_writer.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

#include "storage/absl_view.h"
#include "storage/ballot_store_codec.h"
#include "storage/byte_codec.h"
#include "storage/rocks_status.h"

namespace tallyd {
namespace {

// The files that a write makes before the store takes them in are called next0.sst, next1.sst ...
constexpr std::string_view kNextFile = "next";

}  // namespace

// The versions of one write in the orders of the store, and where they go.
class BallotStoreWriter::Sorted {
 public:
  Sorted(rocksdb::DB* db, const rocksdb::Options& file_options, Epoch epoch,
         std::size_t file_versions_min);
  rocksdb::Status WriteToMemory(Versions versions, Position reached);
  rocksdb::Status WriteAsFiles(Versions versions, Position reached);

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

BallotStoreWriter::Sorted::Sorted(rocksdb::DB* db, const rocksdb::Options& file_options,
                                  Epoch epoch, std::size_t file_versions_min)
    : db_(db), file_options_(file_options), epoch_(epoch), file_versions_min_(file_versions_min) {
  unlogged_.disableWAL = true;
}

void BallotStoreWriter::Sorted::SortByVoter(Versions versions) {
  by_voter_.clear();
  for (const BallotVersion* version : versions) {
    const auto* tag = reinterpret_cast<const char*>(version->tag.bytes.data());
    by_voter_.push_back({version->poll, DecodeBigEndian<std::uint64_t>(tag),
                         DecodeBigEndian<std::uint64_t>(tag + 8), version->seq});
  }
  std::sort(by_voter_.begin(), by_voter_.end(), [](const VoterPlace& a, const VoterPlace& b) {
    if (a.poll != b.poll) return a.poll < b.poll;
    if (a.tag_high != b.tag_high) return a.tag_high < b.tag_high;
    return std::tie(a.tag_low, b.seq) < std::tie(b.tag_low, a.seq);
  });
}

void BallotStoreWriter::Sorted::SortBySeq(Versions versions) {
  by_seq_.clear();
  for (const BallotVersion* version : versions) {
    by_seq_.push_back({version->poll, version->seq, version});
  }
  const auto before = [](const SeqPlace& a, const SeqPlace& b) {
    return std::tie(a.poll, a.seq) < std::tie(b.poll, b.seq);
  };
  // Commits of one poll come in this order already.
  if (!std::is_sorted(by_seq_.begin(), by_seq_.end(), before)) {
    std::sort(by_seq_.begin(), by_seq_.end(), before);
  }
}

// Where the entries of one write go: a batch for the memtable, or a file that the store takes in.
// Both want status checks after each entry, the file wants rising keys. The same version twice in
// one write is one entry.
template <class PutEntry>
rocksdb::Status BallotStoreWriter::Sorted::PutBallots(absl::Span<const SeqPlace> places,
                                                      PutEntry put) {
  const SeqPlace* previous = nullptr;
  for (const SeqPlace& place : places) {
    if (previous != nullptr && previous->poll == place.poll && previous->seq == place.seq) continue;
    previous = &place;
    EncodeBallotValue(*place.version, &value_);
    const BallotKey key(place.poll, place.seq);
    if (rocksdb::Status status = put(ToSlice(key.whole()), value_); !status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

template <class PutEntry>
rocksdb::Status BallotStoreWriter::Sorted::PutVoters(Position reached, PutEntry put) {
  const std::string position = EncodeStorePosition({.epoch = epoch_, .position = reached});
  if (rocksdb::Status status = put(ToSlice(kPositionKey), position); !status.ok()) return status;
  const VoterPlace* previous = nullptr;
  for (const VoterPlace& place : by_voter_) {
    if (previous != nullptr && previous->poll == place.poll && previous->seq == place.seq) continue;
    previous = &place;
    VoterTag tag;
    EncodeBigEndian(EncodeBigEndian(reinterpret_cast<char*>(tag.bytes.data()), place.tag_high),
                    place.tag_low);
    const VoterBallotKey key(place.poll, tag, place.seq);
    rocksdb::Status status = put(ToSlice(key.whole()), rocksdb::Slice());
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

rocksdb::Status BallotStoreWriter::Sorted::WriteToMemory(Versions versions, Position reached) {
  batch_.Clear();
  const auto put = [this](const rocksdb::Slice& key, const rocksdb::Slice& value) {
    return batch_.Put(key, value);
  };
  SortBySeq(versions);
  rocksdb::Status status = PutBallots(by_seq_, put);
  SortByVoter(versions);
  if (status.ok()) status = PutVoters(reached, put);
  if (status.ok()) status = db_->Write(unlogged_, &batch_);
  return status;
}

// Many versions are sorted once and become table files as they are: no insertion into a memtable,
// which costs several times as much, and no flush. A poll with many has a file to itself, which
// begins where its last one ended, so that RocksDB need not merge them; polls with few share one.
// RocksDB takes all in at once, flushes an overlapping memtable first and syncs, so the position in
// them is durable when this returns.
rocksdb::Status BallotStoreWriter::Sorted::WriteAsFiles(Versions versions, Position reached) {
  std::vector<std::string> paths;
  SortBySeq(versions);
  for (std::size_t begin = 0; begin < by_seq_.size();) {
    const std::size_t end = EndOfNextFile(begin);
    const auto places = absl::MakeConstSpan(by_seq_).subspan(begin, end - begin);
    rocksdb::Status made = MakeFile(&paths, [&](auto put) { return PutBallots(places, put); });
    if (!made.ok()) return made;
    begin = end;
  }
  SortByVoter(versions);
  rocksdb::Status status = MakeFile(&paths, [&](auto put) { return PutVoters(reached, put); });
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  ingest.write_global_seqno = false;
  if (status.ok()) status = db_->IngestExternalFile(paths, ingest);
  return status;
}

// In by_seq_: the end of a poll with many versions, or of as many polls with few as
// come in a row.
std::size_t BallotStoreWriter::Sorted::EndOfNextFile(std::size_t begin) const {
  const auto end_of_poll = [this](std::size_t from) {
    std::size_t end = from;
    while (end < by_seq_.size() && by_seq_[end].poll == by_seq_[from].poll) ++end;
    return end;
  };
  std::size_t end = end_of_poll(begin);
  if (end - begin >= file_versions_min_) return end;
  while (end < by_seq_.size()) {
    const std::size_t next = end_of_poll(end);
    if (next - end >= file_versions_min_) break;
    end = next;
  }
  return end;
}

template <class PutEntries>
rocksdb::Status BallotStoreWriter::Sorted::MakeFile(std::vector<std::string>* paths,
                                                    PutEntries put_entries) {
  paths->push_back(absl::StrCat(db_->GetName(), "/", AbslView(kNextFile), paths->size(), ".sst"));
  rocksdb::SstFileWriter file(rocksdb::EnvOptions(), file_options_);
  rocksdb::Status status = file.Open(paths->back());
  if (!status.ok()) return status;
  status = put_entries([&file](const rocksdb::Slice& key, const rocksdb::Slice& value) {
    return file.Put(key, value);
  });
  if (status.ok()) status = file.Finish();
  return status;
}

BallotStoreWriter::BallotStoreWriter(rocksdb::DB* db, const rocksdb::Options& file_options,
                                     Epoch epoch, std::size_t file_versions_min)
    : sorted_(std::make_unique<Sorted>(db, file_options, epoch, file_versions_min)) {}

BallotStoreWriter::~BallotStoreWriter() = default;

absl::Status BallotStoreWriter::WriteToMemory(Versions versions, Position reached) {
  return FromRocks(sorted_->WriteToMemory(versions, reached), "ballot store: write");
}

absl::Status BallotStoreWriter::WriteAsFiles(Versions versions, Position reached) {
  return FromRocks(sorted_->WriteAsFiles(versions, reached), "ballot store: write files");
}

absl::Status BallotStoreWriter::RemoveUnfinished(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().rfind(kNextFile, 0) != 0) continue;
    std::filesystem::remove(at->path(), error);
  }
  if (!error) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("ballot store: clear ", directory, ": ", error.message()));
}

}  // namespace tallyd
