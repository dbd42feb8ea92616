#pragma once

// The bytes of a watermark file, as docs/data_formats.md ("Watermark") has them. Pure functions;
// any thread. Decoding trusts nothing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "storage/watermark.h"

namespace tallyd {

// The slots lie in different pages, so that writing one never rewrites the other.
inline constexpr std::size_t kWatermarkSlots = 2;
inline constexpr std::size_t kWatermarkSlotStride = 4096;
inline constexpr std::size_t kWatermarkSlotBytes = 72;

struct WatermarkSlot {
  std::uint64_t serial = 0;  // rises with every write; 0 = not intact
  Watermark watermark;
  std::size_t place = 0;  // 0 or 1; not in the bytes
};

// kWatermarkSlotBytes of it.
std::string EncodeWatermarkSlot(std::uint64_t serial, const Watermark& watermark);
// The slot of a whole file that was written last; serial 0: none is intact. Unimplemented: one is
// intact and of a newer format.
absl::StatusOr<WatermarkSlot> DecodeNewestSlot(std::string_view file);

}  // namespace tallyd
