// A project's quota: how many ballots one voter may have in force over all of its polls.

#include <string>

#include "engine/quota_book.h"
#include "storage/data_directory.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class QuotaTest : public ServiceTest {
 protected:
  HttpAnswer PutProject(const std::string& quota, const std::string& etag = "",
                        const std::string& project = "stadt") {
    const std::pair<std::string, std::string> condition =
        etag.empty() ? std::pair<std::string, std::string>("If-None-Match", "*")
                     : std::pair<std::string, std::string>("If-Match", etag);
    return AskAdmin(JsonCall("PUT", "/v1/projects/" + project,
                             R"({"title":{"de":"Probe"})" + quota + "}", {condition}));
  }
  HttpAnswer Withdraw(const std::string& poll, const std::string& voter) {
    return Ask(Call("DELETE", "/v1/polls/" + poll + "/votes/me", {{"Tallyd-Voter", voter}}));
  }
  // Two ballots over the polls one, two, three.
  void ServeWithQuota() {
    Serve();
    ASSERT_EQ(PutProject(R"(,"ballots_per_voter":2)").status, 201);
    for (const char* poll : {"one", "two", "three"}) {
      ASSERT_EQ(PutPoll(poll, kOpenForChanges).status, 201);
    }
  }
  std::string Metric() {
    const std::string text = AskAdmin(Call("GET", "/metrics")).body;
    const std::size_t at = text.find("\ntallyd_quota_voters ");
    return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  }
};

TEST_F(QuotaTest, HoldsOverAllPollsOfTheProject) {
  ServeWithQuota();
  EXPECT_EQ(Vote("one", "v", R"(["a"])").status, 201);
  EXPECT_EQ(Vote("two", "v", R"(["a"])").status, 201);
  const HttpAnswer third = Vote("three", "v", R"(["a"])");
  EXPECT_EQ(third.status, 409);
  EXPECT_EQ(Code(third), "quota_exhausted");
  EXPECT_EQ(Vote("three", "w", R"(["a"])").status, 201) << "somebody else";
  EXPECT_EQ(Metric(), "tallyd_quota_voters 2");
  // A repeat and a change spend nothing.
  EXPECT_EQ(Text(Vote("one", "v", R"(["a"])"), "status"), "duplicate");
  EXPECT_EQ(Text(Vote("one", "v", R"(["b"])"), "status"), "replaced");
  EXPECT_EQ(Code(Vote("three", "v", R"(["a"])")), "quota_exhausted");
  // A withdrawal gives one back, once; and who comes back to the poll spends one again.
  EXPECT_EQ(Withdraw("one", "v").status, 200);
  EXPECT_EQ(Withdraw("one", "v").status, 200);
  EXPECT_EQ(Vote("three", "v", R"(["a"])").status, 201);
  EXPECT_EQ(Code(Vote("one", "v", R"(["b"])")), "quota_exhausted");
}

TEST_F(QuotaTest, LastsOverARestartAndARebuild) {
  ServeWithQuota();
  EXPECT_EQ(Vote("one", "v", R"(["a"])").status, 201);
  EXPECT_EQ(Vote("two", "v", R"(["a"])").status, 201);
  EXPECT_EQ(Withdraw("two", "v").status, 200);
  StopServing();
  {
    DataDirectoryOptions options;
    options.directory = directory_.File("data");
    auto directory = DataDirectory::Open(options);
    ASSERT_TRUE(directory.ok()) << directory.status();
    ASSERT_TRUE((*directory)->RemoveDerived().ok());
  }
  Serve();
  EXPECT_EQ(Metric(), "tallyd_quota_voters 1");
  EXPECT_EQ(Vote("three", "v", R"(["a"])").status, 201);
  EXPECT_EQ(Code(Vote("two", "v", R"(["a"])")), "quota_exhausted");
  StopServing();
  Serve();
  EXPECT_EQ(Code(Vote("two", "v", R"(["a"])")), "quota_exhausted");
  const HttpAnswer project = AskAdmin(Call("GET", "/v1/projects/stadt"));
  EXPECT_EQ(Number(project, "ballots_per_voter"), 2);
  EXPECT_EQ(AskAdmin(JsonCall("POST", "/v1/admin/verify", "")).Json().at("ok"), true);
}

TEST_F(QuotaTest, HoldsInABatchLineByLine) {
  ServeWithQuota();
  const std::string line = R"({"voter":"v","choices":["a"]})"
                           "\n";
  EXPECT_EQ(Number(Ask(BatchCall("one", line)), "counted"), 1);
  EXPECT_EQ(Number(Ask(BatchCall("two", line)), "counted"), 1);
  const HttpAnswer third = Ask(BatchCall("three", line));
  EXPECT_EQ(Number(third, "rejected"), 1);
  EXPECT_EQ(third.Json().at("items").at(0).at("code"), "quota_exhausted");
  EXPECT_EQ(Number(Ask(BatchCall("one", line)), "duplicate"), 1) << "the same batch again";
}

