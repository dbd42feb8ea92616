#include "engine/ballot.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

constexpr BallotType kTypes[] = {BallotType::kChoose, BallotType::kPoints, BallotType::kRank};

std::string Bytes(std::initializer_list<int> bytes) {
  return std::string(bytes.begin(), bytes.end());
}

BallotRules Choose(std::uint32_t min, std::uint32_t max) {
  return {.type = BallotType::kChoose, .min = min, .max = max};
}
BallotRules Points(std::uint32_t total, std::uint32_t per_option) {
  return {.type = BallotType::kPoints, .points_total = total, .points_per_option_max = per_option};
}
BallotRules Rank(std::uint32_t max) {
  return {.type = BallotType::kRank, .max = max};
}

TEST(PackTest, IsTheBytesTheFormatNames) {
  std::vector<OptionIndex> chosen = {300, 1, 5};
  EXPECT_EQ(PackChoose(absl::MakeSpan(chosen)).view(), Bytes({3, 1, 4, 0xa7, 0x02}));
  std::vector<OptionValue> given = {{7, 200}, {2, 0}};
  EXPECT_EQ(PackPoints(absl::MakeSpan(given)).view(), Bytes({2, 2, 0, 5, 0xc8, 0x01}));
  const std::vector<OptionIndex> ranked = {9, 0, 128};
  EXPECT_EQ(PackRank(ranked).view(), Bytes({3, 9, 0, 0x80, 0x01}));
  EXPECT_EQ(PackRank({}).view(), Bytes({0}));
}

TEST(PackTest, UpDownAndSurveysAreTheBytesTheFormatNames) {
  std::vector<OptionValue> votes = {{7, 1}, {2, -1}, {9, 0}};
  EXPECT_EQ(PackUpDown(absl::MakeSpan(votes)).view(), Bytes({3, 2, 0, 5, 2, 2, 1}));
  std::vector<PackedBallot> answers;
  answers.push_back(PackRank({4, 3}));
  answers.push_back(PackRank({}));
  answers.push_back(PackUpDown(absl::MakeSpan(votes)));
  EXPECT_EQ(PackSurvey(answers).view(), Bytes({2, 4, 3, 0, 3, 2, 0, 5, 2, 2, 1}));
}

TEST(PackTest, AnyOrderOfOptionsGivesTheSameBytes) {
  Random random(TestSeed());
  for (int round = 0; round < 300; ++round) {
    const BallotRules rules = RandomRules(&random, 60);
    if (rules.type == BallotType::kRank) continue;
    std::vector<OptionValue> values = RandomValues(&random, rules, 60);
    const PackedBallot first = Pack(rules.type, values);
    std::shuffle(values.begin(), values.end(), random);
    EXPECT_EQ(Pack(rules.type, values), first);
  }
}

TEST(PackTest, OrderIsMeantInARanking) {
  EXPECT_FALSE(PackRank({1, 2}) == PackRank({2, 1}));
}

TEST(PackDeathTest, RepeatedOptionsAreABrokenInvariant) {
  std::vector<OptionIndex> twice = {4, 4};
  EXPECT_DEATH(PackChoose(absl::MakeSpan(twice)), "broken invariant");
}

TEST(ValidateTest, NamesEachError) {
  const auto rank = [](std::vector<OptionIndex> options) { return PackRank(options); };
  const auto choose = [](std::vector<OptionIndex> options) {
    return PackChoose(absl::MakeSpan(options));
  };
  const auto points = [](std::vector<OptionValue> options) {
    return PackPoints(absl::MakeSpan(options));
  };
  EXPECT_EQ(ValidateBallot(Choose(1, 2), 9, choose({0, 8}).view()), BallotError::kOk);
  EXPECT_EQ(ValidateBallot(Choose(1, 2), 9, choose({}).view()), BallotError::kTooFew);
  EXPECT_EQ(ValidateBallot(Choose(1, 2), 9, choose({0, 1, 2}).view()), BallotError::kTooMany);
  EXPECT_EQ(ValidateBallot(Choose(0, 2), 9, choose({0, 9}).view()), BallotError::kOptionOutOfRange);
  EXPECT_EQ(ValidateBallot(Rank(3), 9, rank({3, 1, 2}).view()), BallotError::kOk);
  EXPECT_EQ(ValidateBallot(Rank(3), 9, rank({3, 1, 2, 0}).view()), BallotError::kTooMany);
  EXPECT_EQ(ValidateBallot(Rank(3), 9, rank({3, 1, 3}).view()), BallotError::kRepeated);
  EXPECT_EQ(ValidateBallot(Rank(3), 9, rank({9}).view()), BallotError::kOptionOutOfRange);
  EXPECT_EQ(ValidateBallot(Points(10, 6), 9, points({{0, 6}, {1, 4}}).view()), BallotError::kOk);
  EXPECT_EQ(ValidateBallot(Points(10, 6), 9, points({{0, 6}, {1, 5}}).view()),
            BallotError::kPointsExceeded);
  EXPECT_EQ(ValidateBallot(Points(10, 6), 9, points({{0, 7}}).view()),
            BallotError::kPointsPerOptionExceeded);
  EXPECT_EQ(ValidateBallot(Points(10, 6), 9, points({{9, 1}}).view()),
            BallotError::kOptionOutOfRange);
  // The sum of many 32-bit points does not wrap.
  const BallotRules vast = Points(~0u, ~0u);
  EXPECT_EQ(ValidateBallot(vast, 9, points({{0, ~0u}, {1, 1}}).view()),
            BallotError::kPointsExceeded);
}

