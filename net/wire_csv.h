#pragma once

// Cells of CSV: RFC 4180, and the dialect of a German Excel.
//
// A text that a spreadsheet would take for a formula begins with an apostrophe: citizens write
// texts, clerks open files. Numbers are written as they are; all of ours are whole, so the decimal
// comma of the dialect has nothing to do. Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallyd {

enum class CsvDialect : std::uint8_t {
  kRfc4180,  // comma, CRLF, UTF-8
  kExcelDe,  // semicolon, CRLF, UTF-8 with a byte-order mark
};

// "rfc4180", "excel-de".
std::optional<CsvDialect> FindCsvDialect(std::string_view name);
char CsvSeparator(CsvDialect dialect);
// What a file begins with.
std::string_view CsvPrologue(CsvDialect dialect);

// One cell, neutralised and quoted where it must be.
void AppendCsvText(std::string_view text, char separator, std::string& out);
// The same without neutralising: for files that programs read and no spreadsheet.
void AppendCsvPlainText(std::string_view text, char separator, std::string& out);

}  // namespace tallyd
