#include "net/wire_csv.h"

#include <gtest/gtest.h>

#include "net/export_cursor.h"

namespace tallyd {
namespace {

std::string Cell(std::string_view text, char separator = ',') {
  std::string out;
  AppendCsvText(text, separator, out);
  return out;
}

TEST(WireCsv, NoCellIsAFormula) {
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1", "a\n=1"}) {
    const std::string cell = Cell(text);
    const std::string inner = cell.front() == '"' ? cell.substr(1) : cell;
    EXPECT_EQ(inner.front(), '\'') << text;
  }
  for (const char* text : {"a-b", "a = b", "1", "a\nb", ""}) {
    EXPECT_EQ(Cell(text).find('\''), std::string::npos) << text;
  }
}

TEST(WireCsv, QuotesWhatTheDialectNeeds) {
  EXPECT_EQ(Cell("a,b"), "\"a,b\"");
  EXPECT_EQ(Cell("a,b", ';'), "a,b");
  EXPECT_EQ(Cell("a;b", ';'), "\"a;b\"");
  EXPECT_EQ(Cell("say \"no\""), "\"say \"\"no\"\"\"");
  EXPECT_EQ(Cell(" a"), "\" a\"");
  EXPECT_EQ(CsvPrologue(CsvDialect::kExcelDe), "\xef\xbb\xbf");
  EXPECT_EQ(FindCsvDialect("excel"), std::nullopt);
}

TEST(ExportCursor, ComesBackAndIsNobodyElses) {
  const ExportCursor cursor{.kind = 'b', .epoch = 3, .first = 18'234, .second = 7};
  const std::string text = FormatCursor(cursor);
  EXPECT_EQ(ParseCursor(text, 'b'), cursor);
  EXPECT_EQ(ParseCursor(text, 'p'), std::nullopt);
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(ParseCursor(text.substr(0, i), 'b').value_or(ExportCursor()) == cursor, false);
  }
  for (const char* other : {"", "x", "e3-18234", "YjMuMQ", "YjMuMS4y!", "YjAzLjEuMg"}) {
    EXPECT_EQ(ParseCursor(other, 'b'), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace tallyd
