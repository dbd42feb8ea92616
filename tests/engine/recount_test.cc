#include "engine/recount.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "engine/tally_book.h"
#include "storage/journal_record.h"
#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

// A journal in memory; `damaged_from` makes its cursor fail there, as a broken chain does.
class MemoryJournal final : public Journal {
 public:
  absl::StatusOr<JournalClaim> Claim() override { return JournalClaim(); }
  absl::Status Append(Position expected_last, std::string_view record) override {
    if (expected_last != last()) return absl::AbortedError("another writer");
    records_.emplace_back(record);
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<JournalCursor>> Read(Position from) override {
    return std::make_unique<Cursor>(this, from);
  }
  absl::Status CopyTo(const std::string& /*directory*/) override {
    return absl::UnimplementedError("in memory only");
  }
  absl::Status Trim(Position) override { return absl::UnimplementedError("not needed here"); }
  Position first() const override { return 1; }
  Position last() const override { return records_.size(); }

  const std::string& record(Position position) const { return records_[position - 1]; }
  Position damaged_from = 0;

 private:
  class Cursor final : public JournalCursor {
   public:
    Cursor(const MemoryJournal* journal, Position from) : journal_(journal), next_(from) {}
    absl::StatusOr<std::string_view> Next() override {
      if (next_ > journal_->last()) return std::string_view();
      if (journal_->damaged_from != 0 && next_ >= journal_->damaged_from) {
        return absl::DataLossError("the chain is broken");
      }
      return std::string_view(journal_->records_[next_++ - 1]);
    }

   private:
    const MemoryJournal* journal_;
    Position next_;
  };
  std::vector<std::string> records_;
};

struct InForce {
  Seq seq = 0;
  Channel channel = Channel::kOnline;
  std::string payload;
  std::uint32_t version_no = 0;
};

// Writes a random but lawful history: polls of any type, votes, changes, withdrawals, new options.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {}

  void AddPoll() {
    PollEntry entry;
    entry.number = static_cast<PollNumber>(polls_.size() + 1);
    const auto options_count = static_cast<OptionIndex>(1 + Below(&random_, 12));
    Poll poll;
    poll.rules = RandomRules(&random_, options_count);
    entry.definition.id = "poll-" + std::to_string(entry.number);
    entry.definition.ballot = DefinitionOf(poll.rules);
    AddOptions(options_count, &entry.definition);
    poll.entry = entry;
    polls_.push_back(poll);
    builder_.AddPoll(entry);
  }

  void AddOption() {
    Poll& poll = polls_[Below(&random_, polls_.size())];
    AddOptions(1, &poll.entry.definition);
    builder_.AddPoll(poll.entry);
  }

  void AddVersion() {
    Poll& poll = polls_[Below(&random_, polls_.size())];
    const VoterTag tag = TagOf(Below(&random_, 60), 1);
    InForce& voter = poll.voters[tag];
    const SupersededBallot before{
        .seq = voter.seq, .channel = voter.channel, .payload = voter.payload};
    if (!voter.payload.empty() && Below(&random_, 3) == 0) {
      builder_.AddWithdrawal({.poll = poll.entry.number,
                              .seq = ++poll.last_seq,
                              .tag = tag,
                              .version_no = ++voter.version_no,
                              .supersedes = before});
      voter.payload.clear();
    } else {
      const auto options_count = static_cast<OptionIndex>(poll.entry.definition.options.size());
      const PackedBallot packed =
          Pack(poll.rules.type, RandomValues(&random_, poll.rules, options_count));
      BallotEntry ballot{.poll = poll.entry.number,
                         .seq = ++poll.last_seq,
                         .tag = tag,
                         .channel = Below(&random_, 3) == 0 ? Channel::kPaper : Channel::kOnline,
                         .version_no = ++voter.version_no,
                         .supersedes = std::nullopt,
                         .payload = packed.view()};
      if (voter.seq != 0) ballot.supersedes = before;
      builder_.AddBallot(ballot);
      voter.channel = ballot.channel;
      voter.payload = std::string(packed.view());
    }
    voter.seq = poll.last_seq;
  }

