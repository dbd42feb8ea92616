#include "storage/watermark_codec.h"

#include "absl/strings/str_cat.h"

#include "storage/byte_codec.h"
#include "storage/check.h"
#include "storage/checksums.h"

namespace tallyd {
namespace {

constexpr std::string_view kWatermarkMagic = "TLYW";
constexpr std::uint16_t kWatermarkVersion = 1;
constexpr std::size_t kWatermarkCoveredFrom = 8;

absl::StatusOr<WatermarkSlot> DecodeSlot(std::string_view bytes) {
  WatermarkSlot slot;
  if (bytes.size() < kWatermarkSlotBytes) return slot;
  bytes = bytes.substr(0, kWatermarkSlotBytes);
  if (bytes.substr(0, kWatermarkMagic.size()) != kWatermarkMagic) return slot;
  ByteReader reader(bytes.substr(kWatermarkMagic.size()));
  if (reader.U32() != Crc32c(bytes.substr(kWatermarkCoveredFrom))) return slot;
  const std::uint16_t version = reader.U16();
  if (version > kWatermarkVersion) {
    return absl::UnimplementedError(absl::StrCat("watermark has format version ", version,
                                                 ", this tallyd reads up to ", kWatermarkVersion));
  }
  if (version != kWatermarkVersion || reader.U16() != 0 || reader.U32() != 0) return slot;
  const std::uint64_t serial = reader.U64();
  slot.watermark.epoch = reader.U64();
  slot.watermark.position = reader.U64();
  reader.Bytes(&slot.watermark.hash.bytes);
  slot.serial = reader.finished() ? serial : 0;
  return slot;
}

}  // namespace

std::string EncodeWatermarkSlot(std::uint64_t serial, const Watermark& watermark) {
  std::string body;
  ByteWriter writer(&body);
  writer.U16(kWatermarkVersion);
  writer.U16(0);
  writer.U32(0);
  writer.U64(serial);
  writer.U64(watermark.epoch);
  writer.U64(watermark.position);
  writer.Bytes(watermark.hash.bytes);
  std::string bytes(kWatermarkMagic);
  ByteWriter(&bytes).U32(Crc32c(body));
  bytes += body;
  TALLYD_CHECK(bytes.size() == kWatermarkSlotBytes);
  return bytes;
}

absl::StatusOr<WatermarkSlot> DecodeNewestSlot(std::string_view file) {
  WatermarkSlot newest;
  for (std::size_t i = 0; i < kWatermarkSlots && i * kWatermarkSlotStride < file.size(); ++i) {
    absl::StatusOr<WatermarkSlot> slot = DecodeSlot(file.substr(i * kWatermarkSlotStride));
    if (!slot.ok()) return slot.status();
    if (slot->serial <= newest.serial) continue;
    newest = *slot;
    newest.place = i;
  }
  return newest;
}

}  // namespace tallyd
