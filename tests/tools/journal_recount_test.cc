#include "tools/recount/journal_recount.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

VoterTag Tag(char voter) {
  VoterTag tag;
  tag.bytes.fill(static_cast<std::uint8_t>(voter));
  return tag;
}

// Feeds records of the test's own making, each continuing the chain.
class RecountTest : public testing::Test {
 protected:
  void AddPoll(PollNumber number, BallotDefinition ballot) {
    PollEntry entry;
    entry.number = number;
    entry.definition.id = "poll-" + std::to_string(number);
    entry.definition.project = "tests";
    entry.definition.ballot = ballot;
    for (const char* id : {"a", "b", "c"}) entry.definition.options.emplace_back().id = id;
    builder_.AddPoll(entry);
  }

  BallotEntry Ballot(PollNumber poll, Seq seq, char voter, const std::string& payload) {
    kept_.push_back(std::make_unique<std::string>(payload));
    BallotEntry entry;
    entry.poll = poll;
    entry.seq = seq;
    entry.tag = Tag(voter);
    entry.payload = *kept_.back();
    return entry;
  }

  std::string Seal() {
    const SealedRecord sealed = builder_.Seal({.epoch = 7,
                                               .term = 1,
                                               .position = ++position_,
                                               .time = static_cast<TimeUs>(position_),
                                               .previous_hash = hash_});
    hash_ = sealed.hash;
    std::string bytes(sealed.bytes);
    builder_.Clear();
    return bytes;
  }

  void Feed() {
    const absl::Status status = recount_.Add(Seal());
    ASSERT_TRUE(status.ok()) << status;
  }

  RecordBuilder builder_;
  JournalRecount recount_;
  Position position_ = 0;
  ChainHash hash_;
  std::vector<std::unique_ptr<std::string>> kept_;
};

TEST_F(RecountTest, CountsWhatIsInForceByChannel) {
  AddPoll(1, {.type = BallotType::kChoose, .max = 3});
  AddPoll(2, {.type = BallotType::kPoints, .points_total = 10, .points_per_option_max = 10});
  AddPoll(3, {.type = BallotType::kRank, .max = 3, .scoring = RankScoring::kBorda});
  AddPoll(4, {.type = BallotType::kRank, .max = 3, .scoring = RankScoring::kBordaBallot});
  Feed();
  const std::string a_and_c("\2\0\2", 3);
  const std::string b_only("\1\1", 2);
  builder_.AddBallot(Ballot(1, 1, 'x', a_and_c));
  BallotEntry paper = Ballot(1, 2, 'y', b_only);
  paper.channel = Channel::kPaper;
  builder_.AddBallot(paper);
  builder_.AddBallot(Ballot(1, 3, 'z', std::string("\0", 1)));
  Feed();
  BallotEntry changed = Ballot(1, 4, 'x', b_only);
  changed.version_no = 2;
  changed.supersedes = SupersededBallot{.seq = 1, .payload = a_and_c};
  builder_.AddBallot(changed);
  WithdrawalEntry withdrawn;
  withdrawn.poll = 1;
  withdrawn.seq = 5;
  withdrawn.tag = Tag('z');
  withdrawn.version_no = 2;
  const std::string blank("\0", 1);
  withdrawn.supersedes = SupersededBallot{.seq = 3, .payload = blank};
  builder_.AddWithdrawal(withdrawn);
  builder_.AddBallot(Ballot(2, 1, 'x', std::string("\2\0\7\1\0", 5)));
  builder_.AddBallot(Ballot(3, 1, 'x', std::string("\2\2\0", 3)));
  builder_.AddBallot(Ballot(4, 1, 'x', std::string("\2\2\0", 3)));
  Feed();

  const std::vector<CountedPoll> polls = recount_.Count();
  ASSERT_EQ(polls.size(), 4u);
  EXPECT_EQ(polls[0].online, 1);
  EXPECT_EQ(polls[0].paper, 1);
  EXPECT_EQ(polls[0].blank, 0);
  EXPECT_EQ(polls[0].options[0].score(), 0);
  EXPECT_EQ(polls[0].options[1].online, 1);
  EXPECT_EQ(polls[0].options[1].paper, 1);
  EXPECT_EQ(polls[1].options[0].score(), 7);
  EXPECT_EQ(polls[1].options[1].ballots, 1);  // named with 0 points
  EXPECT_EQ(polls[2].options[2].score(), 3);
  EXPECT_EQ(polls[2].options[0].score(), 2);
  EXPECT_EQ(polls[3].options[2].score(), 2);
  EXPECT_EQ(polls[3].options[0].score(), 1);
  EXPECT_TRUE(recount_.differences().empty()) << recount_.differences().front();
  EXPECT_EQ(recount_.epoch(), 7u);
  EXPECT_EQ(recount_.last_hash(), hash_);
}

