#pragma once

// Latencies in nanoseconds, counted in log-linear buckets: 128 for each power of two, so a value
// read back is at most 0.8 % too high (the layout of HdrHistogram, hdrhistogram.org).
//
// One thread. Add() costs a few instructions; the size is fixed (58 kB).

#include <array>
#include <cstdint>
#include <string>

namespace tallyd {

class LatencyHistogram {
 public:
  void Add(std::int64_t ns);
  void Merge(const LatencyHistogram& other);

  std::uint64_t count() const { return count_; }
  std::int64_t max_ns() const { return max_ns_; }
  double mean_ns() const;
  // The smallest value that at least `percent` of all are not above. 0 if there are none.
  std::int64_t PercentileNs(double percent) const;

  // The text form that HdrHistogram's plotter reads, in milliseconds.
  std::string ToHgrm() const;

 private:
  static constexpr int kSubBits = 7;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = kSub * (64 - kSubBits);
  static std::size_t BucketOf(std::uint64_t ns);
  static std::int64_t HighestIn(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::int64_t max_ns_ = 0;
  double sum_ns_ = 0;
};

}  // namespace tallyd
