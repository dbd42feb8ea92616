#pragma once

// What the engine counts about itself. Plain relaxed atomics, written by the writer and the
// committer, read by whoever renders them (net/metrics_text.cc); no exporter here.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tallyd {

// Exponential buckets, factor 2, from 1 (unit of the caller) up; one writer, many readers.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 32;
  void Add(std::uint64_t value) {
    const std::size_t bucket =
        value == 0 ? 0 : 64 - static_cast<std::size_t>(__builtin_clzll(value));
    counts_[bucket < kBuckets ? bucket : kBuckets - 1].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  // Number of values below 2^bucket and at least 2^(bucket-1); bucket 0 holds zeros.
  std::uint64_t count(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

struct EngineMetrics {
  using Counter = std::atomic<std::uint64_t>;
  Counter votes_counted_online{0};
  Counter votes_counted_paper{0};
  Counter votes_duplicate{0};
  Counter votes_replaced{0};
  Counter votes_withdrawn{0};
  Counter votes_refused{0};
  Counter paper_entered{0};  // acts of paper that were journaled
  Counter paper_confirmed{0};
  Counter paper_voided{0};
  Counter paper_cards{0};         // cards with codes that count
  Counter paper_full{0};          // batches, cards and codes refused: the poll holds what it may
  Counter paper_online_after{0};  // online tries of people counted on paper that were listed
  Counter queue_rejected{0};      // pushes refused because the queue was full
  Counter commits{0};
  Counter commit_bytes{0};
  Counter snapshots_published{0};
  Counter ballot_store_reads{0};
  Counter dedup_polls_dropped{0};
  Counter quota_voters{0};       // now
  Counter ideas_pending{0};      // now
  Counter fraud_groups{0};       // bursts that were flagged
  Counter fraud_voters{0};       // now: flagged, of all polls
  Counter fraud_not_flagged{0};  // ballots of a burst that no group had room for
  Counter fraud_not_watched{0};  // ballots that the burst rules had no place to remember
  Counter fraud_decisions{0};    // of operators
  Histogram commit_duration_us;  // seal + durable append
  Histogram commit_ballots;      // ballots per commit
  Histogram snapshot_build_us;
};

}  // namespace tallyd