TEST_F(RecountTest, ASecondBallotThatSupersedesNothingIsFound) {
  AddPoll(1, {.type = BallotType::kChoose});
  builder_.AddBallot(Ballot(1, 1, 'x', std::string("\1\0", 2)));
  Feed();
  builder_.AddBallot(Ballot(1, 2, 'x', std::string("\1\1", 2)));
  Feed();
  ASSERT_EQ(recount_.differences().size(), 1u);
  EXPECT_NE(recount_.differences()[0].find("seq 2: a second ballot of one voter"),
            std::string::npos);
}

TEST_F(RecountTest, AnEntryThatSupersedesAnotherBallotThanTheOneInForceIsFound) {
  AddPoll(1, {.type = BallotType::kChoose});
  builder_.AddBallot(Ballot(1, 1, 'x', std::string("\1\0", 2)));
  Feed();
  BallotEntry changed = Ballot(1, 2, 'x', std::string("\1\1", 2));
  changed.version_no = 2;
  const std::string other("\1\2", 2);
  changed.supersedes = SupersededBallot{.seq = 1, .payload = other};
  builder_.AddBallot(changed);
  Feed();
  ASSERT_EQ(recount_.differences().size(), 1u);
}

TEST_F(RecountTest, PaperCountsAsEnteredAndConfirmedByAnother) {
  AddPoll(1, {.type = BallotType::kChoose});
  PaperBatchEntry batch;
  batch.poll = 1;
  batch.batch.id = "b1";
  batch.batch.figures = {.cards = 10, .invalid = 2, .blank = 1, .counts = {{1, 7, 7}}};
  batch.actor = "anna";
  builder_.AddPaperBatch(batch);
  Feed();
  EXPECT_EQ(recount_.Count()[0].ballots(), 0);
  builder_.AddPaperConfirm(
      {.poll = 1, .batch = "b1", .figures = batch.batch.figures, .actor = "bert"});
  Feed();
  const CountedPoll counted = recount_.Count()[0];
  EXPECT_EQ(counted.paper, 8);
  EXPECT_EQ(counted.blank, 1);
  EXPECT_EQ(counted.invalid, 2);
  EXPECT_EQ(counted.options[1].paper, 7);
  EXPECT_EQ(recount_.BallotsOf(counted.poll).status().code(),
            absl::StatusCode::kFailedPrecondition);
  builder_.AddPaperVoid(
      {.poll = 1, .batch = "b1", .reason = "x", .reverses = batch.batch.figures, .actor = "anna"});
  Feed();
  EXPECT_EQ(recount_.Count()[0].ballots(), 0);
  EXPECT_TRUE(recount_.BallotsOf(counted.poll).ok());
  EXPECT_TRUE(recount_.differences().empty());

  batch.batch.id = "b2";
  builder_.AddPaperBatch(batch);
  PaperFigures other = batch.batch.figures;
  other.cards = 11;
  builder_.AddPaperConfirm({.poll = 1, .batch = "b2", .figures = other, .actor = "anna"});
  builder_.AddPaperVoid({.poll = 1, .batch = "b3", .reason = "x", .reverses = std::nullopt});
  Feed();
  ASSERT_EQ(recount_.differences().size(), 3u);
  EXPECT_NE(recount_.differences()[0].find("by the person who entered it"), std::string::npos);
  EXPECT_NE(recount_.differences()[1].find("confirms other figures"), std::string::npos);
  EXPECT_NE(recount_.differences()[2].find("voids what is not there"), std::string::npos);
}

