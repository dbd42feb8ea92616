// What leaves the server of a poll that is not live: every route of the router's own table is
// asked, so that a new one cannot be forgotten.

#include <functional>
#include <map>
#include <regex>
#include <set>

#include "boost/json.hpp"

#include "tests/net/live_client.h"
#include "tests/net/merge_patch.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

namespace json = boost::json;

using Answers = std::map<std::string, std::string>;  // "private GET /v1/polls/p": what came

// What a reader may see without learning anything of the poll: clocks, ids of requests.
std::string WithoutClocks(std::string text) {
  static const std::regex clock("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z");
  return std::regex_replace(text, clock, "TIME");
}

// Two servers give different versions, positions and receipts to the same election.
std::string WithoutNames(const std::string& text) {
  static const std::regex version("e[0-9]+-[0-9]+");
  static const std::regex number("\"(position|records|revision|epoch)\":[0-9]+");
  static const std::regex receipt("\"receipt\":\"[0-9a-z]+\"");
  static const std::regex hash("\"previous\":\"[0-9a-f]+\"");
  static const std::regex path("\"path\":\"[^\"]*\"");
  std::string plain = std::regex_replace(WithoutClocks(text), version, "VERSION");
  plain = std::regex_replace(plain, number, "\"$1\":N");
  plain = std::regex_replace(plain, hash, "\"previous\":H");
  plain = std::regex_replace(plain, receipt, "\"receipt\":R");
  return std::regex_replace(plain, path, "\"path\":P");
}

class VisibilityTest : public ServiceTest {
 protected:
  // What stands for a {param}; a route with another one makes the test ask for it.
  std::string Fill(const std::string& pattern) {
    const std::map<std::string, std::string> values = {
        {"poll", "p"},           {"option", "a"},   {"receipt", receipt_}, {"batch", "box-1"},
        {"project", "stadt"},    {"question", "q"}, {"code", "not_found"}, {"version", "x"},
        {"file", "citizens.js"}, {"idea", "i1"},    {"group", "1"}};
    std::string path = pattern;
    for (std::size_t at = 0; (at = path.find('{')) != std::string::npos;) {
      const std::size_t end = path.find('}', at);
      const auto value = values.find(path.substr(at + 1, end - at - 1));
      EXPECT_NE(value, values.end()) << "what does " << pattern << " need?";
      if (value == values.end()) return "";
      path.replace(at, end - at + 1, value->second);
    }
    return path;
  }

  // The ways in which a route can be asked.
  std::vector<std::string> QueriesOf(const std::string& pattern) {
    if (pattern.ends_with("/ranking")) {
      return {"", "?form=live", "?explain=selection", "?top=1", "?top=100000"};
    }
    if (pattern.ends_with("/ranking/changes")) return {"?since=" + first_version_};
    return {""};
  }

  // Reads everything there is, also what only administrators, paper desks and analysts may ask.
  Answers Crawl(const std::function<bool(const Router::Route&)>& wanted) {
    Answers answers;
    for (const auto& route : server_->router().routes()) {
      const bool read =
          route->method == Method::kGet ||
          (route->method == Method::kPost && route->pattern.find("/admin/") != std::string::npos);
      if (!read || !wanted(*route)) continue;
      for (const std::string& query : QueriesOf(route->pattern)) {
        for (const std::uint8_t listener : {kPublicListener, kPrivateListener}) {
          if ((route->listeners & listener) == 0) continue;
          const std::string method(MethodName(route->method));
          const std::string target = Fill(route->pattern) + query;
          if (route->pattern.ends_with("/ranking/stream")) {
            answers[std::to_string(listener) + target] =
                Stream(listener, LiveClient::Kind::kEvents);
            continue;
          }
          if (route->pattern.ends_with("/ranking/ws")) {
            answers[std::to_string(listener) + target] =
                Stream(listener, LiveClient::Kind::kWebSocket);
            continue;
          }
          HttpCall call = Call(method, target, {{"Tallyd-Voter", "voter-1"}});
          if (method == "POST") call.body = "";
          HttpAnswer answer;
          do {  // the operation before this one may still be ending
            answer = listener == kPublicListener ? Ask(call) : AskAdmin(call);
          } while (method == "POST" && answer.status == 503);
          EXPECT_NE(answer.status, 0) << target;
          EXPECT_LT(answer.status, 500) << target << answer.body;
          // Named so that another server calls it the same.
          answers[(listener == kPublicListener ? "public " : "private ") + method + " " +
                  route->pattern + (query.starts_with("?since") ? "?since" : query)] =
              AllOf(answer);
        }
      }
    }
    return answers;
  }
  // What a stream begins with.
  std::string Stream(std::uint8_t listener, LiveClient::Kind kind) {
    LiveClient reader(listener == kPublicListener ? server_->public_port() : server_->admin_port(),
                      kind, "p");
    const auto event = reader.Next();
    EXPECT_TRUE(event);
    return event ? event->name + " " + event->id + " " + json::serialize(event->data) : "";
  }
  static std::string AllOf(const HttpAnswer& answer) {
    std::string text = std::to_string(answer.status) + "\n";
    for (const auto& [name, value] : answer.headers) {
      // The length says what the body shows; the other two are the request's.
      if (name == "date" || name == "request-id" || name == "content-length") continue;
      text += name + ": " + value + "\n";
    }
    return text + "\n" + answer.body;
  }

