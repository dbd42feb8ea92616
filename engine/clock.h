#pragma once

// The two clocks the engine reads: wall time for journaled labels, steady time for intervals.
// Injected, so that tests turn them by hand. Any thread.

#include <cstdint>

#include "storage/records.h"

namespace tallyd {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeUs WallUs() const = 0;          // microseconds since the Unix epoch; may jump
  virtual std::int64_t SteadyUs() const = 0;  // never goes back
  static const Clock* System();
};

}  // namespace tallyd