TEST_F(RecountTest, ABrokenChainAndAMissingRecordAreDataLoss) {
  AddPoll(1, {.type = BallotType::kChoose});
  Feed();
  builder_.AddBallot(Ballot(1, 1, 'x', std::string("\1\0", 2)));
  const ChainHash right = hash_;
  hash_.bytes[0] ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(recount_.Add(Seal())));
  hash_ = right;
  builder_.AddBallot(Ballot(1, 2, 'y', std::string("\1\0", 2)));
  EXPECT_TRUE(absl::IsDataLoss(recount_.Add(Seal())));  // position 3 after 1
}

TEST_F(RecountTest, BytesThatAreNoBallotAreFound) {
  AddPoll(1, {.type = BallotType::kChoose});
  builder_.AddBallot(Ballot(1, 1, 'x', std::string("\3\0", 2)));
  builder_.AddBallot(Ballot(1, 2, 'y', std::string("\1\11", 2)));
  Feed();
  recount_.Count();
  ASSERT_EQ(recount_.differences().size(), 2u);
  EXPECT_NE(recount_.differences()[0].find("not a ballot"), std::string::npos);
  EXPECT_NE(recount_.differences()[1].find("does not have"), std::string::npos);
}

TEST_F(RecountTest, KeysEndWithFinalPollsAndOnce) {
  AddPoll(1, {.type = BallotType::kChoose, .max = 1});
  AddPoll(2, {.type = BallotType::kChoose, .max = 1});
  builder_.AddPollState({.poll = 1, .to = PollState::kFinal, .cause = {}, .actor = ""});
  builder_.AddKeyDestroyed({.poll = 1, .reason = "over", .actor = "anna"});
  builder_.AddKeyDestroyed({.project = "tests", .reason = "over", .actor = "anna"});
  builder_.AddKeySealed(
      {.owner = KeyOwner::kPoll, .of_poll = 2, .sealed = std::string(kSealedVoterKeyBytes, 's')});
  Feed();
  EXPECT_TRUE(recount_.differences().empty()) << recount_.differences().front();
  EXPECT_EQ(recount_.Count().size(), 2u);

  const auto differs = [this](const char* word) {
    Feed();
    const auto& found = recount_.differences();
    return !found.empty() && found.back().find(word) != std::string::npos;
  };
  builder_.AddKeyDestroyed({.poll = 1, .reason = "over", .actor = "anna"});
  EXPECT_TRUE(differs("twice"));
  builder_.AddKeySealed(
      {.owner = KeyOwner::kPoll, .of_poll = 1, .sealed = std::string(kSealedVoterKeyBytes, 's')});
  EXPECT_TRUE(differs("there again"));
  builder_.AddBallot(Ballot(1, 1, 'v', std::string("\x01\x00", 2)));
  EXPECT_TRUE(differs("after the poll's key was destroyed"));
  builder_.AddKeyDestroyed({.poll = 3, .reason = "over", .actor = "anna"});
  EXPECT_TRUE(differs("never created"));
  builder_.AddKeyDestroyed({.poll = 2, .reason = "over", .actor = "anna"});
  EXPECT_TRUE(differs("before it was final"));
  AddPoll(4, {.type = BallotType::kChoose, .max = 1});
  builder_.AddPollState({.poll = 4, .to = PollState::kFinal, .cause = {}, .actor = ""});
  builder_.AddKeyDestroyed({.poll = 4, .reason = "over", .actor = ""});
  EXPECT_TRUE(differs("by nobody"));
}

}  // namespace
}  // namespace tallyd
