#include "storage/watermark.h"

#include <fcntl.h>

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"

#include "storage/check.h"
#include "storage/durable_file.h"
#include "storage/watermark_codec.h"

namespace tallyd {
namespace {

class TwoSlotFile final : public WatermarkFile {
 public:
  TwoSlotFile(std::string path, FileDescriptor file, const WatermarkSlot& newest)
      : path_(std::move(path)), file_(std::move(file)), newest_(newest) {}

  const Watermark& newest() const override { return newest_.watermark; }

  absl::Status Write(const Watermark& watermark) override {
    const Watermark& before = newest_.watermark;
    TALLYD_CHECK(watermark.epoch > before.epoch ||
                 (watermark.epoch == before.epoch && watermark.position >= before.position));
    if (!failure_.ok()) return failure_;
    const WatermarkSlot slot{.serial = newest_.serial + 1,
                             .watermark = watermark,
                             .place = (newest_.place + 1) % kWatermarkSlots};
    failure_ = WriteAll(file_, path_, slot.place * kWatermarkSlotStride,
                        EncodeWatermarkSlot(slot.serial, watermark));
    if (failure_.ok()) failure_ = SyncData(file_, path_);
    if (!failure_.ok()) return failure_;
    newest_ = slot;
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const FileDescriptor file_;
  WatermarkSlot newest_;
  absl::Status failure_;  // after a failed sync nothing here is known to be on disk
};

}  // namespace

absl::StatusOr<std::unique_ptr<WatermarkFile>> WatermarkFile::Open(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(path);
  if (!bytes.ok()) return bytes.status();
  const absl::StatusOr<WatermarkSlot> newest = DecodeNewestSlot(*bytes);
  if (!newest.ok()) return newest.status();
  if (newest->serial == 0) {
    return absl::DataLossError(absl::StrCat(path, ": no slot of the watermark is intact"));
  }
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDWR);
  if (!file.ok()) return file.status();
  return std::make_unique<TwoSlotFile>(path, *std::move(file), *newest);
}

absl::StatusOr<std::unique_ptr<WatermarkFile>> WatermarkFile::Create(const std::string& path,
                                                                     const Watermark& initial) {
  // Full size from the start: later writes change bytes only, and their sync no metadata.
  std::string bytes = EncodeWatermarkSlot(1, initial);
  bytes.resize(kWatermarkSlots * kWatermarkSlotStride, '\0');
  if (absl::Status status = CreateFile(path, bytes, 0644); !status.ok()) return status;
  return Open(path);
}

}  // namespace tallyd