  // `ballots` votes for each option, by voters named after their number.
  void CastMany(const std::map<std::string, int>& ballots, int first_voter = 0) {
    std::string lines;
    int voter = first_voter;
    for (const auto& [option, count] : ballots) {
      for (int i = 0; i < count; ++i) {
        lines += R"({"voter":"voter-)" + std::to_string(voter++) + R"(","choices":[")" + option +
                 "\"]}\n";
      }
    }
    const HttpAnswer answer = Ask(BatchCall("p", lines));
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(Number(answer, "counted"), voter - first_voter) << answer.body;
  }

  json::value Ranking(const std::string& query = "") {
    return Ask(Call("GET", "/v1/polls/p/ranking" + query)).Json();
  }
  void Move(const std::string& to) {
    const HttpAnswer answer =
        AskAdmin(JsonCall("POST", "/v1/polls/p/transitions", R"({"to":")" + to + "\"}"));
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  void Begin(const std::string& members) {
    const std::string all = R"(,"state":"open","paper":{"confirm":false},"boxes":[{"id":"box"}],)"
                            R"("selection":{"rule":"top","count":1})" +
                            members;
    const HttpAnswer created = PutPoll("p", all, R"({"type":"choose","min":0,"max":1})");
    ASSERT_EQ(created.status, 201) << created.body;
    first_version_ = json::value_to<std::string>(Ranking().at("version"));
  }

  std::string first_version_;
  std::string receipt_ = "x";
};

bool EveryRoute(const Router::Route&) {
  return true;
}
// Operations tell of the whole server.
bool RouteOfAPoll(const Router::Route& route) {
  return route.method == Method::kGet && route.pattern != "/metrics";
}

constexpr char kSealed[] = R"(,"visibility":"sealed","visible_from":"closed")";
constexpr char kHidden[] = R"(,"visibility":"sealed","visible_from":"final","turnout":"hidden")";

// The same turnout with other choices gives the same answers, everywhere, to the last byte.
TEST_F(VisibilityTest, NoAnswerOfASealedPollDependsOnAChoice) {
  const std::map<std::string, int> elections[] = {{{"a", 1093}, {"b", 229}, {"c", 613}},
                                                  {{"a", 613}, {"b", 1093}, {"c", 229}}};
  Answers seen[2];
  std::string log[2];
  for (int i = 0; i < 2; ++i) {
    testing::internal::CaptureStderr();
    TempDirectory directory;
    Serve([&](ServiceOptions&, EngineOptions& engine) {
      engine.data.directory = directory.File("data");
    });
    Begin(std::string(kSealed) + R"(,"fraud":{"poll_burst":{"ballots":100,"window_s":60}})");
    CastMany(elections[i]);
    const HttpAnswer held = AskAdmin(JsonCall("POST", "/v1/polls/p/flags/1/decision",
                                              R"({"decision":"quarantine","reason":"test"})"));
    ASSERT_EQ(held.status, 200) << held.body;
    const HttpAnswer again =
        Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"voter":"late","choices":["b"]})"));
    ASSERT_EQ(again.status, 201);
    receipt_ = Text(again, "receipt");
    seen[i] = Crawl(EveryRoute);
    StopServing();
    log[i] = testing::internal::GetCapturedStderr();
  }
  const std::regex sample("([a-z_]+(\\{[^}]*\\})?) [-+0-9.eE]+\n");
  const std::regex secret("(^|[^0-9a-zA-Z.:_-])(1093|613|229|230|614|1094)($|[^0-9a-zA-Z])");
  ASSERT_EQ(seen[0].size(), seen[1].size());
  EXPECT_GE(seen[0].size(), 30U);
  for (auto& [name, first] : seen[0]) {
    std::string second = seen[1][name];
    if (name.find("/metrics") != std::string::npos) {
      // Figures of the whole server, none of a poll or an option.
      first = std::regex_replace(first, sample, "$1\n");
      second = std::regex_replace(second, sample, "$1\n");
      EXPECT_EQ(first.find("poll=\""), std::string::npos);
      EXPECT_EQ(first.find("option=\""), std::string::npos);
    }
    // One's own ballot is no secret.
    if (name.find("/votes/me") != std::string::npos) continue;
    EXPECT_EQ(WithoutNames(first), WithoutNames(second)) << name;
    EXPECT_FALSE(std::regex_search(first, secret)) << name << "\n" << first;
  }
  for (const std::string& text : log) EXPECT_FALSE(std::regex_search(text, secret)) << text;
}

