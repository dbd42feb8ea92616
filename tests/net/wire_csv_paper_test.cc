// Paper batches as tables: the dialects spreadsheets write, and faults by line.

#include "net/wire_csv_paper.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/poll_view_fixture.h"

namespace tallyd {
namespace {

PollView Poll() {
  return MakePollView({.type = BallotType::kChoose, .min = 1, .max = 1}, {"a", "b/1", "c"},
                      {"hall", "market"});
}

std::string CsvFaults(const std::string& table, const PollView& poll = Poll()) {
  std::vector<BodyError> errors;
  const auto batch = DecodePaperCsv(table, poll, "b", errors);
  EXPECT_EQ(batch.has_value(), errors.empty());
  std::string text;
  for (const BodyError& error : errors) text += error.pointer + " " + error.detail + "\n";
  return text;
}

TEST(PaperCsvTest, EveryDialectGivesTheSameBatch) {
  const PollView poll = Poll();
  const std::vector<std::string> tables = {
      "box,market\nseal,0412\ncards,9\ninvalid,1\nblank,1\noption,count\na,4\nb/1,3\n",
      "Urne;market\r\nSiegel;0412\r\nKarten;9\r\nungültig;1\r\nleer;1\r\nIdee;Stimmen\r\na;4\r\nb/"
      "1;3",
      "\xef\xbb\xbfUrne;market\r\nSiegel;0412\r\nKARTEN;9\r\nUNGÜLTIG;1\r\nLeer;1\r\n\r\n;;\r\n"
      "Vorschlag;Stimmen\r\nb/1;3\r\na;4\r\nc;0\r\n",
      "Urne\tmarket\rSiegel\t0412\rKarten\t9\rung\xfcltig\t1\rleer\t1\rOption\tCount\ra\t4\rb/"
      "1\t3\r",
      "\"box\";\"market\"\n\"seal\";\"0412\"\n\"cards\"; "
      "9\ninvalid;1\nblank;1\noption;x\n\"a\";4\nb/1;3\n"};
  for (const std::string& table : tables) {
    std::vector<BodyError> errors;
    const auto batch = DecodePaperCsv(table, poll, "b", errors);
    ASSERT_TRUE(batch) << table << errors.at(0).pointer << errors.at(0).detail;
    EXPECT_EQ(batch->id, "b");
    EXPECT_EQ(batch->box, 2u);
    EXPECT_EQ(batch->seal, "0412");
    const PaperFigures figures{
        .cards = 9, .invalid = 1, .blank = 1, .counts = {{0, 4, 4}, {1, 3, 3}}};
    EXPECT_TRUE(batch->figures == figures) << table;
  }
}

TEST(PaperCsvTest, ScoresHaveAColumn) {
  const PollView poll = MakePollView({.type = BallotType::kUpDown}, {"a", "b"}, {"hall"});
  std::vector<BodyError> errors;
  const auto batch =
      DecodePaperCsv("box;hall\ncards;3\noption;cards;score\na;3;-1\nb;1;1\n", poll, "b", errors);
  ASSERT_TRUE(batch) << errors.at(0).detail;
  EXPECT_EQ(batch->figures.counts.at(0).score, -1);
}

TEST(PaperCsvTest, EachFaultNamesItsLine) {
  const std::string head = "box;hall\ncards;3\noption;count\n";
  EXPECT_EQ(CsvFaults("box;nix\ncards;3\noption;count\na;3\n"),
            "/1 line 1: the poll has no such box\n");
  EXPECT_EQ(CsvFaults("box;hall\n\"cards\";\"1.000\"\noption;count\na;3\n"),
            "/2 line 2: column 2 must be a number in digits alone, not \"1.000\"\n");
  EXPECT_EQ(CsvFaults(head + "a;2\nnix;1\n"), "/5 line 5: the poll has no option \"nix\"\n");
  EXPECT_EQ(CsvFaults(head + "\n\na;2\na;1\n"), "/7 line 7: \"a\" was counted in line 6\n");
  EXPECT_EQ(CsvFaults(head + "a;\n"),
            "/4 line 4: column 2 must be a number in digits alone, not \"\"\n");
  EXPECT_EQ(CsvFaults(head + "a\n"),
            "/4 line 4: column 2 must be a number in digits alone, not \"\"\n");
  EXPECT_EQ(CsvFaults("box;hall\nbox;hall\ncards;1\noption;x\na;1\n"),
            "/2 line 2: this was said before\n");
  EXPECT_EQ(CsvFaults("a;3\n"),
            "/1 line 1: \"a\" is none of the words known here, and no line with \"option\" (Idee) "
            "came before\n");
  EXPECT_EQ(CsvFaults("cards;1\noption;x\na;1\n"), " no line says the box\n");
  EXPECT_EQ(CsvFaults("box;hall\noption;x\na;1\n"), " no line says how many cards there were\n");
  EXPECT_NE(CsvFaults(head + "a;2\n").find("add up to 2"), std::string::npos);
  EXPECT_EQ(CsvFaults(""), " no line says the box\n");
  EXPECT_EQ(CsvFaults("box;\x81"), " neither UTF-8 nor Windows-1252, or no table\n");
}

}  // namespace
}  // namespace tallyd