TEST_F(QuotaTest, CountsBallotsNotPolls) {
  Serve();
  ASSERT_EQ(PutProject(R"(,"ballots_per_voter":2)").status, 201);
  ASSERT_EQ(PutPoll("many", std::string(kOpenForChanges) + R"(,"ballots_per_voter":3)").status,
            201);
  const auto vote = [&](int number) {
    return Ask(
        JsonCall("POST", "/v1/polls/many/votes",
                 R"({"voter":"v","choices":["a"],"ballot_no":)" + std::to_string(number) + "}"));
  };
  EXPECT_EQ(vote(1).status, 201);
  EXPECT_EQ(vote(2).status, 201);
  EXPECT_EQ(Code(vote(3)), "quota_exhausted");
}

TEST_F(QuotaTest, IsFixedOnceAPollHasOpened) {
  Serve();
  ASSERT_EQ(PutPoll("p", R"(,"revote":"replace")").status, 201);
  const auto etag = [&] { return AskAdmin(Call("GET", "/v1/projects/stadt")).Header("etag"); };
  const HttpAnswer set = PutProject(R"(,"ballots_per_voter":1)", etag());
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(Number(set, "ballots_per_voter"), 1);
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"open"})")).status, 200);
  EXPECT_EQ(Vote("p", "v", R"(["a"])").status, 201);
  const HttpAnswer more = PutProject(R"(,"ballots_per_voter":2)", etag());
  EXPECT_EQ(more.status, 409);
  EXPECT_EQ(Code(more), "rules_frozen");
  EXPECT_EQ(Pointer(more), "/ballots_per_voter");
  EXPECT_EQ(Code(PutProject("", etag())), "rules_frozen") << "leaving it out takes it away";
  // A poll that comes later is under it, too.
  ASSERT_EQ(PutPoll("late", kOpenForChanges).status, 201);
  EXPECT_EQ(Code(Vote("late", "v", R"(["a"])")), "quota_exhausted");
  for (const char* quota : {R"(,"ballots_per_voter":0)", R"(,"ballots_per_voter":"2")"}) {
    EXPECT_EQ(Code(PutProject(quota, "", "neu")), "member_invalid") << quota;
  }
}

TEST(QuotaBookTest, HoldsNoMoreVotersThanItMay) {
  QuotaBook book(2);
  const auto tag = [](std::uint8_t byte) {
    VoterTag made;
    made.bytes.fill(byte);
    return made;
  };
  const auto use = [](const VoterTag& of, bool given_back) {
    return QuotaUseEntry{.spent_in = 1, .project_tag = of, .given_back = given_back};
  };
  EXPECT_FALSE(book.Apply(use(tag(1), true))) << "was never spent";
  EXPECT_TRUE(book.Apply(use(tag(1), false)));
  EXPECT_TRUE(book.Apply(use(tag(2), false)));
  EXPECT_FALSE(book.HasRoomFor(tag(3)));
  EXPECT_TRUE(book.HasRoomFor(tag(2))) << "is there already";
  EXPECT_TRUE(book.Apply(use(tag(2), false)));
  EXPECT_EQ(book.Spent(tag(2)), 2u);
  EXPECT_TRUE(book.Apply(use(tag(1), true)));
  EXPECT_EQ(book.voters_count(), 1u);
  EXPECT_TRUE(book.HasRoomFor(tag(3)));
}

// A card takes the place of an online ballot and is taken back: what the ballot had spent is spent
// once, and comes back when its voter withdraws.
TEST_F(QuotaTest, AVoidedCardLeavesNothingSpent) {
  Serve();
  ASSERT_EQ(PutProject(R"(,"ballots_per_voter":1)").status, 201);
  const std::string paper = std::string(kOpenForChanges) +
                            R"(,"boxes":[{"id":"hall"}],"channel_rule":"paper_beats_online")";
  ASSERT_EQ(PutPoll("one", paper).status, 201);
  ASSERT_EQ(PutPoll("two", paper).status, 201);
  const auto act = [this](const std::string& path, const std::string& body, const char* actor,
                          const char* type) {
    return AskAdmin({"POST",
                     "/v1/polls/one/paper-batches/b1" + path,
                     {{"Content-Type", type}, {"Tallyd-Actor", actor}},
                     body});
  };
  ASSERT_EQ(Vote("one", "v", R"(["a"])").status, 201);
  ASSERT_EQ(act("/cards",
                R"({"card":"v","choices":["b"]})"
                "\n",
                "anna", "application/x-ndjson")
                .status,
            201);
  const HttpAnswer confirmed = AskAdmin(
      HttpCall{"POST", "/v1/polls/one/paper-batches/b1/confirm", {{"Tallyd-Actor", "bert"}}, ""});
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_EQ(confirmed.Json().at("card_lines").at("beat_online").as_int64(), 1);
  EXPECT_EQ(Code(Vote("two", "v", R"(["a"])")), "quota_exhausted") << "one ballot is in force";
  ASSERT_EQ(act("/void", R"({"reason":"x"})", "chief", "application/json").status, 200);
  EXPECT_EQ(Code(Vote("two", "v", R"(["a"])")), "quota_exhausted") << "the online one again";
  ASSERT_EQ(Withdraw("one", "v").status, 200);
  EXPECT_EQ(Metric(), "tallyd_quota_voters 0");
  EXPECT_EQ(Vote("two", "v", R"(["a"])").status, 201);
}

}  // namespace
}  // namespace tallyd