TEST_F(VisibilityTest, ASealedPollShowsItsTurnoutAndLaterEverything) {
  Serve();
  Begin(kSealed);
  CastMany({{"a", 3}, {"b", 1}});
  const json::value before = Ranking();
  EXPECT_EQ(before.at("sealed"), true);
  EXPECT_EQ(before.at("visible_from"), "closed");
  EXPECT_EQ(before.at("totals").at("ballots").as_int64(), 4);
  EXPECT_TRUE(before.at("totals").at("blank").is_null());
  EXPECT_FALSE(before.as_object().contains("options"));
  EXPECT_TRUE(Ranking("?explain=selection").at("selection").is_null());
  json::value live = Ranking("?form=live");
  Move("closed");
  EXPECT_EQ(Ranking().at("options").at("a").at("score").as_int64(), 3);
  EXPECT_FALSE(Ranking().as_object().contains("sealed"));
  const HttpAnswer patch = Ask(Call("GET", "/v1/polls/p/ranking/changes?since=" +
                                               json::value_to<std::string>(live.at("version"))));
  ASSERT_EQ(patch.status, 200);
  EXPECT_EQ(MergePatch(live, patch.Json()), Ranking("?form=live"));
}

// With a hidden turnout a vote leaves no trace at all: no version, no waiting, no seq.
TEST_F(VisibilityTest, AHiddenTurnoutLeavesNoTraceOfAVote) {
  Serve();
  Begin(kHidden);
  CastMany({{"a", 3}, {"b", 2}});
  const HttpAnswer vote =
      Ask(JsonCall("POST", "/v1/polls/p/votes", R"({"voter":"voter-x","choices":["b"]})"));
  ASSERT_EQ(vote.status, 201) << vote.body;
  receipt_ = Text(vote, "receipt");
  const Answers before = Crawl(RouteOfAPoll);
  const std::uint64_t published = engine_->metrics().snapshots_published.load();
  CastMany({{"a", 40}, {"c", 11}}, 1000);
  const Answers after = Crawl(RouteOfAPoll);
  EXPECT_EQ(engine_->metrics().snapshots_published.load(), published);
  for (const auto& [name, answer] : before) EXPECT_EQ(answer, after.at(name)) << name;
  for (const auto& [name, answer] : after) {
    if (name.find("/openapi") != std::string::npos || name.find("/docs") != std::string::npos ||
        name.find("/problems") != std::string::npos) {
      continue;  // they speak of seqs
    }
    EXPECT_EQ(answer.find("\"seq\":"), std::string::npos) << name << answer;
  }
  EXPECT_EQ(vote.body.find("\"seq\""), std::string::npos);
  // Nor can it be guessed.
  const HttpAnswer guess = Ask(
      Call("GET", "/v1/polls/p/votes/me", {{"Tallyd-Voter", "voter-x"}, {"If-Match", "\"6\""}}));
  EXPECT_EQ(Code(guess), "header_invalid");
  const HttpAnswer batch =
      Ask(BatchCall("p", R"({"voter":"voter-y","choices":["b"]})", "?results=all"));
  EXPECT_TRUE(batch.Json().at("last_seq").is_null());
  EXPECT_EQ(batch.body.find("\"seq\""), std::string::npos);
  const HttpAnswer verified = AskAdmin(HttpCall{"POST", "/v1/admin/verify", {}, ""});
  EXPECT_EQ(verified.status, 200);
  EXPECT_FALSE(verified.Json().at("polls").at(0).as_object().contains("ballots"));
  Move("closed");
  EXPECT_EQ(Ranking().at("sealed"), true);
  Move("final");
  EXPECT_EQ(Ranking().at("totals").at("ballots").as_int64(), 58);
  EXPECT_NE(Ask(Call("GET", "/v1/receipts/" + receipt_)).body.find("\"seq\":6"), std::string::npos);
}

// Every version that a coarse poll ever shows, in every form, over votes, changes, withdrawals,
// paper and restarts.
class CoarseTest : public VisibilityTest {
 protected:
  static constexpr std::uint64_t kK = 4;

