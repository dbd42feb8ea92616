// Data directories that earlier builds have written (tests/fixtures/golden/*.tar.gz) open in this
// one: the same rankings, receipts that say the same, repeats that are still repeats, and a recount
// that agrees; also when everything derived is made anew.
//
// Each generation has one directory of online ballots only (records of version 1), one with paper
// too (version 2), and one whose root key was rotated and a poll's key destroyed (version 3); the
// first has not the last of them, the second nothing else. Make the next generation before a format
// changes:
//
//   export TALLYD_GOLDEN_OUT=$PWD/tests/fixtures/golden TALLYD_GOLDEN_GENERATION=3
//   build/release/bin/golden_test --gtest_filter='*Makes*'

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/parse.hpp"
#include "boost/json/serialize.hpp"
#include "gtest/gtest.h"

#include "storage/journal_record.h"
#include "tests/support/environment.h"
#include "tests/support/journal_surgery.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// Tells what a server holds, in the words of its API.
class Teller {
 public:
  explicit Teller(TallydProcess& server)
      : public_(server.public_port(), /*record=*/false),
        admin_(server.admin_port(), /*record=*/false) {}

  json::value Ranking(const std::string& poll) {
    return Ask({"GET", "/v1/polls/" + poll + "/ranking", {}, {}}).Json();
  }
  HttpAnswer Vote(const std::string& poll, const std::string& voter, const std::string& option) {
    return Ask(VoteCall(poll, ChoicesBody(voter, {option})));
  }
  HttpAnswer Receipt(const std::string& receipt) {
    return Ask({"GET", "/v1/receipts/" + receipt, {}, {}});
  }
  HttpAnswer Ask(const HttpCall& call) { return public_.Send(call); }
  HttpAnswer Act(const std::string& method, const std::string& target, const json::object& body,
                 const std::string& actor = "anna") {
    Headers headers{{"Tallyd-Actor", actor}};
    const bool creates = method == "PUT" && target.find("/paper-batches/") == std::string::npos;
    if (creates) headers.emplace_back("If-None-Match", "*");
    return admin_.Send(JsonCall(method, target, json::serialize(body), headers));
  }
  bool Verifies() {
    const HttpAnswer answer = admin_.Send({"POST", "/v1/admin/verify", {}, std::string()});
    return answer.status == 200 && answer.Json().at("ok").as_bool();
  }

 private:
  HttpClient public_;
  HttpClient admin_;
};

// Everything that was there is there, with the same value; more may have come.
void ExpectHolds(const json::value& now, const json::value& then, const std::string& where) {
  if (!then.is_object()) {
    EXPECT_EQ(now, then) << where;
    return;
  }
  ASSERT_TRUE(now.is_object()) << where;
  for (const auto& [name, value] : then.as_object()) {
    const json::value* found = now.as_object().if_contains(name);
    ASSERT_NE(found, nullptr) << where << "/" << name << " is gone";
    ExpectHolds(*found, value, where + "/" + std::string(name));
  }
}

void ExpectSays(TallydProcess& server, const json::value& expected) {
  Teller teller(server);
  for (const auto& [poll, ranking] : expected.at("rankings").as_object()) {
    ExpectHolds(teller.Ranking(poll), ranking, std::string(poll));
  }
  for (const json::value& ballot : expected.at("ballots").as_array()) {
    const std::string poll(ballot.at("poll").as_string());
    const std::string receipt(ballot.at("receipt").as_string());
    const HttpAnswer became = teller.Receipt(receipt);
    ASSERT_EQ(became.status, 200) << became.body;
    EXPECT_EQ(became.Json().at("seq"), ballot.at("seq"));
    EXPECT_EQ(became.Json().at("status"), ballot.at("status"));
    if (ballot.at("status") != "counted") continue;
    const HttpAnswer repeat = teller.Vote(poll, std::string(ballot.at("voter").as_string()),
                                          std::string(ballot.at("option").as_string()));
    ASSERT_EQ(repeat.status, 200) << repeat.body;
    EXPECT_EQ(repeat.Json().at("seq"), ballot.at("seq"));
    EXPECT_EQ(repeat.Json().at("receipt"), ballot.at("receipt"));
  }
  EXPECT_TRUE(teller.Verifies());
}

