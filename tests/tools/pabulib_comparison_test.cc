#include "tools/pabulib/pabulib_comparison.h"

#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace tallyd {
namespace {

// The ranking that tests/fixtures/cumulative.pb must have.
constexpr char kRanking[] = R"({"poll":"p","version":"e1-1","totals":{"ballots":3,"online":2,
  "paper":1,"blank":0,"invalid":0},"options":{
  "a":{"rank":1,"score":14,"ballots":2,"online":4,"paper":10},
  "b":{"rank":3,"score":6,"ballots":2,"online":6,"paper":0},
  "c":{"rank":2,"score":10,"ballots":1,"online":10,"paper":0}}})";

std::vector<std::string> Compare(const boost::json::value& ranking) {
  const auto file = ReadPabulib(TALLYD_SOURCE_DIR "/tests/fixtures/cumulative.pb");
  EXPECT_TRUE(file.ok()) << file.status();
  return CompareWithRanking(*file, FindScoring(*file), ranking);
}

TEST(PabulibComparisonTest, TheRightRankingHasNoDifference) {
  EXPECT_TRUE(Compare(boost::json::parse(kRanking)).empty());
}

TEST(PabulibComparisonTest, EveryWrongFigureIsNamed) {
  boost::json::value ranking = boost::json::parse(kRanking);
  ranking.as_object()["options"].as_object()["b"].as_object()["online"] = 5;
  EXPECT_EQ(Compare(ranking), std::vector<std::string>{"options b online: recounted 6, served 5"});
  ranking = boost::json::parse(kRanking);
  ranking.as_object()["options"].as_object()["a"].as_object()["score"] = 15;
  EXPECT_EQ(Compare(ranking).size(), 2u);  // neither published nor recounted
  ranking = boost::json::parse(kRanking);
  ranking.as_object()["options"].as_object().erase("c");
  EXPECT_EQ(Compare(ranking).back(),
            "options: the ranking does not have exactly the projects of the file");
  EXPECT_FALSE(Compare(boost::json::parse("[]")).empty());
}

}  // namespace
}  // namespace tallyd
