#include "storage/tally_checkpoint.h"

#include <cstdint>
#include <string_view>

#include "absl/strings/str_cat.h"

#include "storage/byte_codec.h"
#include "storage/checksums.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

// docs/data_formats.md, "Tally checkpoint".
constexpr std::string_view kCheckpointMagic = "TLYC";
constexpr std::uint16_t kCheckpointVersion = 4;
constexpr std::size_t kCheckpointCrcAt = 4;
constexpr std::size_t kCheckpointCoveredFrom = 8;

absl::Status Damage(const std::string& path, const char* what) {
  return absl::DataLossError(absl::StrCat(path, ": tally checkpoint is damaged: ", what));
}

}  // namespace

absl::Status WriteTallyCheckpoint(const std::string& path, const TallyCheckpoint& checkpoint) {
  std::string bytes(kCheckpointMagic);
  ByteWriter writer(&bytes);
  writer.U32(0);  // the CRC comes last
  writer.U16(kCheckpointVersion);
  writer.U16(0);
  writer.U32(static_cast<std::uint32_t>(checkpoint.polls.size()));
  writer.U64(checkpoint.epoch);
  writer.U64(checkpoint.position);
  writer.Bytes(checkpoint.hash.bytes);
  for (const TallyCheckpoint::Poll& poll : checkpoint.polls) {
    writer.U32(poll.poll);
    writer.U64(poll.tally.size());
    writer.Bytes(poll.tally);
  }
  EncodeFixed(bytes.data() + kCheckpointCrcAt,
              Crc32c(std::string_view(bytes).substr(kCheckpointCoveredFrom)));
  return ReplaceFile(path, bytes, 0644);
}

absl::StatusOr<TallyCheckpoint> ReadTallyCheckpoint(const std::string& path) {
  const absl::StatusOr<std::string> read = ReadWholeFile(path);
  if (!read.ok()) return read.status();
  const std::string_view bytes = *read;
  if (bytes.substr(0, kCheckpointMagic.size()) != kCheckpointMagic)
    return Damage(path, "does not begin with TLYC");
  ByteReader reader(bytes.substr(kCheckpointCrcAt));
  const std::uint32_t crc = reader.U32();
  if (!reader.ok() || crc != Crc32c(bytes.substr(kCheckpointCoveredFrom))) {
    return Damage(path, "checksum mismatch");
  }
  const std::uint16_t version = reader.U16();
  if (version > kCheckpointVersion) {
    return absl::UnimplementedError(absl::StrCat(path, ": tally checkpoint has format version ",
                                                 version, ", this tallyd reads up to ",
                                                 kCheckpointVersion));
  }
  if (version > 0 && version < kCheckpointVersion) {
    return absl::NotFoundError(absl::StrCat(path, ": an earlier tallyd's, of format version ",
                                            version, ": counted anew, and replaced"));
  }
  if (version != kCheckpointVersion || reader.U16() != 0)
    return Damage(path, "unknown version or flags");
  TallyCheckpoint checkpoint;
  const std::uint32_t polls_count = reader.U32();
  checkpoint.epoch = reader.U64();
  checkpoint.position = reader.U64();
  reader.Bytes(&checkpoint.hash.bytes);
  for (std::uint32_t i = 0; i < polls_count && reader.ok(); ++i) {
    TallyCheckpoint::Poll& poll = checkpoint.polls.emplace_back();
    poll.poll = reader.U32();
    const std::uint64_t size = reader.U64();
    if (size > reader.remaining()) reader.Fail();
    poll.tally = std::string(reader.Bytes(reader.ok() ? static_cast<std::size_t>(size) : 0));
  }
  if (!reader.finished()) return Damage(path, "sizes do not agree");
  return checkpoint;
}

}  // namespace tallyd
