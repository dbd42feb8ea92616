#include "storage/ballot_store_codec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::uint8_t kRowFormat = 2;
constexpr std::uint8_t kRowPaper = 0x01;
constexpr std::uint8_t kRowWithdrawn = 0x02;
constexpr std::uint8_t kRowPrint = 0x04;
constexpr std::uint8_t kRowSupersedes = 0x08;
constexpr std::uint8_t kRowFlagsKnown = 0x0f;

absl::Status RefuseFormat(std::uint8_t format) {
  if (format > kRowFormat) {
    return absl::UnimplementedError(absl::StrCat("ballot store: format ", format,
                                                 ", this tallyd reads ", kRowFormat,
                                                 ": rebuild the ballot store"));
  }
  if (format > 0 && format < kRowFormat) {
    return absl::OutOfRangeError(absl::StrCat("ballot store: format ", format,
                                              " of an earlier tallyd, this one reads ", kRowFormat,
                                              ": rebuild the ballot store"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string VoterPollPrefix(PollNumber poll) {
  std::string prefix(1 + sizeof poll, kVoterFamily);
  EncodeBigEndian(prefix.data() + 1, poll);
  return prefix;
}

absl::StatusOr<Seq> SeqOfVoterKey(std::string_view key) {
  if (key.size() != kVoterKeyBytes) {
    return absl::DataLossError("ballot store: a voter's key is damaged: rebuild the ballot store");
  }
  return ~DecodeBigEndian<Seq>(key.data() + kVoterPrefixBytes);
}

void EncodeBallotValue(const BallotVersion& version, std::string* out) {
  const bool paper = version.channel == Channel::kPaper;
  TALLYD_CHECK(paper || version.box == 0);
  out->clear();
  ByteWriter writer(out);
  writer.U8(kRowFormat);
  writer.U8(static_cast<std::uint8_t>((paper ? kRowPaper : 0) |
                                      (version.withdrawn ? kRowWithdrawn : 0) |
                                      (version.idempotency_print != 0 ? kRowPrint : 0) |
                                      (version.supersedes != 0 ? kRowSupersedes : 0)));
  writer.Bytes(version.tag.bytes);
  writer.Varint(version.version_no);
  writer.Varint(version.position);
  if (paper) writer.Varint(version.box);
  if (version.idempotency_print != 0) writer.U64(version.idempotency_print);
  if (version.supersedes != 0) writer.Varint(version.supersedes);
  writer.String(version.payload);
}

absl::StatusOr<BallotVersion> DecodeBallot(PollNumber poll, Seq seq, std::string_view value) {
  BallotVersion version;
  version.poll = poll;
  version.seq = seq;
  ByteReader reader(value);
  const std::uint8_t format = reader.U8();
  if (absl::Status refused = RefuseFormat(format); !refused.ok()) return refused;
  const std::uint8_t flags = reader.U8();
  reader.Bytes(&version.tag.bytes);
  version.version_no = reader.Varint32();
  version.position = reader.Varint();
  version.withdrawn = (flags & kRowWithdrawn) != 0;
  if ((flags & kRowPaper) != 0) {
    version.channel = Channel::kPaper;
    version.box = reader.Varint32();
  }
  if ((flags & kRowPrint) != 0) version.idempotency_print = reader.U64();
  if ((flags & kRowSupersedes) != 0) version.supersedes = reader.Varint();
  version.payload = std::string(reader.String());
  if (!reader.finished() || format != kRowFormat || (flags & ~kRowFlagsKnown) != 0) {
    return absl::DataLossError("ballot store: a ballot is damaged: rebuild the ballot store");
  }
  return version;
}

std::string EncodeStorePosition(const StorePosition& position) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U8(kRowFormat);
  writer.U64(position.epoch);
  writer.U64(position.position);
  return bytes;
}

absl::StatusOr<StorePosition> DecodeStorePosition(std::string_view bytes) {
  ByteReader reader(bytes);
  const std::uint8_t format = reader.U8();
  if (absl::Status refused = RefuseFormat(format); !refused.ok()) return refused;
  StorePosition position;
  position.epoch = reader.U64();
  position.position = reader.U64();
  if (!reader.finished() || format != kRowFormat) {
    return absl::DataLossError("ballot store: its position is damaged: rebuild the ballot store");
  }
  return position;
}

}  // namespace tallyd
