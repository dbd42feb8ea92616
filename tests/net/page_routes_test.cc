// The pages over real sockets: headers, versions of assets, and tables that hide and escape.

#include "net/page_routes.h"

#include <string>

#include "net/ranking_table.h"
#include "tests/net/service_fixture.h"

namespace tallyd {
namespace {

class PageRoutesTest : public ServiceTest {};

TEST_F(PageRoutesTest, BothListenersHaveAPageOfTheirOwn) {
  Serve();
  const HttpAnswer citizens = Ask(Call("GET", "/"));
  const HttpAnswer town_hall = AskAdmin(Call("GET", "/"));
  EXPECT_EQ(citizens.status, 200);
  EXPECT_EQ(town_hall.status, 200);
  EXPECT_NE(citizens.body.find("/citizens.js"), std::string::npos);
  EXPECT_NE(town_hall.body.find("/town_hall.js"), std::string::npos);
  EXPECT_EQ(citizens.Header("content-security-policy").substr(0, 18), "default-src 'none'");
  const std::string etag = citizens.Header("etag");
  EXPECT_EQ(Ask(Call("GET", "/", {{"If-None-Match", etag}})).status, 304);
  EXPECT_EQ(Ask(Call("GET", "/", {{"If-None-Match", "\"other\""}})).status, 200);
  EXPECT_EQ(Code(Ask(Call("GET", "/?a=1"))), "parameter_invalid");
}

TEST_F(PageRoutesTest, AssetsOfThisVersionOnly) {
  Serve();
  const std::string folder = "/assets/" + std::string(EmbeddedPagesVersion());
  const HttpAnswer plain = Ask(Call("GET", folder + "/pages.css"));
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.Header("cache-control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(plain.Header("content-encoding"), "");
  const HttpAnswer packed = Ask(Call("GET", folder + "/pages.css", {{"Accept-Encoding", "gzip"}}));
  EXPECT_EQ(packed.Header("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size());
  EXPECT_NE(packed.Header("etag"), plain.Header("etag"));
  for (const std::string& path :
       {folder + "/citizens.html", folder + "/nix.js", std::string("/assets/0/pages.css")}) {
    EXPECT_EQ(Code(Ask(Call("GET", path))), "not_found") << path;
  }
}

TEST_F(PageRoutesTest, NoPageStandsInAFrameUnlessAllowed) {
  Serve();
  const std::string header = "content-security-policy";
  for (const HttpAnswer& answer :
       {Ask(Call("GET", "/")), Ask(Call("GET", "/table")), AskAdmin(Call("GET", "/"))}) {
    EXPECT_TRUE(answer.Header(header).ends_with("; frame-ancestors 'none'"))
        << answer.Header(header);
  }
}

TEST_F(PageRoutesTest, TheCitizensPageAloneStandsInFramesOfAllowedSites) {
  Serve([](ServiceOptions& options, EngineOptions& /*engine*/) {
    options.pages.frame_ancestors = {"https://a.example", "http://b.example:81"};
  });
  const std::string header = "content-security-policy";
  EXPECT_TRUE(Ask(Call("GET", "/"))
                  .Header(header)
                  .ends_with("; frame-ancestors https://a.example http://b.example:81"));
  EXPECT_TRUE(AskAdmin(Call("GET", "/")).Header(header).ends_with("; frame-ancestors 'none'"));
}

TEST_F(PageRoutesTest, TheWidgetStaysAtItsAddress) {
  Serve([](ServiceOptions& options, EngineOptions& /*engine*/) {
    options.cors.allowed_origins = {"https://a.example"};
  });
  const HttpAnswer widget =
      Ask(Call("GET", "/widget.js?ver=6.1", {{"Origin", "https://a.example"}}));
  EXPECT_EQ(widget.status, 200);
  EXPECT_EQ(widget.Header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(widget.Header("cache-control"), "no-cache");
  EXPECT_EQ(widget.Header("access-control-allow-origin"), "https://a.example");
  EXPECT_NE(widget.body.find("/assets/" + std::string(EmbeddedPagesVersion()) + "/ranking.js"),
            std::string::npos);
  EXPECT_EQ(Ask(Call("GET", "/widget.js", {{"If-None-Match", widget.Header("etag")}})).status, 304);
  EXPECT_EQ(AskAdmin(Call("GET", "/widget.js")).status, 404);
}

TEST_F(PageRoutesTest, TablesShowPollsButDrafts) {
  Serve();
  ASSERT_EQ(PutPoll("p", R"(,"state":"open")").status, 201);
  ASSERT_EQ(PutPoll("draft").status, 201);
  ASSERT_EQ(Vote("p", "v", R"(["b"])").status, 201);
  const std::string list = Ask(Call("GET", "/table")).body;
  EXPECT_NE(list.find("/table/p\""), std::string::npos);
  EXPECT_EQ(list.find("/table/draft"), std::string::npos);
  const HttpAnswer table = Ask(Call("GET", "/table/p", {{"Accept-Language", "de"}}));
  EXPECT_EQ(table.status, 200);
  EXPECT_EQ(table.Header("content-language"), "de");
  EXPECT_NE(table.body.find("Abgegebene Stimmzettel: 1"), std::string::npos) << table.body;
  EXPECT_EQ(Code(Ask(Call("GET", "/table/draft"))), "poll_not_found");
}

TEST_F(PageRoutesTest, ATableSaysHowManyBallotsAreHeld) {
  Serve();
  ASSERT_EQ(PutPoll("p", R"(,"state":"open",)"
                         R"("fraud":{"poll_burst":{"ballots":10,"window_s":10}})")
                .status,
            201);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(Vote("p", "v" + std::to_string(i), R"(["b"])").status, 201);
  }
  const auto table = [this] { return Ask(Call("GET", "/table/p")).body; };
  EXPECT_EQ(table().find("Not counted"), std::string::npos) << "a flag counts nothing";
  ASSERT_EQ(AskAdmin(JsonCall("POST", "/v1/polls/p/flags/1/decision",
                              R"({"decision":"quarantine","reason":"all at once"})"))
                .status,
            200);
  EXPECT_NE(table().find("<p>Ballots cast: 0</p>\n<p>Not counted: 10 held for review</p>"),
            std::string::npos)
      << table();
}

TEST(RankingTable, SaysWhatIsNotCountedWhereThatMayBeSeen) {
  PollView poll;
  poll.definition.id = "p";
  poll.option_by_id.resize(1);
  const auto page = [&poll](const std::string& held, bool german) {
    return RankingTable(poll, R"({"totals":{"ballots":12)" + held + R"(},"options":{}})", 2,
                        german);
  };
  const std::string both = page(R"(,"quarantined":212,"voided":3)", false);
  EXPECT_NE(both.find("<p>Not counted: 212 held for review, 3 taken out</p>"), std::string::npos)
      << both;
  const std::string one = page(R"(,"quarantined":0,"voided":1)", true);
  EXPECT_NE(one.find("<p>Nicht gez&auml;hlt: 1 herausgenommen</p>"), std::string::npos) << one;
  const std::string other = page(R"(,"quarantined":1,"voided":0)", true);
  EXPECT_NE(other.find("z&auml;hlt: 1 zur Pr&uuml;fung zur&uuml;ckgestellt</p>"), std::string::npos)
      << other;
  for (const char* none :
       {"", R"(,"quarantined":0,"voided":0)", R"(,"quarantined":null,"voided":null)"}) {
    EXPECT_EQ(page(none, false).find("ot counted"), std::string::npos) << none;
  }
}

TEST(RankingTable, EscapesAndLeavesOutWhatIsTooMuch) {
  PollView poll;
  poll.definition.id = "p";
  poll.definition.display = R"({"title":{"en":"<script>&\"'"}})";
  poll.option_by_id.resize(1);
  const std::string page =
      RankingTable(poll,
                   R"({"options":{"a":{"rank":2,"score":null},"b":{"rank":1,"score":5},)"
                   R"("c":{"rank":3,"score":0}}})",
                   2, false);
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;&amp;&quot;&#39;"), std::string::npos);
  EXPECT_LT(page.find(">b<"), page.find(">a<"));
  EXPECT_EQ(page.find(">c<"), std::string::npos);
  EXPECT_NE(page.find("Left out: 1"), std::string::npos);
  EXPECT_NE(page.find("<td>&ndash;</td>"), std::string::npos);
}

}  // namespace
}  // namespace tallyd
