#include "storage/ballot_store.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "tests/storage/child_process.h"
#include "tests/storage/random_entries.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr Epoch kStoreEpoch = 7;

absl::StatusOr<std::unique_ptr<BallotStore>> OpenStore(const std::string& directory,
                                                       Epoch epoch = kStoreEpoch,
                                                       std::uint64_t memory_bytes_max = 4 << 20,
                                                       std::size_t file_versions_min = 200) {
  BallotStoreOptions options;
  options.directory = directory;
  options.epoch = epoch;
  options.memory_bytes_max = memory_bytes_max;
  options.file_versions_min = file_versions_min;
  return BallotStore::Open(options);
}

VoterTag TagOf(std::uint64_t voter) {
  VoterTag tag;
  for (std::size_t i = 0; i < tag.bytes.size(); ++i) {
    voter = voter * 6364136223846793005u + 1442695040888963407u;
    tag.bytes[i] = static_cast<std::uint8_t>(voter >> 56);
  }
  return tag;
}

BallotVersion VersionOf(PollNumber poll, std::uint64_t voter, Seq seq, Position position) {
  BallotVersion version;
  version.poll = poll;
  version.tag = TagOf(voter);
  version.seq = seq;
  version.position = position;
  version.payload = "payload of seq " + std::to_string(seq);
  return version;
}

auto Fields(const BallotVersion& v) {
  return std::tie(v.poll, v.tag, v.seq, v.channel, v.box, v.withdrawn, v.version_no,
                  v.idempotency_print, v.supersedes, v.position, v.payload);
}

BallotVersion RandomVersion(RandomEntries* random, PollNumber poll, Seq seq, Position position) {
  BallotVersion version = VersionOf(poll, random->Below(2000), seq, position);
  version.payload = random->Text(60);
  version.version_no = static_cast<std::uint32_t>(random->Below(1u << 31));
  version.withdrawn = random->Below(2) == 0;
  if (random->Below(2) == 0) version.idempotency_print = random->Below(~0ull);
  if (random->Below(2) == 0) version.supersedes = random->Below(version.seq);
  if (random->Below(2) == 0) {
    version.channel = Channel::kPaper;
    version.box = static_cast<BoxIndex>(random->Below(5));
  }
  return version;
}

TEST(BallotStoreTest, FindsWhatWasWritten) {
  TempDirectory dir;
  RandomEntries random(TestSeed());
  std::map<std::tuple<PollNumber, VoterTag, Seq>, BallotVersion> written;
  absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->position(), 0u);
  std::map<PollNumber, Seq> seqs;
  for (Position position = 1; position <= 60; ++position) {
    std::vector<BallotVersion> batch;
    for (std::uint64_t i = random.Below(400); i > 0; --i) {  // half of them make files
      const auto poll = static_cast<PollNumber>(1 + random.Below(3));
      const BallotVersion version = RandomVersion(&random, poll, ++seqs[poll], position);
      written[{version.poll, version.tag, version.seq}] = version;
      batch.push_back(version);
    }
    std::shuffle(batch.begin(), batch.end(), std::mt19937_64(position));
    ASSERT_TRUE((*store)->Write(batch, position).ok());
    EXPECT_EQ((*store)->position(), position);
    if (batch.size() >= 200) {
      EXPECT_EQ((*store)->durable_position(), position);
    }
    if (position == 20) {
      ASSERT_TRUE((*store)->Flush().ok());
      EXPECT_EQ((*store)->durable_position(), position);
    }
    if (position == 40) {  // from files, from memory, from both
      store->reset();
      store = OpenStore(dir.File("ballots"));
      ASSERT_TRUE(store.ok()) << store.status();
      EXPECT_EQ((*store)->position(), position);  // closing lost nothing
      EXPECT_EQ((*store)->durable_position(), position);
    }
  }
  for (const auto& [key, version] : written) {
    const auto& [poll, tag, seq] = key;
    const auto got = (*store)->Get(poll, tag, seq);
    ASSERT_TRUE(got.ok() && got->has_value()) << got.status();
    EXPECT_EQ(Fields(**got), Fields(version));
    EXPECT_EQ(**(*store)->FindTag(poll, seq), tag);
    const auto newest = (*store)->GetNewest(poll, tag);
    ASSERT_TRUE(newest.ok() && newest->has_value()) << newest.status();
    EXPECT_EQ((*newest)->seq,
              std::get<2>(std::prev(written.upper_bound({poll, tag, kSeqMax}))->first));
  }
  for (PollNumber poll = 1; poll <= 3; ++poll) {
    std::vector<BallotVersion> expected;
    for (const auto& [key, version] : written) {
      if (version.poll == poll) expected.push_back(version);
    }
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
      return std::tie(a.tag, b.seq) < std::tie(b.tag, a.seq);
    });
    std::size_t seen = 0;
    const absl::Status status = (*store)->Scan(poll, [&](const BallotVersion& version) {
      EXPECT_LT(seen, expected.size());
      EXPECT_EQ(Fields(version), Fields(expected[seen++]));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(seen, expected.size());
  }
}

