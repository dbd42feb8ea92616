#include "net/content_coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

std::string DecodeGzip(const std::string& bytes, std::size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib does not write there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_out, 0U);
  inflateEnd(&stream);
  return out;
}

std::string Decode(const std::string& bytes, Coding coding, std::size_t size) {
  if (coding == Coding::kGzip) return DecodeGzip(bytes, size);
  std::string out(size, '\0');
  std::size_t written = size;
  if (coding == Coding::kBrotli) {
    EXPECT_EQ(
        BrotliDecoderDecompress(bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                &written, reinterpret_cast<std::uint8_t*>(out.data())),
        BROTLI_DECODER_RESULT_SUCCESS);
  } else {
    written = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
  }
  EXPECT_EQ(written, size);
  return out;
}

TEST(ContentCodingTest, ComesBackFromItsBytes) {
  for (const std::size_t rows : {50u, 5'000u, 50'000u}) {
    std::string text;
    for (std::size_t i = 0; i < rows; ++i) text += "\"option-" + std::to_string(i * i) + "\":1,";
    for (const Coding coding : {Coding::kGzip, Coding::kBrotli, Coding::kZstd}) {
      const auto encoded = Encode(text, coding);
      ASSERT_NE(encoded, nullptr) << CodingName(coding) << ' ' << text.size();
      EXPECT_LT(encoded->size(), text.size());
      EXPECT_EQ(Decode(*encoded, coding, text.size()), text);
      EXPECT_EQ(*Encode(text, coding), *encoded);  // the same for all readers
    }
  }
}

TEST(ContentCodingTest, WhatDoesNotGetSmallerStaysAsItIs) {
  EXPECT_EQ(Encode(std::string(4'000, 'a'), Coding::kIdentity), nullptr);
  EXPECT_EQ(Encode(std::string(kEncodeBytesMin - 1, 'a'), Coding::kBrotli), nullptr);
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 4'000; ++i) {
    state = state * 1'664'525U + 1'013'904'223U;
    noise += static_cast<char>(state >> 24);
  }
  for (const Coding coding : {Coding::kGzip, Coding::kBrotli, Coding::kZstd}) {
    EXPECT_EQ(Encode(noise, coding), nullptr) << CodingName(coding);
  }
}

struct Wish {
  const char* accept_encoding;
  Coding ranking;
  Coding exported;
};

TEST(ContentCodingTest, TheHeaviestAcceptedAndTheFirstOfEquals) {
  using enum Coding;
  for (const Wish& wish : {
           Wish{"", kIdentity, kIdentity},
           Wish{"gzip", kGzip, kGzip},
           Wish{"GZIP", kGzip, kGzip},
           Wish{"gzip, deflate, br", kBrotli, kGzip},
           Wish{"gzip, deflate, br, zstd", kBrotli, kZstd},
           Wish{"br;q=0.5, gzip;q=0.8", kGzip, kGzip},
           Wish{"br ; q=0.8 , gzip;q=0.8", kBrotli, kGzip},
           Wish{"br;q=0.001,gzip;q=0", kBrotli, kIdentity},
           Wish{"*", kBrotli, kZstd},
           Wish{"*;q=0.1, gzip;q=0.2", kGzip, kGzip},
           Wish{"br;q=0, zstd;q=0, *", kGzip, kGzip},
           Wish{"*;q=0", kIdentity, kIdentity},
           Wish{"gzip;q=0.000, *;q=0", kIdentity, kIdentity},
           Wish{"identity", kIdentity, kIdentity},
           Wish{"identity, gzip;q=0.5", kIdentity, kIdentity},
           Wish{"identity;q=0.5, gzip;q=0.5", kGzip, kGzip},
           Wish{"identity;q=0, gzip;q=0.1", kGzip, kGzip},
           Wish{"gzip;q=1.0", kGzip, kGzip},
           // Not a weight: no wish.
           Wish{"gzip;q=2", kIdentity, kIdentity},
           Wish{"gzip;q=1.5", kIdentity, kIdentity},
           Wish{"gzip;q=0.1234", kIdentity, kIdentity},
           Wish{"gzip;q=", kIdentity, kIdentity},
           Wish{"gzip;level=9", kIdentity, kIdentity},
           Wish{",,;q=1,", kIdentity, kIdentity},
       }) {
    EXPECT_EQ(ChooseCoding(wish.accept_encoding, kRankingCodings), wish.ranking)
        << wish.accept_encoding;
    EXPECT_EQ(ChooseCoding(wish.accept_encoding, kExportCodings), wish.exported)
        << wish.accept_encoding;
  }
}

}  // namespace
}  // namespace tallyd
