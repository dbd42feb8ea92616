#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/lint/layering_rules.h"
#include "tests/lint/source_tree.h"

namespace tallyd::lint {
namespace {

// How many findings one file with one include yields.
std::size_t Count(std::string path, const std::string& include) {
  return CheckLayering({{std::move(path), "#include " + include + "\n"}}).size();
}

TEST(LayeringRule, CatchesEveryForbiddenDirection) {
  for (const char* header :
       {"engine/a.h", "net/a.h", "config/a.h", "tools/a.h", "tests/a.h", "bench/a.h"}) {
    EXPECT_EQ(Count("storage/x.cc", '"' + std::string(header) + '"'), 1U) << header;
  }
  for (const char* header : {"net/a.h", "config/a.h", "tools/a.h", "tests/a.h", "bench/a.h"}) {
    EXPECT_EQ(Count("engine/x.h", '"' + std::string(header) + '"'), 1U) << header;
  }
  for (const char* header : {"config/a.h", "tools/a.h", "tests/a.h", "bench/a.h"}) {
    EXPECT_EQ(Count("net/x.cc", '"' + std::string(header) + '"'), 1U) << header;
  }
  for (const char* header : {"tools/a.h", "tests/a.h", "bench/a.h"}) {
    EXPECT_EQ(Count("config/x.cc", '"' + std::string(header) + '"'), 1U) << header;
  }
  EXPECT_EQ(Count("tools/tallyd/main.cc", "\"tests/a.h\""), 1U);
  EXPECT_EQ(Count("tools/tallyd/main.cc", "\"bench/a.h\""), 1U);
}

TEST(LayeringRule, CatchesLibrariesInTheWrongLayer) {
  EXPECT_EQ(Count("storage/x.h", "<rocksdb/db.h>"), 1U);
  EXPECT_EQ(Count("engine/x.cc", "<rocksdb/db.h>"), 1U);
  EXPECT_EQ(Count("net/x.cc", "<rocksdb/db.h>"), 1U);
  EXPECT_EQ(Count("engine/x.cc", "<boost/asio.hpp>"), 1U);
  EXPECT_EQ(Count("storage/x.cc", "<boost/crc.hpp>"), 1U);
  EXPECT_EQ(Count("net/vote_routes.cc", "<boost/json.hpp>"), 1U);
  EXPECT_EQ(Count("config/x.cc", "<boost/json/src.hpp>"), 1U);
  EXPECT_EQ(Count("net/x.cc", "<gtest/gtest.h>"), 1U);
}

TEST(LayeringRule, CatchesWaysAround) {
  EXPECT_EQ(Count("storage/x.cc", "\"../engine/a.h\""), 1U);
  EXPECT_EQ(Count("storage/x.cc", "\"storage/../engine/a.h\""), 1U);
  EXPECT_EQ(Count("storage/x.cc", "<engine/a.h>"), 1U);
  EXPECT_EQ(Count("elsewhere/x.cc", "<vector>"), 1U);
  EXPECT_EQ(CheckLayering({{"storage/x.cc", "  #  include   \"net/a.h\"\n"}}).size(), 1U);
}

TEST(LayeringRule, AllowsTheWayDown) {
  EXPECT_EQ(Count("storage/x.cc", "<rocksdb/db.h>"), 0U);
  EXPECT_EQ(Count("engine/x.cc", "\"storage/records.h\""), 0U);
  EXPECT_EQ(Count("net/wire_json_poll.cc", "<boost/json.hpp>"), 0U);
  EXPECT_EQ(Count("net/x.cc", "<boost/asio.hpp>"), 0U);
  EXPECT_EQ(Count("config/x.cc", "\"net/server_options.h\""), 0U);
  EXPECT_EQ(Count("tools/tallyctl/main.cc", "<boost/json.hpp>"), 0U);
  EXPECT_EQ(Count("tests/net/x_test.cc", "\"net/a.h\""), 0U);
  EXPECT_EQ(Count("bench/x_bench.cc", "<rocksdb/db.h>"), 0U);
}

TEST(Layering, OfThisRepository) {
  ASSERT_GT(RepositoryTree().size(), 10U) << "no sources found below " << TALLYD_SOURCE_ROOT;
  EXPECT_EQ(Describe(CheckLayering(RepositoryTree())), "");
}

}  // namespace
}  // namespace tallyd::lint
