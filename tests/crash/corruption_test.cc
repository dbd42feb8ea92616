// Damage to any file of a stopped server's directory: flipped, zeroed, cut, swapped for an older
// copy, removed. The next start either serves exactly what was there or refuses; it never serves
// less.
//
// TALLYD_CORRUPTIONS says how many. The key file is left out: a damaged key is refused or answers
// key_missing (tests/storage, backup_test).

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "tests/crash/crash_harness.h"
#include "tests/support/environment.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class Corruption : public ::testing::Test {
 protected:
  // Two lives, so that there are files of every kind; the second is killed, so that its write-ahead
  // logs are full. `older` is the directory as it was between them.
  void MakeData() {
    CrashHarness harness({.data_directory = directory_.File("data"),
                          .seed = TestSeed(),
                          .threads = 4,
                          .arguments = {"--watermark-interval-us=1000"}});
    ASSERT_TRUE(harness.Start()) << harness.server().Log();
    harness.LoadFor(milliseconds(100));
    harness.EndLoad();
    harness.server().Terminate();
    ASSERT_EQ(harness.server().Wait(), 0);
    fs::copy(directory_.File("data"), directory_.File("older"), fs::copy_options::recursive);
    ASSERT_TRUE(harness.Start());
    harness.LoadFor(milliseconds(150));
    harness.EndLoad();
    std::this_thread::sleep_for(milliseconds(300));  // the watermark names the last record
    for (const char* poll : {"fixed", "changing"})
      rankings_[poll] = Ranking(harness.server(), poll);
    for (const AcknowledgedBallot& ballot : harness.crowd().acknowledged()) {
      if (ballot.poll == "fixed") voters_.push_back(ballot);
    }
    harness.Kill();
    ASSERT_GT(voters_.size(), 10U);
  }

  static std::string Ranking(TallydProcess& server, const std::string& poll) {
    HttpClient client(server.public_port(), /*record=*/false);
    return client.Send({"GET", "/v1/polls/" + poll + "/ranking", {}, {}}).body;
  }

  // Damages one file; says what was done, "" if there was nothing to damage.
  std::string Harm(const std::string& copy, std::mt19937_64& random) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(copy)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || name == "LOCK" || name.starts_with("LOG")) continue;
      if (entry.file_size() > 0) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    const fs::path file = files[random() % files.size()];
    const auto size = fs::file_size(file);
    const auto at = static_cast<std::streamoff>(random() % size);
    std::string name = fs::relative(file, copy).string();
    for (char& c : name) {
      if (c >= '0' && c <= '9') c = '#';
    }
    switch (random() % 5) {
      case 0:
        Overwrite(file, at, 1, static_cast<char>(1U << (random() % 8)));
        return "flip " + name;
      case 1:
        Overwrite(file, at, 1 + static_cast<int>(random() % 4096), 0);
        return "zero " + name;
      case 2:
        fs::resize_file(file, static_cast<std::uintmax_t>(at));
        return "cut " + name;
      case 3:
        fs::remove(file);
        return "remove " + name;
      default: {
        const fs::path old = directory_.File("older") / fs::relative(file, copy);
        if (!fs::exists(old)) return "";
        fs::copy_file(old, file, fs::copy_options::overwrite_existing);
        return "older " + name;
      }
    }
  }

  // Bytes from `at` on become zero, or (with `flip`) one has bits of `flip` inverted.
  static void Overwrite(const fs::path& path, std::streamoff at, int count, char flip) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (int i = 0; i < count; ++i) {
      file.seekg(at + i);
      const int byte = file.get();
      if (byte == EOF) return;
      file.seekp(at + i);
      file.put(static_cast<char>(flip == 0 ? 0 : byte ^ flip));
    }
  }

  // What a start on the harmed copy comes to: "served", or "refused" with the code.
  std::string Outcome(const std::string& copy, const std::string& harm) {
    TallydProcess server(
        {.data_directory = copy, .arguments = {"--key-file=" + directory_.File("data.key")}});
    if (!server.WaitReady()) {
      const int exit = server.Wait();
      EXPECT_TRUE(exit == 65 || exit == 74 || exit == 78 || exit == -6) << harm << ": " << exit;
      EXPECT_FALSE(server.Log().empty()) << harm;
      return "refused with " + std::to_string(exit);
    }
    for (const auto& [poll, ranking] : rankings_) {
      const std::string shown = Ranking(server, poll);
      EXPECT_EQ(shown, ranking) << harm;
    }
    HttpClient client(server.public_port(), /*record=*/false);
    for (std::size_t i = 0; i < voters_.size(); i += voters_.size() / 8 + 1) {
      const HttpAnswer answer =
          client.Send(VoteCall("fixed", ChoicesBody(voters_[i].voter, {voters_[i].option})));
      if (answer.status == 0) {
        EXPECT_EQ(server.Wait(), 74) << harm << ": " << server.Log();
        return "stopped at the damage with 74";
      }
      EXPECT_EQ(answer.status, 200) << harm << ": " << answer.body;
      EXPECT_EQ(answer.Json().at("seq").to_number<std::int64_t>(), voters_[i].seq) << harm;
    }
    return "served all";
  }

  TempDirectory directory_;
  std::map<std::string, std::string> rankings_;
  std::vector<AcknowledgedBallot> voters_;
};

TEST_F(Corruption, IsNeverServedAsAShorterHistory) {
  const std::uint64_t seed = TestSeed();
  const std::uint64_t corruptions = EnvironmentNumber("TALLYD_CORRUPTIONS", 20);
  std::cout << "TALLYD_TEST_SEED=" << seed << " TALLYD_CORRUPTIONS=" << corruptions << std::endl;
  std::mt19937_64 random(seed);
  ASSERT_NO_FATAL_FAILURE(MakeData());
  std::map<std::string, int> outcomes;
  std::uint64_t done = 0;
  while (done < corruptions && !HasFailure()) {
    const std::string copy = directory_.File("copy");
    fs::remove_all(copy);
    fs::copy(directory_.File("data"), copy, fs::copy_options::recursive);
    const std::string harm = Harm(copy, random);
    if (harm.empty()) continue;
    ++done;
    const std::string outcome = Outcome(copy, harm);
    ++outcomes[harm.substr(0, harm.find(' ')) + ": " + outcome];
  }
  for (const auto& [outcome, times] : outcomes)
    std::cout << "  " << times << " x " << outcome << "\n";
}

}  // namespace
}  // namespace tallyd
