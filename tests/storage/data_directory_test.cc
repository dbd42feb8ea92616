#include "storage/data_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "storage/durable_file.h"
#include "storage/rocks_journal.h"
#include "tests/storage/child_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

absl::StatusOr<std::unique_ptr<DataDirectory>> OpenDirectory(const std::string& path,
                                                             bool create = true) {
  DataDirectoryOptions options;
  options.directory = path;
  options.create_if_missing = create;
  return DataDirectory::Open(std::move(options));
}

void Touch(const std::string& path, const std::string& bytes = "x") {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

mode_t ModeOf(const std::string& path) {
  struct stat about {};
  EXPECT_EQ(stat(path.c_str(), &about), 0) << path;
  return about.st_mode & 07777;
}

TEST(DataDirectoryTest, IsCreatedOnceWithItsKey) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  EXPECT_EQ(OpenDirectory(path, false).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(FileExists(path));
  Epoch epoch = 0;
  RootKey key{};
  {
    const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(path);
    ASSERT_TRUE(data.ok()) << data.status();
    EXPECT_TRUE((*data)->created());
    ASSERT_TRUE((*data)->key_present());
    epoch = (*data)->epoch();
    key = (*data)->root_keys().newest;
    EXPECT_GT(epoch, 1700000000u);
    EXPECT_NE(key, RootKey());
    EXPECT_EQ((*data)->journal_path(), path + "/journal");
    EXPECT_EQ((*data)->ballots_path(), path + "/ballots");
    EXPECT_EQ((*data)->checkpoint_path(), path + "/tally.checkpoint");
    EXPECT_EQ((*data)->watermark_path(), path + "/watermark");
  }
  EXPECT_EQ(ModeOf(path + ".key"), 0600u);
  EXPECT_EQ(ModeOf(path), 0700u);
  EXPECT_EQ(std::filesystem::file_size(path + ".key"), 65u);
  const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(path + "/", false);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ((*data)->epoch(), epoch);
  EXPECT_EQ((*data)->root_keys().newest, key);
}

TEST(DataDirectoryTest, TwoDirectoriesHaveTwoKeys) {
  TempDirectory dir;
  const absl::StatusOr<std::unique_ptr<DataDirectory>> one = OpenDirectory(dir.File("one"));
  const absl::StatusOr<std::unique_ptr<DataDirectory>> two = OpenDirectory(dir.File("two"));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE((*one)->root_keys().newest, (*two)->root_keys().newest);
}

TEST(DataDirectoryTest, IsNewUntilThereIsAJournal) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  ASSERT_TRUE(OpenDirectory(path).ok());
  EXPECT_TRUE((*OpenDirectory(path))->created());  // the first start ended before its journal began
  std::filesystem::create_directory(path + "/journal");
  EXPECT_TRUE((*OpenDirectory(path))->created());
  RocksJournalOptions journal;
  journal.directory = path + "/journal";
  journal.create_if_missing = true;
  ASSERT_TRUE(OpenRocksJournal(journal).ok());
  EXPECT_FALSE((*OpenDirectory(path))->created());

  // A lost journal is not a new one while anything tells of it.
  for (const char* rest : {"watermark", "tally.checkpoint", "ballots"}) {
    std::filesystem::remove_all(path + "/journal");
    Touch(path + "/" + rest);
    EXPECT_FALSE((*OpenDirectory(path))->created()) << rest;
    std::filesystem::remove(path + "/" + rest);
  }
}

// Every state that a crash between two steps of the creation can leave.
TEST(DataDirectoryTest, ACreationCutShortIsFinishedWithTheKeyItMade) {
  const std::string hex(64, 'a');
  const auto prepared = [&](int step, const TempDirectory& dir) {
    const std::string path = dir.File("data");
    if (step >= 1) std::filesystem::create_directory(path);
    if (step >= 2) Touch(path + "/LOCK", "1\n");
    if (step >= 3) Touch(path + ".key.new", "aaaa");  // torn
    if (step >= 4) {
      std::filesystem::remove(path + ".key.new");
      Touch(path + ".key", hex + "\n");
      EXPECT_EQ(chmod((path + ".key").c_str(), 0600), 0);
    }
    if (step >= 5) Touch(path + "/FORMAT.new", "tallyd-d");
    return path;
  };
  for (int step = 0; step <= 5; ++step) {
    TempDirectory dir;
    const std::string path = prepared(step, dir);
    const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(path);
    ASSERT_TRUE(data.ok()) << step << ' ' << data.status();
    EXPECT_TRUE((*data)->created());
    EXPECT_TRUE((*data)->key_present());
    EXPECT_EQ((*data)->root_keys().newest[31] == 0xaa && (*data)->root_keys().newest[0] == 0xaa,
              step >= 4);
    EXPECT_EQ(ModeOf(path + ".key"), 0600u);
    EXPECT_FALSE(FileExists(path + ".key.new"));
    EXPECT_FALSE(FileExists(path + "/FORMAT.new"));
  }
}

TEST(DataDirectoryTest, DataWithoutFormatIsRefusedAndGetsNoKey) {
  for (const char* rest : {"journal", "ballots", "watermark", "tally.checkpoint", "letter.txt"}) {
    TempDirectory dir;
    const std::string path = dir.File("data");
    std::filesystem::create_directory(path);
    Touch(path + "/" + rest);
    EXPECT_EQ(OpenDirectory(path).status().code(), absl::StatusCode::kFailedPrecondition) << rest;
    EXPECT_FALSE(FileExists(path + ".key"));
    EXPECT_FALSE(FileExists(path + "/FORMAT"));
  }
}

TEST(DataDirectoryTest, AWatermarkOfAnEmptyDirectoryIsAMissingDisk) {
  TempDirectory dir;
  DataDirectoryOptions options;
  options.directory = dir.File("data");
  options.watermark_file = dir.File("elsewhere");
  Touch(options.watermark_file);
  EXPECT_EQ(DataDirectory::Open(options).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(FileExists(dir.File("data.key")));
}

TEST(DataDirectoryTest, AMissingKeyIsSaidAndNotMadeAgain) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  ASSERT_TRUE(OpenDirectory(path).ok());
  std::filesystem::remove(path + ".key");
  const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(path);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_FALSE((*data)->key_present());
  EXPECT_FALSE(FileExists(path + ".key"));
}

TEST(DataDirectoryTest, KeyFilesThatAreOpenToOthersOrNoneAreRefused) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  const std::string key = path + ".key";
  ASSERT_TRUE(OpenDirectory(path).ok());
  for (const mode_t mode : {0640, 0604, 0660, 0610}) {
    ASSERT_EQ(chmod(key.c_str(), mode), 0);
    EXPECT_EQ(OpenDirectory(path).status().code(), absl::StatusCode::kPermissionDenied) << mode;
  }
  ASSERT_EQ(chmod(key.c_str(), 0400), 0);
  EXPECT_TRUE(OpenDirectory(path).ok());
  ASSERT_EQ(chmod(key.c_str(), 0600), 0);
  for (const std::string& text :
       {std::string(), std::string("abc"), std::string(63, 'a'), std::string(65, 'a'),
        std::string(64, 'g') + "\n", std::string(64, 'a') + "\n\n", std::string(63, 'a') + ":"}) {
    Touch(key, text);
    EXPECT_EQ(OpenDirectory(path).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(DataDirectoryTest, FormatsThatAreNewerOrNoneAreRefused) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  ASSERT_TRUE(OpenDirectory(path).ok());
  Touch(path + "/FORMAT", "tallyd-data 2\nanything\n");
  const absl::Status newer = OpenDirectory(path).status();
  EXPECT_EQ(newer.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(newer.message()).find("data format 2"), std::string::npos) << newer;
  for (const char* text : {"", "tallyd-data 1", "tallyd-data 1\n", "tallyd-data x\nepoch 1\n",
                           "tallyd-data 1\nepoch 1", "tallyd-data 1\nepoch 0\n",
                           "tallyd-data 1\nepoch 1x\n", "tallyd-data 0\nepoch 1\n"}) {
    Touch(path + "/FORMAT", text);
    EXPECT_EQ(OpenDirectory(path).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

int OpenAndExpectUnavailable(const std::string& directory) {
  const absl::Status status = OpenDirectory(directory).status();
  const bool named =
      std::string(status.message()).find(absl::StrCat("process ", getppid())) != std::string::npos;
  return status.code() == absl::StatusCode::kUnavailable && named ? 42 : 1;
}
const bool kOpenAndExpectUnavailable =
    RegisterChild("open_and_expect_unavailable", &OpenAndExpectUnavailable);

int OpenAndDie(const std::string& directory) {
  const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(directory);
  if (!data.ok()) return 1;
  raise(SIGKILL);
  return 2;
}
const bool kOpenAndDie = RegisterChild("open_and_die", &OpenAndDie);

TEST(DataDirectoryTest, OneProcessAtATime) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  {
    const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(path);
    ASSERT_TRUE(data.ok());
    EXPECT_EQ(OpenDirectory(path).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(RunChild("open_and_expect_unavailable", path), 42);
  }
  EXPECT_EQ(RunChild("open_and_die", path), 128 + SIGKILL);
  EXPECT_TRUE(OpenDirectory(path).ok());  // the lock went with the process
}

TEST(DataDirectoryTest, RemoveDerivedLeavesTheTruth) {
  TempDirectory dir;
  const std::string path = dir.File("data");
  const absl::StatusOr<std::unique_ptr<DataDirectory>> data = OpenDirectory(path);
  ASSERT_TRUE(data.ok());
  EXPECT_TRUE((*data)->RemoveDerived().ok());
  for (const char* made : {"journal", "ballots", "ballots.removed"}) {
    std::filesystem::create_directory(path + "/" + made);
    Touch(path + "/" + made + "/file");
  }
  Touch(path + "/tally.checkpoint");
  Touch(path + "/watermark");
  ASSERT_TRUE((*data)->RemoveDerived().ok());
  EXPECT_TRUE(FileExists(path + "/journal/file"));
  EXPECT_TRUE(FileExists(path + "/watermark"));
  EXPECT_TRUE(FileExists(path + "/FORMAT"));
  EXPECT_FALSE(FileExists(path + "/ballots"));
  EXPECT_FALSE(FileExists(path + "/ballots.removed"));
  EXPECT_FALSE(FileExists(path + "/tally.checkpoint"));
}

}  // namespace
}  // namespace tallyd
