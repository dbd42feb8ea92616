// Whatever a watermark file holds, the newest intact slot is found, and nothing else is taken for
// one. Checksums are put right first, slot by slot: else nothing behind them would be looked at.

#include <algorithm>
#include <string>
#include <string_view>

#include "storage/byte_codec.h"
#include "storage/check.h"
#include "storage/checksums.h"
#include "storage/watermark_codec.h"
#include "tests/fuzz/fuzz_target.h"

namespace tallyd {
namespace {

constexpr std::size_t kCrcAt = 4;
constexpr std::size_t kCoveredFrom = 8;

void Look(std::string_view file) {
  const auto newest = DecodeNewestSlot(file);
  if (!newest.ok()) {
    TALLYD_CHECK(absl::IsUnimplemented(newest.status()));
    return;
  }
  if (newest->serial == 0) return;
  TALLYD_CHECK(newest->place < kWatermarkSlots);
  TALLYD_CHECK(file.substr(newest->place * kWatermarkSlotStride, kWatermarkSlotBytes) ==
               EncodeWatermarkSlot(newest->serial, newest->watermark));
}

// The input is the slots, one behind the other; the rest of their pages is zeros.
std::string FileOf(std::string_view slots, bool put_right) {
  std::string file(kWatermarkSlots * kWatermarkSlotStride, '\0');
  for (std::size_t i = 0; i < kWatermarkSlots; ++i) {
    const std::string_view slot =
        slots.substr(std::min(slots.size(), i * kWatermarkSlotBytes), kWatermarkSlotBytes);
    char* const to = file.data() + i * kWatermarkSlotStride;
    std::copy(slot.begin(), slot.end(), to);
    if (!put_right || slot.size() < kWatermarkSlotBytes) continue;
    const std::string_view covered(to + kCoveredFrom, kWatermarkSlotBytes - kCoveredFrom);
    EncodeFixed(to + kCrcAt, Crc32c(covered));
  }
  return file;
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  const std::string one = EncodeWatermarkSlot(7, {.epoch = 3, .position = 18'234, .hash = {}});
  const std::string two = EncodeWatermarkSlot(8, {.epoch = 3, .position = 18'240, .hash = {}});
  return {one, one + two, two + one, std::string(kWatermarkSlotBytes, '\0') + two};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Look(bytes);
  Look(FileOf(bytes, false));
  Look(FileOf(bytes, true));
  return 0;
}
