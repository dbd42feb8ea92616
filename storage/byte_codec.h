#pragma once

// Bytes and integers: what every format in storage/ is written with. Little-endian whatever the
// machine; varints are LEB128 in their shortest form; a string is its length as a varint and its
// bytes.
//
// A ByteReader never reads past its end. The first thing that does not fit turns it into an error
// that stays (`ok()` is false, every later value is zero or empty), so a decoder reads all fields
// and asks once. It hands out views into the bytes it was given.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tallyd {

inline constexpr std::size_t kVarintBytesMax = 10;
inline constexpr std::size_t kVarint32BytesMax = 5;

template <typename Integer>
char* EncodeFixed(char* to, Integer value) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &value, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<char>(value >> (8 * i));
  }
  return to + sizeof value;
}

template <typename Integer>
Integer DecodeFixed(const char* from) {
  Integer value{};
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, from, sizeof value);
  } else {
    for (std::size_t i = sizeof value; i-- > 0;) {
      value = static_cast<Integer>(value << 8 | static_cast<unsigned char>(from[i]));
    }
  }
  return value;
}

// Big-endian: for database keys, which sort as bytes.
template <typename Integer>
char* EncodeBigEndian(char* to, Integer value) {
  for (std::size_t i = sizeof value; i-- > 0;) {
    *to++ = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  return to;
}

template <typename Integer>
Integer DecodeBigEndian(const char* from) {
  Integer value{};
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Integer>(value << 8 | static_cast<unsigned char>(from[i]));
  }
  return value;
}

// `to` has room for kVarintBytesMax.
inline char* EncodeVarint(char* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

// Small negative numbers stay short.
inline std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// Appends to a string it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(*out) {}

  void U8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void U16(std::uint16_t value) { Fixed(value); }
  void U32(std::uint32_t value) { Fixed(value); }
  void U64(std::uint64_t value) { Fixed(value); }
  void I64(std::int64_t value) { Fixed(static_cast<std::uint64_t>(value)); }
  void Varint(std::uint64_t value) {
    char buffer[kVarintBytesMax];
    out_.append(buffer, EncodeVarint(buffer, value));
  }
  void SignedVarint(std::int64_t value) { Varint(ZigZag(value)); }
  void Bytes(std::string_view bytes) { out_.append(bytes); }
  template <std::size_t kSize>
  void Bytes(const std::array<std::uint8_t, kSize>& bytes) {
    out_.append(reinterpret_cast<const char*>(bytes.data()), kSize);
  }
  void String(std::string_view text) {
    Varint(text.size());
    Bytes(text);
  }

 private:
  template <typename Integer>
  void Fixed(Integer value) {
    char buffer[sizeof value];
    out_.append(buffer, EncodeFixed(buffer, value));
  }

  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  // Everything was read and nothing failed.
  bool finished() const { return ok_ && at_ == end_; }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  std::uint8_t U8() { return Fixed<std::uint8_t>(); }
  std::uint16_t U16() { return Fixed<std::uint16_t>(); }
  std::uint32_t U32() { return Fixed<std::uint32_t>(); }
  std::uint64_t U64() { return Fixed<std::uint64_t>(); }
  std::int64_t I64() { return static_cast<std::int64_t>(Fixed<std::uint64_t>()); }

  std::uint64_t Varint() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80) [[likely]] {
      return static_cast<unsigned char>(*at_++);
    }
    return LongVarint();
  }
  std::uint32_t Varint32();
  std::int64_t SignedVarint() { return UnZigZag(Varint()); }

  std::string_view Bytes(std::size_t size) {
    if (size > remaining()) {
      Fail();
      return {};
    }
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  template <std::size_t kSize>
  void Bytes(std::array<std::uint8_t, kSize>* bytes) {
    if (kSize > remaining()) {
      Fail();
      bytes->fill(0);
      return;
    }
    std::memcpy(bytes->data(), at_, kSize);
    at_ += kSize;
  }
  std::string_view String() {
    const std::uint64_t size = Varint();
    if (size > remaining()) {
      Fail();
      return {};
    }
    return Bytes(static_cast<std::size_t>(size));
  }

 private:
  template <typename Integer>
  Integer Fixed() {
    if (sizeof(Integer) > remaining()) {
      Fail();
      return 0;
    }
    const Integer value = DecodeFixed<Integer>(at_);
    at_ += sizeof(Integer);
    return value;
  }
  std::uint64_t LongVarint();

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

// An enum is one byte, refused beyond its last known value.
template <typename Enum>
Enum DecodeEnum(ByteReader* reader, Enum first, Enum last) {
  const std::uint8_t value = reader->U8();
  if (value < static_cast<std::uint8_t>(first) || value > static_cast<std::uint8_t>(last)) {
    reader->Fail();
    return first;
  }
  return static_cast<Enum>(value);
}

}  // namespace tallyd
