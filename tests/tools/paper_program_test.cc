// docs/running_a_vote_with_boxes.md as two clerks would follow it, command by command.

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

// The n-th block (from 1) of the page that is fenced like that.
std::string Block(const std::string& language, int n) {
  const std::string page = FileText(TALLYD_SOURCE_DIR "/docs/running_a_vote_with_boxes.md");
  const std::string fence = "\n```" + language + "\n";
  std::size_t at = 0;
  for (int i = 0; i < n; ++i) {
    at = page.find(fence, at);
    EXPECT_NE(at, std::string::npos) << "no block " << n << " of " << language;
    if (at == std::string::npos) return "";
    at += fence.size();
  }
  return page.substr(at, page.find("```", at) - at);
}

class PaperProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = std::make_unique<TallydProcess>(TallydOptions{.data_directory = temp_.File("data")});
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
    std::ofstream(temp_.File("sommer.json")) << Block("json", 1);
    ASSERT_EQ(Run({"--actor=chefin", "poll", "create", temp_.File("sommer.json")}).exit, 0);
  }
  ToolResult Run(std::vector<std::string> arguments) const {
    arguments.push_back("--server=http://127.0.0.1:" + std::to_string(server_->admin_port()));
    return RunTallyctl(arguments);
  }
  std::string File(const std::string& name, const std::string& content) const {
    const std::string path = temp_.File(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // What the ranking says of an option's paper.
  std::int64_t PaperOf(const std::string& option) const {
    HttpClient client(server_->public_port());
    return client.Send({"GET", "/v1/polls/sommer/ranking", {}, {}})
        .Json()
        .at("options")
        .at(option)
        .at("paper")
        .as_int64();
  }

  TempDirectory temp_;
  std::unique_ptr<TallydProcess> server_;
  const std::string table_ =
      "Urne;rathaus\nSiegel;0412\nKarten;131\nungültig;4\nleer;0\nIdee;Stimmen\n"
      "open-air-kino;77\nstadtlauf;50\n";
};

TEST_F(PaperProgramTest, TwoClerksAndABoxAsThePageSaysIt) {
  // The page's own table is the one used here.
  ASSERT_NE(FileText(TALLYD_SOURCE_DIR "/docs/running_a_vote_with_boxes.md").find(table_),
            std::string::npos);
  const std::string csv = File("rathaus-1.csv", table_);
  const ToolResult entered =
      Run({"--actor=a.beispiel", "paper", "enter", "sommer", "rathaus-1", csv});
  EXPECT_EQ(entered.exit, 0) << entered.err;
  EXPECT_EQ(entered.out, "rathaus-1  entered  rathaus  131 cards, 4 invalid, 0 blank\n");
  EXPECT_EQ(PaperOf("open-air-kino"), 0);

  std::string other = table_;
  other.replace(other.find(";50"), 3, ";49");
  const ToolResult differs =
      Run({"--actor=b.zwei", "paper", "confirm", "sommer", "rathaus-1", File("zweite.csv", other)});
  EXPECT_EQ(differs.exit, 1);
  EXPECT_NE(differs.err.find("the first entry has 50, the second has 49"), std::string::npos)
      << differs.err;
  const ToolResult same_person =
      Run({"--actor=a.beispiel", "paper", "confirm", "sommer", "rathaus-1", csv});
  EXPECT_NE(same_person.err.find("four_eyes"), std::string::npos) << same_person.err;
  const ToolResult without = Run({"--actor=b.zwei", "paper", "confirm", "sommer", "rathaus-1"});
  EXPECT_NE(without.err.find("blind_entry_required"), std::string::npos) << without.err;
  const ToolResult confirmed =
      Run({"--actor=b.zwei", "paper", "confirm", "sommer", "rathaus-1", csv});
  EXPECT_EQ(confirmed.out, "rathaus-1  counted  rathaus  131 cards, 4 invalid, 0 blank\n");
  EXPECT_EQ(PaperOf("open-air-kino"), 77);

  const ToolResult voided = Run(
      {"--actor=chefin", "paper", "void", "sommer", "rathaus-1", "Stapel vom Markt mitgezählt"});
  EXPECT_EQ(voided.exit, 0) << voided.err;
  EXPECT_EQ(PaperOf("open-air-kino"), 0);
  EXPECT_EQ(Run({"--actor=a.beispiel", "paper", "enter", "sommer", "rathaus-1b", csv}).exit, 0);
  EXPECT_EQ(Run({"--actor=b.zwei", "paper", "confirm", "sommer", "rathaus-1b", csv}).exit, 0);
  EXPECT_EQ(PaperOf("stadtlauf"), 50);

  const ToolResult list = Run({"paper", "list", "sommer"});
  EXPECT_NE(list.out.find("rathaus-1  voided"), std::string::npos) << list.out;
  const ToolResult report = Run({"paper", "reconcile", "sommer"});
  EXPECT_NE(report.out.find("  counted: 1 batches, 131 cards (4 invalid, 0 blank)\n"),
            std::string::npos)
      << report.out;
  EXPECT_NE(report.out.find("  handed out: 500, not returned: 369\n"), std::string::npos);
  const ToolResult audit = Run({"audit", "sommer"});
  EXPECT_NE(audit.out.find("Stapel vom Markt"), std::string::npos) << audit.out;
  EXPECT_EQ(Run({"verify"}).exit, 0);

  const ToolResult bad_line = Run({"--actor=a.beispiel", "paper", "enter", "sommer", "x",
                                   File("bad.csv", "Urne;rathaus\nKarten;1\nIdee;x\nnix;1\n")});
  EXPECT_EQ(bad_line.exit, 1);
  EXPECT_NE(bad_line.err.find("line 4: the poll has no option \"nix\""), std::string::npos)
      << bad_line.err;
}

TEST_F(PaperProgramTest, CodesBecomeASheetAndCards) {
  const std::string sheet = temp_.File("codes.html");
  const ToolResult made =
      Run({"--actor=chefin", "paper", "codes", "sommer", "--count", "24", "--batch", "briefe-1",
           "--sheet", sheet, "--title", "Sommer <in> der Stadt"});
  ASSERT_EQ(made.exit, 0) << made.err;
  ASSERT_EQ(made.out.size(), 24u * 15);
  const std::string html = FileText(sheet);
  std::size_t figures = 0;
  for (std::size_t at = 0; (at = html.find("<figure><svg", at)) != std::string::npos; ++at)
    ++figures;
  EXPECT_EQ(figures, 24u);
  EXPECT_NE(html.find("Sommer &lt;in&gt; der Stadt"), std::string::npos);
  EXPECT_NE(html.find(made.out.substr(0, 14)), std::string::npos);
  const ToolResult again = Run({"paper", "codes", "sommer", "--count", "2", "--batch", "briefe-1"});
  EXPECT_NE(again.err.find("batch_exists"), std::string::npos) << again.err;

  // One of them votes online first; the card beats it.
  HttpClient client(server_->public_port());
  const std::string one = made.out.substr(0, 14);
  const std::string two = made.out.substr(15, 14);
  ASSERT_EQ(client
                .Send({"POST",
                       "/v1/polls/sommer/votes",
                       {{"Content-Type", "application/json"}},
                       R"({"voter":")" + one + R"(","choices":["stadtlauf"]})"})
                .status,
            201);
  const std::string cards = File("karten.ndjson", R"({"card":")" + one +
                                                      R"(","choices":["open-air-kino"]})"
                                                      "\n"
                                                      R"({"card":")" +
                                                      two +
                                                      R"(","choices":["stadtlauf"]})"
                                                      "\n");
  const ToolResult entered = Run({"--actor=a.beispiel", "paper", "cards", "sommer", "markt-1",
                                  cards, "--box", "markt", "--invalid", "1"});
  EXPECT_EQ(entered.exit, 0) << entered.err;
  EXPECT_NE(entered.out.find("markt-1  entered  markt  3 cards, 1 invalid, 0 blank\n"
                             "  cards: 1 counted, 1 in place of an online ballot,"),
            std::string::npos)
      << entered.out;
  const ToolResult confirmed =
      Run({"--actor=b.zwei", "paper", "confirm", "sommer", "markt-1",
           File("markt-1.csv",
                "Urne;markt\nKarten;3\nungültig;1\nIdee;x\nopen-air-kino;1\nstadtlauf;1\n")});
  EXPECT_EQ(confirmed.exit, 0) << confirmed.err;
  EXPECT_EQ(PaperOf("open-air-kino"), 1);
  EXPECT_EQ(PaperOf("stadtlauf"), 1);
  EXPECT_EQ(Run({"verify"}).exit, 0);
}

}  // namespace
}  // namespace tallyd
