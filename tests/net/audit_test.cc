// The audit log over real sockets: every act is in it, the chain holds, pages join, and what a line
// once said it says after a restart.

#include <string>
#include <vector>

#include <boost/json/parse.hpp>

#include "storage/checksums.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

std::string Hex(const ChainHash& hash) {
  std::string text;
  for (const std::uint8_t byte : hash.bytes) {
    const char digits[] = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::vector<std::string> Lines(const std::string& body) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = body.find('\n', at);
    EXPECT_NE(end, std::string::npos) << "a line without its end";
    if (end == std::string::npos) break;
    lines.push_back(body.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

class AuditTest : public ServiceTest {
 protected:
  HttpAnswer Audit(const std::string& poll, const std::string& query = "") {
    return AskAdmin(Call("GET", "/v1/polls/" + poll + "/audit" + query));
  }
  HttpAnswer Paper(const std::string& method, const std::string& path, const std::string& body,
                   const std::string& actor) {
    return AskAdmin(
        JsonCall(method, "/v1/polls/p/paper-batches/" + path, body, {{"Tallyd-Actor", actor}}));
  }
  void TellAStory() {
    ASSERT_EQ(PutPoll("p", R"(,"boxes":[{"id":"hall"}])").status, 201);
    ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"open"})",
                                {{"Tallyd-Actor", "chief"}}))
                  .status,
              200);
    for (const char* voter : {"v1", "v2", "v3"})
      ASSERT_EQ(Vote("p", voter, R"(["a"])").status, 201);
    const std::string batch =
        R"({"box":"hall","seal":"7","cards":3,"invalid":1,"blank":0,"counts":{"a":2}})";
    ASSERT_EQ(Paper("PUT", "b1", batch, "anna").status, 201);
    ASSERT_EQ(Paper("PUT", "b1", batch, "anna").status, 200);  // a retry is no act
    ASSERT_EQ(Paper("POST", "b1/confirm", batch, "bert").status, 200);
    ASSERT_EQ(Paper("POST", "b1/void", R"({"reason":"zweimal \"erfasst\""})", "chief").status, 200);
  }
  // Checks the chain of lines that begin with line 1; returns the hash of the last.
  static std::string Follow(const std::vector<std::string>& lines) {
    std::string previous(64, '0');
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const boost::json::value line = boost::json::parse(lines[i]);
      EXPECT_EQ(line.at("n").as_int64(), static_cast<std::int64_t>(i + 1));
      EXPECT_EQ(line.at("previous").as_string(), previous) << lines[i];
      previous = Hex(Sha256(lines[i]));
    }
    return previous;
  }
};

TEST_F(AuditTest, HoldsEveryActInOrderAndNoVote) {
  Serve();
  TellAStory();
  const HttpAnswer answer = Audit("p");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("content-type"), "application/x-ndjson");
  EXPECT_EQ(answer.Header("link"), "");
  const std::vector<std::string> lines = Lines(answer.body);
  ASSERT_EQ(lines.size(), 5u) << answer.body;
  Follow(lines);
  std::vector<std::string> acts;
  for (const std::string& line : lines) {
    acts.emplace_back(boost::json::parse(line).at("act").as_string());
  }
  EXPECT_EQ(acts, (std::vector<std::string>{"poll_created", "transition", "paper_entered",
                                            "paper_confirmed", "paper_voided"}));
  const auto entered = boost::json::parse(lines[2]);
  EXPECT_EQ(entered.at("by").as_string(), "anna");
  EXPECT_EQ(entered.at("box").as_string(), "hall");
  EXPECT_EQ(entered.at("counts").at("a").at("ballots").as_int64(), 2);
  EXPECT_EQ(boost::json::parse(lines[3]).at("blind").as_bool(), true);
  EXPECT_EQ(boost::json::parse(lines[4]).at("reason").as_string(), "zweimal \"erfasst\"");
  EXPECT_EQ(boost::json::parse(lines[4]).at("counted").as_bool(), true);
}

