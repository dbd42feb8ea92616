#include "engine/voter_register.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

constexpr Epoch kEpoch = 1'777'000'000;

struct Voter {
  PollNumber poll;
  VoterTag tag;
  friend auto operator<=>(const Voter&, const Voter&) = default;
};

// A register on a real ballot store, and what it must answer.
class VoterRegisterTest : public testing::Test {
 protected:
  void Open(std::size_t memory_bytes_max) {
    auto store = BallotStore::Open(
        {.directory = directory_.File("ballots"), .epoch = kEpoch, .on_background_error = {}});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    voters_ = std::make_unique<VoterRegister>(
        VoterRegister::Options{.memory_bytes_max = memory_bytes_max,
                               .on_fatal = [](const absl::Status& status) { FAIL() << status; }},
        store_.get(), &metrics_);
  }

  void BeginCommit(std::size_t versions_max) {
    block_ = voters_->BeginBlock(++position_, versions_max);
  }

  // Decides one more version of the voter, as the Decider does.
  Seq Record(PollNumber poll, const VoterTag& tag, bool withdrawn = false) {
    BallotVersion version;
    version.poll = poll;
    version.tag = tag;
    version.seq = ++last_seq_[poll];
    version.position = position_;
    version.withdrawn = withdrawn;
    version.payload = withdrawn ? "" : std::to_string(version.seq);
    BallotVersion* const before = Newest(poll, tag);
    version.supersedes = before == nullptr ? 0 : before->seq;
    version.version_no = before == nullptr ? 1 : before->version_no + 1;
    model_[{poll, tag}].push_back(version);
    owner_[{poll, version.seq}] = tag;
    const Seq seq = version.seq;
    voters_->Record(block_, std::move(version));
    return seq;
  }

  // The store takes everything decided up to now.
  void Materialise() {
    std::vector<BallotVersion> versions;
    for (const auto& [voter, all] : model_) {
      for (const BallotVersion& version : all) {
        if (version.position > store_->position()) versions.push_back(version);
      }
    }
    if (position_ == store_->position()) return;
    ASSERT_TRUE(store_->Write(versions, position_).ok());
  }

  BallotVersion* Newest(PollNumber poll, const VoterTag& tag) {
    const auto found = model_.find({poll, tag});
    return found == model_.end() ? nullptr : &found->second.back();
  }

  static void ExpectSame(const std::optional<BallotVersion>& got, const BallotVersion* expected) {
    ASSERT_EQ(got.has_value(), expected != nullptr);
    if (!got) return;
    EXPECT_EQ(got->seq, expected->seq);
    EXPECT_EQ(got->tag, expected->tag);
    EXPECT_EQ(got->payload, expected->payload);
    EXPECT_EQ(got->withdrawn, expected->withdrawn);
    EXPECT_EQ(got->version_no, expected->version_no);
    EXPECT_EQ(got->supersedes, expected->supersedes);
    EXPECT_EQ(got->position, expected->position);
  }

  void ExpectExact() {
    for (auto& [voter, versions] : model_) {
      ExpectSame(voters_->FindNewest(voter.poll, voter.tag), &versions.back());
      for (const BallotVersion& version : versions) {
        ExpectSame(voters_->FindVersion(voter.poll, voter.tag, version.seq), &version);
        EXPECT_EQ(voters_->FindTag(voter.poll, version.seq), voter.tag);
      }
    }
  }

  std::uint64_t StoreReads() const { return metrics_.ballot_store_reads.load(); }

  TempDirectory directory_;
  EngineMetrics metrics_;
  std::unique_ptr<BallotStore> store_;
  std::unique_ptr<VoterRegister> voters_;
  TailBlock* block_ = nullptr;
  Position position_ = 0;
  std::map<PollNumber, Seq> last_seq_;
  std::map<Voter, std::vector<BallotVersion>> model_;
  std::map<std::pair<PollNumber, Seq>, VoterTag> owner_;
};

