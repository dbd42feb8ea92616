// What the ballot store costs: filling it in the background, and asking it for a voter that memory
// no longer holds. TALLYD_BENCH_VOTERS sets how many voters it knows (default 200,000).

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"

#include "storage/ballot_store.h"
#include "storage/check.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr Seq kPerWrite = 65536;

VoterTag TagOf(std::uint64_t voter) {
  std::mt19937_64 random(voter);
  VoterTag tag;
  for (std::uint8_t& byte : tag.bytes) byte = static_cast<std::uint8_t>(random());
  return tag;
}

BallotVersion FirstBallot(Seq seq) {
  BallotVersion version;
  version.poll = 1;
  version.tag = TagOf(seq);
  version.seq = seq;
  version.position = 1 + seq / 1024;
  version.payload = std::string("\x01\x07", 2);
  return version;
}

std::unique_ptr<BallotStore> OpenStore(const std::string& directory) {
  BallotStoreOptions options;
  options.directory = directory;
  options.epoch = 1;
  absl::StatusOr<std::unique_ptr<BallotStore>> store = BallotStore::Open(options);
  TALLYD_CHECK(store.ok());
  return *std::move(store);
}

struct FilledStore {
  TempDirectory directory;
  std::unique_ptr<BallotStore> store;
  Seq voters = 200'000;

  FilledStore() {
    if (const char* set = std::getenv("TALLYD_BENCH_VOTERS"); set != nullptr) {
      voters = std::strtoull(set, nullptr, 10);
    }
    store = OpenStore(directory.File("ballots"));
    std::vector<BallotVersion> versions;
    for (Seq seq = 1; seq <= voters; ++seq) {
      versions.push_back(FirstBallot(seq));
      if (versions.size() < kPerWrite && seq < voters) continue;
      TALLYD_CHECK(store->Write(versions, versions.back().position).ok());
      versions.clear();
    }
    TALLYD_CHECK(store->Flush().ok());
  }
};

FilledStore& Filled() {
  static FilledStore filled;
  return filled;
}

// Tags made before the clock runs, in no order.
std::vector<std::pair<Seq, VoterTag>> SomeVoters(Seq from, Seq count) {
  std::mt19937_64 random(from);
  std::vector<std::pair<Seq, VoterTag>> voters(1 << 14);
  for (auto& [seq, tag] : voters) {
    seq = from + random() % count;
    tag = TagOf(seq);
  }
  return voters;
}

void BM_WriteInBackground(benchmark::State& state) {
  const TempDirectory directory;
  const std::unique_ptr<BallotStore> store = OpenStore(directory.File("ballots"));
  std::vector<BallotVersion> versions;
  for (Seq seq = 1; seq <= kPerWrite; ++seq) versions.push_back(FirstBallot(seq));
  Seq written = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (BallotVersion& version : versions) {
      version.seq = ++written;
      version.tag.bytes[1] = static_cast<std::uint8_t>(written >> 16);
    }
    state.ResumeTiming();
    TALLYD_CHECK(store->Write(versions, store->position() + 1).ok());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPerWrite));
}
BENCHMARK(BM_WriteInBackground)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_Get(benchmark::State& state) {
  FilledStore& filled = Filled();
  const auto voters = SomeVoters(1, filled.voters);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& [seq, tag] = voters[i++ % voters.size()];
    const auto version = filled.store->Get(1, tag, seq);
    TALLYD_CHECK(version.ok() && version->has_value());
  }
}
BENCHMARK(BM_Get)->Unit(benchmark::kMicrosecond);

void BM_GetNewest(benchmark::State& state) {
  FilledStore& filled = Filled();
  const auto voters = SomeVoters(1, filled.voters);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto version = filled.store->GetNewest(1, voters[i++ % voters.size()].second);
    TALLYD_CHECK(version.ok() && version->has_value());
  }
}
BENCHMARK(BM_GetNewest)->Unit(benchmark::kMicrosecond);

void BM_GetNewestMiss(benchmark::State& state) {
  FilledStore& filled = Filled();
  const auto voters = SomeVoters(filled.voters + 1, filled.voters);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto version = filled.store->GetNewest(1, voters[i++ % voters.size()].second);
    TALLYD_CHECK(version.ok() && !version->has_value());
  }
}
BENCHMARK(BM_GetNewestMiss)->Unit(benchmark::kMicrosecond);

void BM_FindTag(benchmark::State& state) {
  FilledStore& filled = Filled();
  const auto voters = SomeVoters(1, filled.voters);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto tag = filled.store->FindTag(1, voters[i++ % voters.size()].first);
    TALLYD_CHECK(tag.ok() && tag->has_value());
  }
}
BENCHMARK(BM_FindTag)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tallyd
