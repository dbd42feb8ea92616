#pragma once

// Reads a JSON object whose interesting members lie flat: texts, whole numbers, lists of texts.
//
//   FlatJson json({"iss", "aud", "exp"});
//   if (!json.Read(text)) ...                       // not one strict JSON object
//   if (json.member(0).kind == FlatJson::Kind::kText) use(json.member(0).text);
//
// Made for token headers and claims, which come from strangers: any other member, however nested,
// is walked over and forgotten. Refused: what is not JSON in UTF-8, a known member named twice,
// text after the object, more than 8 levels, more than 64 texts in a list. One thread; nothing is
// allocated once warm; about 300 ns for the claims of a token.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

class FlatJson {
 public:
  enum class Kind : std::uint8_t { kAbsent, kText, kNumber, kTexts, kOther };
  struct Member {
    std::string name;
    Kind kind = Kind::kAbsent;
    std::string text;
    std::int64_t number = 0;
    std::vector<std::string> texts;  // kTexts: the first `texts_count` are the list
    std::size_t texts_count = 0;
  };
  static constexpr std::size_t kTextsMax = 64;
  static constexpr std::size_t kDepthMax = 8;

  explicit FlatJson(std::vector<std::string> names);
  ~FlatJson();
  FlatJson(const FlatJson&) = delete;
  FlatJson& operator=(const FlatJson&) = delete;

  // False: refused; the members are then of no use.
  bool Read(std::string_view text);
  // In the order of the names.
  const Member& member(std::size_t index) const;
  std::size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallyd
