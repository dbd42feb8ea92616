#include "storage/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

#include "storage/durable_file.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class KeyFileTest : public testing::Test {
 protected:
  void Write(const std::string& text, mode_t mode = 0600) const {
    std::filesystem::remove(path_);
    std::ofstream(path_, std::ios::binary) << text;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string Text() const { return *ReadWholeFile(path_); }

  TempDirectory directory_;
  const std::string path_ = directory_.File("key");
  const std::string first_ = std::string(63, '0') + "a";
  const std::string second_ = std::string(62, '0') + "bb";
};

TEST_F(KeyFileTest, OneRootIsWrittenAsEver) {
  const auto made = CreateKeyFile(path_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(Text().size(), 65u);
  EXPECT_EQ(*ReadKeyFile(path_), *made);
  EXPECT_EQ(CreateKeyFile(path_).status().code(), absl::StatusCode::kAlreadyExists);
  Write(first_ + "\n");
  EXPECT_EQ(ReadKeyFile(path_)->newest[31], 0x0a);
  EXPECT_FALSE(ReadKeyFile(path_)->previous.has_value());
}

TEST_F(KeyFileTest, TwoRootsAreThoseOfARotationUnderWay) {
  Write("tallyd-keys 2\n" + first_ + "\n" + second_ + "\n");
  const auto keys = ReadKeyFile(path_);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->newest[31], 0x0a);
  ASSERT_TRUE(keys->previous.has_value());
  EXPECT_EQ((*keys->previous)[31], 0xbb);
  EXPECT_EQ(keys->oldest(), *keys->previous);
  ASSERT_TRUE(ReplaceKeyFile(path_, *keys).ok());
  EXPECT_EQ(Text(), "tallyd-keys 2\n" + first_ + "\n" + second_ + "\n");
  ASSERT_TRUE(ReplaceKeyFile(path_, {.newest = keys->newest, .previous = std::nullopt}).ok());
  EXPECT_EQ(Text(), first_ + "\n");
}

TEST_F(KeyFileTest, AnythingElseIsNoKeyFile) {
  for (const std::string& text :
       {std::string(), std::string("\n"), first_.substr(1), first_ + "0", first_ + "\n" + second_,
        "tallyd-keys 2\n" + first_, "tallyd-keys 2\n" + first_ + "\n" + first_,
        "tallyd-keys 2\n" + first_ + " " + second_, "tallyd-keys 3\n" + first_ + "\n" + second_,
        "tallyd-keys 2\n" + first_ + "\n" + second_ + "\n\n", "g" + first_.substr(1)}) {
    Write(text);
    EXPECT_EQ(ReadKeyFile(path_).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  Write(first_, 0640);
  EXPECT_EQ(ReadKeyFile(path_).status().code(), absl::StatusCode::kPermissionDenied);
  std::filesystem::remove(path_);
  EXPECT_EQ(ReadKeyFile(path_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(KeyFileTest, TheOldFileIsOverwrittenUnlessItHasAnotherName) {
  Write(first_ + "\n");
  const FileDescriptor held(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  const auto replaced = ReplaceKeyFile(path_, {.newest = DrawRootKey(), .previous = std::nullopt});
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_TRUE(*replaced);
  char byte = 'x';
  for (off_t i = 0; i < 65; ++i) {
    ASSERT_EQ(pread(held.get(), &byte, 1, i), 1);
    ASSERT_EQ(byte, 0) << i;
  }
  // A copy that somebody made as a hard link is theirs.
  Write(first_ + "\n");
  std::filesystem::create_hard_link(path_, directory_.File("copy"));
  const auto linked = ReplaceKeyFile(path_, {.newest = DrawRootKey(), .previous = std::nullopt});
  ASSERT_TRUE(linked.ok()) << linked.status();
  EXPECT_FALSE(*linked);
  EXPECT_EQ(*ReadWholeFile(directory_.File("copy")), first_ + "\n");
}

TEST_F(KeyFileTest, ALinkIsFollowedAndTheModeStays) {
  Write(first_ + "\n", 0400);
  const std::string link = directory_.File("link");
  std::filesystem::create_symlink(path_, link);
  const RootKeys keys{.newest = DrawRootKey(), .previous = std::nullopt};
  ASSERT_TRUE(ReplaceKeyFile(link, keys).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(*ReadKeyFile(path_), keys);
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0400u);
  EXPECT_EQ(ReplaceKeyFile(directory_.File("none"), keys).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tallyd