TEST_F(AuditTest, PagesJoinWhereverTheyBegin) {
  Serve();
  ASSERT_EQ(PutPoll("p", R"(,"state":"open")").status, 201);
  // More than two strides of kept hashes, and other polls and votes between.
  for (int i = 0; i < 75; ++i) {
    for (const char* to : {"paused", "open"}) {
      ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions",
                                  std::string(R"({"to":")") + to + "\"}"))
                    .status,
                200);
    }
    ASSERT_EQ(Vote("p", "v" + std::to_string(i), R"(["b"])").status, 201);
  }
  ASSERT_EQ(PutPoll("q").status, 201);
  // The far end first: nothing of the chain is known yet.
  const HttpAnswer tail = Audit("p", "?after=150");
  const HttpAnswer whole = Audit("p", "?limit=1000");
  const std::vector<std::string> lines = Lines(whole.body);
  ASSERT_EQ(lines.size(), 152u);  // created, opened, moved 150 times
  Follow(lines);
  EXPECT_EQ(tail.body, lines[150] + "\n" + lines[151] + "\n");
  for (const int limit : {1, 7, 64, 100}) {
    std::string joined;
    std::string target = "/v1/polls/p/audit?limit=" + std::to_string(limit);
    while (!target.empty()) {
      const HttpAnswer page = AskAdmin(Call("GET", target));
      ASSERT_EQ(page.status, 200);
      joined += page.body;
      const std::string link = page.Header("link");
      target = link.empty() ? "" : link.substr(1, link.find('>') - 1);
    }
    EXPECT_EQ(joined, whole.body) << limit;
  }
  EXPECT_EQ(Audit("p", "?after=152").body, "");
  EXPECT_EQ(Audit("p", "?after=999999999999").body, "");
  EXPECT_EQ(Lines(Audit("q").body).size(), 1u);
}

TEST_F(AuditTest, SaysTheSameAfterARestart) {
  Serve();
  TellAStory();
  const std::string before = Audit("p").body;
  StopServing();
  Serve();
  EXPECT_EQ(Audit("p").body, before);
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":"closed"})")).status,
            200);
  const std::vector<std::string> lines = Lines(Audit("p").body);
  ASSERT_EQ(lines.size(), 6u);
  Follow(lines);
}

TEST_F(AuditTest, ALongPageIsCutAndGoesOn) {
  Serve();
  // Definitions of about 100 kB each: a page of 1 MiB holds ten of them.
  std::string boxes = R"(,"boxes":[)";
  for (int i = 0; i < 900; ++i) {
    boxes += std::string(i == 0 ? "" : ",") + R"({"id":"box-)" + std::to_string(i) +
             R"(","place":")" + std::string(100, 'x') + R"("})";
  }
  HttpAnswer poll = PutPoll("p", boxes + "]");
  ASSERT_EQ(poll.status, 201) << poll.body;
  for (int i = 1; i < 15; ++i) {
    const std::string body = PollBody(boxes + R"(],"changes_max":)" + std::to_string(i));
    poll = AskAdmin(JsonCall("PUT", "/v1/polls/p", body, {{"If-Match", poll.Header("etag")}}));
    ASSERT_EQ(poll.status, 200) << poll.body;
  }
  const HttpAnswer page = Audit("p", "?limit=1000");
  EXPECT_LT(page.body.size(), 2u << 20);
  ASSERT_NE(page.Header("link"), "");
  const std::vector<std::string> lines = Lines(page.body);
  EXPECT_LT(lines.size(), 15u);
  std::string all = page.body;
  all += Audit("p", "?limit=1000&after=" + std::to_string(lines.size())).body;
  EXPECT_EQ(Lines(all).size(), 15u);
  Follow(Lines(all));
}

TEST_F(AuditTest, RefusalsNameTheRule) {
  Serve();
  ASSERT_EQ(PutPoll("p").status, 201);
  EXPECT_EQ(Code(Audit("nix")), "poll_not_found");
  EXPECT_EQ(Code(Audit("p", "?limit=0")), "parameter_invalid");
  EXPECT_EQ(Code(Audit("p", "?limit=1001")), "parameter_invalid");
  EXPECT_EQ(Code(Audit("p", "?after=-1")), "parameter_invalid");
  EXPECT_EQ(Code(Audit("p", "?from=1")), "parameter_invalid");
  EXPECT_EQ(Code(Ask(Call("GET", "/v1/polls/p/audit"))), "not_found");
}

// The line without its time and its chain.
std::string Bare(std::string line) {
  const std::size_t at = line.find("\"at\":\"");
  line.erase(at, line.find(",\"poll\"") - at);
  line.erase(line.find(",\"previous\""));
  return line;
}

