// A million random histories: every ballot type x revote rule x channel rule, online and paper,
// with late retries, voids, fates of options, windows and restarts, each act and each ranking held
// against the oracle.
//
// A field is 600 histories that go on side by side in one engine: 20 of each combination. Somewhere
// in the middle the engine is closed and opened again, half the time without what is derived; at
// the end everything is recounted from the journal. TALLYD_HISTORIES says how many histories each
// engine setting has (a field at least); a failure names the seed of its field.

#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "tests/model/engine_driver.h"
#include "tests/model/poll_history.h"
#include "tests/support/environment.h"
#include "tests/support/temp_directory.h"
#include "tools/recount/journal_recount.h"

namespace tallyd {
namespace {

constexpr std::size_t kTogether = 20 * kHistoryRulesCount;
constexpr int kSteps = 32;

class Field {
 public:
  Field(EngineDriver& driver, ManualClock& clock, std::uint64_t seed)
      : driver_(driver), clock_(clock), random_(seed) {
    for (std::size_t i = 0; i < kTogether; ++i) {
      histories_.push_back(
          std::make_unique<PollHistory>(i, HistoryRulesOf(i), random_(), clock.WallUs()));
    }
  }

  void Run() {
    Create();
    const int reopen_at = Below(3 * kSteps / 4);  // and then goes on
    for (int step = 0; step < kSteps && !Failed(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      if (Below(3) == 0) MoveTime();
      Step();
      if (step == reopen_at && !Failed()) Reopen();
    }
    if (!Failed()) CompareRankings();
    if (!Failed()) Recount();
  }

  void AddTo(HistoryCounts* sum) const {
    for (const auto& history : histories_) {
      const HistoryCounts& counts = history->counts();
      sum->commands += counts.commands;
      sum->late_retries += counts.late_retries;
      sum->retries_in_force += counts.retries_in_force;
      sum->changes += counts.changes;
      sum->withdrawals += counts.withdrawals;
      sum->cards += counts.cards;
      sum->cards_met_online += counts.cards_met_online;
      sum->fates += counts.fates;
      sum->flag_decisions += counts.flag_decisions;
      sum->held_ballots += counts.held_ballots;
      sum->refused += counts.refused;
    }
  }

 private:
  static bool Failed() { return ::testing::Test::HasFailure(); }
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

  // Runs what the histories wrote down; `whose[i]` gets the outcome of command i.
  void RunAll(std::vector<Command> commands, const std::vector<PollHistory*>& whose) {
    const std::vector<Outcome> outcomes = driver_.Run(std::move(commands), Engine::Lane::kReserved);
    ASSERT_EQ(outcomes.size(), whose.size());
    for (std::size_t i = 0; i < outcomes.size() && !Failed(); ++i) {
      SCOPED_TRACE("poll " + std::to_string(whose[i]->poll()));
      whose[i]->Compare(outcomes[i]);
    }
  }

  void Create() {
    std::vector<Command> creations;
    for (const auto& history : histories_) creations.push_back(history->Creation());
    const std::vector<Outcome> outcomes =
        driver_.Run(std::move(creations), Engine::Lane::kReserved);
    ASSERT_EQ(outcomes.size(), histories_.size());
    std::vector<Command> commands;
    std::vector<PollHistory*> whose;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const auto view = driver_.engine().polls().Find(outcomes[i].poll);
      ASSERT_NE(view, nullptr);
      histories_[i]->Created(outcomes[i], *view, &commands);
      whose.resize(commands.size(), histories_[i].get());
    }
    RunAll(std::move(commands), whose);
    SettleTime();
  }

  void Step() {
    std::vector<Command> commands;
    std::vector<PollHistory*> whose;
    for (const auto& history : histories_) {
      history->Next(&commands);
      whose.resize(commands.size(), history.get());
    }
    RunAll(std::move(commands), whose);
    SettleTime();  // who opened a poll after its end finds it closed
  }

  void MoveTime() {
    clock_.Advance(1'000'000 * (1 + Below(15)));
    SettleTime();
  }
  // Openings and closings that are due are journaled before the next step.
  void SettleTime() {
    for (const auto& history : histories_) history->SetTime(clock_.WallUs());
    for (const auto& history : histories_) {
      const auto agrees = [&] {
        const auto view = driver_.engine().polls().Find(history->poll());
        return view->state == history->State() && view->opened_once == history->Opened();
      };
      const absl::Time deadline = absl::Now() + absl::Seconds(20);
      while (!agrees() && absl::Now() < deadline) {
        driver_.AwaitState(history->poll(), history->State());
      }
      ASSERT_TRUE(agrees()) << "poll " << history->poll() << " was not opened or closed in time";
    }
  }

  void CompareRankings() {
    for (const auto& history : histories_) {
      SCOPED_TRACE("ranking of poll " + std::to_string(history->poll()));
      const auto snapshot = driver_.Ranking(history->poll());
      ASSERT_NE(snapshot, nullptr);
      history->CompareRanking(*snapshot);
      if (Failed()) return;
    }
  }

