#include "net/wire_csv.h"

namespace tallyd {
namespace {

// Also behind blanks, and on each line of a cell: what spreadsheets have been seen to run.
bool LooksLikeFormula(std::string_view text) {
  bool at_start = true;
  for (const char c : text) {
    if (at_start && std::string_view("=+-@\t\r\n").find(c) != std::string_view::npos) return true;
    at_start = (at_start && c == ' ') || c == '\n' || c == '\r';
  }
  return false;
}

}  // namespace

std::optional<CsvDialect> FindCsvDialect(std::string_view name) {
  if (name == "rfc4180") return CsvDialect::kRfc4180;
  if (name == "excel-de") return CsvDialect::kExcelDe;
  return std::nullopt;
}

char CsvSeparator(CsvDialect dialect) {
  return dialect == CsvDialect::kExcelDe ? ';' : ',';
}

std::string_view CsvPrologue(CsvDialect dialect) {
  return dialect == CsvDialect::kExcelDe ? "\xef\xbb\xbf" : "";
}

void AppendCsvText(std::string_view text, char separator, std::string& out) {
  if (!LooksLikeFormula(text)) return AppendCsvPlainText(text, separator, out);
  AppendCsvPlainText("'" + std::string(text), separator, out);
}

void AppendCsvPlainText(std::string_view text, char separator, std::string& out) {
  const char special[] = {separator, '"', '\r', '\n'};
  // Readers strip blanks at the ends of a cell that is not quoted.
  const bool blanks = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  const bool quoted = blanks || text.find_first_of(std::string_view(special, sizeof special)) !=
                                    std::string_view::npos;
  if (quoted) out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  if (quoted) out += '"';
}

}  // namespace tallyd
