// What a commit costs: encoding and sealing a record, making it durable, reading it back.
//
// The journal lies in a directory of its own under TMPDIR (else /tmp); a disk in memory would say
// nothing about syncs. Ballots are first online ballots with one choice. TALLYD_BENCH_RECORDS sets
// the length of the journal that is read back (default 500 records of 1,024 ballots).

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

#include "storage/check.h"
#include "storage/checksums.h"
#include "storage/journal_record.h"
#include "storage/rocks_journal.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

std::vector<BallotEntry> SomeBallots(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<BallotEntry> ballots(count);
  for (BallotEntry& ballot : ballots) {
    ballot.poll = 1;
    for (std::uint8_t& byte : ballot.tag.bytes) byte = static_cast<std::uint8_t>(random());
    ballot.payload = std::string_view("\x01\x07", 2);
  }
  return ballots;
}

void SetBallotCounters(benchmark::State& state, std::int64_t ballots) {
  state.SetItemsProcessed(state.iterations() * ballots);
  state.counters["per_ballot"] =
      benchmark::Counter(static_cast<double>(state.iterations() * ballots),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// A writer of a journal of its own: records of `ballots` ballots each, in a chain.
class Writer {
 public:
  explicit Writer(std::size_t ballots) : ballots_(SomeBallots(ballots)) {}

  SealedRecord Seal(Position position) {
    builder_.Clear();
    for (BallotEntry& ballot : ballots_) {
      ballot.seq = ++seq_;
      builder_.AddBallot(ballot);
    }
    const SealedRecord sealed = builder_.Seal({.epoch = 1,
                                               .term = 1,
                                               .position = position,
                                               .time = static_cast<TimeUs>(position),
                                               .previous_hash = previous_hash_});
    previous_hash_ = sealed.hash;
    return sealed;
  }

 private:
  std::vector<BallotEntry> ballots_;
  RecordBuilder builder_;
  Seq seq_ = 0;
  ChainHash previous_hash_;
};

std::unique_ptr<Journal> OpenClaimed(const std::string& directory) {
  RocksJournalOptions options;
  options.directory = directory;
  options.create_if_missing = true;
  options.epoch_if_created = 1;
  absl::StatusOr<std::unique_ptr<Journal>> journal = OpenRocksJournal(options);
  TALLYD_CHECK(journal.ok());
  TALLYD_CHECK((*journal)->Claim().ok());
  return *std::move(journal);
}

void BM_EncodeAndSeal(benchmark::State& state) {
  Writer writer(static_cast<std::size_t>(state.range(0)));
  Position position = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const SealedRecord sealed = writer.Seal(++position);
    bytes = sealed.bytes.size();
    benchmark::DoNotOptimize(sealed.hash);
  }
  SetBallotCounters(state, state.range(0));
  state.counters["record_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_EncodeAndSeal)->Arg(1)->Arg(64)->Arg(1024)->Arg(4096);

void BM_Encode(benchmark::State& state) {
  std::vector<BallotEntry> ballots = SomeBallots(static_cast<std::size_t>(state.range(0)));
  RecordBuilder builder;
  Seq seq = 0;
  for (auto _ : state) {
    builder.Clear();
    for (BallotEntry& ballot : ballots) {
      ballot.seq = ++seq;
      builder.AddBallot(ballot);
    }
    benchmark::DoNotOptimize(builder);
  }
  SetBallotCounters(state, state.range(0));
}
BENCHMARK(BM_Encode)->Arg(1024);

void BM_AppendDurable(benchmark::State& state) {
  const TempDirectory directory;
  const std::unique_ptr<Journal> journal = OpenClaimed(directory.File("journal"));
  Writer writer(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const Position last = journal->last();
    const SealedRecord sealed = writer.Seal(last + 1);
    TALLYD_CHECK(journal->Append(last, sealed.bytes).ok());
  }
  SetBallotCounters(state, state.range(0));
  state.counters["records"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_AppendDurable)->Arg(64)->Arg(256)->Arg(1024)->Arg(4096)->UseRealTime();

constexpr std::int64_t kReadBallots = 1024;

// One journal for both benches below, written once.
struct JournalToRead {
  TempDirectory directory;
  std::unique_ptr<Journal> journal;
  std::int64_t records = 0;

  JournalToRead() {
    const char* set = std::getenv("TALLYD_BENCH_RECORDS");
    records = set != nullptr ? std::atoll(set) : 500;
    journal = OpenClaimed(directory.File("journal"));
    Writer writer(kReadBallots);
    for (std::int64_t i = 0; i < records; ++i) {
      const Position last = journal->last();
      TALLYD_CHECK(journal->Append(last, writer.Seal(last + 1).bytes).ok());
    }
  }
};

JournalToRead& TheJournal() {
  static JournalToRead journal;
  return journal;
}

void BM_ReadAndVerify(benchmark::State& state) {
  JournalToRead& source = TheJournal();
  for (auto _ : state) {
    absl::StatusOr<std::unique_ptr<JournalCursor>> cursor = source.journal->Read(1);
    TALLYD_CHECK(cursor.ok());
    for (;;) {
      const absl::StatusOr<std::string_view> record = (*cursor)->Next();
      TALLYD_CHECK(record.ok());
      if (record->empty()) break;
    }
  }
  SetBallotCounters(state, source.records * kReadBallots);
}
BENCHMARK(BM_ReadAndVerify)->Unit(benchmark::kMillisecond);

void BM_ReadVerifyAndDecode(benchmark::State& state) {
  JournalToRead& source = TheJournal();
  for (auto _ : state) {
    absl::StatusOr<std::unique_ptr<JournalCursor>> cursor = source.journal->Read(1);
    TALLYD_CHECK(cursor.ok());
    std::uint64_t seqs = 0;
    for (;;) {
      const absl::StatusOr<std::string_view> record = (*cursor)->Next();
      TALLYD_CHECK(record.ok());
      if (record->empty()) break;
      const absl::StatusOr<RecordView> view = RecordView::Parse(*record);
      TALLYD_CHECK(view.ok());
      const absl::Status decoded = view->ForEach([&](const Entry& entry) {
        seqs += std::get<BallotEntry>(entry).seq;
        return absl::OkStatus();
      });
      TALLYD_CHECK(decoded.ok());
    }
    benchmark::DoNotOptimize(seqs);
  }
  SetBallotCounters(state, source.records * kReadBallots);
}
BENCHMARK(BM_ReadVerifyAndDecode)->Unit(benchmark::kMillisecond);

void BM_Crc32c(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crc32c)->Arg(22 << 10);

void BM_Sha256(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(Sha256(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Sha256)->Arg(128)->Arg(22 << 10);

}  // namespace
}  // namespace tallyd
