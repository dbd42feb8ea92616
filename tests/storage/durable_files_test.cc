// The small files: watermark and tally checkpoint.

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

#include "storage/byte_codec.h"
#include "storage/checksums.h"
#include "storage/durable_file.h"
#include "storage/tally_checkpoint.h"
#include "storage/watermark.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr std::size_t kSlotStride = 4096;

std::string Content(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(path);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or("");
}

void SetContent(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  ASSERT_EQ(std::filesystem::file_size(path), bytes.size());
}

Watermark At(Position position, Epoch epoch = 7) {
  Watermark watermark{.epoch = epoch, .position = position, .hash = {}};
  watermark.hash.bytes.fill(static_cast<std::uint8_t>(position));
  return watermark;
}

TEST(DurableFileTest, CreateNeverReplacesAndReplaceCleansUp) {
  TempDirectory dir;
  const std::string path = dir.File("file");
  SetContent(path + ".new", "left by a crash");
  ASSERT_TRUE(CreateFile(path, "one", 0600).ok());
  EXPECT_EQ(CreateFile(path, "two", 0600).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Content(path), "one");
  ASSERT_TRUE(ReplaceFile(path, "three", 0600).ok());
  EXPECT_EQ(Content(path), "three");
  EXPECT_FALSE(FileExists(path + ".new"));
  EXPECT_EQ(ReplaceFile(dir.File("none/file"), "x", 0600).code(), absl::StatusCode::kNotFound);
}

TEST(WatermarkTest, KeepsTheNewestOverReopening) {
  TempDirectory dir;
  const std::string path = dir.File("watermark");
  EXPECT_EQ(WatermarkFile::Open(path).status().code(), absl::StatusCode::kNotFound);
  {
    absl::StatusOr<std::unique_ptr<WatermarkFile>> file = WatermarkFile::Create(path, At(0));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->newest(), At(0));
    for (Position position = 1; position <= 5; ++position) {
      ASSERT_TRUE((*file)->Write(At(position)).ok());
      EXPECT_EQ(WatermarkFile::Open(path).value()->newest(), At(position));
    }
  }
  EXPECT_EQ(WatermarkFile::Create(path, At(9)).status().code(), absl::StatusCode::kAlreadyExists);
  absl::StatusOr<std::unique_ptr<WatermarkFile>> file = WatermarkFile::Open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->newest(), At(5));
  ASSERT_TRUE((*file)->Write(At(5)).ok());
  ASSERT_TRUE((*file)->Write(At(1, 8)).ok());  // a new epoch begins again
  EXPECT_EQ(WatermarkFile::Open(path).value()->newest(), At(1, 8));
  EXPECT_EQ(Content(path).size(), 2 * kSlotStride);
}

