#include "net/wire_text.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "absl/strings/ascii.h"

#include "net/http_text.h"

namespace tallyd {
namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level
// date algorithms", days_from_civil).
std::int64_t DaysFromCivil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

struct CivilTime {
  std::int64_t year;
  unsigned month, day, hour, minute, second, microsecond;
};

CivilTime CivilFromTime(TimeUs time) {
  std::int64_t seconds = time / kUsPerSecond;
  std::int64_t us = time % kUsPerSecond;
  if (us < 0) {
    us += kUsPerSecond;
    --seconds;
  }
  std::int64_t days = seconds / kSecondsPerDay;
  std::int64_t of_day = seconds % kSecondsPerDay;
  if (of_day < 0) {
    of_day += kSecondsPerDay;
    --days;
  }
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  CivilTime civil{};
  civil.day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  civil.month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  civil.year = static_cast<std::int64_t>(year_of_era) + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.hour = static_cast<unsigned>(of_day / 3600);
  civil.minute = static_cast<unsigned>(of_day / 60 % 60);
  civil.second = static_cast<unsigned>(of_day % 60);
  civil.microsecond = static_cast<unsigned>(us);
  return civil;
}

// Reads exactly `digits` digits at `at`.
std::optional<unsigned> DigitsAt(std::string_view text, std::size_t at, std::size_t digits) {
  if (text.size() < at + digits) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return value;
}

unsigned DaysInMonth(unsigned year, unsigned month) {
  constexpr std::array<unsigned, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// The offset at the end of a time, in seconds east of UTC.
std::optional<std::int64_t> ParseOffset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = DigitsAt(text, 1, 2);
  const auto minutes = DigitsAt(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

// Length of the well-formed UTF-8 sequence at the front (RFC 3629), 0 if there is none; the code
// point goes to `code_point`.
std::size_t SequenceLength(std::string_view text, std::uint32_t& code_point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    code_point = lead;
    return 1;
  }
  std::size_t length = 0;
  std::uint32_t least = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2, least = 0x80, code_point = lead & 0x1fU;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, least = 0x800, code_point = lead & 0x0fU;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, least = 0x10000, code_point = lead & 0x07U;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point < least || code_point > 0x10ffff || surrogate ? 0 : length;
}

bool IsControl(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

// Printable ASCII goes the short way: that is what nearly every voter id is.
template <typename Allowed>
bool IsUtf8Without(std::string_view text, Allowed refused) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x20 && c < 0x7f) {
      ++at;
      continue;
    }
    std::uint32_t code_point = 0;
    const std::size_t length = SequenceLength(text.substr(at), code_point);
    if (length == 0 || refused(code_point)) return false;
    at += length;
  }
  return true;
}

}  // namespace

std::string_view StripBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool IsId(std::string_view text) {
  if (text.empty() || text.size() > 63 || text[0] == '-') return false;
  for (const char c : text) {
    if (!IsLowerOrDigit(c) && c != '-') return false;
  }
  return true;
}

bool IsOptionId(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text) {
    const bool fits = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
                      c == '/' || c == '-';
    if (!fits) return false;
  }
  return true;
}

bool IsLanguageTag(std::string_view text) {
  if (text.size() < 2 || text.size() > 35) return false;
  if (!absl::ascii_isalpha(static_cast<unsigned char>(text[0]))) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') return false;
  }
  return true;
}

bool IsVoter(std::string_view text) {
  return !text.empty() && text.size() <= kVoterBytesMax && IsUtf8Without(text, IsControl);
}

bool IsText(std::string_view text) {
  return IsUtf8Without(text, [](std::uint32_t code_point) {
    return IsControl(code_point) && code_point != '\t' && code_point != '\n';
  });
}

std::optional<TimeUs> ParseTime(std::string_view text) {
  // 2026-05-01T06:00:00[.fraction]offset
  constexpr std::size_t kDateTimeLength = 19;
  if (text.size() < kDateTimeLength + 1 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = DigitsAt(text, 0, 4), month = DigitsAt(text, 5, 2), day = DigitsAt(text, 8, 2);
  const auto hour = DigitsAt(text, 11, 2), minute = DigitsAt(text, 14, 2);
  const auto second = DigitsAt(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*year < 1970 || *month < 1 || *month > 12 || *day < 1 || *day > DaysInMonth(*year, *month) ||
      *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  std::int64_t us = 0;
  std::size_t at = kDateTimeLength;
  if (text[at] == '.') {
    std::int64_t unit = kUsPerSecond / 10;
    const std::size_t first = ++at;
    for (; at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at])); ++at) {
      us += (text[at] - '0') * unit;
      unit /= 10;
    }
    if (at == first || at - first > 9) return std::nullopt;
  }
  const auto offset = ParseOffset(text.substr(at));
  if (!offset) return std::nullopt;
  const std::int64_t seconds = DaysFromCivil(*year, *month, *day) * kSecondsPerDay + *hour * 3600 +
                               *minute * 60 + *second - *offset;
  if (seconds < 0) return std::nullopt;
  return seconds * kUsPerSecond + us;
}

