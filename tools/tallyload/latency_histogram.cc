#include "tools/tallyload/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace tallyd {

std::size_t LatencyHistogram::BucketOf(std::uint64_t ns) {
  if (ns < kSub) return static_cast<std::size_t>(ns);
  const int exponent =
      static_cast<int>(std::bit_width(ns)) - 1 - kSubBits;  // how far to shift to kSubBits + 1 bits
  const std::uint64_t mantissa = ns >> exponent;            // kSub ... 2 kSub - 1
  const auto bucket =
      static_cast<std::size_t>(exponent) * kSub + static_cast<std::size_t>(mantissa);
  return std::min(bucket, kBuckets - 1);
}

std::int64_t LatencyHistogram::HighestIn(std::size_t bucket) {
  if (bucket < kSub) return static_cast<std::int64_t>(bucket);
  const std::size_t exponent = bucket / kSub - 1;
  const std::uint64_t mantissa = bucket % kSub + kSub;
  return static_cast<std::int64_t>(((mantissa + 1) << exponent) - 1);
}

void LatencyHistogram::Add(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  ++counts_[BucketOf(static_cast<std::uint64_t>(ns))];
  ++count_;
  max_ns_ = std::max(max_ns_, ns);
  sum_ns_ += static_cast<double>(ns);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
  sum_ns_ += other.sum_ns_;
}

double LatencyHistogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_);
}

std::int64_t LatencyHistogram::PercentileNs(double percent) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(
      std::max(1.0, std::ceil(percent / 100 * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(HighestIn(i), max_ns_);
  }
  return max_ns_;
}

std::string LatencyHistogram::ToHgrm() const {
  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  char line[128];
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    const double share = static_cast<double>(seen) / static_cast<double>(count_);
    const double value_ms = static_cast<double>(std::min(HighestIn(i), max_ns_)) / 1e6;
    if (seen < count_) {
      std::snprintf(line, sizeof line, "%12.6f %14.12f %10llu %14.2f\n", value_ms, share,
                    static_cast<unsigned long long>(seen), 1 / (1 - share));
    } else {
      std::snprintf(line, sizeof line, "%12.6f %14.12f %10llu\n", value_ms, share,
                    static_cast<unsigned long long>(seen));
    }
    text += line;
  }
  std::snprintf(line, sizeof line, "#[Mean    = %12.6f, Max = %12.6f, Total count = %llu]\n",
                mean_ns() / 1e6, static_cast<double>(max_ns_) / 1e6,
                static_cast<unsigned long long>(count_));
  return text + line;
}

}  // namespace tallyd