TEST_F(VoterRegisterTest, AnswersFromTheTailBeforeTheStoreHasIt) {
  Open(std::size_t{1} << 30);
  BeginCommit(3);
  const VoterTag tag = TagOf(1, 1);
  EXPECT_EQ(voters_->FindNewest(1, tag), std::nullopt);
  Record(1, tag);
  Record(1, TagOf(2, 2));
  Record(1, tag);
  ExpectExact();
  EXPECT_EQ(StoreReads(), 0u);
  EXPECT_EQ(voters_->FindVersion(1, TagOf(2, 2), 1), std::nullopt) << "another voter's version";
  EXPECT_EQ(voters_->FindTag(1, 4), std::nullopt);
}

TEST_F(VoterRegisterTest, AnswersFromTheStoreOnceTheTailIsTrimmed) {
  Open(std::size_t{1} << 30);
  BeginCommit(2);
  Record(1, TagOf(1, 1));
  Record(1, TagOf(1, 1), true);
  Materialise();
  BeginCommit(2);
  Record(1, TagOf(2, 2));
  Record(2, TagOf(1, 1));
  voters_->Trim(1);
  const std::uint64_t reads = StoreReads();
  ExpectExact();
  EXPECT_GT(StoreReads(), reads);
  // A stranger to a poll that memory holds whole costs no read.
  const std::uint64_t reads_before = StoreReads();
  EXPECT_EQ(voters_->FindNewest(1, TagOf(9, 9)), std::nullopt);
  EXPECT_EQ(StoreReads(), reads_before);
  voters_->Trim(1);
  EXPECT_GT(voters_->tail_bytes(), 0u);
  Materialise();
  voters_->Trim(2);
  EXPECT_EQ(voters_->tail_bytes(), 0u);
  ExpectExact();
  EXPECT_EQ(voters_->voters(), 3u);
}

// Voters whose tags share all 88 bits that the index keeps, in the tail and in the store.
TEST_F(VoterRegisterTest, CollisionsAreVerifiedAgainstTheWholeTag) {
  Open(std::size_t{1} << 30);
  std::vector<VoterTag> twins;
  for (std::uint64_t i = 0; i < 6; ++i) twins.push_back(TagOf(i << 24 | 5, 77));
  BeginCommit(3);
  for (int i = 0; i < 3; ++i) Record(1, twins[i]);
  ExpectExact();
  EXPECT_EQ(voters_->FindNewest(1, twins[3]), std::nullopt) << "a twin never costs the vote";
  Materialise();
  voters_->Trim(1);
  EXPECT_EQ(voters_->FindNewest(1, twins[3]), std::nullopt);
  BeginCommit(4);
  for (int i = 3; i < 5; ++i) Record(1, twins[i]);
  Record(1, twins[0]);
  Record(1, twins[4], true);
  ExpectExact();
  EXPECT_EQ(voters_->FindNewest(1, twins[5]), std::nullopt);
}

TEST_F(VoterRegisterTest, OnlyPollsThatTheStoreHoldsAreDropped) {
  Open(0);  // nothing fits
  BeginCommit(1);
  Record(1, TagOf(1, 1));
  voters_->Trim(0);
  EXPECT_EQ(voters_->voters(), 1u) << "the store has not got it: memory must keep it";
  Materialise();
  BeginCommit(1);
  Record(2, TagOf(2, 2));
  voters_->Trim(1);
  EXPECT_EQ(voters_->voters(), 1u) << "poll 1 went, poll 2 is still in the tail";
  EXPECT_EQ(metrics_.dedup_polls_dropped.load(), 1u);
  ExpectExact();
  EXPECT_EQ(voters_->FindNewest(1, TagOf(3, 3)), std::nullopt);
}

