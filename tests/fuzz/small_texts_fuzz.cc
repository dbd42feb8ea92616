// The small texts of the API (`since`, cursors, entity tags, times, keys): what is read is read the
// same again after it was written, and views stay within what was given.

#include <string>
#include <string_view>

#include "net/export_cursor.h"
#include "net/wire_text.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tallyd {
namespace {

void CheckVersion(std::string_view text) {
  const auto version = ParseVersionTag(text);
  if (!version) return;
  std::string again;
  AppendVersionTag(version->epoch, version->position, again);
  // One text for each version: it is compared as text elsewhere.
  TALLYD_CHECK(again == text);
}

void CheckTags(std::string_view text) {
  EntityTags tags(text);
  std::size_t opaque_bytes = 0;
  while (const auto tag = tags.Next()) {
    TALLYD_CHECK(tag->opaque.find('"') == std::string_view::npos);
    opaque_bytes += tag->opaque.size();
    CheckVersion(tag->opaque);
  }
  TALLYD_CHECK(opaque_bytes <= text.size());
}

void CheckTime(std::string_view text) {
  const auto time = ParseTime(text);
  if (!time) return;
  const std::string written = FormatTime(*time);
  TALLYD_CHECK(ParseTime(written) == time);
  TALLYD_CHECK(FormatTime(*ParseTime(written)) == written);
}

void CheckCursor(std::string_view text) {
  for (const char kind : {'b', 'h', 'p'}) {
    const auto cursor = ParseCursor(text, kind);
    if (!cursor) continue;
    TALLYD_CHECK(cursor->kind == kind);
    TALLYD_CHECK(ParseCursor(FormatCursor(*cursor), kind) == cursor);
  }
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  return {"e3-18234",
          R"(W/"e3-18234", "e1795815280-1")",
          "*",
          "2026-06-03T12:00:00.250Z",
          "2028-02-29T23:59:59.999999+13:45",
          "1970-01-01T00:00:00-00:00",
          FormatCursor({.kind = 'b', .epoch = 3, .first = 18'234, .second = 7}),
          FormatCursor({.kind = 'h', .epoch = 1, .first = ~std::uint64_t{0}}),
          R"("8f3a-key")",
          "18446744073709551615",
          "Straße 12 \xf0\x9f\x98\x80",
          "text/csv; charset=utf-8"};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckVersion(text);
  CheckTags(text);
  CheckTime(text);
  CheckCursor(text);
  const auto key = ParseIdempotencyKey(text);
  TALLYD_CHECK(!key || (!key->empty() && key->size() <= 64));
  const auto number = ParseDecimal(text);
  if (number && text.front() != '0') {
    std::string again;
    AppendNumber(*number, again);
    TALLYD_CHECK(again == text);
  }
  TALLYD_CHECK(!IsVoter(text) || (!text.empty() && text.size() <= kVoterBytesMax && IsText(text)));
  TALLYD_CHECK(!IsId(text) || IsOptionId(text));
  IsLanguageTag(text);
  IsMediaType(text, "text/csv");
  return 0;
}
