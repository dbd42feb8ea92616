#include "engine/poll_registry.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/engine/counting_key.h"
#include "tests/engine/random_ballots.h"

namespace tallyd {
namespace {

using Polls = std::vector<PollNumber>;

PollEntry Poll(PollNumber number, const std::string& id, std::optional<TimeUs> opens = {},
               std::optional<TimeUs> closes = {}) {
  PollEntry entry;
  entry.number = number;
  entry.definition.id = id;
  entry.definition.project = "city";
  entry.definition.options = {Option("a"), Option("b")};
  entry.definition.boxes = {Box("library")};
  entry.definition.ballot = {.type = BallotType::kRank, .max = 2};
  entry.definition.opens = opens;
  entry.definition.closes = closes;
  entry.key_check = VoterKey::Derive(CountingKey(0), id, entry.key_salt).Check();
  return entry;
}

PollStateEntry State(PollNumber poll, PollState to, StateCause cause = StateCause::kActor) {
  return {.poll = poll, .to = to, .cause = cause, .actor = {}};
}

class PollRegistryTest : public testing::Test {
 protected:
  PollRegistry registry_{Keyring({.newest = CountingKey(0), .previous = std::nullopt})};
};

TEST_F(PollRegistryTest, FindsByNumberAndId) {
  EXPECT_EQ(registry_.next_number(), 1u);
  registry_.Apply(Poll(1, "one"), 10);
  registry_.Apply(Poll(2, "two"), 11);
  EXPECT_EQ(registry_.polls_count(), 2u);
  EXPECT_EQ(registry_.next_number(), 3u);
  EXPECT_EQ(registry_.Find(2)->definition.id, "two");
  EXPECT_EQ(registry_.Find("one")->number, 1u);
  EXPECT_EQ(registry_.Find("one")->revision, 10u);
  EXPECT_EQ(registry_.Find("three"), nullptr);
  EXPECT_EQ(registry_.Find(PollNumber{0}), nullptr);
  EXPECT_EQ(registry_.Find(PollNumber{3}), nullptr);
  EXPECT_EQ(registry_.Find("one")->rules.type, BallotType::kRank);
  EXPECT_EQ(registry_.MakeAllViews().size(), 2u);
}

TEST_F(PollRegistryTest, AnActorOpensAPollWithoutAWindowAtOnce) {
  registry_.Apply(Poll(1, "p"), 1);
  EXPECT_FALSE(registry_.Find(1)->Accepts(Channel::kOnline));
  registry_.Apply(State(1, PollState::kOpen), 2, 50);
  EXPECT_TRUE(registry_.Find(1)->Accepts(Channel::kOnline));
  EXPECT_EQ(registry_.Find(1)->revision, 2u);
  EXPECT_EQ(registry_.NextDue(), std::nullopt);
}

TEST_F(PollRegistryTest, OpeningBeforeTheWindowOnlyArms) {
  registry_.Apply(Poll(1, "p", 100, 200), 1);
  EXPECT_EQ(registry_.NextDue(), std::nullopt) << "a draft is not scheduled";
  registry_.Apply(State(1, PollState::kOpen), 2, 99);
  EXPECT_EQ(registry_.Find(1)->state, PollState::kOpen);
  EXPECT_FALSE(registry_.Find(1)->Accepts(Channel::kOnline));
  EXPECT_EQ(registry_.NextDue(), 100);
  EXPECT_EQ(registry_.DueToOpen(99), Polls{});
  EXPECT_EQ(registry_.DueToOpen(100), Polls{1});
  registry_.Apply(State(1, PollState::kOpen, StateCause::kSchedule), 3, 100);
  EXPECT_TRUE(registry_.Find(1)->Accepts(Channel::kOnline));
  EXPECT_EQ(registry_.DueToOpen(1'000), Polls{});
  EXPECT_EQ(registry_.NextDue(), 200);
  EXPECT_EQ(registry_.DueToClose(199), Polls{});
  EXPECT_EQ(registry_.DueToClose(200), Polls{1});
  registry_.Apply(State(1, PollState::kClosed, StateCause::kSchedule), 4, 200);
  EXPECT_FALSE(registry_.Find(1)->Accepts(Channel::kOnline));
  EXPECT_TRUE(registry_.Find(1)->opened_once);
  EXPECT_EQ(registry_.NextDue(), std::nullopt);
  EXPECT_TRUE(registry_.Find(1)->Accepts(Channel::kPaper)) << "paper is counted until final";
  registry_.Apply(State(1, PollState::kFinal), 5, 300);
  EXPECT_FALSE(registry_.Find(1)->Accepts(Channel::kPaper));
}

TEST_F(PollRegistryTest, JournaledTimeDecidesNotAClock) {
  registry_.Apply(Poll(1, "p", 100), 1);
  registry_.Apply(State(1, PollState::kOpen), 2, 100);  // exactly at its beginning
  EXPECT_TRUE(registry_.Find(1)->Accepts(Channel::kOnline));
}

TEST_F(PollRegistryTest, APausedPollStillCloses) {
  registry_.Apply(Poll(1, "p", {}, 200), 1);
  registry_.Apply(State(1, PollState::kOpen), 2, 10);
  registry_.Apply(State(1, PollState::kPaused), 3, 20);
  EXPECT_FALSE(registry_.Find(1)->Accepts(Channel::kOnline));
  EXPECT_EQ(registry_.DueToClose(200), Polls{1});
  registry_.Apply(State(1, PollState::kOpen), 4, 30);
  EXPECT_TRUE(registry_.Find(1)->Accepts(Channel::kOnline));
}

TEST_F(PollRegistryTest, APollPausedBeforeItsWindowIsNotOpenedByIt) {
  registry_.Apply(Poll(1, "p", 100, 200), 1);
  registry_.Apply(State(1, PollState::kOpen), 2, 10);
  registry_.Apply(State(1, PollState::kPaused), 3, 20);
  EXPECT_EQ(registry_.DueToOpen(150), Polls{});
  registry_.Apply(State(1, PollState::kOpen), 4, 150);  // now its window has begun
  EXPECT_TRUE(registry_.Find(1)->Accepts(Channel::kOnline));
}

TEST_F(PollRegistryTest, TheEarliestOfAllIsDueNext) {
  registry_.Apply(Poll(1, "a", {}, 500), 1);
  registry_.Apply(Poll(2, "b", 300, 400), 2);
  registry_.Apply(Poll(3, "c", {}, 250), 3);
  for (const PollNumber poll : {1u, 2u, 3u}) registry_.Apply(State(poll, PollState::kOpen), 4, 10);
  EXPECT_EQ(registry_.NextDue(), 250);
  EXPECT_EQ(registry_.DueToClose(450), (Polls{2, 3}));
  EXPECT_EQ(registry_.DueToOpen(450), Polls{2});
  registry_.Apply(State(3, PollState::kClosed), 5, 20);
  EXPECT_EQ(registry_.NextDue(), 300);
}

TEST_F(PollRegistryTest, AReplacedDefinitionKeepsStateSeqAndKey) {
  registry_.Apply(Poll(1, "p", 100, 200), 1);
  registry_.Apply(State(1, PollState::kOpen), 2, 150);
  registry_.ApplySeq(1, 1);
  registry_.ApplySeq(1, 2);
  PollEntry next = Poll(1, "p", 100, 900);
  next.definition.ballot.max = 1;
  registry_.Apply(next, 3);
  const PollRecord& poll = *registry_.Find(1);
  EXPECT_TRUE(poll.Accepts(Channel::kOnline));
  EXPECT_EQ(poll.next_seq, 3u);
  EXPECT_EQ(poll.rules.max, 1u);
  EXPECT_EQ(poll.revision, 3u);
  EXPECT_TRUE(poll.voter_key.has_value());
  EXPECT_EQ(registry_.NextDue(), 900);
  EXPECT_EQ(registry_.polls_count(), 1u);
}

TEST_F(PollRegistryTest, AKeyThatDoesNotFitIsNoKey) {
  PollEntry foreign = Poll(1, "p");
  foreign.key_check[0] ^= 1;
  registry_.Apply(foreign, 1);
  EXPECT_FALSE(registry_.Find(1)->voter_key.has_value());
  registry_.Apply(Poll(2, "q"), 2);
  EXPECT_TRUE(registry_.Find(2)->voter_key.has_value());
  PollRegistry without_key{Keyring()};
  without_key.Apply(Poll(1, "p"), 1);
  EXPECT_FALSE(without_key.Find(1)->voter_key.has_value());
}

TEST_F(PollRegistryTest, TheNewestSealDecidesWhetherThereIsAKey) {
  registry_.Apply(ProjectEntry{.id = "city", .display = "{}", .actor = ""}, 1);
  registry_.Apply(Poll(1, "p"), 2);
  const VoterKey key = *registry_.Find(1)->voter_key;
  const VoterKey shared = *registry_.FindProject("city")->voter_key;
  const ReceiptKey receipts = *registry_.receipt_key();
  RootKey other{};
  for (const RootKey& root : {other, CountingKey(0)}) {
    const bool ours = root == CountingKey(0);
    ASSERT_TRUE(registry_.Apply(SealPollKey(root, 1, "p", key)));
    ASSERT_TRUE(registry_.Apply(SealProjectKey(root, "city", shared)));
    ASSERT_TRUE(registry_.Apply(SealReceiptKey(root, receipts)));
    EXPECT_EQ(registry_.Find(1)->voter_key, ours ? std::optional(key) : std::nullopt);
    EXPECT_EQ(registry_.FindProject("city")->voter_key,
              ours ? std::optional(shared) : std::nullopt);
    EXPECT_EQ(registry_.receipt_key(), ours ? std::optional(receipts) : std::nullopt);
  }
  EXPECT_FALSE(registry_.Apply(SealPollKey(CountingKey(0), 2, "q", key)))
      << "there is no such poll";
  EXPECT_FALSE(registry_.Apply(SealProjectKey(CountingKey(0), "town", key)));
  EXPECT_FALSE(registry_.Apply(SealPollKey(CountingKey(0), 1, "p", shared))) << "another key";
}

TEST_F(PollRegistryTest, TheKeyOfAFinalPollEndsForGood) {
  registry_.Apply(Poll(1, "p"), 1);
  const VoterKey key = *registry_.Find(1)->voter_key;
  registry_.Apply(State(1, PollState::kClosed), 2, 1);
  const KeyDestroyedEntry end{.poll = 1, .reason = "over", .actor = "anna"};
  EXPECT_FALSE(registry_.Apply(end, 3, 2)) << "paper may still come";
  registry_.Apply(State(1, PollState::kFinal), 3, 2);
  EXPECT_EQ(registry_.MakeView(1)->key_destroyed_at, std::nullopt);
  ASSERT_TRUE(registry_.Apply(end, 4, 70));
  EXPECT_FALSE(registry_.Find(1)->voter_key.has_value());
  EXPECT_EQ(registry_.MakeView(1)->key_destroyed_at, 70);
  EXPECT_EQ(registry_.MakeView(1)->revision, 4U) << "its document is another one";
  EXPECT_FALSE(registry_.Apply(end, 5, 71)) << "once";
  EXPECT_FALSE(registry_.Apply(SealPollKey(CountingKey(0), 1, "p", key)));
  const KeyDestroyedEntry of_no_poll{.poll = 2, .reason = "over", .actor = "anna"};
  EXPECT_FALSE(registry_.Apply(of_no_poll, 5, 71));
  const KeyDestroyedEntry of_no_project{.project = "town", .reason = "", .actor = ""};
  EXPECT_FALSE(registry_.Apply(of_no_project, 5, 71));
}

TEST_F(PollRegistryTest, ViewsAreWhatReadersSee) {
  registry_.Apply(Poll(1, "p", 100), 1);
  registry_.Apply(State(1, PollState::kOpen), 2, 99);
  EXPECT_FALSE(registry_.MakeView(1)->accepting_online);
  registry_.Apply(State(1, PollState::kOpen, StateCause::kSchedule), 3, 100);
  const auto view = registry_.MakeView(1);
  EXPECT_TRUE(view->accepting_online);
  EXPECT_EQ(view->revision, 3u);
  EXPECT_EQ(view->FindOption("b"), 1u);
  EXPECT_EQ(view->FindOption("z"), std::nullopt);
  EXPECT_EQ(view->FindBox("library"), 1u);
  EXPECT_EQ(view->FindBox(""), std::nullopt);
  PollEntry paper_only = Poll(1, "p", 100);
  paper_only.definition.online = false;
  registry_.Apply(paper_only, 4);
  EXPECT_FALSE(registry_.MakeView(1)->accepting_online);
  EXPECT_TRUE(view->accepting_online) << "a view never changes";
}

TEST_F(PollRegistryTest, ProjectsAreReplacedAsAWhole) {
  registry_.Apply(ProjectEntry{.id = "city", .display = "1", .actor = "a"}, 1);
  registry_.Apply(ProjectEntry{.id = "city", .display = "2", .actor = "b"}, 2);
  EXPECT_EQ(registry_.projects_count(), 1u);
  EXPECT_EQ(registry_.FindProject("city")->project.display, "2");
  EXPECT_EQ(registry_.FindProject("city")->revision, 2u);
  EXPECT_EQ(registry_.FindProject("town"), nullptr);
  EXPECT_EQ(registry_.MakeAllProjectViews().size(), 1u);
}

using PollRegistryDeathTest = PollRegistryTest;

TEST_F(PollRegistryDeathTest, NumbersAndSeqsHaveNoGaps) {
  EXPECT_DEATH(registry_.Apply(Poll(2, "p"), 1), "broken invariant");
  EXPECT_DEATH(registry_.Apply(Poll(0, "p"), 1), "broken invariant");
  EXPECT_DEATH(registry_.ApplySeq(1, 1), "broken invariant");
  registry_.Apply(Poll(1, "p"), 1);
  EXPECT_DEATH(registry_.ApplySeq(1, 2), "broken invariant");
  EXPECT_DEATH(registry_.Apply(State(2, PollState::kOpen), 1, 1), "broken invariant");
}

}  // namespace
}  // namespace tallyd