  // Enters a batch (every third counts at once), or confirms or takes back an earlier one.
  void AddPaper() {
    Poll& poll = polls_[Below(&random_, polls_.size())];
    const PollNumber number = poll.entry.number;
    if (poll.paper.empty() || Below(&random_, 2) == 0) {
      PaperBatchEntry entry;
      entry.poll = number;
      entry.batch.id = "b" + std::to_string(poll.paper.size());
      entry.batch.figures = RandomFigures(poll.entry.definition.options.size());
      entry.counts = Below(&random_, 3) == 0;
      poll.paper.push_back({entry.batch.figures, entry.counts, false});
      builder_.AddPaperBatch(entry);
      return;
    }
    const std::uint64_t index = Below(&random_, poll.paper.size());
    Paper& paper = poll.paper[index];
    const std::string id = "b" + std::to_string(index);
    if (paper.voided) return;
    if (!paper.counts && Below(&random_, 2) == 0) {
      builder_.AddPaperConfirm({.poll = number, .batch = id, .figures = paper.figures});
      paper.counts = true;
      return;
    }
    PaperVoidEntry taken{.poll = number, .batch = id, .reason = "x", .reverses = std::nullopt};
    if (paper.counts) taken.reverses = paper.figures;
    builder_.AddPaperVoid(taken);
    paper.voided = true;
  }

  void Commit(MemoryJournal* journal) {
    const Position position = journal->last() + 1;
    const SealedRecord sealed = builder_.Seal({.epoch = 1,
                                               .term = 1,
                                               .position = position,
                                               .time = static_cast<TimeUs>(position),
                                               .previous_hash = last_hash_});
    ASSERT_TRUE(journal->Append(position - 1, sealed.bytes).ok());
    last_hash_ = sealed.hash;
    builder_.Clear();
  }

  void Fill(MemoryJournal* journal, int commits) {
    for (int i = 0; i < 3; ++i) AddPoll();
    for (int i = 0; i < commits; ++i) {
      const std::uint64_t acts = 1 + Below(&random_, 30);
      for (std::uint64_t act = 0; act < acts; ++act) {
        const std::uint64_t kind = Below(&random_, 100);
        if (kind == 0) AddPoll();
        if (kind == 1) AddOption();
        if (kind > 1 && kind < 10) AddPaper();
        if (kind >= 10) AddVersion();
      }
      Commit(journal);
    }
  }

 private:
  struct Paper {
    PaperFigures figures;
    bool counts = false;
    bool voided = false;
  };
  struct Poll {
    PollEntry entry;
    BallotRules rules;
    Seq last_seq = 0;
    std::map<VoterTag, InForce> voters;
    std::vector<Paper> paper;
  };

  PaperFigures RandomFigures(std::size_t options_count) {
    const auto up_to = [this](std::uint64_t most) {
      return static_cast<std::uint32_t>(Below(&random_, most + 1));
    };
    PaperFigures figures;
    figures.invalid = up_to(5);
    figures.blank = up_to(5);
    figures.cards = figures.invalid + figures.blank + 1 + up_to(100);
    for (OptionIndex option = 0; option < options_count; ++option) {
      const std::uint32_t ballots = up_to(figures.cards - figures.invalid - figures.blank);
      if (ballots == 0) continue;
      figures.counts.push_back({option, ballots, std::int64_t{up_to(200)} - 100});
    }
    return figures;
  }

  static void AddOptions(OptionIndex count, PollDefinition* definition) {
    for (OptionIndex i = 0; i < count; ++i) {
      definition->options.push_back(Option("o" + std::to_string(definition->options.size())));
    }
  }

  Random random_;
  RecordBuilder builder_;
  ChainHash last_hash_;
  std::vector<Poll> polls_;
};

void ApplyThrough(const MemoryJournal& journal, Position from, Position through, TallyBook* book) {
  for (Position position = from; position <= through; ++position) {
    const auto record = RecordView::Parse(journal.record(position));
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_TRUE(book->Apply(*record).ok());
  }
}

void ExpectEqual(const TallyBook& book, const Recount& recount) {
  ASSERT_EQ(book.Polls().size(), recount.polls.size());
  for (const auto& [poll, counted] : recount.polls) {
    EXPECT_EQ(CompareWithRecount(book.tally(poll), counted), std::vector<std::string>()) << poll;
  }
}

