#pragma once

// The small texts of the API that are not JSON: ids, voters, times, entity tags, Idempotency-Keys.
//
// Pure functions over bytes, callable on anything; any thread, no allocation unless they return a
// string. They say only whether a text is well-formed, never whether the thing exists.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/records.h"

namespace tallyd {

inline constexpr std::size_t kVoterBytesMax = 128;

// [a-z0-9][a-z0-9-]{0,62}: polls, projects, boxes.
bool IsId(std::string_view text);
// [A-Za-z0-9_./-]{1,64}
bool IsOptionId(std::string_view text);
// A language key of a title: letters, digits and hyphens, 2 to 35 bytes, beginning with a letter.
bool IsLanguageTag(std::string_view text);
// 1 to 128 bytes of UTF-8 without control characters (C0, DEL, C1).
bool IsVoter(std::string_view text);
// Well-formed UTF-8 without control characters other than tab and line feed.
bool IsText(std::string_view text);

// RFC 3339 with any offset, up to microseconds (further digits are cut), years 1970 to 9999; a leap
// second is refused. nullopt: not such a time.
std::optional<TimeUs> ParseTime(std::string_view text);
// "2026-05-01T06:00:00Z", with a fraction only where there is one.
std::string FormatTime(TimeUs time);
// "2026-05-01T06:00:00.000Z": always milliseconds, cut.
void AppendTimeMs(TimeUs time, std::string& out);

// The value of Idempotency-Key: quoted or bare, 1 to 64 printable ASCII characters without quote
// and backslash. nullopt: not such a key.
std::optional<std::string_view> ParseIdempotencyKey(std::string_view header);

std::string_view StripBlanks(std::string_view text);

// Decimal digits only, no sign; nullopt also where the number does not fit.
std::optional<std::uint64_t> ParseDecimal(std::string_view text);

// Walks the entity tags of If-Match and If-None-Match:  W/"a", "b"
//   EntityTags tags(header);
//   while (auto tag = tags.Next()) ...        // the opaque part, without quotes and W/
//   if (tags.malformed()) ...
class EntityTags {
 public:
  explicit EntityTags(std::string_view header) : rest_(header) {}
  struct Tag {
    std::string_view opaque;
    bool weak = false;
  };
  std::optional<Tag> Next();
  bool malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
  bool first_ = true;
};

// "e3-18234": version of a ranking, revision of a poll.
struct VersionTag {
  Epoch epoch = 0;
  Position position = 0;
};
std::optional<VersionTag> ParseVersionTag(std::string_view opaque);
void AppendVersionTag(Epoch epoch, Position position, std::string& out);

// Appends a number in decimal.
void AppendNumber(std::uint64_t number, std::string& out);
void AppendNumber(std::int64_t number, std::string& out);

// The media type of a Content-Type value, without parameters and blanks, compared ignoring case.
bool IsMediaType(std::string_view content_type, std::string_view media_type);

// What stands in for a path segment: everything but unreserved characters percent-encoded.
std::string PercentEncode(std::string_view segment);

}  // namespace tallyd
