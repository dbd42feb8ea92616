// The ingest queue in every order its threads could take, up to a bound (schedule_explorer.h):
// every value comes out once, in its producer's order, whole, and a full queue says so. Weakened in
// any one place, the same exploration fails.
//
// TALLYD_PREEMPTIONS and TALLYD_STALE_LOADS widen the bounds; docs/durability.md has the figures.

#include <algorithm>
#include <iostream>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "engine/ingest_queue.h"
#include "tests/explore/schedule_explorer.h"
#include "tests/support/environment.h"

namespace tallyd {
namespace {

// A value that says who touches it where, as plain memory does.
class Traced {
 public:
  // Only a thread's own values are made like this; the queue moves into its slots.
  explicit Traced(int number) : number_(number) {
    Explorer::Current()->Forget(this);
    Touch(true);
  }
  Traced(Traced&& other) noexcept : number_(other.number_) {
    other.Touch(true);  // a move leaves its source changed
    Touch(true);
    other.number_ = -1;
  }
  Traced& operator=(Traced&&) = delete;
  ~Traced() { Touch(true); }
  int number() const {
    Touch(false);
    return number_;
  }

 private:
  void Touch(bool write) const { Explorer::Current()->Access(this, write); }
  int number_;
};

using Queue = IngestQueue<Traced, ExploredAtomic>;

// Numbers of the ExploredAtomics in the order the queue makes them.
constexpr int kPushed = 0;
constexpr int kPopped = 1;
constexpr int kTurns = 2;

// Producer p pushes the numbers 10 p, 10 p + 1 ...; what was taken is remembered.
bool Push(Queue& queue, int number, QueueLane lane, std::vector<int>& taken) {
  if (!queue.TryPush(Traced(number), lane)) return false;
  taken.push_back(number);
  return true;
}

void Pop(Queue& queue, std::size_t max, std::vector<int>& out) {
  queue.PopMany([&](Traced&& value) { out.push_back(value.number()); }, max);
}

// What came out is what went in, each once, and each producer's in order.
void Compare(Explorer& run, Queue& queue, std::vector<int> in, std::vector<int> out) {
  Pop(queue, queue.capacity(), out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t j = i + 1; j < out.size(); ++j) {
      if (out[i] / 10 == out[j] / 10 && out[i] >= out[j]) run.Fail("out of order");
    }
  }
  std::sort(in.begin(), in.end());
  std::sort(out.begin(), out.end());
  if (in != out) run.Fail("lost or doubled");
  if (queue.ApproximateDepth() != 0) run.Fail("depth of an empty queue");
}

// Two slots and up to five values: round more than once, full and empty.
void TwoProducersGoRound(Explorer& run) {
  Queue queue(2, 0);
  std::vector<int> in[2];
  std::vector<int> out;
  run.Thread([&] {
    for (int i = 0; i < 3; ++i) Push(queue, 10 + i, QueueLane::kVote, in[0]);
  });
  run.Thread([&] {
    for (int i = 0; i < 2; ++i) Push(queue, 20 + i, QueueLane::kVote, in[1]);
  });
  run.Thread([&] {
    for (int i = 0; i < 3; ++i) Pop(queue, 2, out);
  });
  run.RunThreads();
  in[0].insert(in[0].end(), in[1].begin(), in[1].end());
  Compare(run, queue, in[0], out);
}

// A run of votes and an administrator's act compete for the slots.
void ARunAndAnActCompete(Explorer& run) {
  Queue queue(4, 1);
  std::vector<int> votes;
  std::vector<int> acts;
  std::vector<int> out;
  run.Thread([&] {
    std::vector<Traced> values;
    values.reserve(4);
    for (int i = 0; i < 4; ++i) values.emplace_back(10 + i);
    const std::size_t taken = queue.TryPushMany(absl::MakeSpan(values), QueueLane::kVote);
    for (std::size_t i = 0; i < taken; ++i) votes.push_back(10 + static_cast<int>(i));
    for (std::size_t i = taken; i < 4; ++i) {
      if (values[i].number() != 10 + static_cast<int>(i)) run.Fail("a refused value was touched");
    }
  });
  run.Thread([&] {
    // Votes leave a slot for the first act, whatever happens.
    if (!Push(queue, 20, QueueLane::kReserved, acts)) run.Fail("no slot for an act");
    Push(queue, 21, QueueLane::kReserved, acts);
  });
  run.Thread([&] {
    Pop(queue, 1, out);
    Pop(queue, 3, out);
  });
  run.RunThreads();
  if (votes.size() > 3 && acts.size() > 1 && out.empty()) run.Fail("more than fits");
  votes.insert(votes.end(), acts.begin(), acts.end());
  Compare(run, queue, votes, out);
}

// As the writer does before it closes a poll: everything whose push had returned when the cursor
// was read comes out below it.
void TheCursorMissesNothing(Explorer& run) {
  ExploredAtomic<std::uint64_t> returned(0);
  Queue queue(4, 0);
  std::vector<int> in;
  std::vector<int> out;
  run.Thread([&] {
    for (int i = 0; i < 3; ++i) {
      Push(queue, 10 + i, QueueLane::kVote, in);
      returned.store(in.size(), std::memory_order_release);
    }
  });
  run.Thread([&] {
    for (int i = 0; i < 2; ++i) {
      const std::uint64_t before = returned.load(std::memory_order_acquire);
      const std::uint64_t cursor = queue.PushedCursor();
      if (cursor < before) run.Fail("the cursor lies before a push that had returned");
      Pop(queue, cursor - queue.PoppedCursor(), out);
      if (out.size() < before) run.Fail("drained to the cursor, and a value is missing");
    }
  });
  run.RunThreads();
  Compare(run, queue, in, out);
}

struct Program {
  const char* name;
  void (*run)(Explorer&);
};
constexpr Program kPrograms[] = {{"two producers go round", TwoProducersGoRound},
                                 {"a run and an act compete", ARunAndAnActCompete},
                                 {"the cursor misses nothing", TheCursorMissesNothing}};

Explorer::Options Bounds() {
  return {.preemptions_max = static_cast<int>(EnvironmentNumber("TALLYD_PREEMPTIONS", 3)),
          .stale_loads_max = static_cast<int>(EnvironmentNumber("TALLYD_STALE_LOADS", 1))};
}

TEST(IngestQueueExplored, HoldsInEveryOrder) {
  for (const Program& program : kPrograms) {
    Explorer explorer(Bounds());
    explorer.Explore(program.run);
    EXPECT_EQ(explorer.failure(), "") << program.name;
    EXPECT_TRUE(explorer.complete()) << program.name;
    EXPECT_GT(explorer.runs(), 50U) << program.name;
    std::cout << program.name << ": " << explorer.runs() << " runs\n";
  }
}

struct Weakened {
  const char* name;
  Weakening weakening;
};

TEST(IngestQueueExplored, FailsWhenWeakenedInAnyOnePlace) {
  const Weakened kinds[] = {
      {"a turn is stored without release",
       {.atomic = kTurns, .atomics_after = true, .stores_relaxed = true}},
      {"a turn is loaded without acquire",
       {.atomic = kTurns, .atomics_after = true, .loads_relaxed = true}},
      {"popped is stored without release", {.atomic = kPopped, .stores_relaxed = true}},
      {"popped is loaded without acquire", {.atomic = kPopped, .loads_relaxed = true}},
      {"slots are claimed by compare, then exchange", {.atomic = kPushed, .exchange_torn = true}},
  };
  for (const Weakened& kind : kinds) {
    Explorer::Options options = Bounds();
    options.weakening = kind.weakening;
    Explorer explorer(options);
    explorer.Explore(TwoProducersGoRound);
    EXPECT_NE(explorer.failure(), "") << kind.name << ": not noticed in " << explorer.runs();
    std::cout << kind.name << ": " << explorer.failure() << "\n";
  }
}

// The explorer itself: a store that is seen late needs a release, and is found without one.
TEST(ScheduleExplorer, SeesAFlagWithoutItsMessage) {
  for (const auto order : {std::memory_order_release, std::memory_order_relaxed}) {
    Explorer explorer({.preemptions_max = 2, .stale_loads_max = 1});
    explorer.Explore([order](Explorer& run) {
      ExploredAtomic<int> message(0);
      ExploredAtomic<int> flag(0);
      run.Thread([&] {
        message.store(7, std::memory_order_relaxed);
        flag.store(1, order);
      });
      run.Thread([&] {
        if (flag.load(std::memory_order_acquire) == 0) return;
        if (message.load(std::memory_order_relaxed) != 7) run.Fail("stale");
      });
      run.RunThreads();
    });
    EXPECT_EQ(explorer.failure().empty(), order == std::memory_order_release);
    EXPECT_EQ(explorer.complete(), order == std::memory_order_release);
  }
}

}  // namespace
}  // namespace tallyd