TEST(ValidateTest, FindsRepetitionInLongRankings) {
  std::vector<OptionIndex> options(200);
  for (OptionIndex i = 0; i < options.size(); ++i) options[i] = 199 - i;
  EXPECT_EQ(ValidateBallot(Rank(200), 200, PackRank(options).view()), BallotError::kOk);
  options[199] = options[3];
  EXPECT_EQ(ValidateBallot(Rank(200), 200, PackRank(options).view()), BallotError::kRepeated);
}

TEST(ValidateTest, RefusesWhatIsNotCanonical) {
  const BallotRules rules = Choose(0, 9);
  for (const std::string& bytes : {
           Bytes({}),                                       // no count
           Bytes({2, 1}),                                   // an option is missing
           Bytes({1, 1, 1}),                                // a byte is left
           Bytes({2, 1, 0}),                                // the same option twice
           Bytes({1, 0x81, 0x00}),                          // longer spelling of 1
           Bytes({0x80, 0x00}),                             // longer spelling of no option
           Bytes({1, 0x80}),                                // number cut off
           Bytes({1, 0xff, 0xff, 0xff, 0xff, 0x1f}),        // above 32 bits
           Bytes({1, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}),  // above five bytes
       }) {
    EXPECT_EQ(ValidateBallot(rules, 100, bytes), BallotError::kMalformed)
        << testing::PrintToString(bytes);
  }
  const std::string overflow = Bytes({2, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2});
  EXPECT_EQ(ValidateBallot(rules, ~0u, overflow), BallotError::kMalformed);
}

// Whatever is accepted is the one spelling of what it says.
void ExpectCanonicalIfValid(const BallotRules& rules, OptionIndex options_count,
                            const std::string& bytes) {
  const BallotError error = ValidateBallot(rules, options_count, bytes);
  const std::vector<OptionValue> values = UnpackBallot(rules.type, bytes);
  if (error != BallotError::kOk) return;
  EXPECT_EQ(Pack(rules.type, values).view(), bytes);
  std::int64_t options_named = 0;
  ForEachScore(rules, bytes, [&](OptionIndex option, std::int64_t) {
    EXPECT_LT(option, options_count);
    ++options_named;
  });
  EXPECT_EQ(static_cast<std::size_t>(options_named), values.size());
}

TEST(ValidateTest, RandomBytesNeverCrash) {
  Random random(TestSeed());
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes(Below(&random, 12), '\0');
    // Small numbers often, so that some of it is valid.
    for (char& byte : bytes) {
      byte = static_cast<char>(Below(&random, 4) == 0 ? random() : Below(&random, 5));
    }
    ExpectCanonicalIfValid(RandomRules(&random, 20), 20, bytes);
  }
}

TEST(ValidateTest, DamagedBallotsAreRefusedOrCanonical) {
  Random random(TestSeed());
  for (int round = 0; round < 20'000; ++round) {
    const BallotRules rules = RandomRules(&random, 200);
    std::string bytes(Pack(rules.type, RandomValues(&random, rules, 200)).view());
    bytes[Below(&random, bytes.size())] = static_cast<char>(random());
    ExpectCanonicalIfValid(rules, 200, bytes);
  }
}

