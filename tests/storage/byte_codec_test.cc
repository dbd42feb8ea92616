#include "storage/byte_codec.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "gtest/gtest.h"

#include "storage/checksums.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

TEST(ByteCodecTest, WritesLittleEndianAndShortVarints) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U8(1);
  writer.U16(0x0203);
  writer.U32(0x04050607);
  writer.U64(0x08090a0b0c0d0e0full);
  writer.Varint(127);
  writer.Varint(128);
  writer.SignedVarint(-1);
  writer.String("ab");
  EXPECT_EQ(bytes, std::string("\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x7f"
                               "\x80\x01\x01\x02"
                               "ab",
                               22));
}

TEST(ByteCodecTest, ReadsWhatWasWritten) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t number = random() >> (random() % 64);
    const auto signed_number = static_cast<std::int64_t>(random());
    std::string bytes;
    ByteWriter writer(&bytes);
    writer.Varint(number);
    writer.SignedVarint(signed_number);
    writer.I64(signed_number);
    writer.String("text");
    ByteReader reader(bytes);
    EXPECT_EQ(reader.Varint(), number);
    EXPECT_EQ(reader.SignedVarint(), signed_number);
    EXPECT_EQ(reader.I64(), signed_number);
    EXPECT_EQ(reader.String(), "text");
    EXPECT_TRUE(reader.finished());
  }
}

TEST(ByteCodecTest, AnErrorStays) {
  ByteReader reader(std::string_view("\x05\x01\x02", 3));
  EXPECT_EQ(reader.U8(), 5);
  EXPECT_EQ(reader.U32(), 0u);  // only two bytes are left
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_EQ(reader.String(), "");
  EXPECT_FALSE(reader.finished());
}

TEST(ByteCodecTest, RefusesVarintsThatAreCutTooLongOrNotShortest) {
  const auto refused = [](std::string_view bytes) {
    ByteReader reader(bytes);
    reader.Varint();
    return !reader.ok();
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("\x80"));
  EXPECT_TRUE(refused(std::string_view("\x80\x00", 2)));
  EXPECT_FALSE(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  EXPECT_TRUE(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  EXPECT_TRUE(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  ByteReader wide(std::string_view("\x80\x80\x80\x80\x10", 5));  // 2^32
  wide.Varint32();
  EXPECT_FALSE(wide.ok());
}

TEST(ByteCodecTest, ALengthBeyondTheEndIsAnError) {
  ByteReader reader("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xyz");
  EXPECT_EQ(reader.String(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteCodecTest, BigEndianSortsAsBytes) {
  char low[8], high[8];
  EncodeBigEndian(low, std::uint64_t{255});
  EncodeBigEndian(high, std::uint64_t{256});
  EXPECT_LT(std::string_view(low, 8), std::string_view(high, 8));
  EXPECT_EQ(DecodeBigEndian<std::uint64_t>(high), 256u);
}

TEST(ChecksumsTest, AreTheStandardOnes) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
  const ChainHash hash = Sha256("abc");
  EXPECT_EQ(hash.bytes[0], 0xba);
  EXPECT_EQ(hash.bytes[31], 0xad);
  EXPECT_EQ(Sha256("abc"), hash);
}

}  // namespace
}  // namespace tallyd
