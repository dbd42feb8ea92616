#include "tools/pabulib/pabulib_poll.h"

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace tallyd {
namespace {

PabulibFile Fixture(const std::string& name) {
  auto file = ReadPabulib(TALLYD_SOURCE_DIR "/tests/fixtures/" + name);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : PabulibFile();
}

TEST(PabulibPollTest, IdsComeFromFileNames) {
  EXPECT_EQ(PollIdOf("", "/data/Poland_Krakow_2021.pb"), "poland-krakow-2021");
  EXPECT_EQ(PollIdOf("t-", "a__b - c.pb"), "t-a-b-c");
  const std::string long_name(80, 'x');
  const std::string a = PollIdOf("", long_name + "1.pb");
  const std::string b = PollIdOf("", long_name + "2.pb");
  EXPECT_EQ(a.size(), 63u);
  EXPECT_NE(a, b);
}

TEST(PabulibPollTest, ChooseWithSlashesPaperAndBlanks) {
  const PabulibFile file = Fixture("approval.pb");
  const auto plan = PlanPoll(file, "town", "pabulib");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(boost::json::serialize(plan->document.at("ballot")),
            R"({"type":"choose","min":0,"max":2})");
  EXPECT_EQ(VoteLine(file, *plan, file.votes[0], true),
            "{\"voter\":\"town:11\",\"choices\":[\"2024/OGM/0007\"]}\n");
  EXPECT_EQ(VoteLine(file, *plan, file.votes[3], true),
            "{\"voter\":\"town:14\",\"choices\":[],\"channel\":\"paper\",\"box\":\"paper\"}\n");
}

TEST(PabulibPollTest, PointsAndRank) {
  const PabulibFile points = Fixture("cumulative.pb");
  const auto points_plan = PlanPoll(points, "p", "pabulib");
  ASSERT_TRUE(points_plan.ok());
  EXPECT_EQ(boost::json::serialize(points_plan->document.at("ballot")),
            R"({"type":"points","total":10,"max_per_option":10})");
  EXPECT_EQ(VoteLine(points, *points_plan, points.votes[1], true),
            "{\"voter\":\"p:2\",\"points\":{\"a\":10,\"b\":0},\"channel\":\"paper\","
            "\"box\":\"paper\"}\n");
  const PabulibFile rank = Fixture("ordinal_borda_ballot.pb");
  const auto rank_plan = PlanPoll(rank, "r", "pabulib");
  ASSERT_TRUE(rank_plan.ok());
  EXPECT_EQ(boost::json::serialize(rank_plan->document.at("ballot")),
            R"({"type":"rank","max":3,"scoring":"borda_ballot"})");
  EXPECT_EQ(VoteLine(rank, *rank_plan, rank.votes[2], false),
            "{\"voter\":\"r:3\",\"ranking\":[\"q\",\"p\"]}\n");
}

TEST(PabulibPollTest, ABallotBeyondTheStatedLimitWidensThePollAndIsSaid) {
  PabulibFile file = Fixture("approval.pb");
  file.meta["max_length"] = "1";
  file.meta["min_length"] = "1";
  const auto plan = PlanPoll(file, "town", "pabulib");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(boost::json::serialize(plan->document.at("ballot")),
            R"({"type":"choose","min":0,"max":2})");
  ASSERT_EQ(plan->notes.size(), 2u);
  EXPECT_EQ(plan->notes[0], "max_length is 1, but a ballot of the file has 2: the poll allows 2");
}

TEST(PabulibPollTest, AnOptionNamedTwiceReachesTheServerAsItIs) {
  PabulibFile file = Fixture("cumulative.pb");
  file.votes[0].choices = {"a", "a"};
  const auto plan = PlanPoll(file, "p", "pabulib");
  ASSERT_TRUE(plan.ok());
  EXPECT_NE(VoteLine(file, *plan, file.votes[0], true).find(R"("points":{"a":4,"a":6})"),
            std::string::npos);
}

TEST(PabulibPollTest, AProjectIdThatDoesNotFitIsRefusedWithItsLine) {
  PabulibFile file = Fixture("cumulative.pb");
  file.projects[1].id = "b b";
  const auto plan = PlanPoll(file, "p", "pabulib");
  EXPECT_NE(std::string(plan.status().message()).find(".pb:11: the project id \"b b\""),
            std::string::npos)
      << plan.status();
}

TEST(PabulibPollTest, ADefinitionThatSaysMoreHoldsTheWantedOne) {
  const auto value = [](const char* text) { return boost::json::parse(text); };
  EXPECT_TRUE(HoldsAll(value(R"({"a":[{"b":1,"c":2}],"d":3})"), value(R"({"a":[{"b":1}]})")));
  EXPECT_FALSE(HoldsAll(value(R"({"a":[{"b":1}]})"), value(R"({"a":[{"b":2}]})")));
  EXPECT_FALSE(HoldsAll(value(R"({"a":[1,2]})"), value(R"({"a":[1]})")));
}

}  // namespace
}  // namespace tallyd
