#include "net/wire_json_vote.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/poll_view_fixture.h"

namespace tallyd {
namespace {

using Form = VoteDecoder::Form;

PollView ChoosePoll() {
  return MakePollView({.type = BallotType::kChoose, .min = 1, .max = 3},
                      {"a", "b", "c", "d/1", "e"}, {"rathaus", "fruchthalle"});
}
PollView PointsPoll() {
  return MakePollView({.type = BallotType::kPoints, .points_total = 10, .points_per_option_max = 6},
                      {"a", "b", "c"});
}
PollView RankPoll() {
  return MakePollView({.type = BallotType::kRank, .max = 2}, {"a", "b", "c"});
}

struct Refusal {
  std::string body;
  std::string code;
  std::string pointer;
};

void ExpectRefused(const PollView& poll, Form form, const std::vector<Refusal>& table) {
  VoteDecoder decoder;
  for (const Refusal& row : table) {
    DecodedVote vote;
    BodyError error;
    ASSERT_FALSE(decoder.Decode(row.body, poll, form, vote, error)) << row.body;
    EXPECT_EQ(Describe(error.code).name, row.code) << row.body;
    EXPECT_EQ(error.pointer, row.pointer) << row.body;
  }
}

TEST(VoteDecoderTest, RefusesWhatIsNotOneJsonObject) {
  ExpectRefused(ChoosePoll(), Form::kSingle,
                {{"", "not_json", ""},
                 {"   ", "not_json", ""},
                 {"{", "not_json", ""},
                 {R"({"choices":["a"})", "not_json", ""},
                 {R"({"choices":["a"]} x)", "not_json", ""},
                 {R"({"choices":["a"]}{})", "not_json", ""},
                 {R"({"choices":["a"],})", "not_json", ""},
                 {R"({'choices':["a"]})", "not_json", ""},
                 {R"({"choices":["a"]/**/})", "not_json", ""},
                 {"{\"voter\":\"\xff\",\"choices\":[\"a\"]}", "not_json", ""},
                 {"{\"voter\":\"\xc3\",\"choices\":[\"a\"]}", "not_json", ""},
                 {"{\"voter\":\"\\ud800\",\"choices\":[\"a\"]}", "not_json", ""},
                 {"{\"voter\":\"a\nb\",\"choices\":[\"a\"]}", "not_json", ""},
                 {R"({"choices":NaN})", "not_json", ""},
                 {"[]", "member_invalid", ""},
                 {R"(["a"])", "member_invalid", ""},
                 {"\"a\"", "member_invalid", ""},
                 {"1", "member_invalid", ""},
                 {"null", "member_invalid", ""},
                 {R"({"choices":[[[[[[[[["a"]]]]]]]]]})", "json_too_deep", ""},
                 {R"({"x":{"x":{"x":{"x":{"x":{"x":{"x":{"x":{}}}}}}}}})", "json_too_deep", ""}});
}

TEST(VoteDecoderTest, RefusesMembers) {
  ExpectRefused(
      ChoosePoll(), Form::kSingle,
      {{R"({"voter":"v","voter":"w","choices":["a"]})", "json_duplicate_member", "/voter"},
       {R"({"choices":["a"],"choices":["a"]})", "json_duplicate_member", "/choices"},
       // A 400 wins over the 422 before it.
       {R"({"x":1,"voter":"v","voter":"w"})", "json_duplicate_member", "/voter"},
       {R"({"x":1,"choices":)", "not_json", ""},
       {R"({"choices":["a"],"colour":1})", "json_unknown_member", "/colour"},
       {R"({"choices":["a"],"a/b~c":{"d":[1]}})", "json_unknown_member", "/a~1b~0c"},
       {R"({"choices":["a"],"ref":"r"})", "json_unknown_member", "/ref"},
       {R"({"choices":["a"],"channel":"online"})", "json_unknown_member", "/channel"},
       {R"({"choices":["a"],"box":"rathaus"})", "json_unknown_member", "/box"},
       {R"({"voter":"v"})", "member_missing", "/choices"},
       {R"({})", "member_missing", "/choices"},
       {R"({"voter":1,"choices":["a"]})", "member_invalid", "/voter"},
       {R"({"voter":null,"choices":["a"]})", "member_invalid", "/voter"},
       {R"({"voter":{"a":1},"choices":["a"]})", "member_invalid", "/voter"},
       {R"({"voter":["a"],"choices":["a"]})", "member_invalid", "/voter"},
       {R"({"voter":"","choices":["a"]})", "voter_invalid", "/voter"},
       {R"({"voter":"a\u0000b","choices":["a"]})", "voter_invalid", "/voter"},
       {R"({"voter":"a\nb","choices":["a"]})", "voter_invalid", "/voter"},
       {"{\"voter\":\"\xc2\x85\",\"choices\":[\"a\"]}", "voter_invalid", "/voter"},
       {"{\"voter\":\"" + std::string(129, 'v') + "\",\"choices\":[\"a\"]}", "voter_invalid",
        "/voter"},
       {R"({"choices":["a"],"ballot_no":2})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":0})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":1.0})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":1e0})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":99999999999999999999})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":"1"})", "member_invalid", "/ballot_no"}});
}