TEST(BallotStoreTest, MissesAreNoErrors) {
  TempDirectory dir;
  absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Write({VersionOf(1, 1, 1, 1), VersionOf(3, 1, 1, 1)}, 1).ok());
  for (int flushed = 0; flushed < 2; ++flushed) {
    EXPECT_FALSE((*store)->Get(1, TagOf(1), 2)->has_value());
    EXPECT_FALSE((*store)->Get(1, TagOf(2), 1)->has_value());
    EXPECT_FALSE((*store)->Get(2, TagOf(1), 1)->has_value());
    EXPECT_FALSE((*store)->GetNewest(1, TagOf(2))->has_value());
    EXPECT_FALSE((*store)->GetNewest(2, TagOf(1))->has_value());
    EXPECT_FALSE((*store)->GetNewest(4, TagOf(1))->has_value());
    EXPECT_FALSE((*store)->FindTag(1, 2)->has_value());
    EXPECT_FALSE((*store)->FindTag(2, 1)->has_value());
    int seen = 0;
    EXPECT_TRUE((*store)
                    ->Scan(2,
                           [&](const BallotVersion&) {
                             ++seen;
                             return absl::OkStatus();
                           })
                    .ok());
    EXPECT_EQ(seen, 0);
    ASSERT_TRUE((*store)->Flush().ok());
  }
}

TEST(BallotStoreTest, WritingTheSameAgainChangesNothing) {
  TempDirectory dir;
  absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
  ASSERT_TRUE(store.ok());
  const std::vector<BallotVersion> first = {VersionOf(1, 1, 1, 1), VersionOf(1, 2, 2, 1)};
  const std::vector<BallotVersion> second = {VersionOf(1, 1, 3, 2)};
  ASSERT_TRUE((*store)->Write(first, 1).ok());
  ASSERT_TRUE((*store)->Write(second, 2).ok());
  ASSERT_TRUE((*store)->Write(first, 1).ok());
  ASSERT_TRUE((*store)->Write({}, 2).ok());
  EXPECT_EQ((*store)->position(), 2u);
  EXPECT_EQ((**(*store)->GetNewest(1, TagOf(1))).seq, 3u);
  int seen = 0;
  EXPECT_TRUE((*store)
                  ->Scan(1,
                         [&](const BallotVersion&) {
                           ++seen;
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_EQ(seen, 3);
}

TEST(BallotStoreTest, ScanStopsWhereToldTo) {
  TempDirectory dir;
  absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Write({VersionOf(1, 1, 1, 1), VersionOf(1, 2, 2, 1)}, 1).ok());
  EXPECT_EQ(
      (*store)->Scan(1, [](const BallotVersion&) { return absl::CancelledError("enough"); }).code(),
      absl::StatusCode::kCancelled);
}

TEST(BallotStoreTest, AFileLeftHalfWrittenByACrashIsInNobodysWay) {
  TempDirectory dir;
  std::vector<BallotVersion> many;
  for (Seq seq = 1; seq <= 300; ++seq) many.push_back(VersionOf(1, seq, seq, 1));
  many.push_back(many.front());  // the same twice is the same
  for (const Position position : {1, 2}) {
    std::filesystem::create_directories(dir.File("ballots"));
    std::ofstream(dir.File("ballots") + "/next.sst") << "half a file";
    absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->position(), position - 1);
    ASSERT_TRUE((*store)->Write(many, position).ok());
    std::size_t seen = 0;
    ASSERT_TRUE((*store)
                    ->Scan(1,
                           [&](const BallotVersion&) {
                             ++seen;
                             return absl::OkStatus();
                           })
                    .ok());
    EXPECT_EQ(seen, 300u);
  }
}

TEST(BallotStoreTest, AnotherEpochIsRefused) {
  TempDirectory dir;
  {
    absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->Write({VersionOf(1, 1, 1, 1)}, 1).ok());
  }
  EXPECT_EQ(OpenStore(dir.File("ballots"), kStoreEpoch + 1).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(OpenStore(dir.File("ballots")).ok());
}

// Commit p holds the seqs of (p - 1) * kPerCommit + 1 ... p * kPerCommit.
constexpr Seq kPerCommit = 200;

// Fills the store through several flushes of its own, notes what it called durable, and dies.
int WriteAndDie(const std::string& directory) {
  absl::StatusOr<std::unique_ptr<BallotStore>> store =
      OpenStore(directory + "/ballots", kStoreEpoch, 1 << 20, kPerCommit + 1);
  if (!store.ok()) return 1;
  const Position from = (*store)->position();
  std::vector<BallotVersion> batch;
  for (Position position = from + 1; position <= from + 100; ++position) {
    for (Seq seq = (position - 1) * kPerCommit + 1; seq <= position * kPerCommit; ++seq) {
      batch.push_back(VersionOf(1, seq, seq, position));
    }
    // One commit goes into memory, two together into a file.
    if (position % 13 == 0 && position < from + 100) continue;
    if (!(*store)->Write(batch, position).ok()) return 2;
    batch.clear();
  }
  std::ofstream(directory + "/durable") << (*store)->durable_position();
  _exit(42);
}
const bool kWriteAndDie = RegisterChild("write_and_die", &WriteAndDie);

TEST(BallotStoreTest, AfterAKillThePositionNamesExactlyWhatIsThere) {
  TempDirectory dir;
  Position before = 0;
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(RunChild("write_and_die", dir.path()), 42);
    Position durable = 0;
    ASSERT_TRUE(std::ifstream(dir.File("durable")) >> durable);
    absl::StatusOr<std::unique_ptr<BallotStore>> store = OpenStore(dir.File("ballots"));
    ASSERT_TRUE(store.ok()) << store.status();
    const Position position = (*store)->position();
    std::printf("round %d: durable %llu, found %llu\n", round,
                static_cast<unsigned long long>(durable),
                static_cast<unsigned long long>(position));
    EXPECT_GT(durable, before);  // flushes of its own came by
    EXPECT_GE(position, durable);
    EXPECT_LT(position, before + 100);  // and something was lost, or this tests nothing
    Seq seen = 0;
    Seq highest = 0;
    ASSERT_TRUE((*store)
                    ->Scan(1,
                           [&](const BallotVersion& version) {
                             ++seen;
                             highest = std::max(highest, version.seq);
                             return absl::OkStatus();
                           })
                    .ok());
    EXPECT_EQ(seen, position * kPerCommit);
    EXPECT_EQ(highest, position * kPerCommit);
    EXPECT_TRUE((*store)->FindTag(1, highest)->has_value());
    EXPECT_FALSE((*store)->FindTag(1, highest + 1)->has_value());
    before = position;
  }
}