  void Recount() {
    const auto report = driver_.engine().Verify();
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_TRUE(report->ok);
    for (const std::string& difference : report->differences) ADD_FAILURE() << difference;
    RecountByTheVerifier();
  }

  // With the code that shares nothing with the engine: what every entry claims is looked at too.
  void RecountByTheVerifier() {
    JournalRecount recount;
    const auto cursor = driver_.engine().ReadJournal(1);
    ASSERT_TRUE(cursor.ok()) << cursor.status().ToString();
    while (recount.position() < driver_.engine().last_position()) {
      const auto record = (*cursor)->Next();
      ASSERT_TRUE(record.ok()) << record.status().ToString();
      const absl::Status added = recount.Add(*record);
      ASSERT_TRUE(added.ok()) << added.ToString();
    }
    const std::vector<CountedPoll> counted = recount.Count();
    for (const std::string& difference : recount.differences()) ADD_FAILURE() << difference;
    for (const auto& history : histories_) {
      const ExpectedRanking expected = history->ExpectedNow();
      const CountedPoll& poll = counted.at(history->poll() - 1);
      SCOPED_TRACE("recount of poll " + std::to_string(history->poll()));
      ASSERT_EQ(poll.number, history->poll());
      EXPECT_EQ(poll.online, expected.online);
      EXPECT_EQ(poll.paper, expected.paper);
      EXPECT_EQ(poll.blank, expected.blank);
      EXPECT_EQ(poll.quarantined, expected.quarantined);
      EXPECT_EQ(poll.voided, expected.voided);
    }
  }

  void Reopen() {
    CompareRankings();
    driver_.Close();
    if (Below(2) == 0) driver_.RemoveDerived();
    ASSERT_TRUE(driver_.Open());
    for (const auto& history : histories_) history->Reopened();
    CompareRankings();
    SettleTime();
  }

  EngineDriver& driver_;
  ManualClock& clock_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<PollHistory>> histories_;
};

void Print(const HistoryCounts& sum, std::uint64_t histories) {
  std::cout << histories << " histories, " << histories / kHistoryRulesCount << " of each of the "
            << kHistoryRulesCount << " combinations: " << sum.commands << " commands, of these "
            << sum.changes << " changes, " << sum.withdrawals << " withdrawals, "
            << sum.retries_in_force << " retries of a ballot in force, " << sum.late_retries
            << " late retries (changed or withdrawn since), " << sum.cards << " cards ("
            << sum.cards_met_online << " met an online ballot), " << sum.fates
            << " fates of options, " << sum.flag_decisions << " decisions about flagged ballots ("
            << sum.held_ballots << " ballots of theirs)" << std::endl;
}

class MillionHistories : public ::testing::TestWithParam<EngineDriver::Setting> {};

TEST_P(MillionHistories, AgreeWithTheOracle) {
  const std::uint64_t seed = EnvironmentNumber("TALLYD_TEST_SEED", std::random_device{}());
  const std::uint64_t wanted = EnvironmentNumber("TALLYD_HISTORIES", kTogether);
  const std::uint64_t fields = (wanted + kTogether - 1) / kTogether;
  std::cout << "TALLYD_TEST_SEED=" << seed << " fields of " << kTogether << ": " << fields
            << std::endl;
  HistoryCounts sum;
  for (std::uint64_t field = 0; field < fields && !HasFailure(); ++field) {
    SCOPED_TRACE("to repeat: TALLYD_TEST_SEED=" + std::to_string(seed + field) +
                 " TALLYD_HISTORIES=1");
    TempDirectory directory;
    ManualClock clock;
    EngineDriver driver(directory.File("data"), GetParam(), &clock);
    ASSERT_TRUE(driver.Open());
    Field run(driver, clock, seed + field);
    run.Run();
    run.AddTo(&sum);
    if (GetParam().forgetful && !HasFailure()) {
      EXPECT_GT(driver.ballot_store_reads(), 0u) << "memory forgot nothing";
    }
  }
  Print(sum, fields * kTogether);
  EXPECT_GT(sum.late_retries, 0u);
  EXPECT_GT(sum.retries_in_force, 0u);
  EXPECT_GT(sum.withdrawals, 0u);
  EXPECT_GT(sum.cards_met_online, 0u);
  EXPECT_GT(sum.fates, 0u);
  EXPECT_GT(sum.held_ballots, 0u);
}

INSTANTIATE_TEST_SUITE_P(Engine, MillionHistories,
                         ::testing::Values(EngineDriver::Setting{.commit_overlap = false},
                                           EngineDriver::Setting{.commit_overlap = true},
                                           EngineDriver::Setting{.forgetful = true}),
                         [](const auto& setting) { return NameOf(setting.param); });

}  // namespace
}  // namespace tallyd
