// The small readers that tokens go through: base64url, flat JSON, the file of API keys.

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "net/base64url.h"
#include "net/wire_json_api_keys.h"
#include "net/wire_json_flat.h"
#include "tests/support/token_mint.h"

namespace tallyd {
namespace {

TEST(Base64UrlTest, AgreesWithLibsodiumAndComesBack) {
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = EncodeBase64Url(bytes);
    EXPECT_EQ(text, TokenMint::Base64Url(bytes));
    std::string back = "left over";
    ASSERT_TRUE(DecodeBase64Url(text, back));
    EXPECT_EQ(back, bytes);
  }
}

TEST(Base64UrlTest, OneValueHasOneSpelling) {
  std::string out;
  for (const char* text : {"A", "AAAAA", "AA=", "AA==", "AB", "AAB", "A A", "AA\n", "+AAA", "/AAA",
                           "AAA=", "\xff\xff\xff\xff", "AAAA.", "*"}) {
    EXPECT_FALSE(DecodeBase64Url(text, out)) << text;
  }
  // Every text of three characters is refused, or is what its bytes are encoded to.
  const std::string some = "AQgwZaz09-_=+";
  for (const char a : some) {
    for (const char b : some) {
      for (const char c : some) {
        const std::string text = {a, b, c};
        if (DecodeBase64Url(text, out)) {
          EXPECT_EQ(EncodeBase64Url(out), text);
        }
      }
    }
  }
}

using Kind = FlatJson::Kind;

TEST(FlatJsonTest, ReadsWhatIsAskedFor) {
  FlatJson json({"a", "b", "c", "d"});
  ASSERT_TRUE(
      json.Read(R"({"x":{"a":1,"y":[{"b":2}]},"a":"t\u00e4xt","b":-7,"c":["p","q"],"z":1e9})"));
  EXPECT_EQ(json.member(0).kind, Kind::kText);
  EXPECT_EQ(json.member(0).text, "t\xc3\xa4xt");
  EXPECT_EQ(json.member(1).kind, Kind::kNumber);
  EXPECT_EQ(json.member(1).number, -7);
  EXPECT_EQ(json.member(2).kind, Kind::kTexts);
  EXPECT_EQ(json.member(2).texts_count, 2U);
  EXPECT_EQ(json.member(2).texts[1], "q");
  EXPECT_EQ(json.member(3).kind, Kind::kAbsent);
  // The next document finds nothing of this one.
  ASSERT_TRUE(json.Read(R"({"c":["r"]})"));
  EXPECT_EQ(json.member(0).kind, Kind::kAbsent);
  EXPECT_EQ(json.member(2).texts_count, 1U);
}

TEST(FlatJsonTest, OtherValuesOfAKnownMemberAreOther) {
  FlatJson json({"a"});
  for (const char* text :
       {R"({"a":{}})", R"({"a":{"a":"t"}})", R"({"a":true})", R"({"a":null})", R"({"a":1.5})",
        R"({"a":18446744073709551615})", R"({"a":[1]})", R"({"a":["x",1]})", R"({"a":["x",["y"]]})",
        R"({"a":["x",{"a":"y"}]})", R"({"a":[["x"]]})", R"({"a":["x",null]})"}) {
    ASSERT_TRUE(json.Read(text)) << text;
    EXPECT_EQ(json.member(0).kind, Kind::kOther) << text;
  }
  ASSERT_TRUE(json.Read(R"({"a":[]})"));
  EXPECT_EQ(json.member(0).kind, Kind::kTexts);
}

TEST(FlatJsonTest, RefusesWhatIsNotOneStrictObject) {
  FlatJson json({"a"});
  std::string many = R"({"a":["0")";
  for (std::size_t i = 0; i < FlatJson::kTextsMax; ++i) many += R"(,"x")";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("\"a\""), std::string("1"),
        std::string("null"), std::string("{} {}"), std::string("{\"a\":1,}"),
        std::string("{\"a\":1,\"a\":2}"), std::string("{\"a\":1,\"\\u0061\":2}"),
        std::string("{'a':1}"), std::string("{\"a\":01}"), std::string("{\"a\":\"\xff\"}"),
        std::string("{\"a\":\"\n\"}"), std::string("{\"b\":[[[[[[[[1]]]]]]]]}"), many + "]}"}) {
    EXPECT_FALSE(json.Read(text)) << text;
  }
}

TEST(ApiKeysTest, TheFileComesBackAndNeverHoldsAKey) {
  ApiKeys keys;
  std::vector<std::string> texts;
  for (int i = 0; i < 20; ++i) {
    ApiKeys::Made made =
        ApiKeys::Make("name " + std::to_string(i), ScopeBits(Scope::kVoteOnBehalf, Scope::kPaper),
                      1'700'000'000, i % 2 == 0 ? std::nullopt : std::optional<std::int64_t>(i));
    texts.push_back(made.text);
    ASSERT_TRUE(keys.Add(std::move(made.key)));
  }
  const std::string file = keys.ToJson();
  for (const std::string& text : texts) {
    EXPECT_EQ(file.find(text.substr(18)), std::string::npos);
  }
  auto again = ApiKeys::Parse(file, "keys");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ToJson(), file);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const ApiKey* key = again->Find(texts[i]);
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(key->name, "name " + std::to_string(i));
  }
  const std::string id = again->list()[3].id;
  EXPECT_TRUE(again->Remove(id));
  EXPECT_FALSE(again->Remove(id));
  EXPECT_EQ(again->Find(texts[3]), nullptr);
  EXPECT_NE(again->Find(texts[19]), nullptr);
}

TEST(ApiKeysTest, IsFullAtItsLimit) {
  ApiKeys keys;
  ApiKey key;
  for (std::size_t i = 0; i < ApiKeys::kKeysMax; ++i) {
    key.id = std::to_string(i);
    ASSERT_TRUE(keys.Add(key));
  }
  EXPECT_FALSE(keys.Add(key));
}

TEST(ApiKeysTest, FaultyFilesAreRefusedWithTheirPlace) {
  ApiKeys keys;
  ASSERT_TRUE(keys.Add(ApiKeys::Make("n", ScopeBits(Scope::kPaper), 1, std::nullopt).key));
  const std::string good = keys.ToJson();
  const auto swap = [&](const std::string& what, const std::string& by) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), by);
  };
  const std::string id = keys.list()[0].id;
  struct Row {
    std::string text;
    std::string says;
  };
  const Row rows[] = {{"", "keys"},
                      {"{}", "/keys"},
                      {"{\"keys\":7}", "list"},
                      {swap("paper", "vote"), "vote:on-behalf"},
                      {swap("paper", "root"), "/keys/0/scopes"},
                      {swap("[\"paper\"]", "[]"), "/keys/0/scopes"},
                      {swap(id, "ABCDEFGHIJ"), "/keys/0/id"},
                      {swap("\"name\"", "\"nome\""), "/keys/0/name"},
                      {swap("1970-01-01T00:00:01Z", "yesterday"), "/keys/0/created"},
                      {swap("\"hash\":\"", "\"hash\":\"zz"), "/keys/0/hash"}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto parsed = ApiKeys::Parse(row.text, "keys");
    ASSERT_FALSE(parsed.ok());
    EXPECT_NE(std::string(parsed.status().message()).find(row.says), std::string::npos)
        << parsed.status();
  }
}

}  // namespace
}  // namespace tallyd
