#include "engine/snapshot_board.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tallyd {
namespace {

SnapshotBoard::SnapshotPtr At(PollNumber poll, Position position) {
  auto snapshot = std::make_shared<RankingSnapshot>();
  snapshot->poll = poll;
  snapshot->position = position;
  return snapshot;
}

struct Board {
  int wakes = 0;
  SnapshotBoard board{[this] { ++wakes; }};
};

// What a reader got: how often it was called, and the position of what it was given.
struct Seen {
  int calls = 0;
  Position position = 0;
  bool was_null = false;
  SnapshotBoard::Reader Reader() {
    return [this](SnapshotBoard::SnapshotPtr snapshot) {
      ++calls;
      was_null = snapshot == nullptr;
      position = was_null ? 0 : snapshot->position;
    };
  }
};

TEST(SnapshotBoardTest, AnUnknownPollHasNoSnapshot) {
  Board b;
  Seen seen;
  EXPECT_EQ(b.board.Newest(3), nullptr);
  b.board.WhenCurrent(3, seen.Reader());
  EXPECT_EQ(seen.calls, 1);
  EXPECT_TRUE(seen.was_null);
  b.board.Publish(At(5, 1));
  EXPECT_EQ(b.board.Newest(4), nullptr);
  EXPECT_EQ(b.board.Newest(5)->position, 1u);
  EXPECT_EQ(b.wakes, 0);
}

TEST(SnapshotBoardTest, AnswersInlineWhenCurrent) {
  Board b;
  b.board.MarkApplied(1, 7);
  b.board.Publish(At(1, 7));
  Seen seen;
  b.board.WhenCurrent(1, seen.Reader());
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(seen.position, 7u);
  EXPECT_EQ(b.wakes, 0);
  EXPECT_TRUE(b.board.TakeWanted().empty());
}

TEST(SnapshotBoardTest, WaitsForWhatWasAppliedBeforeTheCall) {
  Board b;
  b.board.Publish(At(1, 7));
  b.board.MarkApplied(1, 8);
  Seen first;
  Seen second;
  b.board.WhenCurrent(1, first.Reader());
  b.board.WhenCurrent(1, second.Reader());
  EXPECT_EQ(first.calls + second.calls, 0);
  EXPECT_EQ(b.wakes, 1) << "one wake-up for all who wait";
  EXPECT_EQ(b.board.TakeWanted(), std::vector<PollNumber>{1});
  EXPECT_TRUE(b.board.TakeWanted().empty());
  b.board.Publish(At(1, 8));
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(first.position, 8u);
  EXPECT_EQ(second.position, 8u);
  Seen third;
  b.board.WhenCurrent(1, third.Reader());
  EXPECT_EQ(third.position, 8u);
  EXPECT_EQ(first.calls, 1);
  // The next wait wakes the committer again.
  b.board.MarkApplied(1, 9);
  b.board.WhenCurrent(1, third.Reader());
  EXPECT_EQ(b.wakes, 2);
  EXPECT_EQ(b.board.TakeWanted(), std::vector<PollNumber>{1});
  b.board.ReleaseAll();
}

TEST(SnapshotBoardTest, WaitsForTheFirstSnapshotOfAPoll) {
  Board b;
  b.board.MarkApplied(2, 1);
  Seen seen;
  b.board.WhenCurrent(2, seen.Reader());
  EXPECT_EQ(seen.calls, 0);
  b.board.Publish(At(2, 1));
  EXPECT_EQ(seen.position, 1u);
}

TEST(SnapshotBoardTest, BeyondTheBoundReadersGetTheNewestThereIs) {
  Board b;
  b.board.Publish(At(1, 7));
  b.board.MarkApplied(1, 8);
  std::size_t waited = 0;
  for (std::size_t i = 0; i < SnapshotBoard::kWaitersMax; ++i) {
    b.board.WhenCurrent(
        1, [&](SnapshotBoard::SnapshotPtr snapshot) { waited += snapshot->position == 8 ? 1 : 0; });
  }
  Seen beyond;
  b.board.WhenCurrent(1, beyond.Reader());
  EXPECT_EQ(beyond.calls, 1);
  EXPECT_EQ(beyond.position, 7u);
  EXPECT_EQ(waited, 0u);
  b.board.Publish(At(1, 8));
  EXPECT_EQ(waited, SnapshotBoard::kWaitersMax);
  EXPECT_EQ(beyond.calls, 1);
}

TEST(SnapshotBoardTest, ReleaseAllLetsEverybodyGo) {
  Board b;
  b.board.Publish(At(1, 7));
  b.board.MarkApplied(1, 8);
  b.board.MarkApplied(2, 8);  // nothing published yet
  Seen with;
  Seen without;
  b.board.WhenCurrent(1, with.Reader());
  b.board.WhenCurrent(2, without.Reader());
  b.board.ReleaseAll();
  EXPECT_EQ(with.position, 7u);
  EXPECT_EQ(without.calls, 1);
  EXPECT_TRUE(without.was_null);
}

TEST(SnapshotBoardDeathTest, NeverGoesBack) {
  Board b;
  b.board.Publish(At(1, 7));
  b.board.Publish(At(1, 7));  // the same version again is the same content
  EXPECT_DEATH(b.board.Publish(At(1, 6)), "broken invariant");
}

TEST(SnapshotBoardTest, ReadersSeeWhatWasAcknowledgedAndNeverOlderAgain) {
  constexpr Position kLast = 20'000;
  std::atomic<bool> wanted{false};
  SnapshotBoard board([&] { wanted.store(true); });
  board.Publish(At(1, 0));
  std::atomic<Position> acknowledged{0};
  std::thread committer([&] {
    for (Position position = 1; position <= kLast; ++position) {
      board.MarkApplied(1, position);
      acknowledged.store(position, std::memory_order_release);
      const bool asked = wanted.exchange(false) && !board.TakeWanted().empty();
      if (asked || position % 7 == 0 || position == kLast) board.Publish(At(1, position));
      if (position % 16 == 0) std::this_thread::yield();
    }
  });
  std::atomic<int> failures{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Position before = 0;
      while (before < kLast) {
        const Position asked_after = acknowledged.load(std::memory_order_acquire);
        const auto got = std::make_shared<std::promise<Position>>();
        board.WhenCurrent(
            1, [got](SnapshotBoard::SnapshotPtr snapshot) { got->set_value(snapshot->position); });
        const Position position = got->get_future().get();
        if (position < asked_after || position < before) failures.fetch_add(1);
        before = position;
      }
    });
  }
  committer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failures.load(), 0);
}

}  // namespace
}  // namespace tallyd
