// What the committing thread pays to keep a ranking and to publish it: engine/ranking.h, then the
// whole snapshot and its way onto the board.
//
// `Update` re-sorts after a commit that changed `changed` of `options` options; `Publish` makes the
// snapshot of a poll of that many options after as many changes and puts it on the board. Scores
// are drawn from a small range, so that equal ones are common.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"

#include "engine/poll_view.h"
#include "engine/ranking.h"
#include "engine/snapshot_board.h"
#include "engine/tally_book.h"
#include "storage/check.h"
#include "storage/journal_record.h"

namespace tallyd {
namespace {

std::vector<std::string> OptionIds(std::int64_t count) {
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(absl::StrCat("option-", i));
  return ids;
}

void BM_Update(benchmark::State& state) {
  const std::int64_t options = state.range(0);
  std::mt19937_64 random(1);
  std::vector<std::int64_t> scores(static_cast<std::size_t>(options));
  for (std::int64_t& score : scores) score = static_cast<std::int64_t>(random() % 1'000);
  const auto score_of = [&scores](OptionIndex option) { return scores[option]; };
  Ranking ranking;
  const std::vector<std::string> ids = OptionIds(options);
  std::vector<Ranking::Name> names;
  for (const std::string& id : ids) names.push_back({0, id});
  ranking.Reset(names, score_of);
  std::vector<OptionIndex> changed;
  for (auto _ : state) {
    state.PauseTiming();
    changed.clear();
    const auto step = static_cast<OptionIndex>(options / state.range(1));
    for (auto i = static_cast<OptionIndex>(random() % step); i < options; i += step) {
      changed.push_back(i);
      ++scores[i];
    }
    state.ResumeTiming();
    ranking.Update(changed, score_of);
    benchmark::DoNotOptimize(ranking.order().blocks().data());
  }
}
BENCHMARK(BM_Update)
    ->ArgNames({"options", "changed"})
    ->Args({100, 10})
    ->Args({10'000, 10})
    ->Args({10'000, 1'000})
    ->Args({100'000, 10})
    ->Args({100'000, 10'000})
    ->Unit(benchmark::kMicrosecond);

// A poll in a book of tallies, and commits of one ballot for each of some options.
class Poll {
 public:
  // As a checkpoint would bring it: its counts are there, and random.
  explicit Poll(std::int64_t options, PollNumber number = 1)
      : number_(number), options_(static_cast<OptionIndex>(options)) {
    PollEntry entry;
    entry.number = number_;
    entry.definition.id = "bench";
    entry.definition.project = "bench";
    entry.definition.ballot.type = BallotType::kChoose;
    entry.definition.ballot.min = 1;
    entry.definition.ballot.max = 1;
    builder_.AddPoll(entry);
    Commit();
    LoadTally();
    auto view = std::make_shared<PollView>();
    view->number = number_;
    view->definition = entry.definition;
    for (const std::string& id : OptionIds(options)) {
      OptionDefinition option;
      option.id = id;
      view->definition.options.push_back(std::move(option));
    }
    book_.SetView(view);
  }

  void VoteFor(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % kBallotsPerCommit == kBallotsPerCommit - 1) Commit();
      OptionIndex option = static_cast<OptionIndex>(random_() % options_);
      const PackedBallot packed = PackChoose(absl::MakeSpan(&option, 1));
      BallotEntry entry;
      entry.poll = number_;
      entry.seq = ++seq_;
      entry.payload = packed.view();
      builder_.AddBallot(entry);
    }
    Commit();
  }

  TallyBook& book() { return book_; }

 private:
  static constexpr std::int64_t kBallotsPerCommit = 1'000;

  // The counts are what a poll's checkpoint ends with: puts others in their place.
  void LoadTally() {
    BallotRules rules;
    rules.type = BallotType::kChoose;
    rules.max = 1;
    PollTally tally;
    const std::size_t none = tally.Encode().size();
    tally.ResizeOptions(options_);
    for (std::size_t i = 0; i < 20 * std::size_t{options_}; ++i) {
      auto option = static_cast<OptionIndex>(random_() % options_);
      tally.Add(Channel::kOnline, rules, PackChoose(absl::MakeSpan(&option, 1)).view());
    }
    std::vector<TallyCheckpoint::Poll> polls = book_.Encode();
    polls[0].tally.resize(polls[0].tally.size() - none);
    polls[0].tally += tally.Encode();
    TALLYD_CHECK(book_.Decode(polls).ok());
  }

  void Commit() {
    const SealedRecord sealed = builder_.Seal({.epoch = 1,
                                               .term = 1,
                                               .position = ++position_,
                                               .time = static_cast<TimeUs>(position_),
                                               .previous_hash = {}});
    const auto view = RecordView::Parse(sealed.bytes);
    TALLYD_CHECK(view.ok() && book_.Apply(*view).ok());
    builder_.Clear();
  }

  const PollNumber number_;
  const OptionIndex options_;
  std::mt19937_64 random_{1};
  RecordBuilder builder_;
  TallyBook book_;
  Position position_ = 0;
  Seq seq_ = 0;
};

void BM_Publish(benchmark::State& state) {
  Poll poll(state.range(0));
  SnapshotBoard board([] {});
  board.Publish(poll.book().MakeSnapshot(1, 1));  // the first one makes everything
  for (auto _ : state) {
    state.PauseTiming();
    poll.VoteFor(state.range(1));
    state.ResumeTiming();
    board.Publish(poll.book().MakeSnapshot(1, 1));
  }
  state.counters["rows"] = static_cast<double>(board.Newest(1)->rows.size());
}
BENCHMARK(BM_Publish)
    ->ArgNames({"options", "ballots"})
    ->ArgsProduct({{1'000, 10'000, 100'000}, {1, 10, 100, 1'000, 10'000}})
    ->Unit(benchmark::kMicrosecond);

// As many polls of ten options, each of which got a vote: all of them published.
void BM_PublishManyPolls(benchmark::State& state) {
  const auto polls = static_cast<PollNumber>(state.range(0));
  std::vector<std::unique_ptr<Poll>> all;
  SnapshotBoard board([] {});
  for (PollNumber number = 1; number <= polls; ++number) {
    all.push_back(std::make_unique<Poll>(10, number));
    board.Publish(all.back()->book().MakeSnapshot(number, 1));
  }
  for (auto _ : state) {
    state.PauseTiming();
    for (const auto& poll : all) poll->VoteFor(1);
    state.ResumeTiming();
    for (PollNumber number = 1; number <= polls; ++number) {
      board.Publish(all[number - 1]->book().MakeSnapshot(number, 1));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PublishManyPolls)
    ->ArgName("polls")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tallyd