TEST(WatermarkTest, ATornSlotLeavesTheOther) {
  TempDirectory dir;
  const std::string path = dir.File("watermark");
  {
    absl::StatusOr<std::unique_ptr<WatermarkFile>> file = WatermarkFile::Create(path, At(1));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write(At(2)).ok());
    ASSERT_TRUE((*file)->Write(At(3)).ok());  // slot 0 again
  }
  const std::string whole = Content(path);
  for (std::size_t at = 0; at < 72; ++at) {
    std::string torn = whole;
    torn[at] = static_cast<char>(torn[at] ^ 0x10);
    SetContent(path, torn);
    absl::StatusOr<std::unique_ptr<WatermarkFile>> file = WatermarkFile::Open(path);
    ASSERT_TRUE(file.ok()) << at << ' ' << file.status();
    EXPECT_EQ((*file)->newest(), At(2));
    ASSERT_TRUE((*file)->Write(At(4)).ok());  // goes over the torn slot
    EXPECT_EQ(WatermarkFile::Open(path).value()->newest(), At(4));
    std::string both = Content(path);
    both[kSlotStride + at] = static_cast<char>(both[kSlotStride + at] ^ 0x10);
    SetContent(path, both);
    EXPECT_EQ(WatermarkFile::Open(path).value()->newest(), At(4));
    both[at] = static_cast<char>(both[at] ^ 0x10);
    SetContent(path, both);
    EXPECT_EQ(WatermarkFile::Open(path).status().code(), absl::StatusCode::kDataLoss);
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{71}}) {
    SetContent(path, whole.substr(0, size));
    EXPECT_EQ(WatermarkFile::Open(path).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  SetContent(path, whole.substr(0, kSlotStride + 30));
  EXPECT_EQ(WatermarkFile::Open(path).value()->newest(), At(3));
}

TEST(WatermarkTest, ANewerFormatIsRefused) {
  TempDirectory dir;
  const std::string path = dir.File("watermark");
  ASSERT_TRUE(WatermarkFile::Create(path, At(1)).ok());
  std::string bytes = Content(path);
  bytes[8] = 2;
  EncodeFixed(bytes.data() + 4, Crc32c(std::string_view(bytes).substr(8, 64)));
  SetContent(path, bytes);
  EXPECT_EQ(WatermarkFile::Open(path).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(WatermarkDeathTest, GoingBackStopsTheProcess) {
  TempDirectory dir;
  absl::StatusOr<std::unique_ptr<WatermarkFile>> file =
      WatermarkFile::Create(dir.File("watermark"), At(5));
  ASSERT_TRUE(file.ok());
  EXPECT_DEATH((*file)->Write(At(4)).IgnoreError(), "broken invariant");
}

TallyCheckpoint SomeCheckpoint() {
  TallyCheckpoint checkpoint;
  checkpoint.epoch = 7;
  checkpoint.position = 99;
  checkpoint.hash.bytes.fill(3);
  checkpoint.polls = {{1, "tally of one"}, {5, ""}, {6, std::string(300, '\0')}};
  return checkpoint;
}

TEST(TallyCheckpointTest, RoundTripsAndReplaces) {
  TempDirectory dir;
  const std::string path = dir.File("tally.checkpoint");
  EXPECT_EQ(ReadTallyCheckpoint(path).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteTallyCheckpoint(path, TallyCheckpoint()).ok());
  EXPECT_TRUE(ReadTallyCheckpoint(path)->polls.empty());
  ASSERT_TRUE(WriteTallyCheckpoint(path, SomeCheckpoint()).ok());
  const absl::StatusOr<TallyCheckpoint> read = ReadTallyCheckpoint(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->epoch, 7u);
  EXPECT_EQ(read->position, 99u);
  EXPECT_EQ(read->hash, SomeCheckpoint().hash);
  ASSERT_EQ(read->polls.size(), 3u);
  EXPECT_EQ(read->polls[0].tally, "tally of one");
  EXPECT_EQ(read->polls[1].poll, 5u);
  EXPECT_EQ(read->polls[2].tally, std::string(300, '\0'));
}

TEST(TallyCheckpointTest, EveryTruncationAndFlippedBitIsDetected) {
  TempDirectory dir;
  const std::string path = dir.File("tally.checkpoint");
  ASSERT_TRUE(WriteTallyCheckpoint(path, SomeCheckpoint()).ok());
  const std::string whole = Content(path);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    SetContent(path, whole.substr(0, size));
    EXPECT_EQ(ReadTallyCheckpoint(path).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 11) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    SetContent(path, flipped);
    EXPECT_EQ(ReadTallyCheckpoint(path).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
}

TEST(TallyCheckpointTest, ANewerFormatIsRefused) {
  TempDirectory dir;
  const std::string path = dir.File("tally.checkpoint");
  ASSERT_TRUE(WriteTallyCheckpoint(path, SomeCheckpoint()).ok());
  std::string bytes = Content(path);
  const auto set_version = [&](char version) {
    bytes[8] = version;
    EncodeFixed(bytes.data() + 4, Crc32c(std::string_view(bytes).substr(8)));
    SetContent(path, bytes);
  };
  set_version(5);
  EXPECT_EQ(ReadTallyCheckpoint(path).status().code(), absl::StatusCode::kUnimplemented);
  // An older one is as good as none: it is derived.
  set_version(2);
  EXPECT_EQ(ReadTallyCheckpoint(path).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tallyd
