#include "tools/selection/equal_shares.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/pabulib/pabulib_file.h"

namespace tallyd {
namespace {

// Sorted, with a blank behind each.
std::string Ids(const std::vector<EqualSharesOption>& options, const EqualSharesResult& result) {
  std::vector<std::string> ids;
  for (const EqualSharesResult::Bought& bought : result.bought) {
    ids.push_back(options[bought.option].id);
  }
  std::sort(ids.begin(), ids.end());
  std::string joined;
  for (const std::string& id : ids) joined += id + " ";
  return joined;
}

struct Wish {
  const char* id;
  std::int64_t cost;
  std::vector<std::uint32_t> supporters;
};
std::vector<EqualSharesOption> Options(const std::vector<Wish>& wishes) {
  std::vector<EqualSharesOption> options(wishes.size());
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    options[i].id = wishes[i].id;
    options[i].cost = wishes[i].cost;
    options[i].supporters = wishes[i].supporters;
  }
  return options;
}

std::vector<std::uint32_t> Range(std::uint32_t from, std::uint32_t to) {
  std::vector<std::uint32_t> ballots;
  for (std::uint32_t i = from; i < to; ++i) ballots.push_back(i);
  return ballots;
}

// Two thirds want a's, one third wants b's: greedy builds three a's, equal shares two and one b.
TEST(EqualSharesTest, AMinorityGetsItsPart) {
  const std::vector<EqualSharesOption> options = Options({{"a1", 100, Range(0, 60)},
                                                          {"a2", 100, Range(0, 60)},
                                                          {"a3", 100, Range(0, 60)},
                                                          {"b1", 100, Range(60, 90)},
                                                          {"b2", 100, Range(60, 90)}});
  const auto result = SelectEqualShares(options, 90, 300, EqualSharesCompletion::kNone);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Ids(options, *result), "a1 a2 b1 ");
  EXPECT_EQ(result->spent, 300);
  EXPECT_NEAR(result->bought.at(0).price, 100.0 / 60, 1e-9);
  EXPECT_EQ(result->bought.at(0).paying, 60);
}

TEST(EqualSharesTest, WhoHasLittleGivesAllAndTheOthersShareTheRest) {
  // Four ballots of 10. f costs 0, 1 and 2 eight each; so 2 has 2 left when g asks for 11.
  const std::vector<EqualSharesOption> options = Options({{"f", 24, {0, 1, 2}}, {"g", 11, {2, 3}}});
  const auto result = SelectEqualShares(options, 4, 40, EqualSharesCompletion::kNone);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->bought.size(), 2u);
  EXPECT_EQ(options[result->bought[0].option].id, "f");
  EXPECT_NEAR(result->bought[0].price, 8, 1e-9);
  EXPECT_NEAR(result->bought[1].price, 9, 1e-9);
  EXPECT_EQ(result->bought[1].paying, 2);
  // One more, and the two cannot pay it.
  const std::vector<EqualSharesOption> dearer = Options({{"f", 24, {0, 1, 2}}, {"g", 13, {2, 3}}});
  const auto less = SelectEqualShares(dearer, 4, 40, EqualSharesCompletion::kNone);
  ASSERT_TRUE(less.ok()) << less.status();
  EXPECT_EQ(Ids(dearer, *less), "f ");
}

TEST(EqualSharesTest, EqualOffersGoByIdAndCostlessOnesAreIn) {
  const std::vector<EqualSharesOption> options =
      Options({{"b", 10, {0}}, {"a", 10, {0}}, {"free", 0, {0}}, {"nobody", 1, {}}});
  const auto result = SelectEqualShares(options, 1, 10, EqualSharesCompletion::kNone);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(Ids(options, *result), "a free ");
}

TEST(EqualSharesTest, Add1RaisesWhileTheBudgetHolds) {
  // 10 ballots of 1. Each option is named by half of them: nobody can pay 6 with 5.
  const std::vector<EqualSharesOption> options =
      Options({{"a", 6, Range(0, 5)}, {"b", 6, Range(5, 10)}, {"c", 3, Range(0, 5)}});
  const auto none = SelectEqualShares(options, 10, 10, EqualSharesCompletion::kNone);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(Ids(options, *none), "c ");
  // With 2 each: a, b and c cost 15, more than there is; so it stays as it was.
  const auto add1 = SelectEqualShares(options, 10, 10, EqualSharesCompletion::kAdd1);
  ASSERT_TRUE(add1.ok());
  EXPECT_EQ(add1->spent, 3);
  const auto rich = SelectEqualShares(options, 10, 15, EqualSharesCompletion::kAdd1);
  ASSERT_TRUE(rich.ok());
  EXPECT_EQ(rich->spent, 15) << "all that anybody named is in, and the raises end";
}

TEST(EqualSharesTest, RefusesWhatCannotBeShared) {
  EXPECT_EQ(SelectEqualShares({}, 0, 10, EqualSharesCompletion::kNone).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SelectEqualShares({}, 1, -1, EqualSharesCompletion::kNone).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SelectEqualShares(Options({{"a", -1, {}}}), 1, 1, EqualSharesCompletion::kNone)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  // Nobody can ever pay for it, so what is spent never exceeds the budget.
  const std::vector<EqualSharesOption> endless = Options({{"a", std::int64_t{1} << 40, {0}}});
  EXPECT_EQ(SelectEqualShares(endless, 1, 1, EqualSharesCompletion::kAdd1).status().code(),
            absl::StatusCode::kResourceExhausted);
}

// Assen (2024) built what the Method of Equal Shares with add1 selected.
TEST(EqualSharesTest, AssenGotWhatItPublished) {
  const char* shared = std::getenv("TALLYD_SHARED_DIR");
  std::string path = shared != nullptr ? shared : TALLYD_SOURCE_DIR "/../shared";
  path += "/data/pabulib/Netherlands_Assen_2024.pb";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the real elections are not here: " << path;
  const auto file = ReadPabulib(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->meta.at("rule"), "equalshares/add1");
  std::vector<EqualSharesOption> options;
  for (const PabulibProject& project : file->projects) {
    EqualSharesOption option;
    option.id = project.id;
    option.cost = project.cost;
    for (std::uint32_t i = 0; i < file->votes.size(); ++i) {
      const auto& choices = file->votes[i].choices;
      if (std::find(choices.begin(), choices.end(), project.id) != choices.end()) {
        option.supporters.push_back(i);
      }
    }
    options.push_back(std::move(option));
  }
  const auto result =
      SelectEqualShares(options, static_cast<std::int64_t>(file->votes.size()),
                        file->MetaNumber("budget").value(), EqualSharesCompletion::kAdd1);
  ASSERT_TRUE(result.ok()) << result.status();
  // The file's column `selected`.
  EXPECT_EQ(Ids(options, *result), "11 12 13 14 2 3 5 6 9 ");
  EXPECT_EQ(result->spent, 76'700);
}

}  // namespace
}  // namespace tallyd