std::string FormatTime(TimeUs time) {
  const CivilTime t = CivilFromTime(time);
  char buffer[64];
  int length =
      std::snprintf(buffer, sizeof buffer, "%04lld-%02u-%02uT%02u:%02u:%02u",
                    static_cast<long long>(t.year), t.month, t.day, t.hour, t.minute, t.second);
  std::string out(buffer, static_cast<std::size_t>(length));
  if (t.microsecond != 0) {
    length = std::snprintf(buffer, sizeof buffer, ".%06u", t.microsecond);
    out.append(buffer, static_cast<std::size_t>(length));
    while (out.back() == '0') out.pop_back();
  }
  out += 'Z';
  return out;
}

void AppendTimeMs(TimeUs time, std::string& out) {
  const CivilTime t = CivilFromTime(time);
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof buffer, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ",
                                   static_cast<long long>(t.year), t.month, t.day, t.hour, t.minute,
                                   t.second, t.microsecond / 1000);
  out.append(buffer, static_cast<std::size_t>(length));
}

std::optional<std::string_view> ParseIdempotencyKey(std::string_view header) {
  header = StripBlanks(header);
  if (header.size() >= 2 && header.front() == '"' && header.back() == '"') {
    header = header.substr(1, header.size() - 2);
  }
  if (header.empty() || header.size() > 64) return std::nullopt;
  for (const char c : header) {
    if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') return std::nullopt;
  }
  return header;
}

std::optional<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<EntityTags::Tag> EntityTags::Next() {
  rest_ = StripBlanks(rest_);
  if (rest_.empty()) {
    malformed_ = malformed_ || first_;
    return std::nullopt;
  }
  if (!first_) {
    if (rest_[0] != ',') {
      malformed_ = true;
      return std::nullopt;
    }
    rest_ = StripBlanks(rest_.substr(1));
  }
  first_ = false;
  Tag tag;
  if (rest_.starts_with("W/")) {
    tag.weak = true;
    rest_.remove_prefix(2);
  }
  const std::size_t close = rest_.size() > 1 ? rest_.find('"', 1) : std::string_view::npos;
  if (rest_.empty() || rest_[0] != '"' || close == std::string_view::npos) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  tag.opaque = rest_.substr(1, close - 1);
  rest_.remove_prefix(close + 1);
  return tag;
}

std::optional<VersionTag> ParseVersionTag(std::string_view opaque) {
  if (!ConsumePrefix(&opaque, "e")) return std::nullopt;
  const std::size_t dash = opaque.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view epoch_digits = opaque.substr(0, dash);
  const std::string_view position_digits = opaque.substr(dash + 1);
  const auto epoch = ParseDecimal(epoch_digits);
  const auto position = ParseDecimal(position_digits);
  if (!epoch || !position) return std::nullopt;
  // Tags are compared as texts (RFC 9110 section 8.8.3.2): "e03-7" is another one than "e3-7".
  const auto is_padded = [](std::string_view digits) {
    return digits.size() > 1 && digits.front() == '0';
  };
  if (is_padded(epoch_digits) || is_padded(position_digits)) return std::nullopt;
  return VersionTag{*epoch, *position};
}

void AppendVersionTag(Epoch epoch, Position position, std::string& out) {
  out += 'e';
  AppendNumber(epoch, out);
  out += '-';
  AppendNumber(position, out);
}

void AppendNumber(std::uint64_t number, std::string& out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

void AppendNumber(std::int64_t number, std::string& out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

bool IsMediaType(std::string_view content_type, std::string_view media_type) {
  const std::string_view bare = content_type.substr(0, content_type.find(';'));
  return EqualsIgnoreCase(StripBlanks(bare), media_type);
}

std::string PercentEncode(std::string_view segment) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
  return out;
}

}  // namespace tallyd
