// engine/dedup_index.h by itself: what a voter costs in time and memory, and a repeat in time.
//
//   dedup_index_bench                                    1 million voters
//   TALLYD_BENCH_VOTERS_MAX=50000000 dedup_index_bench   also 10 and 50 million
//
// Tags are random. `bytes_per_voter` is the index after filling; `bytes_per_voter_max` the highest
// it ever was beyond the first 100,000 voters. Looking up asks for 8 tags ahead, as the decider
// does, and verifies nothing: what the ballot itself costs to compare is engine_bench's.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"

#include "engine/dedup_index.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::size_t kAhead = 8;

std::uint64_t Mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

VoterTag TagOf(std::uint64_t voter) {
  VoterTag tag;
  for (std::size_t i = 0; i < tag.bytes.size(); ++i) {
    tag.bytes[i] = static_cast<std::uint8_t>(Mix(2 * voter + i / 8) >> (8 * (i % 8)));
  }
  return tag;
}

void Sizes(benchmark::internal::Benchmark* bench) {
  const char* set = std::getenv("TALLYD_BENCH_VOTERS_MAX");
  const std::int64_t largest = set != nullptr ? std::atoll(set) : kMillion;
  for (const std::int64_t millions : {1, 10, 50}) {
    if (millions * kMillion <= largest) bench->Arg(millions * kMillion);
  }
  bench->ArgName("voters");
}

void BM_Insert(benchmark::State& state) {
  const auto voters = static_cast<Seq>(state.range(0));
  double bytes_per_voter = 0;
  double bytes_per_voter_max = 0;
  std::int64_t longest_ns = 0;
  for (auto _ : state) {
    DedupIndex index;
    for (Seq voter = 1; voter <= voters; ++voter) {
      // One insert in 16 is timed: the clock costs as much as an insert.
      if (voter % 16 != 0) {
        index.Insert(1, TagOf(voter), voter);
        continue;
      }
      const auto begin = std::chrono::steady_clock::now();
      index.Insert(1, TagOf(voter), voter);
      longest_ns =
          std::max(longest_ns, std::int64_t{(std::chrono::steady_clock::now() - begin).count()});
      if (voter >= 100'000) {
        bytes_per_voter_max =
            std::max(bytes_per_voter_max,
                     static_cast<double>(index.MemoryBytes()) / static_cast<double>(voter));
      }
    }
    bytes_per_voter = static_cast<double>(index.MemoryBytes()) / static_cast<double>(voters);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes_per_voter"] = bytes_per_voter;
  state.counters["bytes_per_voter_max"] = bytes_per_voter_max;
  state.counters["longest_us"] = static_cast<double>(longest_ns) / 1e3;
}
BENCHMARK(BM_Insert)->Apply(Sizes)->Unit(benchmark::kMillisecond);

const DedupIndex& Filled(Seq voters) {
  static std::unique_ptr<DedupIndex> index;
  if (index == nullptr || index->TotalVoters() != voters) {
    index = std::make_unique<DedupIndex>();
    for (Seq voter = 1; voter <= voters; ++voter) index->Insert(1, TagOf(voter), voter);
  }
  return *index;
}

void LookUp(benchmark::State& state, Seq first) {
  const DedupIndex& index = Filled(static_cast<Seq>(state.range(0)));
  std::vector<VoterTag> tags(1 << 16);
  for (std::size_t i = 0; i < tags.size(); ++i) {
    tags[i] = TagOf(first + Mix(i) % static_cast<Seq>(state.range(0)));
  }
  std::size_t found = 0;
  std::size_t asked = 0;
  for (auto _ : state) {
    index.Prefetch(1, tags[(asked + kAhead) % tags.size()]);
    index.ForEachCandidate(1, tags[asked++ % tags.size()], [&found](Seq) {
      ++found;
      return true;
    });
  }
  // Voters above the filled range are strangers; 88 bits do not collide here.
  TALLYD_CHECK(found == (first == 1 ? asked : 0));
  state.SetItemsProcessed(state.iterations());
}

void BM_FindKnown(benchmark::State& state) {
  LookUp(state, 1);
}
BENCHMARK(BM_FindKnown)->Apply(Sizes);

void BM_FindNone(benchmark::State& state) {
  LookUp(state, static_cast<Seq>(state.range(0)) + 1);
}
BENCHMARK(BM_FindNone)->Apply(Sizes);

}  // namespace
}  // namespace tallyd