TEST_F(AuditTest, CardsAndCodesLookAsTheyAlwaysDid) {
  Serve();
  ASSERT_EQ(PutPoll("p", R"(,"boxes":[{"id":"hall"}],"state":"open")").status, 201);
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/codes", R"({"codes":["C1","C2"],"batch":"x"})",
                              {{"Tallyd-Actor", "chief"}}))
                .status,
            201);
  const HttpAnswer cards =
      AskAdmin({"POST",
                "/v1/polls/p/paper-batches/b1/cards?invalid=1",
                {{"Content-Type", "application/x-ndjson"}, {"Tallyd-Actor", "anna"}},
                R"({"card":"C1","choices":["a"]})"});
  ASSERT_EQ(cards.status, 201) << cards.body;
  ASSERT_EQ(
      AskAdmin({"POST", "/v1/polls/p/paper-batches/b1/confirm", {{"Tallyd-Actor", "bert"}}, ""})
          .status,
      200);
  const std::vector<std::string> lines = Lines(Audit("p").body);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(Bare(lines[2]),
            R"({"n":3,,"poll":"p","act":"codes_made","by":"chief","batch":"x","codes":2)");
  EXPECT_EQ(Bare(lines[3]),
            R"({"n":4,,"poll":"p","act":"paper_entered","by":"anna","batch":"b1","box":"hall",)"
            R"("cards":2,"invalid":1,"blank":0,"counts":{},"by_cards":true)");
  EXPECT_EQ(Bare(lines[4]),
            R"({"n":5,,"poll":"p","act":"paper_cards_entered","by":"anna","batch":"b1","cards":2,)"
            R"("invalid":1,"blank":0,"counts":{"a":{"ballots":1,"score":1}})");
  EXPECT_EQ(Bare(lines[5]),
            R"({"n":6,,"poll":"p","act":"paper_cards_counted","by":"bert","batch":"b1",)"
            R"("blind":false,"at_once":false,"cards":1,"counted":1,"beat_online":0,)"
            R"("voted_online":0,"on_paper":0,"not_on_roll":0)");
}

// What a line says is for ever: somebody keeps it, and its hash is in the next one.
TEST_F(AuditTest, LinesLookAsTheyAlwaysDid) {
  Serve();
  TellAStory();
  std::vector<std::string> lines = Lines(Audit("p").body);
  ASSERT_EQ(lines.size(), 5u);
  for (std::string& line : lines) line = Bare(line);
  EXPECT_EQ(
      lines[0],
      R"({"n":1,,"poll":"p","act":"poll_created","definition":{"id":"p","project":"stadt",)"
      R"("ballot":{"type":"choose","min":1,"max":2,"points_total":0,"points_per_option_max":0,)"
      R"("scoring":"borda"},"options":[{"id":"a","cost":0},{"id":"b","cost":0},)"
      R"({"id":"c","cost":0}],"boxes":[{"id":"hall"}],"revote":"refuse","changes_max":20,)"
      R"("withdraw":false,"online":true,"paper":true,"channel_rule":"first",)"
      R"("paper_confirm":true,"display":{"title":{"de":"Probe"},"time_zone":"Europe/Berlin"}})");
  EXPECT_EQ(lines[1], R"({"n":2,,"poll":"p","act":"transition","by":"chief","to":"open")");
  EXPECT_EQ(lines[2],
            R"({"n":3,,"poll":"p","act":"paper_entered","by":"anna","batch":"b1","box":"hall",)"
            R"("seal":"7","cards":3,"invalid":1,"blank":0,"counts":{"a":{"ballots":2,"score":2}})");
  EXPECT_EQ(lines[3],
            R"({"n":4,,"poll":"p","act":"paper_confirmed","by":"bert","batch":"b1","blind":true,)"
            R"("cards":3,"invalid":1,"blank":0,"counts":{"a":{"ballots":2,"score":2}})");
  EXPECT_EQ(lines[4],
            R"({"n":5,,"poll":"p","act":"paper_voided","by":"chief","batch":"b1",)"
            R"("reason":"zweimal \"erfasst\"","counted":true,"cards":3,"invalid":1,"blank":0,)"
            R"("counts":{"a":{"ballots":2,"score":2}})");
}

}  // namespace
}  // namespace tallyd