// A whole election on a new server, in every kind of act there is; what it says at the end.
class Maker {
 public:
  Maker(TallydProcess& server, bool with_paper) : teller_(server), with_paper_(with_paper) {}

  json::value Make() {
    Expect(201, teller_.Act("PUT", "/v1/projects/golden", {{"title", {{"en", "Golden"}}}}));
    for (const char* poll : {"fixed", "changing", "drafted"}) MakePoll(poll);
    for (int i = 0; i < 40; ++i) {
      const std::string voter = "voter-" + std::to_string(i);
      Vote("fixed", voter, i % 3 == 0 ? "alpha" : "beta");
      Vote("changing", voter, "gamma");
      if (i % 4 == 0) Vote("changing", voter, "delta");  // replaces
    }
    for (const char* voter : {"voter-1", "voter-4"}) {
      Expect(200,
             teller_.Ask({"DELETE", "/v1/polls/changing/votes/me", {{"Tallyd-Voter", voter}}, {}}));
    }
    if (with_paper_) CountPaper();
    Expect(200, teller_.Act("POST", "/v1/polls/fixed/transitions", {{"to", "paused"}}));
    Expect(200, teller_.Act("POST", "/v1/polls/fixed/transitions", {{"to", "open"}}));
    return Expected();
  }

 private:
  struct Ballot {
    std::string poll;
    std::string voter;
    std::string option;
    std::string receipt;
  };

  static void Expect(int status, const HttpAnswer& answer) {
    ASSERT_EQ(answer.status, status) << answer.body;
  }
  void MakePoll(const std::string& id) {
    json::object body = PollBody();
    body["project"] = "golden";
    body["boxes"] = {{{"id", "rathaus"}}, {{"id", "markt"}}};
    if (id == "changing") {
      body["revote"] = "replace";
      body["withdraw"] = true;
    }
    if (id == "drafted") body["state"] = "draft";
    Expect(201, teller_.Act("PUT", "/v1/polls/" + id, body));
  }
  void Vote(const std::string& poll, const std::string& voter, const std::string& option) {
    const HttpAnswer answer = teller_.Vote(poll, voter, option);
    ASSERT_TRUE(answer.status == 201 || answer.status == 200) << answer.body;
    ballots_.push_back({poll, voter, option, std::string(answer.Json().at("receipt").as_string())});
  }
  void CountPaper() {
    const std::string batches = "/v1/polls/fixed/paper-batches/";
    for (const char* batch : {"entered", "counted", "voided"}) {
      Expect(201, teller_.Act("PUT", batches + batch,
                              {{"box", "rathaus"},
                               {"opened_at", "2026-05-20T16:00:00+02:00"},
                               {"counted_by", {"m.muster"}},
                               {"seal", "0412"},
                               {"cards", 12},
                               {"invalid", 1},
                               {"blank", 0},
                               {"counts", {{"alpha", 7}, {"beta", 4}}}}));
      if (std::string(batch) == "entered") continue;
      Expect(200, teller_.Act("POST", batches + batch + "/confirm",
                              {{"cards", 12},
                               {"invalid", 1},
                               {"blank", 0},
                               {"counts", {{"alpha", 7}, {"beta", 4}}}},
                              "bert"));
    }
    Expect(200, teller_.Act("POST", batches + "voided/void", {{"reason", "counted twice"}}));
  }
  json::value Expected() {
    json::object expected;
    json::object& rankings = expected["rankings"].emplace_object();
    for (const char* poll : {"fixed", "changing"}) rankings[poll] = teller_.Ranking(poll);
    json::array& ballots = expected["ballots"].emplace_array();
    for (const Ballot& ballot : ballots_) {
      const json::value became = teller_.Receipt(ballot.receipt).Json();
      ballots.push_back({{"poll", ballot.poll},
                         {"voter", ballot.voter},
                         {"option", ballot.option},
                         {"receipt", ballot.receipt},
                         {"seq", became.at("seq")},
                         {"status", became.at("status")}});
    }
    return expected;
  }

