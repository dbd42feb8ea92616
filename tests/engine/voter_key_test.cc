#include "engine/voter_key.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

#include "tests/engine/counting_key.h"

namespace tallyd {
namespace {

using Salt = std::array<std::uint8_t, 16>;

Salt CountingSalt(std::uint8_t first) {
  Salt salt;
  for (std::size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<std::uint8_t>(first + i);
  return salt;
}

template <std::size_t kSize>
std::string HexOf(const std::array<std::uint8_t, kSize>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Computed with other code (Python's hashlib and a SipHash-2-4-128 checked against the reference
// vectors). If one of these changes, everybody who voted could vote again after an upgrade.
TEST(VoterKeyTest, DerivationNeverDrifts) {
  const VoterKey key = VoterKey::Derive(CountingKey(0), "parks-2026", CountingSalt(0x40));
  EXPECT_EQ(HexOf(key.Check()), "a11a00e8aedbf68b");
  const VoterTag tag = key.MakeTag("voter-0001");
  EXPECT_EQ(HexOf(tag.bytes), "06fb7630251ad188449c1022271544df");
  EXPECT_EQ(HexOf(key.MakeTag("voter-0001", 2).bytes), "0c5517bca5ae390f4aebb1f25e7f2ee9");
  EXPECT_EQ(key.MakeIdempotencyPrint(tag, "retry-1"), 0x9f8c1116e6c7ba1du);
}

TEST(VoterKeyTest, EveryDayHasTagsOfItsOwn) {
  const VoterKey key = VoterKey::Derive(CountingKey(0), "p", CountingSalt(1));
  std::set<std::string> tags = {HexOf(key.MakeTag("v").bytes)};
  for (std::int32_t day = -3; day < 100; ++day) {
    tags.insert(HexOf(key.MakeTag("v", 1, day).bytes));
    tags.insert(HexOf(key.MakeTag("v", 2, day).bytes));
  }
  EXPECT_EQ(tags.size(), 207u);
  EXPECT_EQ(key.MakeTag("v", 2, 7), key.MakeTag("v", 2, 7));
}

TEST(VoterKeyTest, TheFirstBallotHasTheVotersOwnTag) {
  const VoterKey key = VoterKey::Derive(CountingKey(0), "p", CountingSalt(1));
  EXPECT_EQ(key.MakeTag("v"), key.MakeTag("v", 1));
  std::set<std::string> tags;
  for (std::uint32_t ballot_no = 1; ballot_no <= 300; ++ballot_no) {
    tags.insert(HexOf(key.MakeTag("v", ballot_no).bytes));
  }
  EXPECT_EQ(tags.size(), 300u);
}

TEST(VoterKeyTest, PollsSaltsAndRootsGiveUnrelatedTags) {
  RootKey other_root = CountingKey(0);
  other_root[31] ^= 1;
  std::set<std::string> tags;
  std::set<std::string> checks;
  std::set<std::uint64_t> prints;
  const VoterKey keys[] = {
      VoterKey::Derive(CountingKey(0), "poll-a", CountingSalt(0)),
      VoterKey::Derive(CountingKey(0), "poll-b", CountingSalt(0)),
      VoterKey::Derive(CountingKey(0), "poll-a", CountingSalt(1)),
      VoterKey::Derive(CountingKey(0), "", CountingSalt(0)),
      VoterKey::Derive(other_root, "poll-a", CountingSalt(0)),
  };
  for (const VoterKey& key : keys) {
    for (const char* voter : {"", "a", "b", "ab"}) tags.insert(HexOf(key.MakeTag(voter).bytes));
    checks.insert(HexOf(key.Check()));
    prints.insert(key.MakeIdempotencyPrint(VoterTag{}, "k"));
  }
  EXPECT_EQ(tags.size(), 5u * 4u);
  EXPECT_EQ(checks.size(), 5u);
  EXPECT_EQ(prints.size(), 5u);
}

TEST(VoterKeyTest, PrintsBelongToVoterAndKey) {
  const VoterKey key = VoterKey::Derive(CountingKey(0), "p", CountingSalt(0));
  const VoterTag a = key.MakeTag("a");
  const VoterTag b = key.MakeTag("b");
  EXPECT_EQ(key.MakeIdempotencyPrint(a, "k"), key.MakeIdempotencyPrint(a, "k"));
  EXPECT_NE(key.MakeIdempotencyPrint(a, "k"), key.MakeIdempotencyPrint(b, "k"));
  EXPECT_NE(key.MakeIdempotencyPrint(a, "k"), key.MakeIdempotencyPrint(a, "l"));
  EXPECT_NE(key.MakeIdempotencyPrint(a, std::string(128, 'k')), 0u);
}

TEST(VoterKeyDeathTest, AnIdempotencyKeyIsAtMost128Bytes) {
  const VoterKey key = VoterKey::Derive(CountingKey(0), "p", CountingSalt(0));
  EXPECT_DEATH(key.MakeIdempotencyPrint(VoterTag{}, std::string(129, 'k')), "broken invariant");
}

TEST(VoterKeyTest, SaltsAreNotRepeated) {
  std::set<std::string> salts;
  for (int i = 0; i < 100; ++i) salts.insert(HexOf(VoterKey::NewSalt()));
  EXPECT_EQ(salts.size(), 100u);
}

}  // namespace
}  // namespace tallyd