TEST(VoteDecoderTest, RefusesChoices) {
  ExpectRefused(ChoosePoll(), Form::kSingle,
                {{R"({"choices":"a"})", "member_invalid", "/choices"},
                 {R"({"choices":{"a":1}})", "member_invalid", "/choices"},
                 {R"({"choices":null})", "member_invalid", "/choices"},
                 {R"({"choices":[1]})", "member_invalid", "/choices/0"},
                 {R"({"choices":["a",null]})", "member_invalid", "/choices/1"},
                 {R"({"choices":["a",["b"]]})", "member_invalid", "/choices/1"},
                 {R"({"choices":["a",{"b":1}]})", "member_invalid", "/choices/1"},
                 {R"({"choices":["nix"]})", "option_unknown", "/choices/0"},
                 {R"({"choices":["a","A"]})", "option_unknown", "/choices/1"},
                 {R"({"choices":["a","b","a"]})", "option_repeated", "/choices/2"},
                 {R"({"choices":["a","b","c","e"]})", "too_many_choices", "/choices"},
                 {R"({"choices":[]})", "too_few_choices", "/choices"},
                 {R"({"points":{"a":1}})", "wrong_ballot_type", "/points"},
                 {R"({"ranking":["a"]})", "wrong_ballot_type", "/ranking"},
                 {R"({"votes":{"a":1}})", "wrong_ballot_type", "/votes"},
                 {R"({"answers":{"q":{"choices":["a"]}}})", "wrong_ballot_type", "/answers"},
                 {R"({"choices":["a"],"points":{"a":1}})", "wrong_ballot_type", "/points"}});
}

TEST(VoteDecoderTest, RefusesPoints) {
  ExpectRefused(PointsPoll(), Form::kSingle,
                {{R"({"points":["a"]})", "member_invalid", "/points"},
                 {R"({"points":{"a":-1}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":1.5}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":1e1}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":"1"}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":true}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":{}}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":18446744073709551615}})", "member_invalid", "/points/a"},
                 {R"({"points":{"a":9223372036854775807}})", "points_exceeded", "/points/a"},
                 {R"({"points":{"a":4294967296}})", "points_exceeded", "/points/a"},
                 {R"({"points":{"a":7}})", "points_exceeded", "/points/a"},
                 {R"({"points":{"a":6,"b":5}})", "points_exceeded", "/points"},
                 {R"({"points":{"x":1}})", "option_unknown", "/points/x"},
                 {R"({"points":{"x/y":1}})", "option_unknown", "/points/x~1y"},
                 {R"({"points":{"a":1,"a":1}})", "json_duplicate_member", "/points/a"},
                 {R"({"choices":["a"]})", "wrong_ballot_type", "/choices"}});
}

TEST(VoteDecoderTest, RefusesRankings) {
  ExpectRefused(RankPoll(), Form::kSingle,
                {{R"({"ranking":{"a":1}})", "member_invalid", "/ranking"},
                 {R"({"ranking":[2]})", "member_invalid", "/ranking/0"},
                 {R"({"ranking":["b","b"]})", "option_repeated", "/ranking/1"},
                 {R"({"ranking":["a","b","c"]})", "too_many_choices", "/ranking"}});
}