  Teller teller_;
  const bool with_paper_;
  std::vector<Ballot> ballots_;
};

// Its ballots cannot be repeated once its key is gone; its ranking stays.
void EndPoll(TallydProcess& server, const std::string& poll, json::value& expected) {
  for (const char* to : {"closed", "final"}) {
    const HttpAnswer moved =
        Teller(server).Act("POST", "/v1/polls/" + poll + "/transitions", {{"to", to}});
    ASSERT_EQ(moved.status, 200) << moved.body;
  }
  expected.at("rankings").at(poll) = Teller(server).Ranking(poll);
  json::array kept;
  for (const json::value& ballot : expected.at("ballots").as_array()) {
    if (ballot.at("poll").as_string() != poll) kept.push_back(ballot);
  }
  expected.at("ballots") = std::move(kept);
}

void DestroyKey(const std::string& data, const std::string& poll) {
  const ToolResult destroyed = RunTallyctl({"keys", "destroy", poll, "--data-dir=" + data,
                                            "--reason=objection period over", "--actor=anna"});
  ASSERT_EQ(destroyed.exit, 0) << destroyed.err;
}

struct Contents {
  std::set<int> versions;
  std::set<std::size_t> kinds;  // of entries, as they are numbered
};

Contents ContentsOf(const std::string& data) {
  Contents contents;
  const auto records = ReadJournalRecords(data + "/journal");
  EXPECT_TRUE(records.ok()) << records.status();
  if (!records.ok()) return contents;
  for (const std::string& bytes : *records) {
    const auto record = RecordView::Parse(bytes);
    EXPECT_TRUE(record.ok()) << record.status();
    if (!record.ok()) break;
    // Magic and CRC come before it, in every version (docs/data_formats.md).
    contents.versions.insert(static_cast<unsigned char>(bytes[8]));
    const absl::Status read = record->ForEach([&](const Entry& entry) {
      contents.kinds.insert(entry.index() + 1);
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
  }
  return contents;
}

std::vector<fs::path> Archives() {
  std::vector<fs::path> archives;
  for (const auto& entry :
       fs::directory_iterator(std::string(TALLYD_SOURCE_DIRECTORY) + "/tests/fixtures/golden")) {
    if (entry.path().extension() == ".gz") archives.push_back(entry.path());
  }
  std::sort(archives.begin(), archives.end());
  return archives;
}

void Unpack(const fs::path& archive, const TempDirectory& into) {
  const ToolResult unpacked = RunTool("/bin/tar", {"-xzf", archive.string(), "-C", into.path()});
  ASSERT_EQ(unpacked.exit, 0) << unpacked.err;
}

TEST(Golden, EveryEarlierDirectoryOpensAndSaysTheSame) {
  const std::vector<fs::path> archives = Archives();
  ASSERT_GE(archives.size(), 2U);
  for (const fs::path& archive : archives) {
    SCOPED_TRACE(archive.filename().string());
    TempDirectory directory;
    ASSERT_NO_FATAL_FAILURE(Unpack(archive, directory));
    const json::value expected = json::parse(FileText(directory.File("expected.json")));
    const std::string data = directory.File("data");
    for (const bool anew : {false, true}) {
      if (anew) {
        const ToolResult rebuilt = RunTallyctl({"rebuild", "--data-dir=" + data});
        ASSERT_EQ(rebuilt.exit, 0) << rebuilt.err;
      }
      TallydProcess server({.data_directory = data});
      ASSERT_TRUE(server.WaitReady()) << server.Log();
      ExpectSays(server, expected);
      server.Terminate();
      EXPECT_EQ(server.Wait(), 0);
      const ToolResult verified = RunTallyctl({"verify", "--data-dir=" + data});
      EXPECT_EQ(verified.exit, 0) << verified.out << verified.err;
    }
  }
}

// The first generation holds what there was in its time: a later build must not lose a kind.
TEST(Golden, TheFirstGenerationHoldsBothRecordVersionsAndEveryKindOfItsTime) {
  Contents all;
  for (const char* name : {"1-online.tar.gz", "1-paper.tar.gz"}) {
    TempDirectory directory;
    ASSERT_NO_FATAL_FAILURE(
        Unpack(std::string(TALLYD_SOURCE_DIRECTORY) + "/tests/fixtures/golden/" + name, directory));
    const Contents contents = ContentsOf(directory.File("data"));
    if (std::string(name) == "1-online.tar.gz") {
      EXPECT_EQ(contents.versions, std::set<int>{1});
    }
    all.versions.insert(contents.versions.begin(), contents.versions.end());
    all.kinds.insert(contents.kinds.begin(), contents.kinds.end());
  }
  EXPECT_EQ(all.versions, (std::set<int>{1, 2}));
  EXPECT_EQ(all.kinds, (std::set<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Golden, EveryEarlierDirectoryTakesAnotherRootKey) {
  for (const fs::path& archive : Archives()) {
    SCOPED_TRACE(archive.filename().string());
    TempDirectory directory;
    ASSERT_NO_FATAL_FAILURE(Unpack(archive, directory));
    const json::value expected = json::parse(FileText(directory.File("expected.json")));
    const std::string data = directory.File("data");
    const ToolResult rotated = RunTallyctl({"keys", "rotate", "--data-dir=" + data});
    ASSERT_EQ(rotated.exit, 0) << rotated.err;
    TallydProcess server({.data_directory = data});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    ExpectSays(server, expected);
  }
}

TEST(Golden, TheSecondGenerationHoldsKeysThatWereCarriedOverAndOneThatEnded) {
  TempDirectory directory;
  ASSERT_NO_FATAL_FAILURE(Unpack(
      std::string(TALLYD_SOURCE_DIRECTORY) + "/tests/fixtures/golden/2-keys.tar.gz", directory));
  const Contents contents = ContentsOf(directory.File("data"));
  EXPECT_EQ(contents.versions, (std::set<int>{1, 2, 3}));
  EXPECT_TRUE(contents.kinds.contains(Entry(KeyDestroyedEntry()).index() + 1));
  TallydProcess server({.data_directory = directory.File("data")});
  ASSERT_TRUE(server.WaitReady()) << server.Log();
  EXPECT_EQ(Teller(server).Vote("changing", "voter-0", "delta").status, 410);
}

// The online directory was killed, so that its journal is in a log; the others were stopped.
TEST(Golden, MakesADirectoryThatItReads) {
  const std::string out = EnvironmentText("TALLYD_GOLDEN_OUT");
  const std::string generation = EnvironmentText("TALLYD_GOLDEN_GENERATION", "next");
  for (const std::string kind : {"online", "paper", "keys"}) {
    const bool with_paper = kind != "online";
    TempDirectory directory;
    const std::string data = directory.File("data");
    json::value expected;
    {
      TallydProcess server({.data_directory = data, .arguments = {"--free-bytes-min=0"}});
      ASSERT_TRUE(server.WaitReady()) << server.Log();
      expected = Maker(server, with_paper).Make();
      ASSERT_FALSE(HasFailure());
      if (kind == "keys") EndPoll(server, "changing", expected);
      with_paper ? server.Terminate() : server.Kill();
      server.Wait();
    }
    if (kind == "keys") DestroyKey(data, "changing");
    ASSERT_FALSE(HasFailure());
    std::ofstream(directory.File("expected.json")) << json::serialize(expected) << "\n";
    if (!out.empty()) {
      const std::string archive = out + "/" + generation + "-" + kind + ".tar.gz";
      const ToolResult packed =
          RunTool("/bin/tar", {"-czf", archive, "--exclude=LOG*", "--owner=0", "--group=0", "-C",
                               directory.path(), "data", "data.key", "expected.json"});
      ASSERT_EQ(packed.exit, 0) << packed.err;
      std::cout << archive << ": " << fs::file_size(archive) << " bytes\n";
    }
    TallydProcess server({.data_directory = data});
    ASSERT_TRUE(server.WaitReady()) << server.Log();
    ExpectSays(server, expected);
  }
}

}  // namespace
}  // namespace tallyd
