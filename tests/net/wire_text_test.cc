#include "net/wire_text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

TEST(WireTextTest, Ids) {
  for (const char* id : {"a", "0", "sommer-2026", "a-"}) EXPECT_TRUE(IsId(id)) << id;
  for (const char* id : {"", "-a", "A", "a_b", "a/b", "a b", "\xc3\xa4"})
    EXPECT_FALSE(IsId(id)) << id;
  EXPECT_TRUE(IsId(std::string(63, 'a')));
  EXPECT_FALSE(IsId(std::string(64, 'a')));
  for (const char* id : {"2025/OGM/0007", "a.b", "-", "_"}) EXPECT_TRUE(IsOptionId(id)) << id;
  for (const char* id : {"", "a b", "a%2F", "\xc3\xa4"}) EXPECT_FALSE(IsOptionId(id)) << id;
  EXPECT_FALSE(IsOptionId(std::string(65, 'a')));
}

TEST(WireTextTest, Voters) {
  for (const char* voter : {"f:1001", "k\xc3\xa4the", " ", "\xf0\x9f\x97\xb3"}) {
    EXPECT_TRUE(IsVoter(voter)) << voter;
  }
  for (const char* voter : {"", "a\tb", "a\x7f", "\xc2\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(IsVoter(voter)) << voter;
  }
  EXPECT_TRUE(IsVoter(std::string(128, 'v')));
  EXPECT_FALSE(IsVoter(std::string(129, 'v')));
}

TEST(WireTextTest, Times) {
  const std::vector<std::pair<const char*, const char*>> good = {
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
      {"2026-05-01T06:00:00Z", "2026-05-01T06:00:00Z"},
      {"2026-05-01T08:00:00+02:00", "2026-05-01T06:00:00Z"},
      {"2026-04-30T23:30:00-06:30", "2026-05-01T06:00:00Z"},
      {"2024-02-29T23:59:59.25Z", "2024-02-29T23:59:59.25Z"},
      {"2026-05-01t06:00:00.123456789z", "2026-05-01T06:00:00.123456Z"},
      {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}};
  for (const auto& [text, normal] : good) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTime(*time), normal);
  }
  EXPECT_EQ(ParseTime("2026-06-03T12:00:00.25Z"), TimeUs{1'780'488'000'250'000});
  for (const char* text : {"",
                           "2026",
                           "2026-05-01",
                           "2026-05-01T06:00:00",
                           "2026-05-01 06:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00+1:00",
                           "2026-01-01T00:00:00+24:00",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+01:00",
                           "2026-01-01T00:00:00ZZ",
                           "+026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00.1234567891Z"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
  std::string out;
  AppendTimeMs(1'780'488'000'250'999, out);
  EXPECT_EQ(out, "2026-06-03T12:00:00.250Z");
}

TEST(WireTextTest, IdempotencyKeys) {
  EXPECT_EQ(ParseIdempotencyKey("\"abc\""), "abc");
  EXPECT_EQ(ParseIdempotencyKey("abc def"), "abc def");
  EXPECT_TRUE(ParseIdempotencyKey(std::string(64, 'k')));
  for (const std::string& key :
       {std::string(), std::string("\"\""), std::string(65, 'k'), std::string("a\"b"),
        std::string("k\xc3\xa4"), std::string("\"")}) {
    EXPECT_FALSE(ParseIdempotencyKey(key)) << key;
  }
}

TEST(WireTextTest, EntityTags) {
  EntityTags tags(R"( W/"e3-1" ,"e3-2","")");
  auto tag = tags.Next();
  ASSERT_TRUE(tag);
  EXPECT_TRUE(tag->weak);
  EXPECT_EQ(tag->opaque, "e3-1");
  tag = tags.Next();
  ASSERT_TRUE(tag);
  EXPECT_FALSE(tag->weak);
  EXPECT_EQ(tag->opaque, "e3-2");
  EXPECT_EQ(tags.Next()->opaque, "");
  EXPECT_FALSE(tags.Next());
  EXPECT_FALSE(tags.malformed());
  for (const char* header : {"", "e3-1", "\"a", "\"a\" \"b\"", "W/", "\"a\",", "w/\"a\""}) {
    EntityTags bad(header);
    while (bad.Next()) {
    }
    EXPECT_TRUE(bad.malformed()) << header;
  }
}

TEST(WireTextTest, VersionTagsAndDecimals) {
  EXPECT_EQ(ParseVersionTag("e3-18234")->position, 18234U);
  for (const char* tag :
       {"", "e3", "3-1", "e-1", "e3-", "e3-1x", "e3--1", "e+3-1", "e03-1", "e3-01"}) {
    EXPECT_FALSE(ParseVersionTag(tag)) << tag;
  }
  EXPECT_EQ(ParseDecimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", "1.0", " 1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseDecimal(text)) << text;
  }
}

TEST(WireTextTest, MediaTypesAndPathSegments) {
  EXPECT_TRUE(IsMediaType("Application/JSON ; charset=utf-8", "application/json"));
  EXPECT_FALSE(IsMediaType("application/jsonx", "application/json"));
  EXPECT_FALSE(IsMediaType("", "application/json"));
  EXPECT_EQ(PercentEncode("2025/OGM 7"), "2025%2FOGM%207");
}

}  // namespace
}  // namespace tallyd
