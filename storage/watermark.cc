#include "storage/watermark.h"

#include <fcntl.h>

#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"

#include "storage/byte_codec.h"
#include "storage/check.h"
#include "storage/checksums.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

// docs/data_formats.md, "Watermark". The slots lie in different pages, so that writing one never
// rewrites the other.
constexpr std::string_view kMagic = "TLYW";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kSlotCount = 2;
constexpr std::size_t kSlotStride = 4096;
constexpr std::size_t kSlotBytes = 72;
constexpr std::size_t kCoveredFrom = 8;

struct Slot {
  std::uint64_t serial = 0;  // rises with every write; 0 = not intact
  Watermark watermark;
};

std::string EncodeSlot(const Slot& slot) {
  std::string body;
  ByteWriter writer(&body);
  writer.U16(kVersion);
  writer.U16(0);
  writer.U32(0);
  writer.U64(slot.serial);
  writer.U64(slot.watermark.epoch);
  writer.U64(slot.watermark.position);
  writer.Bytes(slot.watermark.hash.bytes);
  std::string bytes(kMagic);
  ByteWriter(&bytes).U32(Crc32c(body));
  bytes += body;
  TALLYD_CHECK(bytes.size() == kSlotBytes);
  return bytes;
}

// A slot that is not intact has serial 0; a newer one is an error.
absl::StatusOr<Slot> DecodeSlot(std::string_view bytes) {
  Slot slot;
  if (bytes.size() < kSlotBytes) return slot;
  bytes = bytes.substr(0, kSlotBytes);
  if (bytes.substr(0, kMagic.size()) != kMagic) return slot;
  ByteReader reader(bytes.substr(kMagic.size()));
  if (reader.U32() != Crc32c(bytes.substr(kCoveredFrom))) return slot;
  const std::uint16_t version = reader.U16();
  if (version > kVersion) {
    return absl::UnimplementedError(absl::StrCat("watermark has format version ", version,
                                                 ", this tallyd reads up to ", kVersion));
  }
  if (version != kVersion || reader.U16() != 0 || reader.U32() != 0) return slot;
  const std::uint64_t serial = reader.U64();
  slot.watermark.epoch = reader.U64();
  slot.watermark.position = reader.U64();
  reader.Bytes(&slot.watermark.hash.bytes);
  slot.serial = reader.finished() ? serial : 0;
  return slot;
}

class TwoSlotFile final : public WatermarkFile {
 public:
  TwoSlotFile(std::string path, FileDescriptor file, const Slot& newest, std::size_t newest_at)
      : path_(std::move(path)), file_(std::move(file)), newest_(newest), newest_at_(newest_at) {}

  const Watermark& newest() const override { return newest_.watermark; }

  absl::Status Write(const Watermark& watermark) override {
    const Watermark& before = newest_.watermark;
    TALLYD_CHECK(watermark.epoch > before.epoch ||
                 (watermark.epoch == before.epoch && watermark.position >= before.position));
    if (!failure_.ok()) return failure_;
    const std::size_t at = (newest_at_ + 1) % kSlotCount;
    const Slot slot{.serial = newest_.serial + 1, .watermark = watermark};
    failure_ = WriteAll(file_, path_, at * kSlotStride, EncodeSlot(slot));
    if (failure_.ok()) failure_ = SyncData(file_, path_);
    if (!failure_.ok()) return failure_;
    newest_ = slot;
    newest_at_ = at;
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const FileDescriptor file_;
  Slot newest_;
  std::size_t newest_at_;
  absl::Status failure_;  // after a failed sync nothing here is known to be on disk
};

}  // namespace

absl::StatusOr<std::unique_ptr<WatermarkFile>> WatermarkFile::Open(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(path);
  if (!bytes.ok()) return bytes.status();
  Slot newest;
  std::size_t newest_at = 0;
  for (std::size_t i = 0; i < kSlotCount && i * kSlotStride < bytes->size(); ++i) {
    const absl::StatusOr<Slot> slot = DecodeSlot(std::string_view(*bytes).substr(i * kSlotStride));
    if (!slot.ok()) return slot.status();
    if (slot->serial > newest.serial) {
      newest = *slot;
      newest_at = i;
    }
  }
  if (newest.serial == 0) {
    return absl::DataLossError(absl::StrCat(path, ": no slot of the watermark is intact"));
  }
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDWR);
  if (!file.ok()) return file.status();
  return std::make_unique<TwoSlotFile>(path, *std::move(file), newest, newest_at);
}

absl::StatusOr<std::unique_ptr<WatermarkFile>> WatermarkFile::Create(const std::string& path,
                                                                     const Watermark& initial) {
  // Full size from the start: later writes change bytes only, and their sync no metadata.
  std::string bytes = EncodeSlot({.serial = 1, .watermark = initial});
  bytes.resize(kSlotCount * kSlotStride, '\0');
  if (absl::Status status = CreateFile(path, bytes, 0644); !status.ok()) return status;
  return Open(path);
}

}  // namespace tallyd
