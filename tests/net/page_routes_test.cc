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