TEST(VoteDecoderTest, RefusesLinesOfPaper) {
  ExpectRefused(ChoosePoll(), Form::kBatchLine,
                {{R"({"choices":["a"],"channel":"post"})", "member_invalid", "/channel"},
                 {R"({"choices":["a"],"channel":1})", "member_invalid", "/channel"},
                 {R"({"choices":["a"],"channel":"paper"})", "member_missing", "/box"},
                 {R"({"choices":["a"],"channel":"paper","box":"nix"})", "box_unknown", "/box"},
                 {R"({"choices":["a"],"box":"rathaus"})", "member_invalid", "/box"},
                 {"{\"choices\":[\"a\"],\"ref\":\"" + std::string(129, 'r') + "\"}",
                  "member_invalid", "/ref"}});
}

std::vector<OptionIndex> Options(const PollView& poll, const PackedBallot& ballot) {
  std::vector<OptionIndex> options;
  for (const OptionValue& value : UnpackBallot(poll.definition.ballot.type, ballot.view())) {
    options.push_back(value.option);
  }
  return options;
}

PollView UpDownPoll() {
  return MakePollView({.type = BallotType::kUpDown}, {"a", "b", "c"});
}
PollView Survey() {
  return MakeSurveyView(
      {{.type = BallotType::kChoose, .min = 1, .max = 2},
       {.type = BallotType::kPoints, .points_total = 5, .points_per_option_max = 3},
       {.type = BallotType::kUpDown}});
}

TEST(VoteDecoderTest, RefusesVotesUpAndDown) {
  ExpectRefused(UpDownPoll(), Form::kSingle,
                {{R"({})", "member_missing", "/votes"},
                 {R"({"choices":["a"]})", "wrong_ballot_type", "/choices"},
                 {R"({"votes":["a"]})", "member_invalid", "/votes"},
                 {R"({"votes":{"a":2}})", "member_invalid", "/votes/a"},
                 {R"({"votes":{"a":1,"b":-2}})", "member_invalid", "/votes/b"},
                 {R"({"votes":{"a":true}})", "member_invalid", "/votes/a"},
                 {R"({"votes":{"z":1}})", "option_unknown", "/votes/z"},
                 {R"({"votes":{"a":1,"a":-1}})", "json_duplicate_member", "/votes/a"}});
}

TEST(VoteDecoderTest, RefusesAnswers) {
  ExpectRefused(
      Survey(), Form::kSingle,
      {{R"({})", "member_missing", "/answers"},
       {R"({"choices":["a"]})", "wrong_ballot_type", "/choices"},
       {R"({"answers":[]})", "member_invalid", "/answers"},
       {R"({"answers":{"q1":["a"]}})", "member_invalid", "/answers/q1"},
       {R"({"answers":{"q1":"a"}})", "member_invalid", "/answers/q1"},
       {R"({"answers":{"q1":1}})", "member_invalid", "/answers/q1"},
       {R"({"answers":{"q1":{}}})", "member_missing", "/answers/q1/choices"},
       {R"({"answers":{"q1":{"points":{"a":1}}}})", "wrong_ballot_type", "/answers/q1/points"},
       {R"({"answers":{"q1":{"choices":"a"}}})", "member_invalid", "/answers/q1/choices"},
       {R"({"answers":{"q1":{"choices":["a",["b"]]}}})", "member_invalid", "/answers/q1/choices/1"},
       {R"({"answers":{"q1":{"choices":["a"],"voter":"v"}}})", "json_unknown_member",
        "/answers/q1/voter"},
       {R"({"answers":{"q1":{"choices":["a"]},"q1":{"choices":["a"]}}})", "json_duplicate_member",
        "/answers/q1"},
       {R"({"answers":{"q1":{"choices":["a"],"choices":["b"]}}})", "json_duplicate_member",
        "/answers/q1/choices"},
       {R"({"answers":{"q1":{"choices":["a","z"]}}})", "option_unknown", "/answers/q1/choices/1"},
       {R"({"answers":{"q9":{"choices":["a"]}}})", "question_unknown", "/answers/q9"},
       {R"({"answers":{"q1":{"choices":["a","b","c"]}}})", "too_many_choices",
        "/answers/q1/choices"},
       {R"({"answers":{"q1":{"choices":["a","a"]}}})", "option_repeated", "/answers/q1/choices/1"},
       {R"({"answers":{"q2":{"points":{"a":1}}}})", "too_few_choices", "/answers/q1/choices"},
       {R"({"answers":{"q1":{"choices":["a"]},"q2":{"points":{"b":4}}}})", "points_exceeded",
        "/answers/q2/points/b"},
       {R"({"answers":{"q3":{"votes":{"a":3}},"q1":{"choices":["a"]}}})", "member_invalid",
        "/answers/q3/votes/a"}});
}