TEST_F(VoterRegisterTest, StaysExactUnderAnyBudget) {
  Random random(TestSeed());
  for (const std::size_t budget : {0u, 3'000u, 12'000u, 1u << 30}) {
    SCOPED_TRACE(budget);
    model_.clear();
    last_seq_.clear();
    owner_.clear();
    position_ = 0;
    voters_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_.File("ballots"));
    Open(budget);
    std::vector<VoterTag> tags;
    for (std::uint64_t i = 0; i < 150; ++i) {
      tags.push_back(TagOf(i << 24 | i % 3, i % 40));  // collisions in plenty
    }
    for (int commit = 0; commit < 60; ++commit) {
      const std::size_t versions = 1 + Below(&random, 20);
      BeginCommit(versions);
      for (std::size_t i = 0; i < versions; ++i) {
        const auto poll = static_cast<PollNumber>(1 + Below(&random, 5));
        const VoterTag& tag = tags[Below(&random, tags.size())];
        const BallotVersion* newest = Newest(poll, tag);
        ExpectSame(voters_->FindNewest(poll, tag), newest);
        Record(poll, tag, newest != nullptr && Below(&random, 4) == 0);
      }
      if (Below(&random, 3) == 0) Materialise();
      voters_->Trim(store_->position());
    }
    ExpectExact();
    EXPECT_EQ(metrics_.dedup_polls_dropped.load() == 0, budget >= 1u << 30);
    metrics_.dedup_polls_dropped.store(budget >= 12'000u ? 0 : 1);
    if (HasFailure()) return;
  }
}

TEST_F(VoterRegisterTest, ARestartKnowsEverybodyAgain) {
  Open(std::size_t{1} << 30);
  BeginCommit(40);
  for (std::uint64_t i = 0; i < 20; ++i) Record(1, TagOf(i, i));
  for (std::uint64_t i = 0; i < 20; i += 3) Record(1, TagOf(i, i), i % 2 == 0);
  Materialise();
  struct Start {
    std::size_t budget;
    std::size_t expected;
  };
  for (const Start start : {Start{0, 20}, Start{1 << 30, 0}, Start{1 << 30, 3}, Start{1 << 30, 20},
                            Start{1 << 30, 5'000}}) {
    store_.reset();
    voters_.reset();
    Open(start.budget);
    voters_->Expect(1, start.expected);
    for (Seq seq = 1; seq <= last_seq_[1]; ++seq) {
      const VoterTag tag = owner_[{1, seq}];
      for (const BallotVersion& version : model_[{1, tag}]) {
        if (version.seq == seq) voters_->RecordStored(1, tag, seq, version.supersedes);
      }
    }
    voters_->Trim(position_);
    EXPECT_EQ(voters_->voters(), start.budget == 0 ? 0u : 20u);
    ExpectExact();
    EXPECT_EQ(voters_->FindNewest(1, TagOf(99, 99)), std::nullopt);
  }
}

TEST_F(VoterRegisterTest, ExpectsNobodyBeyondTheBudget) {
  Open(100'000);
  voters_->Expect(1, 1'000);
  voters_->Trim(0);
  const std::size_t one = voters_->memory_bytes();
  EXPECT_GT(one, 1'000 * 16);
  voters_->Expect(2, 1'000'000'000);
  voters_->Expect(3, 4'000);
  voters_->Expect(4, ~std::size_t{0} / DedupIndex::kVoterBytesMax + 1);  // times 24: overflows
  voters_->Trim(0);
  EXPECT_EQ(voters_->memory_bytes(), one);
}

TEST_F(VoterRegisterTest, CountsItsMemory) {
  Open(std::size_t{1} << 30);
  BeginCommit(1'000);
  for (std::uint64_t i = 0; i < 1'000; ++i) Record(1, TagOf(i, i << 40));
  voters_->Trim(0);
  EXPECT_EQ(voters_->voters(), 1'000u);
  EXPECT_GT(voters_->tail_bytes(), 1'000 * sizeof(BallotVersion));
  EXPECT_GT(voters_->memory_bytes(), voters_->tail_bytes() + 1'000 * 16);
}

using VoterRegisterDeathTest = VoterRegisterTest;

TEST_F(VoterRegisterDeathTest, ABlockIsNeverOverfilled) {
  Open(std::size_t{1} << 30);
  BeginCommit(1);
  Record(1, TagOf(1, 1));
  EXPECT_DEATH(Record(1, TagOf(2, 2)), "broken invariant");
}

}  // namespace
}  // namespace tallyd
