#include "engine/key_rotation.h"

#include <memory>
#include <string>
#include <variant>

#include "gtest/gtest.h"

#include "engine/key_history.h"
#include "engine/limits.h"
#include "storage/journal_record.h"
#include "storage/rocks_journal.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

// The whole command with the real programs is tests/tools/root_key_program_test.cc, its deaths are
// tests/crash/key_rotation_test.cc. Here: what is too much for a server to be asked to make.
class KeyRotationTest : public testing::Test {
 protected:
  void SetUp() override {
    DataDirectoryOptions options;
    options.directory = temp_.File("data");
    auto data = DataDirectory::Open(options);
    ASSERT_TRUE(data.ok()) << data.status();
    data_ = *std::move(data);
    auto journal = OpenRocksJournal(
        {.directory = data_->journal_path(),
         .create_if_missing = true,
         .epoch_if_created = data_->epoch(),
         .on_background_error = [](const absl::Status& status) { ADD_FAILURE() << status; }});
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
  }
  absl::StatusOr<KeyRotationReport> Rotate(const KeyDestruction& destruction = {}) {
    return RotateKeys(destruction, *Clock::System(), data_.get(), journal_.get());
  }
  // Final polls, 500 a record, each of them as if a server had made it.
  void AddPolls(PollNumber count) {
    const auto claim = journal_->Claim();
    ASSERT_TRUE(claim.ok()) << claim.status();
    Position last = claim->last;
    ChainHash hash = claim->last_hash;
    RecordBuilder builder;
    builder.AddProject({.id = "town", .display = "{}", .actor = ""});
    for (PollNumber number = 1; number <= count; ++number) {
      PollEntry poll;
      poll.number = number;
      poll.definition.id = IdOf(number);
      poll.definition.project = "town";
      poll.key_check =
          VoterKey::Derive(data_->root_keys().newest, poll.definition.id, poll.key_salt).Check();
      builder.AddPoll(poll);
      builder.AddPollState({.poll = number, .to = PollState::kFinal, .cause = {}, .actor = ""});
      if (number % 500 != 0 && number != count) continue;
      const SealedRecord record = builder.Seal({.epoch = data_->epoch(),
                                                .term = claim->term,
                                                .position = last + 1,
                                                .time = static_cast<TimeUs>(last + 1),
                                                .previous_hash = hash});
      ASSERT_TRUE(journal_->Append(last++, record.bytes).ok());
      hash = record.hash;
      builder.Clear();
    }
  }
  static std::string IdOf(PollNumber number) { return "poll-" + std::to_string(number); }

  TempDirectory temp_;
  std::unique_ptr<DataDirectory> data_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(KeyRotationTest, ThousandsOfKeysAreSeveralRecords) {
  constexpr PollNumber kPolls = 6'000;
  const RootKeys before = data_->root_keys();
  const auto empty = Rotate();
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->keys_sealed, 1u) << "that of the receipts";
  EXPECT_NE(data_->root_keys(), before);
  ASSERT_NO_FATAL_FAILURE(AddPolls(kPolls));
  const Position made = journal_->last();
  KeyDestruction destruction{.polls = {}, .reason = "over", .actor = "anna"};
  for (PollNumber number = 1; number <= kKeysDestroyedAtOnceMax; ++number) {
    destruction.polls.push_back(IdOf(number));
  }
  destruction.polls.push_back(IdOf(1));  // twice is once
  EXPECT_TRUE(absl::IsFailedPrecondition(Rotate(destruction).status())) << "one too many";
  destruction.polls.pop_back();
  destruction.reason = std::string(kReasonBytesMax + 1, 'r');
  EXPECT_TRUE(absl::IsFailedPrecondition(Rotate(destruction).status()));
  destruction.reason.pop_back();
  const auto rotated = Rotate(destruction);
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  EXPECT_EQ(rotated->destroyed.size(), kKeysDestroyedAtOnceMax);
  EXPECT_EQ(rotated->keys_sealed, kPolls - kKeysDestroyedAtOnceMax + 2);
  EXPECT_GE(journal_->last(), made + 2);
  EXPECT_EQ(rotated->position, journal_->last());
  const auto history = ReadKeyHistory(data_->root_keys(), journal_.get(), nullptr);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ((*history)->FindMissing(), std::nullopt);
  for (PollNumber number = 1; number <= kPolls; ++number) {
    ASSERT_EQ((*history)->registry.Find(number)->key_destroyed_at.has_value(),
              number <= kKeysDestroyedAtOnceMax);
  }
  // All ends, and what follows from them, stand in the first record.
  const auto cursor = journal_->Read(made + 1);
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  const auto first = (*cursor)->Next();
  ASSERT_TRUE(first.ok()) << first.status();
  std::size_t ends = 0;
  const auto count = [&ends](const Entry& entry) {
    ends += std::holds_alternative<KeyDestroyedEntry>(entry) ? 1 : 0;
    return absl::OkStatus();
  };
  ASSERT_TRUE(RecordView::Parse(*first)->ForEach(count).ok());
  EXPECT_EQ(ends, kKeysDestroyedAtOnceMax);
}

TEST_F(KeyRotationTest, WhatAnotherKeyFileHasIsNotLost) {
  ASSERT_TRUE(Rotate().ok());
  ASSERT_NO_FATAL_FAILURE(AddPolls(2));
  const RootKeys right = data_->root_keys();
  const RootKeys wrong{.newest = DrawRootKey(), .previous = std::nullopt};
  ASSERT_TRUE(data_->ReplaceRootKeys(wrong).ok());
  const auto refused = Rotate();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_EQ(data_->root_keys(), wrong);
  ASSERT_TRUE(data_->ReplaceRootKeys(right).ok());
  EXPECT_TRUE(Rotate().ok());
}

}  // namespace
}  // namespace tallyd
