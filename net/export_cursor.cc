#include "net/export_cursor.h"

#include "absl/strings/escaping.h"

#include "net/concat.h"
#include "net/wire_text.h"

namespace tallyd {

std::string FormatCursor(const ExportCursor& cursor) {
  return absl::WebSafeBase64Escape(Concat(std::string_view(&cursor.kind, 1), cursor.epoch, ".",
                                          cursor.first, ".", cursor.second));
}

std::optional<ExportCursor> ParseCursor(std::string_view text, char kind) {
  std::string plain;
  if (!absl::WebSafeBase64Unescape(std::string(text), &plain)) return std::nullopt;
  std::string_view rest = plain;
  if (rest.empty() || rest.front() != kind) return std::nullopt;
  rest.remove_prefix(1);
  ExportCursor cursor{.kind = kind};
  std::uint64_t* const numbers[] = {&cursor.epoch, &cursor.first, &cursor.second};
  for (std::uint64_t* number : numbers) {
    const bool last = number == &cursor.second;
    const std::size_t end = last ? rest.size() : rest.find('.');
    if (end == std::string_view::npos) return std::nullopt;
    const auto value = ParseDecimal(rest.substr(0, end));
    if (!value) return std::nullopt;
    *number = *value;
    rest.remove_prefix(last ? end : end + 1);
  }
  // One spelling only: caches and ETags are by it.
  if (FormatCursor(cursor) != text) return std::nullopt;
  return cursor;
}

}  // namespace tallyd
