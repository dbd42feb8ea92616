#include "tools/pabulib/pabulib_file.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

using Rule = PabulibScoring::Rule;

PabulibFile ReadFixture(const std::string& name) {
  auto file = ReadPabulib(TALLYD_SOURCE_DIR "/tests/fixtures/" + name);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : PabulibFile();
}

void ExpectRecountIsPublished(const PabulibFile& file) {
  const auto differences = CompareWithPublished(file, RecountVotes(file, FindScoring(file)));
  EXPECT_TRUE(differences.empty()) << differences.size() << ", first: " << differences.front();
  const auto num_votes = file.MetaNumber("num_votes");
  ASSERT_TRUE(num_votes.has_value()) << file.name;
  EXPECT_EQ(static_cast<std::int64_t>(file.votes.size()), *num_votes) << file.name;
}

std::string FaultOf(const std::string& content) {
  const auto file = ParsePabulib(content, "x.pb");
  EXPECT_FALSE(file.ok());
  return std::string(file.status().message());
}

TEST(PabulibFileTest, ApprovalWithQuotesAndLineBreaks) {
  const PabulibFile file = ReadFixture("approval.pb");
  ExpectRecountIsPublished(file);
  ASSERT_EQ(file.projects.size(), 3u);
  EXPECT_EQ(file.projects[0].name, "Trees; benches and \"shade\"");
  EXPECT_EQ(file.projects[1].name, "A fountain\nfor the square");
  EXPECT_EQ(file.projects[2].line, 14);  // the line break in the row before counts
  EXPECT_EQ(file.votes[0].line, 17);
  EXPECT_TRUE(file.votes[1].paper);
  EXPECT_TRUE(file.votes[3].choices.empty());
  EXPECT_EQ(RecountVotes(file, {}).at("2024/OGM/0007").score_paper, 1);
}

TEST(PabulibFileTest, ChooseOneWithByteOrderMarkAndCrLf) {
  const PabulibFile file = ReadFixture("choose_one_bom_crlf.pb");
  ExpectRecountIsPublished(file);
  EXPECT_EQ(file.vote_type, PabulibVoteType::kChooseOne);
  EXPECT_EQ(file.meta.at("description"), "Which square first?");
  EXPECT_EQ(file.votes.back().line, 16);
}

TEST(PabulibFileTest, Cumulative) {
  const PabulibFile file = ReadFixture("cumulative.pb");
  ExpectRecountIsPublished(file);
  EXPECT_EQ(file.LargestPointsSum(), 10);
  EXPECT_EQ(RecountVotes(file, FindScoring(file)).at("b").votes, 2);  // once with 0 points
}

TEST(PabulibFileTest, OrdinalScoringIsFoundByCounting) {
  const PabulibFile borda = ReadFixture("ordinal_borda.pb");
  ExpectRecountIsPublished(borda);
  EXPECT_EQ(FindScoring(borda).rule, Rule::kBorda);
  EXPECT_EQ(FindScoring(borda).max, 3);
  const PabulibFile ballot = ReadFixture("ordinal_borda_ballot.pb");
  ExpectRecountIsPublished(ballot);
  EXPECT_EQ(FindScoring(ballot).rule, Rule::kBordaBallot);
}

TEST(PabulibFileTest, FaultsNameLineAndRule) {
  const std::string head = "META\nkey;value\nvote_type;approval\nPROJECTS\nproject_id;cost;votes\n";
  const std::string votes = "VOTES\nvoter_id;vote\n";
  EXPECT_EQ(FaultOf("1;2\n"), "x.pb:1: the file must begin with a line \"META\"");
  EXPECT_EQ(FaultOf(head + "a;free;1\n" + votes), "x.pb:6: cost must be a whole number, 0 or more");
  EXPECT_EQ(FaultOf(head + "a;1;1\na;2;1\n" + votes), "x.pb:7: the project \"a\" is there twice");
  EXPECT_EQ(FaultOf(head + "a;1;many\n" + votes), "x.pb:6: votes must be a whole number");
  EXPECT_EQ(FaultOf(head + "a;1;1\nVOTES\nvoter;vote\n"),
            "x.pb:8: the header of this section has no column \"voter_id\"");
  EXPECT_EQ(FaultOf(head + "a;1;1\n" + votes + ";a\n"), "x.pb:9: voter_id must not be empty");
  EXPECT_EQ(FaultOf(head + "a;1;1\n"),
            "x.pb:6: the sections META, PROJECTS and VOTES must all be there");
  EXPECT_EQ(FaultOf(head + "a;1;\"1\n" + votes),
            "x.pb:6: a quoted field that begins here never ends");
  EXPECT_EQ(FaultOf(head + "a\xff;1;1\n" + votes), "x.pb:6: the file must be UTF-8");
  EXPECT_NE(FaultOf("META\nkey;value\nvote_type;veto\nPROJECTS\nproject_id;cost\n" + votes)
                .find("vote_type \"veto\" is not one of"),
            std::string::npos);
  EXPECT_EQ(FaultOf("META\nkey;value\nvote_type;cumulative\nPROJECTS\nproject_id;cost\na;1\n"
                    "VOTES\nvoter_id;vote;points\n1;a;1,2\n"),
            "x.pb:9: points must be whole numbers, one for each choice");
}

std::string FindElections() {
  const char* shared = std::getenv("TALLYD_SHARED_DIR");
  const std::filesystem::path root = shared != nullptr ? shared : TALLYD_SOURCE_DIR "/../shared";
  const std::filesystem::path folder = root / "data" / "pabulib";
  return std::filesystem::is_directory(folder) ? folder.string() : "";
}

// The oracle of the importer, checked against what the cities published.
TEST(PabulibElectionsTest, TheRecountOfEveryElectionIsThePublishedResult) {
  const std::string folder = FindElections();
  if (folder.empty()) {
    GTEST_SKIP() << "skipped: no data (shared/data/pabulib, or TALLYD_SHARED_DIR)";
  }
  int elections = 0;
  std::size_t ballots = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".pb") continue;
    const auto file = ReadPabulib(entry.path().string());
    ASSERT_TRUE(file.ok()) << file.status();
    ExpectRecountIsPublished(*file);
    ++elections;
    ballots += file->votes.size();
  }
  std::cout << elections << " elections, " << ballots << " ballots\n";
  EXPECT_GT(elections, 0);
}

}  // namespace
}  // namespace tallyd
