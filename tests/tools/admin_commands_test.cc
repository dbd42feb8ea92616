#include "tools/tallyctl/admin_commands.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/tally_book.h"
#include "storage/tally_checkpoint.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class CountingSink final : public OutcomeSink {
 public:
  void Deliver(std::vector<Outcome> outcomes) override {
    absl::MutexLock lock(&mutex_);
    for (const Outcome& outcome : outcomes) codes_.push_back(outcome.code);
  }
  std::size_t CountOf(OutcomeCode code) {
    absl::MutexLock lock(&mutex_);
    return static_cast<std::size_t>(std::count(codes_.begin(), codes_.end(), code));
  }

 private:
  absl::Mutex mutex_;
  std::vector<OutcomeCode> codes_ ABSL_GUARDED_BY(mutex_);
};

class AdminCommandsTest : public testing::Test {
 protected:
  AdminCommandsTest() {
    directory_.directory = temp_.File("data");
    stopped_ = directory_;
    stopped_.create_if_missing = false;
  }

  std::unique_ptr<Engine> Open() {
    EngineOptions options;
    options.data = directory_;
    auto engine = Engine::Open(std::move(options));
    EXPECT_TRUE(engine.ok()) << engine.status();
    return engine.ok() ? *std::move(engine) : nullptr;
  }

  // A poll of three options and `voters` ballots, every third on paper.
  void Fill(int voters) {
    auto engine = Open();
    ASSERT_NE(engine, nullptr);
    CountingSink sink;
    const SinkId id = engine->RegisterSink(&sink);
    PutPoll put;
    put.definition.id = "summer";
    put.definition.project = "town";
    put.definition.ballot = {.type = BallotType::kChoose, .max = 2};
    put.definition.paper_confirm = false;
    put.definition.boxes.emplace_back().id = "hall";
    for (const char* option : {"a", "b", "c"}) put.definition.options.emplace_back().id = option;
    put.initial_state = PollState::kOpen;
    std::vector<Command> commands(1);
    commands[0].kind = CommandKind::kAct;
    commands[0].sink = id;
    commands[0].act = std::make_unique<Act>(std::move(put));
    ASSERT_EQ(engine->Submit(absl::MakeSpan(commands), Engine::Lane::kReserved), 1u);
    engine->Drain();
    ASSERT_EQ(sink.CountOf(OutcomeCode::kCreated), 1u);

    const auto view = engine->polls().Find("summer");
    commands = std::vector<Command>(static_cast<std::size_t>(voters));
    for (int i = 0; i < voters; ++i) {
      Command& command = commands[static_cast<std::size_t>(i)];
      command.sink = id;
      command.poll = view->number;
      command.tag = view->voter_key->MakeTag("voter " + std::to_string(i));
      if (i % 3 == 0) {
        command.channel = Channel::kPaper;
        command.box = 1;
      }
      std::vector<OptionIndex> options = {static_cast<OptionIndex>(i % 2), 2};
      command.ballot = PackChoose(absl::MakeSpan(options));
    }
    ASSERT_EQ(engine->Submit(absl::MakeSpan(commands), Engine::Lane::kVote), commands.size());
    engine->Drain();
    ASSERT_EQ(sink.CountOf(OutcomeCode::kCounted), commands.size());
  }

  TempDirectory temp_;
  DataDirectoryOptions directory_;
  DataDirectoryOptions stopped_;
};

TEST_F(AdminCommandsTest, TheRecountOfAStoppedServerAgrees) {
  Fill(300);
  testing::internal::CaptureStdout();
  EXPECT_EQ(VerifyDirectory({}, stopped_), kExitOk);
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_NE(text.find("summer: 300 ballots (200 online, 100 paper, 0 blank)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("  c  300  (300 ballots; 200 online, 100 paper)"), std::string::npos) << text;
  EXPECT_NE(text.find("saved tallies at"), std::string::npos) << text;
  EXPECT_NE(text.find("watermark at"), std::string::npos) << text;
}

TEST_F(AdminCommandsTest, SavedTalliesThatAreWrongAreFound) {
  Fill(10);
  const std::string path = directory_.directory + "/tally.checkpoint";
  auto checkpoint = ReadTallyCheckpoint(path);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  TallyBook book;
  ASSERT_TRUE(book.Decode(checkpoint->polls).ok());
  PollTally tally = book.tally(checkpoint->polls[0].poll);
  std::vector<OptionIndex> options = {0};
  const std::string before = tally.Encode();
  tally.Add(Channel::kOnline, {.max = 2}, PackChoose(absl::MakeSpan(options)).view());
  std::string& bytes = checkpoint->polls[0].tally;
  ASSERT_TRUE(std::string_view(bytes).ends_with(before));
  bytes.replace(bytes.size() - before.size(), before.size(), tally.Encode());
  ASSERT_TRUE(WriteTallyCheckpoint(path, *checkpoint).ok());
  testing::internal::CaptureStderr();
  EXPECT_EQ(VerifyDirectory({}, stopped_), kExitBadData);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("a online: recounted"), std::string::npos);
}

TEST_F(AdminCommandsTest, ARunningServersDirectoryIsLeftAlone) {
  Fill(1);
  const auto engine = Open();
  EXPECT_EQ(VerifyDirectory({}, stopped_), kExitLocked);
  EXPECT_EQ(RebuildDirectory({}, stopped_), kExitLocked);
}

TEST_F(AdminCommandsTest, RebuildMakesTheDerivedStateAgain) {
  Fill(100);
  EXPECT_EQ(RebuildDirectory({}, stopped_), kExitOk);
  EXPECT_TRUE(std::filesystem::exists(directory_.directory + "/ballots"));
  EXPECT_EQ(VerifyDirectory({}, stopped_), kExitOk);
}

TEST_F(AdminCommandsTest, ADirectoryThatIsNotThereIsBadConfig) {
  EXPECT_EQ(VerifyDirectory({}, stopped_), kExitBadConfig);
  EXPECT_EQ(RebuildDirectory({}, stopped_), kExitBadConfig);
  EXPECT_FALSE(std::filesystem::exists(directory_.directory));
}

}  // namespace
}  // namespace tallyd
