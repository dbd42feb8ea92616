// What the streams may take of the thread that also takes votes. bench/compare/subscribers measures
// what that is worth; here is only that less is taken where there is less to take.

#include <chrono>

#include "gtest/gtest.h"

#include "net/live_feed.h"

namespace tallyd {
namespace {

using std::chrono::milliseconds;

TEST(LiveShareTest, AThreadThatHasMuchToDoGivesTheStreamsLess) {
  const int of_idle = LiveFeed::ShareOf(milliseconds(0), milliseconds(100));
  const int of_busy = LiveFeed::ShareOf(milliseconds(100), milliseconds(100));
  EXPECT_GE(of_idle, 4) << "streams must not make the thread theirs";
  EXPECT_GE(of_busy, 2 * of_idle);
  EXPECT_EQ(LiveFeed::ShareOf(milliseconds(10), milliseconds(100)), of_idle);
  EXPECT_EQ(LiveFeed::ShareOf(milliseconds(50), milliseconds(100)), of_busy);
}

// Else a feed on a thread without votes would take itself for the work that it must make room for.
TEST(LiveShareTest, TellingAloneDoesNotMakeTheThreadBusy) {
  const int of_idle = LiveFeed::ShareOf(milliseconds(0), milliseconds(800));
  EXPECT_EQ(LiveFeed::ShareOf(milliseconds(800 / of_idle), milliseconds(800)), of_idle);
}

}  // namespace
}  // namespace tallyd