TEST(VoteDecoderTest, ReadsSurveysInAnyOrder) {
  const PollView poll = Survey();
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_TRUE(decoder.Decode(
      R"({"answers":{"q3":{"votes":{"c":-1,"a":1}},"q1":{"choices":["c","a"]}},"voter":"v"})", poll,
      Form::kSingle, vote, error))
      << error.pointer;
  EXPECT_EQ(vote.voter, "v");
  std::string text;
  AppendBallotMember(poll, vote.ballot, text);
  EXPECT_EQ(text, R"("answers":{"q1":{"choices":["a","c"]},"q2":{"points":{}},)"
                  R"("q3":{"votes":{"a":1,"c":-1}}})");
  const std::string first(vote.ballot.view());
  ASSERT_TRUE(decoder.Decode(R"({"answers":{"q1":{"choices":["a","c"]},"q2":{"points":{}},)"
                             R"("q3":{"votes":{"a":1,"c":-1}}}})",
                             poll, Form::kSingle, vote, error));
  EXPECT_EQ(vote.ballot.view(), first) << "an unanswered question is a blank answer";
  EXPECT_EQ(ValidateBallot(poll.rules, 9, first), BallotError::kOk);
}

TEST(VoteDecoderTest, ReadsVotesUpAndDown) {
  const PollView poll = UpDownPoll();
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_TRUE(
      decoder.Decode(R"({"votes":{"c":-1,"a":1,"b":0}})", poll, Form::kSingle, vote, error));
  std::string text;
  AppendBallotMember(poll, vote.ballot, text);
  EXPECT_EQ(text, R"("votes":{"a":1,"b":0,"c":-1})");
  ASSERT_TRUE(decoder.Decode(R"({"votes":{}})", poll, Form::kSingle, vote, error));
  EXPECT_TRUE(IsBlank(vote.ballot.view()));
}

TEST(VoteDecoderTest, ReadsWhichOfTheVotersBallotsItIs) {
  PollView poll = ChoosePoll();
  poll.definition.ballots_per_voter.count = 3;
  ExpectRefused(
      poll, Form::kSingle,
      {{R"({"choices":["a"]})", "ballot_no_required", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":0})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":4})", "member_invalid", "/ballot_no"},
       {R"({"choices":["a"],"ballot_no":1,"day":"2026-05-01"})", "member_invalid", "/day"}});
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_TRUE(
      decoder.Decode(R"({"choices":["a"],"ballot_no":3})", poll, Form::kSingle, vote, error));
  EXPECT_EQ(vote.ballot_no, 3u);
}