TEST(RecountTest, EqualsTheTallyAtEveryPosition) {
  const std::uint64_t seed = TestSeed();
  for (std::uint64_t round = 0; round < 8; ++round) {
    MemoryJournal journal;
    History history(seed + round);
    history.Fill(&journal, 60);
    TallyBook book;
    for (Position position = 1; position <= journal.last(); ++position) {
      ApplyThrough(journal, position, position, &book);
      const auto recount = RecountJournal(&journal, position);
      ASSERT_TRUE(recount.ok()) << recount.status();
      EXPECT_EQ(recount->position, position);
      EXPECT_EQ(recount->records, position);
      ExpectEqual(book, *recount);
      // With room for a few voters only: in many passes.
      const auto in_parts = RecountJournal(&journal, position, 1'000);
      ASSERT_TRUE(in_parts.ok()) << in_parts.status();
      EXPECT_EQ(in_parts->records, position);
      ExpectEqual(book, *in_parts);
    }
  }
}

TEST(RecountTest, ACheckpointGoesOnToTheSameCounts) {
  MemoryJournal journal;
  History history(TestSeed());
  history.Fill(&journal, 40);
  TallyBook first;
  ApplyThrough(journal, 1, 25, &first);
  TallyBook second;
  ASSERT_TRUE(second.Decode(first.Encode()).ok());
  ApplyThrough(journal, 26, 40, &second);
  const auto recount = RecountJournal(&journal, 40);
  ASSERT_TRUE(recount.ok());
  ExpectEqual(second, *recount);
  std::vector<TallyCheckpoint::Poll> damaged = first.Encode();
  damaged[0].tally.pop_back();
  EXPECT_TRUE(absl::IsDataLoss(TallyBook().Decode(damaged)));
  damaged[0].tally.resize(10);
  EXPECT_TRUE(absl::IsDataLoss(TallyBook().Decode(damaged)));
}

TEST(RecountTest, NamesEveryDifference) {
  MemoryJournal journal;
  History history(TestSeed());
  history.Fill(&journal, 20);
  TallyBook book;
  ApplyThrough(journal, 1, 20, &book);
  const auto recount = RecountJournal(&journal, 20);
  ASSERT_TRUE(recount.ok());
  const PollTally& tally = book.tally(1);
  const RecountedPoll& right = recount->polls.at(1);
  const auto differences = [&](auto change) {
    RecountedPoll wrong = right;
    change(wrong);
    return CompareWithRecount(tally, wrong).size();
  };
  EXPECT_EQ(differences([](RecountedPoll&) {}), 0u);
  EXPECT_EQ(differences([](RecountedPoll& p) { ++p.online_ballots; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { ++p.paper_ballots; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { ++p.blank_ballots; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { ++p.invalid_cards; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { ++p.options[0].online; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { --p.options[0].paper; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { ++p.options[0].ballots; }), 1u);
  EXPECT_EQ(differences([](RecountedPoll& p) { p.options.emplace_back(); }), 1u);
}

TEST(RecountTest, AnEmptyJournalAndABrokenChain) {
  MemoryJournal journal;
  const auto nothing = RecountJournal(&journal, 0);
  ASSERT_TRUE(nothing.ok());
  EXPECT_TRUE(nothing->polls.empty());
  History history(TestSeed());
  history.Fill(&journal, 10);
  journal.damaged_from = 7;
  EXPECT_TRUE(absl::IsDataLoss(RecountJournal(&journal, 10).status()));
  EXPECT_TRUE(absl::IsDataLoss(RecountJournal(&journal, 7).status()));
}

TEST(RecountTest, RecordsOfUnknownPollsAreDamage) {
  RecordBuilder builder;
  BallotEntry ballot;
  ballot.poll = 3;
  ballot.seq = 1;
  ballot.payload = std::string_view("\0", 1);
  builder.AddBallot(ballot);
  RecordHeader header;
  header.position = 1;
  const SealedRecord sealed = builder.Seal(header);
  const auto record = RecordView::Parse(sealed.bytes);
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(absl::IsDataLoss(TallyBook().Apply(*record)));
}

}  // namespace
}  // namespace tallyd
