#include "net/wire_json_ranking.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "net/ranking_cache.h"
#include "tests/net/poll_view_fixture.h"

namespace tallyd {
namespace {

RankingSnapshot MakeSnapshot() {
  RankingSnapshot snapshot;
  snapshot.poll = 1;
  snapshot.epoch = 3;
  snapshot.position = 18234;
  snapshot.as_of = 1'780'488'000'250'000;
  snapshot.state = PollState::kOpen;
  snapshot.totals.online = 7;
  snapshot.totals.paper = 2;
  snapshot.totals.blank = 1;
  snapshot.rows = {{1, 1, 1, 0}, {5, 5, 4, 1}, {5, 5, 3, 2}};
  snapshot.order = {1, 2, 0};
  snapshot.view = std::make_shared<PollView>(
      MakePollView({.type = BallotType::kChoose, .min = 0, .max = 3}, {"-x", "b/1", "c"}));
  return snapshot;
}

TEST(RankingJsonTest, MembersInRankOrder) {
  std::string out;
  AppendRankingJson(MakeSnapshot(), kAllRanks, out);
  EXPECT_EQ(out,
            R"({"poll":"sommer-2026","version":"e3-18234","as_of":"2026-06-03T12:00:00.250Z",)"
            R"("state":"open","totals":{"ballots":9,"online":7,"paper":2,"blank":1,"invalid":0},)"
            R"("options":{"b/1":{"rank":1,"score":5,"ballots":5,"online":4,"paper":1},)"
            R"("c":{"rank":1,"score":5,"ballots":5,"online":3,"paper":2},)"
            R"("-x":{"rank":3,"score":1,"ballots":1,"online":1,"paper":0}}})"
            "\n");
}

TEST(RankingJsonTest, TopNeverCutsASharedRank) {
  std::string out;
  AppendRankingNdjson(MakeSnapshot(), 1, out);
  EXPECT_EQ(out, R"({"option":"b/1","rank":1,"score":5,"ballots":5,"online":4,"paper":1})"
                 "\n"
                 R"({"option":"c","rank":1,"score":5,"ballots":5,"online":3,"paper":2})"
                 "\n");
}

TEST(RankingCsvTest, NoCellIsAFormula) {
  std::string out;
  AppendRankingCsv(MakeSnapshot(), kAllRanks, out);
  EXPECT_EQ(out,
            "rank,option,score,ballots,online,paper\r\n"
            "1,b/1,5,5,4,1\r\n1,c,5,5,3,2\r\n3,'-x,1,1,1,0\r\n");
}

TEST(RankingCacheTest, RendersAVersionOnce) {
  RankingCache cache;
  RankingSnapshot snapshot = MakeSnapshot();
  const auto first = cache.Get(snapshot, RankingFormat::kJson, Coding::kIdentity);
  EXPECT_EQ(cache.Get(snapshot, RankingFormat::kJson, Coding::kIdentity).bytes, first.bytes);
  EXPECT_NE(cache.Get(snapshot, RankingFormat::kCsv, Coding::kIdentity).bytes, first.bytes);
  snapshot.position++;
  const auto second = cache.Get(snapshot, RankingFormat::kJson, Coding::kIdentity);
  EXPECT_NE(second.bytes, first.bytes);
  // A reader that is late neither gets the newer version nor drives it out.
  snapshot.position--;
  EXPECT_EQ(*cache.Get(snapshot, RankingFormat::kJson, Coding::kIdentity).bytes, *first.bytes);
  snapshot.position++;
  EXPECT_EQ(cache.Get(snapshot, RankingFormat::kJson, Coding::kIdentity).bytes, second.bytes);
}

TEST(RankingCacheTest, EncodesAVersionOnceWhereItIsWorthIt) {
  RankingCache cache;
  const RankingSnapshot small = MakeSnapshot();
  EXPECT_EQ(cache.Get(small, RankingFormat::kJson, Coding::kGzip).coding, Coding::kIdentity);
  RankingSnapshot large = MakeSnapshot();
  std::vector<std::string> ids;
  std::vector<OptionIndex> order;
  large.poll = 2;
  for (OptionIndex i = 0; i < 100; ++i) {
    ids.push_back("option-" + std::to_string(i));
    order.push_back(i);
  }
  large.rows = SharedRows::Repeat(ids.size(), {});
  large.order = SharedOrder(order);
  large.view = std::make_shared<PollView>(MakePollView({}, ids));
  const auto plain = cache.Get(large, RankingFormat::kJson, Coding::kIdentity);
  for (const Coding coding : {Coding::kGzip, Coding::kBrotli}) {
    const auto encoded = cache.Get(large, RankingFormat::kJson, coding);
    EXPECT_EQ(encoded.coding, coding);
    EXPECT_LT(encoded.bytes->size(), plain.bytes->size());
    EXPECT_EQ(cache.Get(large, RankingFormat::kJson, coding).bytes, encoded.bytes);
  }
  EXPECT_EQ(cache.Get(large, RankingFormat::kJson, Coding::kIdentity).bytes, plain.bytes);
}

}  // namespace
}  // namespace tallyd
