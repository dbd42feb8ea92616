#include "storage/ballot_store_codec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kFlagPaper = 0x01;
constexpr std::uint8_t kFlagWithdrawn = 0x02;
constexpr std::uint8_t kFlagPrint = 0x04;
constexpr std::uint8_t kFlagSupersedes = 0x08;
constexpr std::uint8_t kFlagsKnown = 0x0f;

}  // namespace

std::string BallotPollPrefix(PollNumber poll) {
  std::string prefix(1 + sizeof poll, kBallotFamily);
  EncodeBigEndian(prefix.data() + 1, poll);
  return prefix;
}

void EncodeBallotValue(const BallotVersion& version, std::string* out) {
  const bool paper = version.channel == Channel::kPaper;
  TALLYD_CHECK(paper || version.box == 0);
  out->clear();
  ByteWriter writer(out);
  writer.U8(kVersion);
  writer.U8(static_cast<std::uint8_t>((paper ? kFlagPaper : 0) |
                                      (version.withdrawn ? kFlagWithdrawn : 0) |
                                      (version.idempotency_print != 0 ? kFlagPrint : 0) |
                                      (version.supersedes != 0 ? kFlagSupersedes : 0)));
  writer.Varint(version.version_no);
  writer.Varint(version.position);
  if (paper) writer.Varint(version.box);
  if (version.idempotency_print != 0) writer.U64(version.idempotency_print);
  if (version.supersedes != 0) writer.Varint(version.supersedes);
  writer.String(version.payload);
}

absl::StatusOr<BallotVersion> DecodeBallot(std::string_view key, std::string_view value) {
  BallotVersion version;
  ByteReader reader(value);
  const std::uint8_t format = reader.U8();
  if (format > kVersion) {
    return absl::UnimplementedError(absl::StrCat("ballot store: a ballot of format ", format,
                                                 ", this tallyd reads up to ", kVersion,
                                                 ": rebuild the ballot store"));
  }
  const std::uint8_t flags = reader.U8();
  version.version_no = reader.Varint32();
  version.position = reader.Varint();
  version.withdrawn = (flags & kFlagWithdrawn) != 0;
  if ((flags & kFlagPaper) != 0) {
    version.channel = Channel::kPaper;
    version.box = reader.Varint32();
  }
  if ((flags & kFlagPrint) != 0) version.idempotency_print = reader.U64();
  if ((flags & kFlagSupersedes) != 0) version.supersedes = reader.Varint();
  version.payload = std::string(reader.String());
  if (!reader.finished() || format != kVersion || (flags & ~kFlagsKnown) != 0 ||
      key.size() != kBallotKeyBytes) {
    return absl::DataLossError("ballot store: a ballot is damaged: rebuild the ballot store");
  }
  version.poll = DecodeBigEndian<PollNumber>(key.data() + 1);
  std::copy_n(key.data() + 5, version.tag.bytes.size(),
              reinterpret_cast<char*>(version.tag.bytes.data()));
  version.seq = ~DecodeBigEndian<Seq>(key.data() + kVoterPrefixBytes);
  return version;
}

std::string EncodeStorePosition(const StorePosition& position) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U8(kVersion);
  writer.U64(position.epoch);
  writer.U64(position.position);
  return bytes;
}

absl::StatusOr<StorePosition> DecodeStorePosition(std::string_view bytes) {
  ByteReader reader(bytes);
  const std::uint8_t format = reader.U8();
  if (format > kVersion) {
    return absl::UnimplementedError(absl::StrCat("ballot store has format ", format,
                                                 ", this tallyd reads up to ", kVersion,
                                                 ": rebuild the ballot store"));
  }
  StorePosition position;
  position.epoch = reader.U64();
  position.position = reader.U64();
  if (!reader.finished() || format != kVersion) {
    return absl::DataLossError("ballot store: its position is damaged: rebuild the ballot store");
  }
  return position;
}

}  // namespace tallyd
