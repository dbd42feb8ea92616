#include "storage/byte_codec.h"

#include <limits>

namespace tallyd {

std::uint64_t ByteReader::LongVarint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; at_ != end_ && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at_++);
    if (shift == 63 && byte > 1) break;  // more than 64 bits
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift != 0) break;  // one number, one spelling
      return value;
    }
  }
  Fail();
  return 0;
}

std::uint32_t ByteReader::Varint32() {
  const std::uint64_t value = Varint();
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    Fail();
    return 0;
  }
  return static_cast<std::uint32_t>(value);
}

}  // namespace tallyd
