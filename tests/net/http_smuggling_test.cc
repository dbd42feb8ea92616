// The corpus of crooked requests over real sockets, whole and cut in two at every byte.

#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/net/http_fixture.h"
#include "tests/net/smuggling_corpus.h"

namespace tallyd {
namespace {

std::vector<int> Statuses(const std::vector<RawAnswer>& answers) {
  std::vector<int> statuses;
  for (const RawAnswer& answer : answers) statuses.push_back(answer.status);
  return statuses;
}

// The answers to what was sent, then proof that the connection is in step, or closed.
void ExpectAnswers(const RawCase& raw, TestServer& test, RawClient& client, int handled_before) {
  std::vector<RawAnswer> answers;
  if (raw.closes) {
    answers = client.ReadAll(/*head=*/raw.bytes.starts_with("HEAD"));
    EXPECT_TRUE(client.WaitForClose());
    EXPECT_TRUE(client.unread().empty());
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.back().Header("Connection"), "close");
  } else {
    for (std::size_t i = 0; i < raw.statuses.size(); ++i) {
      if (auto answer = client.Read()) answers.push_back(std::move(*answer));
    }
    ASSERT_TRUE(client.Send(PostRequest("/echo", "in step")));
    EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "in step");
  }
  EXPECT_EQ(Statuses(answers), raw.statuses);
  EXPECT_EQ(test.handled_count() - handled_before, raw.handled + (raw.closes ? 0 : 1));
  for (const RawAnswer& answer : answers) {
    if (answer.status < 400) continue;
    EXPECT_EQ(answer.Header("Content-Type"), "application/problem+json");
  }
}

TEST(HttpSmuggling, TheCorpusIsLargeAndNamesAreUnique) {
  std::set<std::string> names;
  for (const RawCase& raw : SmugglingCorpus()) {
    EXPECT_TRUE(names.insert(raw.name).second) << raw.name;
  }
  EXPECT_GE(names.size(), 150u);
}

TEST(HttpSmuggling, EveryRequestIsAnsweredAsWritten) {
  TestServer test;
  for (const RawCase& raw : SmugglingCorpus()) {
    SCOPED_TRACE(raw.name);
    const int before = test.handled_count();
    RawClient client = test.Connect();
    ASSERT_TRUE(client.Send(raw.bytes));
    ExpectAnswers(raw, test, client, before);
  }
}

TEST(HttpSmuggling, WhereTheBytesAreCutMakesNoDifference) {
  TestServer test;
  const std::set<std::string> subset = {"transfer-encoding: TE.CL",
                                        "transfer-encoding: folded",
                                        "content-length: Content-Length: 3, 3",
                                        "a request as body",
                                        "length above the route's cap, small",
                                        "host: two in 1.0",
                                        "line: one empty line first",
                                        "line: GET /hello HTTP/2.0",
                                        "field: X: y\r\n z",
                                        "pipeline: good bad good",
                                        "pipeline: good good",
                                        "CL.0"};
  std::size_t found = 0;
  for (const RawCase& raw : SmugglingCorpus()) {
    if (subset.count(raw.name) == 0) continue;
    ++found;
    SCOPED_TRACE(raw.name);
    for (std::size_t cut = 1; cut < raw.bytes.size(); ++cut) {
      SCOPED_TRACE(cut);
      const int before = test.handled_count();
      const std::uint64_t received = test.Sum(&HttpMetrics::bytes_received);
      RawClient client = test.Connect();
      ASSERT_TRUE(client.Send(raw.bytes.substr(0, cut)));
      // The second part goes only once the server has read the first.
      while (test.Sum(&HttpMetrics::bytes_received) < received + cut) std::this_thread::yield();
      client.Send(raw.bytes.substr(cut));  // may fail: refused already
      ExpectAnswers(raw, test, client, before);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_EQ(found, subset.size());
}

}  // namespace
}  // namespace tallyd
