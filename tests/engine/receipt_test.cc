#include "engine/receipt.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

#include "tests/engine/counting_key.h"
#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";

ReceiptName RandomName(Random* random) {
  return {.epoch = Below(random, Epoch{1} << 32),
          .poll = static_cast<PollNumber>(Below(random, kPollNumberMax + 1ull)),
          .seq = Below(random, kSeqMax + 1)};
}

TEST(ReceiptTest, RoundTrips) {
  Random random(TestSeed());
  ReceiptCodec codec(DeriveReceiptKey(CountingKey(0)));
  for (int round = 0; round < 10'000; ++round) {
    const ReceiptName name = RandomName(&random);
    const std::string receipt = codec.Encode(name);
    ASSERT_EQ(receipt.size(), kReceiptLength);
    ASSERT_EQ(receipt.find_first_not_of(kAlphabet), std::string::npos);
    ASSERT_EQ(codec.Decode(receipt), name);
  }
  for (const ReceiptName& name :
       {ReceiptName{}, ReceiptName{(Epoch{1} << 32) - 1, kPollNumberMax, kSeqMax}}) {
    EXPECT_EQ(codec.Decode(codec.Encode(name)), name);
  }
}

// Computed by hand with OpenSSL and Python's hashlib: receipts that people hold must stay valid.
TEST(ReceiptTest, StaysTheSameForEver) {
  ReceiptCodec codec(DeriveReceiptKey(CountingKey(0)));
  EXPECT_EQ(codec.Encode({.epoch = 1'777'000'000, .poll = 7, .seq = 123'456}),
            "v95syftb8j3bxnwj80kh3p29c4");
}

// 28 check bits: a changed receipt passes once in 268 million.
TEST(ReceiptTest, RefusesEveryChangeOfOneCharacter) {
  ReceiptCodec codec(DeriveReceiptKey(CountingKey(0)));
  for (Seq seq = 1; seq <= 20; ++seq) {
    const std::string receipt = codec.Encode({.epoch = 1'777'000'000, .poll = 1, .seq = seq});
    for (std::size_t at = 0; at < receipt.size(); ++at) {
      for (int character = 0; character < 256; ++character) {
        std::string changed = receipt;
        changed[at] = static_cast<char>(character);
        if (changed == receipt) continue;
        ASSERT_EQ(codec.Decode(changed), std::nullopt) << changed;
      }
    }
  }
}

TEST(ReceiptTest, HasOneSpelling) {
  ReceiptCodec codec(DeriveReceiptKey(CountingKey(0)));
  const std::string receipt = codec.Encode({.epoch = 1, .poll = 1, .seq = 1});
  // The last character carries three bits; the other two must be zero.
  const std::size_t last = kAlphabet.find(receipt.back());
  EXPECT_EQ(last % 4, 0u);
  for (std::size_t padding = 1; padding < 4; ++padding) {
    std::string other = receipt;
    other.back() = kAlphabet[last + padding];
    EXPECT_EQ(codec.Decode(other), std::nullopt);
  }
  std::string upper = receipt;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(codec.Decode(upper), std::nullopt);
  EXPECT_EQ(codec.Decode(receipt.substr(1)), std::nullopt);
  EXPECT_EQ(codec.Decode(receipt + "0"), std::nullopt);
  EXPECT_EQ(codec.Decode(""), std::nullopt);
}

TEST(ReceiptTest, AnotherKeyRefuses) {
  Random random(TestSeed());
  ReceiptCodec codec(DeriveReceiptKey(CountingKey(0)));
  ReceiptCodec stranger(DeriveReceiptKey(CountingKey(1)));
  for (int round = 0; round < 2'000; ++round) {
    ASSERT_EQ(stranger.Decode(codec.Encode(RandomName(&random))), std::nullopt);
  }
}

TEST(ReceiptTest, NeighboursLookUnrelated) {
  ReceiptCodec codec(DeriveReceiptKey(CountingKey(0)));
  const std::string one = codec.Encode({.epoch = 1, .poll = 1, .seq = 1});
  const std::string two = codec.Encode({.epoch = 1, .poll = 1, .seq = 2});
  int equal = 0;
  for (std::size_t i = 0; i < kReceiptLength; ++i) equal += one[i] == two[i] ? 1 : 0;
  EXPECT_LT(equal, 8);
}

}  // namespace
}  // namespace tallyd