TEST(BallotTest, RandomBallotsRoundTripAndScoreLikeTheNaiveCount) {
  Random random(TestSeed());
  for (int round = 0; round < 5'000; ++round) {
    const auto options_count = static_cast<OptionIndex>(1 + Below(&random, 400));
    const BallotRules rules = RandomRules(&random, options_count);
    const std::vector<OptionValue> values = RandomValues(&random, rules, options_count);
    const PackedBallot packed = Pack(rules.type, values);
    ASSERT_EQ(ValidateBallot(rules, options_count, packed.view()), BallotError::kOk);
    EXPECT_EQ(UnpackBallot(rules.type, packed.view()), values);
    EXPECT_EQ(IsBlank(packed.view()), values.empty());
    std::vector<NaiveScore> scores;
    ForEachScore(rules, packed.view(), [&](OptionIndex option, std::int64_t score) {
      scores.push_back({option, score});
    });
    EXPECT_EQ(scores, ScoresOf(rules, values));
  }
}

// Two questions: choose one of the options 0 and 2, votes on 1 and 3.
BallotRules Survey() {
  BallotRules rules{.type = BallotType::kSurvey};
  rules.questions = {Choose(0, 1), {.type = BallotType::kUpDown}};
  rules.question_of_option = {0, 1, 0, 1};
  return rules;
}

TEST(SurveyTest, EachAnswerKeepsTheRulesOfItsQuestion) {
  const BallotRules rules = Survey();
  const auto validate = [&](std::initializer_list<int> bytes) {
    return ValidateBallot(rules, 4, Bytes(bytes));
  };
  EXPECT_EQ(validate({0, 0}), BallotError::kOk);
  EXPECT_EQ(validate({1, 2, 2, 1, 0, 2, 2}), BallotError::kOk);
  EXPECT_EQ(validate({2, 0, 2, 0}), BallotError::kTooMany);
  EXPECT_EQ(validate({1, 1, 0}), BallotError::kOptionOutOfRange) << "the other question's";
  EXPECT_EQ(validate({0, 1, 2, 2}), BallotError::kOptionOutOfRange) << "the other question's";
  EXPECT_EQ(validate({1, 4, 0}), BallotError::kOptionOutOfRange);
  EXPECT_EQ(validate({0, 1, 1, 3}), BallotError::kMalformed) << "no vote";
  EXPECT_EQ(validate({0}), BallotError::kMalformed) << "a question is missing";
  EXPECT_EQ(validate({0, 0, 0}), BallotError::kMalformed) << "more than was asked";
  EXPECT_EQ(validate({}), BallotError::kMalformed);
}

TEST(SurveyTest, ScoresAndAnswersAreThoseOfTheQuestions) {
  const std::string packed = Bytes({1, 2, 2, 1, 0, 2, 2});
  std::vector<std::pair<OptionIndex, std::int64_t>> scores;
  ForEachScore(Survey(), packed,
               [&](OptionIndex option, std::int64_t score) { scores.emplace_back(option, score); });
  const std::vector<std::pair<OptionIndex, std::int64_t>> expected = {{2, 1}, {1, -1}, {3, 1}};
  EXPECT_EQ(scores, expected);
  const auto answers = UnpackSurvey(Survey(), packed);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0], (std::vector<OptionValue>{{2, 0}}));
  EXPECT_EQ(answers[1], (std::vector<OptionValue>{{1, -1}, {3, 1}}));
  EXPECT_FALSE(IsBlank(packed));
  EXPECT_TRUE(IsBlank(Bytes({0, 0})));
}

TEST(BallotTest, BlankIsABallotThatNamesNothing) {
  for (const BallotType type : kTypes) {
    const PackedBallot blank = Pack(type, {});
    EXPECT_TRUE(IsBlank(blank.view()));
    EXPECT_FALSE(blank.empty());
    EXPECT_TRUE(UnpackBallot(type, blank.view()).empty());
  }
  EXPECT_FALSE(IsBlank(""));
}

TEST(PackedBallotTest, KeepsShortAndLongBytesThroughMoves) {
  for (const std::size_t size : {0u, 1u, 40u, 41u, 5'000u}) {
    const std::string bytes(size, 'x');
    PackedBallot ballot(bytes);
    EXPECT_EQ(ballot.view(), bytes);
    PackedBallot moved(std::move(ballot));
    EXPECT_EQ(moved.view(), bytes);
    PackedBallot assigned(std::string(100, 'y'));
    assigned = std::move(moved);
    EXPECT_EQ(assigned.view(), bytes);
    PackedBallot& itself = assigned;
    assigned = std::move(itself);
    EXPECT_EQ(assigned.view(), bytes);
    EXPECT_EQ(assigned.empty(), size == 0);
  }
}

}  // namespace
}  // namespace tallyd
