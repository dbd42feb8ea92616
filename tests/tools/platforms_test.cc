// Files of Consul and Decidim, made by us from the formats that their sources describe.

#include <gtest/gtest.h>

#include "tools/platforms/consul_sheet.h"
#include "tools/platforms/decidim_csv.h"

namespace tallyd {
namespace {

using Ids = std::vector<std::string>;

TEST(ConsulSheetTest, BallotsAreSeparatedBySemicolonsAndLines) {
  const auto ballots = ParseConsulSheet("1234;9876, 5678\r\n1000;;2000,3000,2000;\n\n7", "s");
  ASSERT_TRUE(ballots.ok()) << ballots.status();
  ASSERT_EQ(ballots->size(), 6u);
  EXPECT_EQ((*ballots)[0].investments, Ids{"1234"});
  EXPECT_EQ((*ballots)[1].investments, (Ids{"9876", "5678"}));
  EXPECT_EQ((*ballots)[2].investments, Ids{"1000"});
  EXPECT_EQ((*ballots)[3].investments, Ids{}) << "a ballot that names nothing";
  EXPECT_EQ((*ballots)[4].investments, (Ids{"2000", "3000"})) << "once on a ballot";
  EXPECT_EQ((*ballots)[5].investments, Ids{"7"});
  EXPECT_EQ((*ballots)[5].number, 5);
  EXPECT_EQ((*ballots)[5].line, 4);
}

TEST(ConsulSheetTest, WhatIsNoSheetIsRefusedByLine) {
  EXPECT_EQ(ParseConsulSheet("1\n2,x", "s").status().message(),
            "s:2: \"x\" is no id of an investment");
  EXPECT_FALSE(ParseConsulSheet("0", "s").ok());
  EXPECT_FALSE(ParseConsulSheet("1234567890123456789", "s").ok());
  EXPECT_FALSE(ParseConsulSheet("", "s").ok());
  EXPECT_FALSE(ParseConsulSheet("\n\n", "s").ok());
}

TEST(ConsulSheetTest, SheetsOfAVoteAreOneElection) {
  const PabulibFile file = ElectionOf({{"a.csv", *ParseConsulSheet("4,5,6;7,8", "a.csv")},
                                       {"b.csv", *ParseConsulSheet("5", "b.csv")}});
  ASSERT_EQ(file.votes.size(), 3u);
  EXPECT_EQ(file.votes[1].voter_id, "a.csv:1");
  EXPECT_TRUE(file.votes[2].paper);
  ASSERT_EQ(file.projects.size(), 5u);
  EXPECT_EQ(file.projects[1].id, "5");
  EXPECT_EQ(file.projects[1].votes, 2);
}

TEST(DecidimCsvTest, ReadsTheColumnsItKnows) {
  const auto projects = ParseDecidimCsv(
      "\xef\xbb\xbfid;category/id;title/de;budget_amount;paper_ballots_to_import\n"
      "12;3;\"B\xc3\xa4nke; am Fluss\";4000;77\n"
      "7;;Brunnen;9000;\n"
      "12;;;;-2\n",
      "d.csv");
  ASSERT_TRUE(projects.ok()) << projects.status();
  ASSERT_EQ(projects->size(), 2u);
  EXPECT_EQ((*projects)[0].id, "12");
  EXPECT_EQ((*projects)[0].language, "de");
  EXPECT_EQ((*projects)[0].title, "B\xc3\xa4nke; am Fluss");
  EXPECT_EQ((*projects)[0].cost, 4000);
  EXPECT_EQ((*projects)[0].paper_ballots, 75) << "a correction";
  EXPECT_EQ((*projects)[1].paper_ballots, 0);
  const auto commas = ParseDecidimCsv("project_id,paper_ballots_to_import\n1,2\n", "d.csv");
  ASSERT_TRUE(commas.ok()) << commas.status();
  EXPECT_EQ(commas->front().paper_ballots, 2);
}

TEST(DecidimCsvTest, WhatIsNoSuchFileIsRefusedByLine) {
  const auto message = [](const char* content) {
    return std::string(ParseDecidimCsv(content, "d").status().message());
  };
  EXPECT_EQ(message(""), "d:1: the file is empty");
  EXPECT_EQ(message("id;votes\n1;2\n"),
            "d:1: there must be columns id and paper_ballots_to_import");
  EXPECT_EQ(message("id;paper_ballots_to_import\n1;2\nx;1\n"),
            "d:3: the id must be a whole number");
  EXPECT_EQ(message("id;paper_ballots_to_import\n1;2.5\n"),
            "d:2: paper_ballots_to_import must be a whole number");
  EXPECT_EQ(message("id;paper_ballots_to_import\n1;2\n1;-3\n"),
            "d: the rows of project 1 add up to less than nothing");
  EXPECT_EQ(message("id;paper_ballots_to_import\n"), "d:1: the file names no project");
}

}  // namespace
}  // namespace tallyd