  void Look() {
    const json::value ranking = Ranking();
    const json::value live = Ranking("?form=live");
    const std::string version = json::value_to<std::string>(ranking.at("version"));
    ASSERT_EQ(live.at("version"), ranking.at("version"));
    const auto [known, is_new] = bodies_.emplace(version, json::serialize(ranking));
    EXPECT_EQ(known->second, json::serialize(ranking)) << "same version, other bytes";
    if (!is_new) return;
    std::uint64_t hidden = ranking.at("totals").at("blank").is_null() ? 1 : 0;
    for (const auto& member : ranking.at("options").as_object()) {
      const json::value& ballots = member.value().at("ballots");
      EXPECT_EQ(member.value().as_object().contains("suppressed"),
                ballots.is_null() || member.value().at("paper").is_null());
      hidden += ballots.is_null() ? 1 : 0;
      EXPECT_TRUE(ballots.is_null() || ballots.to_number<std::uint64_t>() >= kK);
    }
    EXPECT_NE(hidden, 1U) << json::serialize(ranking);
    shown_.push_back(ranking.at("totals").at("ballots").to_number<std::uint64_t>());
    if (last_live_.is_object() && !restarted_) {
      const HttpAnswer patch =
          Ask(Call("GET", "/v1/polls/p/ranking/changes?since=" +
                              json::value_to<std::string>(last_live_.at("version"))));
      ASSERT_EQ(patch.status, 200) << patch.body;
      EXPECT_EQ(MergePatch(last_live_, patch.Json()), live) << patch.body;
    }
    restarted_ = false;
    last_live_ = live;
  }
  void Restart() {
    StopServing();
    Serve();
    restarted_ = true;
    Look();
  }

  std::map<std::string, std::string> bodies_;
  std::vector<std::uint64_t> shown_;
  json::value last_live_;
  bool restarted_ = false;
};

TEST_F(CoarseTest, DifferencesOfVersionsIsolateNobody) {
  Serve();
  Begin(R"(,"visibility":"coarse","coarse":{"k":4},"revote":"replace","withdraw":true)");
  const char* choices[] = {R"(["a"])", R"(["b"])", R"(["c"])", "[]"};
  unsigned random = 12345;
  const auto below = [&random](unsigned bound) {
    random = random * 1664525U + 1013904223U;
    return (random >> 16U) % bound;
  };
  std::uint64_t voters = 0;
  for (int i = 0; i < 150; ++i) {
    const std::string fresh = "v" + std::to_string(voters);
    const bool change = voters > 0 && below(3) == 0;
    const std::string known =
        change ? "v" + std::to_string(below(static_cast<unsigned>(voters))) : "";
    if (!change) ++voters;
    Vote("p", change ? known : fresh, choices[below(4)]);
    Look();
    if (HasFatalFailure()) return;
    if (i % 50 == 49) Restart();
  }
  EXPECT_GT(bodies_.size(), 10U);
  const HttpAnswer paper = AskAdmin(JsonCall("PUT", "/v1/polls/p/paper-batches/box-1",
                                             R"({"box":"box","opened_at":"2026-05-20T16:00:00Z",)"
                                             R"("counted_by":["x"],"cards":9,"invalid":1,)"
                                             R"("blank":0,"counts":{"a":7,"c":1}})"));
  ASSERT_EQ(paper.status, 201) << paper.body;
  Look();
  Move("closed");
  Look();
  Move("final");
  Look();
  EXPECT_EQ(shown_.back(), voters + 8);
  for (std::size_t i = 1; i < shown_.size(); ++i) {
    if (shown_[i] == shown_[i - 1]) continue;
    EXPECT_GE(shown_[i], shown_[i - 1] + kK);
  }
  Restart();
}

TEST_F(VisibilityTest, TheRulesOfVisibilityAreFrozen) {
  Serve();
  Begin(kSealed);
  const HttpAnswer poll = Ask(Call("GET", "/v1/polls/p"));
  EXPECT_EQ(Text(poll, "visibility"), "sealed");
  EXPECT_EQ(Text(poll, "visible_from"), "closed");
  EXPECT_EQ(Text(poll, "turnout"), "public");
  const std::string rest =
      R"(,"paper":{"confirm":false},"boxes":[{"id":"box"}],"selection":{"rule":"top","count":1})";
  const HttpAnswer refused = AskAdmin(
      JsonCall("PUT", "/v1/polls/p", PollBody(rest, R"({"type":"choose","min":0,"max":1})"),
               {{"If-Match", poll.Header("etag")}}));
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(refused.body.find("/visibility"), std::string::npos) << refused.body;
}

}  // namespace
}  // namespace tallyd