// Bytes that this process has asked the kernel for, also those the page cache had.
std::uint64_t BytesRead() {
  std::ifstream io("/proc/self/io");
  for (std::string name; io >> name;) {
    std::uint64_t value = 0;
    io >> value;
    if (name == "rchar:") return value;
  }
  return 0;
}

// A cache of many small shards could hold none of a large file's filter: every look-up read half a
// megabyte.
TEST(BallotStoreTest, ALookUpInALargeFileReadsLittle) {
  constexpr std::uint64_t kVoters = 500'000;  // a filter of 0.6 MB
  constexpr std::uint64_t kLookUps = 200;
  TempDirectory dir;
  BallotStoreOptions options;
  options.directory = dir.File("ballots");
  options.epoch = kStoreEpoch;
  options.memory_bytes_max = 16 << 20;
  absl::StatusOr<std::unique_ptr<BallotStore>> store = BallotStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  {
    std::vector<BallotVersion> versions(kVoters);
    for (std::uint64_t i = 0; i < kVoters; ++i) {
      versions[i].poll = 1;
      versions[i].tag = TagOf(i);
      versions[i].seq = i + 1;
      versions[i].position = 1;
      versions[i].payload = "x";
    }
    ASSERT_TRUE((*store)->Write(versions, 1).ok());
  }
  const auto look_up = [&](std::uint64_t first) {
    const std::uint64_t before = BytesRead();
    for (std::uint64_t i = 0; i < kLookUps; ++i) {
      const std::uint64_t voter = (first + i * 2477) % kVoters;
      const auto found = (*store)->GetNewest(1, TagOf(voter));
      EXPECT_TRUE(found.ok() && found->has_value() && (*found)->seq == voter + 1);
    }
    return BytesRead() - before;
  };
  look_up(0);  // filter and index come into the cache
  const std::uint64_t bytes = look_up(1000);
  EXPECT_GT(bytes, 0u);  // or this measures nothing
  EXPECT_LT(bytes, kLookUps * 64 * 1024);
}

}  // namespace
}  // namespace tallyd