TEST(VoteDecoderTest, ReadsTheDay) {
  PollView poll = ChoosePoll();
  poll.definition.ballots_per_voter.day_zone = "Europe/Berlin";
  ExpectRefused(poll, Form::kSingle,
                {{R"({"choices":["a"]})", "day_required", "/day"},
                 {R"({"choices":["a"],"day":"today"})", "member_invalid", "/day"},
                 {R"({"choices":["a"],"day":"2026-5-1"})", "member_invalid", "/day"},
                 {R"({"choices":["a"],"day":"2026-02-30"})", "member_invalid", "/day"},
                 {R"({"choices":["a"],"day":20260501})", "member_invalid", "/day"}});
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_TRUE(
      decoder.Decode(R"({"choices":["a"],"day":"2026-03-29"})", poll, Form::kSingle, vote, error));
  ASSERT_TRUE(vote.day.has_value());
  // The clocks go forward in that night: 23 hours, from 23:00 UTC of the day before.
  EXPECT_EQ(vote.day->window.begins, 1'774'738'800'000'000);
  EXPECT_EQ(vote.day->window.ends - vote.day->window.begins, 23ll * 3'600'000'000);
}

TEST(VoteDecoderTest, ReadsChoicesAsASet) {
  const PollView poll = ChoosePoll();
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_TRUE(decoder.Decode(R"( {"voter" : "f:1001", "choices":["d\/1","a"], "ballot_no":1} )",
                             poll, Form::kSingle, vote, error));
  EXPECT_EQ(vote.voter, "f:1001");
  EXPECT_EQ(Options(poll, vote.ballot), (std::vector<OptionIndex>{0, 3}));
  std::string out;
  AppendBallotMember(poll, vote.ballot, out);
  EXPECT_EQ(out, R"("choices":["a","d/1"])");
}

TEST(VoteDecoderTest, ReadsPointsAndRankings) {
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  const PollView points = PointsPoll();
  ASSERT_TRUE(decoder.Decode(R"({"points":{"c":4,"a":0}})", points, Form::kSingle, vote, error));
  std::string out;
  AppendBallotMember(points, vote.ballot, out);
  EXPECT_EQ(out, R"("points":{"a":0,"c":4})");
  const PollView rank = RankPoll();
  ASSERT_TRUE(decoder.Decode(R"({"ranking":["c","a"]})", rank, Form::kSingle, vote, error));
  out.clear();
  AppendBallotMember(rank, vote.ballot, out);
  EXPECT_EQ(out, R"("ranking":["c","a"])");
}

TEST(VoteDecoderTest, ReadsALineOfABatch) {
  const PollView poll = ChoosePoll();
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_TRUE(decoder.Decode(
      R"({"voter":"k\u00e4the","choices":["b"],"channel":"paper","box":"fruchthalle","ref":"z9"})",
      poll, Form::kBatchLine, vote, error));
  EXPECT_EQ(vote.voter, "k\xc3\xa4the");
  EXPECT_EQ(vote.channel, Channel::kPaper);
  EXPECT_EQ(vote.box, 2U);
  EXPECT_EQ(vote.ref, "z9");
}

TEST(VoteDecoderTest, KeepsTheRefOfARefusedLine) {
  const PollView poll = ChoosePoll();
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  ASSERT_FALSE(
      decoder.Decode(R"({"ref":"a3","choices":["nix"]})", poll, Form::kBatchLine, vote, error));
  EXPECT_EQ(vote.ref, "a3");
}

TEST(VoteDecoderTest, RemembersNothingOfTheBodyBefore) {
  const PollView poll = ChoosePoll();
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  for (const char* bad : {"", "[", "[\"a\"]", R"({"choices":["nix"]})", R"({"points":{"a":1}})",
                          R"({"voter":"v","voter":"w"})", "{\"voter\":\"\\"}) {
    EXPECT_FALSE(decoder.Decode(bad, poll, Form::kSingle, vote, error)) << bad;
    ASSERT_TRUE(decoder.Decode(R"({"choices":["b"]})", poll, Form::kSingle, vote, error)) << bad;
    EXPECT_EQ(vote.voter, "");
    EXPECT_EQ(Options(poll, vote.ballot), std::vector<OptionIndex>{1});
  }
}

// Whatever comes in: an answer, never a crash; and what is taken obeys the rules.
TEST(VoteDecoderTest, SurvivesMutations) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const PollView polls[] = {ChoosePoll(), PointsPoll(), RankPoll()};
  const std::string bodies[] = {R"({"voter":"f:1001","choices":["a","d/1"],"ref":"x"})",
                                R"({"voter":"f:1001","points":{"a":2,"c":3},"ballot_no":1})",
                                R"({"voter":"f:1001","ranking":["c","a"],"box":"rathaus"})"};
  VoteDecoder decoder;
  for (int i = 0; i < 20'000; ++i) {
    std::string body = bodies[random() % 3];
    for (unsigned n = random() % 4; n > 0 && !body.empty(); --n) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0:
          body[at] = static_cast<char>(random());
          break;
        case 1:
          body.erase(at, 1 + random() % 3);
          break;
        case 2:
          body.insert(at, 1, "{}[]\",:\\0e.-"[random() % 12]);
          break;
        default:
          body += body.substr(at);
      }
    }
    const PollView& poll = polls[random() % 3];
    DecodedVote vote;
    BodyError error;
    const Form form = random() % 2 == 0 ? Form::kSingle : Form::kBatchLine;
    if (!decoder.Decode(body, poll, form, vote, error)) continue;
    EXPECT_EQ(ValidateBallot(poll.rules, static_cast<OptionIndex>(poll.definition.options.size()),
                             vote.ballot.view()),
              BallotError::kOk)
        << body;
  }
}

}  // namespace
}  // namespace tallyd
