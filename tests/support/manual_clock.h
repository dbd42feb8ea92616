#pragma once

// A wall clock that stands still until a test moves it. Intervals go on in real time, because they
// only pace work and decide nothing. Any thread.

#include <atomic>
#include <cstdint>

#include "engine/clock.h"

namespace tallyd {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeUs wall_us = 1'777'000'000'000'000) : wall_us_(wall_us) {}

  TimeUs WallUs() const override { return wall_us_.load(); }
  std::int64_t SteadyUs() const override { return Clock::System()->SteadyUs(); }

  // May go back, as after a correction by NTP or an operator.
  void Advance(std::int64_t us) { wall_us_.fetch_add(us); }

 private:
  std::atomic<TimeUs> wall_us_;
};

}  // namespace tallyd
