#include "net/wire_json_poll.h"

#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace tallyd {
namespace {

const char* const kWhole = R"({
 "title":{"en":"Summer in town","de":"Sommer in der Stadt"},"project":"stadt-raum-wir",
 "state":"open","ballot":{"type":"choose","min":1,"max":3},
 "options":[{"id":"open-air-kino","title":{"de":"Open-Air-Kino"},"cost":12000},{"id":"2025/OGM/7"}],
 "opens":"2026-05-01T06:00:00Z","closes":"2026-06-16T00:00:00+02:00","time_zone":"Europe/Berlin",
 "revote":"replace","changes_max":3,"withdraw":true,"ballots_per_voter":1,
 "visibility":"live","visible_from":"open","turnout":"public","channels":["paper"],
 "channel_rule":"paper_beats_online","paper":{"confirm":false},
 "boxes":[{"id":"rathaus","place":"Foyer im Rathaus"},{"id":"b2"}],
 "eligible":{"claims":{},"roll":false}})";

TEST(PollDocumentTest, ReadsEverything) {
  std::vector<BodyError> errors;
  const auto poll = DecodePoll(kWhole, "sommer-2026", errors);
  ASSERT_TRUE(poll) << errors.at(0).pointer << errors.at(0).detail;
  const PollDefinition& definition = poll->definition;
  EXPECT_EQ(poll->state, PollState::kOpen);
  EXPECT_EQ(definition.id, "sommer-2026");
  EXPECT_EQ(definition.project, "stadt-raum-wir");
  EXPECT_EQ(definition.ballot.type, BallotType::kChoose);
  EXPECT_EQ(definition.ballot.max, 3U);
  ASSERT_EQ(definition.options.size(), 2U);
  EXPECT_EQ(definition.options[0].cost, 12000);
  EXPECT_EQ(definition.options[0].display, R"({"title":{"de":"Open-Air-Kino"}})");
  EXPECT_EQ(definition.options[1].display, "{}");
  EXPECT_EQ(definition.boxes.at(0).display, R"({"place":"Foyer im Rathaus"})");
  EXPECT_EQ(definition.closes, definition.opens.value() + 45LL * 86'400'000'000 + 57'600'000'000);
  EXPECT_EQ(definition.revote, RevoteRule::kReplace);
  EXPECT_EQ(definition.changes_max, 3U);
  EXPECT_TRUE(definition.withdraw);
  EXPECT_FALSE(definition.online);
  EXPECT_TRUE(definition.paper);
  EXPECT_EQ(definition.channel_rule, ChannelRule::kPaperBeatsOnline);
  EXPECT_FALSE(definition.paper_confirm);
  EXPECT_EQ(definition.display, R"({"title":{"de":"Sommer in der Stadt","en":"Summer in town"},)"
                                R"("time_zone":"Europe/Berlin"})");
}

TEST(PollDocumentTest, DefaultsAreThoseOfTheContract) {
  std::vector<BodyError> errors;
  const auto poll = DecodePoll(
      R"({"title":{"de":"x"},"project":"p","ballot":{"type":"points","total":10},"options":[]})",
      "x", errors);
  ASSERT_TRUE(poll);
  PollView view;
  view.definition = poll->definition;
  view.revision = 17;
  std::string out;
  AppendPoll(view, out);
  EXPECT_EQ(out, R"({"id":"x","state":"draft","accepting":false,"revision":17,"project":"p",)"
                 R"("title":{"de":"x"},"time_zone":"Europe/Berlin",)"
                 R"("ballot":{"type":"points","total":10,"max_per_option":10},"options":[],)"
                 R"("revote":"refuse","changes_max":20,"withdraw":false,"ballots_per_voter":1,)"
                 R"("visibility":"live","visible_from":"open","channels":["online","paper"],)"
                 R"("channel_rule":"first","paper":{"confirm":true},"boxes":[]})"
                 "\n");
  out.clear();
  AppendPollSummary(view, out);
  EXPECT_EQ(out, R"({"id":"x","state":"draft","accepting":false,"revision":17,"project":"p",)"
                 R"("title":{"de":"x"}})");
}

TEST(PollDocumentTest, TheEndOfTheVoterKeyIsShownAndNotPut) {
  std::vector<BodyError> errors;
  PollView view;
  view.definition = DecodePoll(kWhole, "sommer-2026", errors)->definition;
  std::string out;
  AppendPoll(view, out);
  EXPECT_EQ(out.find("voter_key"), std::string::npos);
  view.key_destroyed_at = 1'800'005'400'125'000;
  out.clear();
  AppendPoll(view, out);
  boost::json::object shown = boost::json::parse(out).as_object();
  EXPECT_EQ(shown.at("voter_key_destroyed"), "2027-01-15T09:30:00.125Z");
  for (const char* only_shown : {"id", "accepting", "revision"}) shown.erase(only_shown);
  EXPECT_FALSE(DecodePoll(boost::json::serialize(shown), "sommer-2026", errors));
  EXPECT_EQ(errors.at(0).pointer, "/voter_key_destroyed");
}

TEST(PollDocumentTest, WhatIsShownCanBePutBack) {
  std::vector<BodyError> errors;
  const auto poll = DecodePoll(kWhole, "sommer-2026", errors);
  ASSERT_TRUE(poll);
  PollView view;
  view.definition = poll->definition;
  view.state = PollState::kOpen;
  std::string out;
  AppendPoll(view, out);
  boost::json::object shown = boost::json::parse(out).as_object();
  for (const char* only_shown : {"id", "accepting", "revision"}) shown.erase(only_shown);
  const auto again = DecodePoll(boost::json::serialize(shown), "sommer-2026", errors);
  ASSERT_TRUE(again) << errors.at(0).pointer;
  EXPECT_EQ(again->definition, poll->definition);
}

// Shown and put back, a document of that ballot and those members is the same definition.
PollDefinition ThereAndBack(const std::string& document) {
  std::vector<BodyError> errors;
  const auto poll = DecodePoll(document, "x", errors);
  EXPECT_TRUE(poll) << errors.at(0).pointer << ' ' << errors.at(0).detail;
  if (!poll) return {};
  PollView view;
  view.definition = poll->definition;
  std::string out;
  AppendPoll(view, out);
  boost::json::object shown = boost::json::parse(out).as_object();
  for (const char* only_shown : {"id", "accepting", "revision"}) shown.erase(only_shown);
  const auto again = DecodePoll(boost::json::serialize(shown), "x", errors);
  EXPECT_TRUE(again) << errors.at(0).pointer << ' ' << errors.at(0).detail;
  if (again) {
    EXPECT_EQ(again->definition, poll->definition) << out;
  }
  return poll->definition;
}

TEST(PollDocumentTest, ASurveyHasItsOptionsInItsQuestions) {
  const PollDefinition survey =
      ThereAndBack(R"({"title":{"de":"x"},"project":"p","ballot":{"type":"survey","questions":[)"
                   R"({"id":"q1","title":{"de":"Was?"},"ballot":{"type":"choose","min":0,"max":2},)"
                   R"("options":[{"id":"ja"},{"id":"nein","cost":3}]},)"
                   R"({"id":"q2","ballot":{"type":"updown"},"options":[{"id":"ja"}]}]}})");
  ASSERT_EQ(survey.questions.size(), 2u);
  EXPECT_EQ(survey.questions[0].id, "q1");
  EXPECT_EQ(survey.questions[0].display, R"({"title":{"de":"Was?"}})");
  EXPECT_EQ(survey.questions[1].ballot.type, BallotType::kUpDown);
  ASSERT_EQ(survey.options.size(), 3u);
  EXPECT_EQ(survey.options[1].cost, 3);
  EXPECT_EQ(survey.options[2].id, "ja");
  EXPECT_EQ(survey.options[2].question, 1u);
}

TEST(PollDocumentTest, BallotsPerVoterAndSelectionArePartOfTheDefinition) {
  const std::string head =
      R"({"title":{"de":"x"},"project":"p","ballot":{"type":"updown"},"options":[{"id":"a"}],)";
  const PollDefinition daily =
      ThereAndBack(head + R"("ballots_per_voter":2,"ballots_per":"day","time_zone":"Asia/Tokyo"})");
  EXPECT_EQ(daily.ballots_per_voter, (BallotsPerVoter{.count = 2, .day_zone = "Asia/Tokyo"}));
  const PollDefinition top = ThereAndBack(head + R"("selection":{"rule":"top","count":3}})");
  EXPECT_EQ(top.selection, (SelectionDefinition{.rule = SelectionRule::kTop, .count = 3}));
  const PollDefinition threshold = ThereAndBack(
      head + R"("selection":{"rule":"greedy-threshold","budget":1000,"threshold":-5}})");
  EXPECT_EQ(threshold.selection,
            (SelectionDefinition{
                .rule = SelectionRule::kGreedyThreshold, .budget = 1000, .threshold = -5}));
  std::vector<BodyError> errors;
  EXPECT_FALSE(DecodePoll(head + R"("ballots_per":"day","time_zone":"Mars/Base"})", "x", errors));
  EXPECT_EQ(errors.at(0).pointer, "/time_zone");
}

using Faults = std::vector<std::pair<std::string, std::string>>;  // pointer, code

Faults FaultsOf(const std::vector<BodyError>& errors) {
  Faults faults;
  for (const BodyError& error : errors) {
    faults.emplace_back(error.pointer, Describe(error.code).name);
  }
  return faults;
}

// The smallest poll with one member replaced (or added, or taken away with null).
std::string With(const std::string& member, const std::string& json) {
  boost::json::object poll =
      boost::json::parse(R"({"title":{"de":"x"},"project":"p","ballot":{"type":"choose","max":1},)"
                         R"("options":[{"id":"a"}]})")
          .as_object();
  if (json.empty()) {
    poll.erase(member);
  } else {
    poll[member] = boost::json::parse(json);
  }
  return boost::json::serialize(poll);
}

struct Row {
  std::string member, json, pointer, code;
};

const std::vector<Row> kRefused = {
    {"title", "", "/title", "member_missing"},
    {"title", "\"x\"", "/title", "member_invalid"},
    {"title", "{}", "/title", "member_invalid"},
    {"title", R"({"de":""})", "/title/de", "member_invalid"},
    {"title", R"({"de":1})", "/title/de", "member_invalid"},
    {"title", R"({"d!":"x"})", "/title/d!", "member_invalid"},
    {"title", "{\"de\":\"" + std::string(501, 'x') + "\"}", "/title/de", "member_invalid"},
    {"project", "", "/project", "member_missing"},
    {"project", "\"Stadt\"", "/project", "id_invalid"},
    {"project", "5", "/project", "member_invalid"},
    {"state", "\"started\"", "/state", "member_invalid"},
    {"ballot", "", "/ballot", "member_missing"},
    {"ballot", "[]", "/ballot", "member_invalid"},
    {"ballot", "{}", "/ballot/type", "member_missing"},
    {"ballot", R"({"type":"updown","max":1})", "/ballot/max", "json_unknown_member"},
    {"ballot", R"({"type":"magic"})", "/ballot/type", "member_invalid"},
    {"ballot", R"({"type":"choose"})", "/ballot/max", "member_missing"},
    {"ballot", R"({"type":"choose","max":0})", "/ballot/max", "member_invalid"},
    {"ballot", R"({"type":"choose","max":1000001})", "/ballot/max", "member_invalid"},
    {"ballot", R"({"type":"choose","min":3,"max":2})", "/ballot/min", "member_invalid"},
    {"ballot", R"({"type":"choose","min":-1,"max":2})", "/ballot/min", "member_invalid"},
    {"ballot", R"({"type":"choose","max":2,"total":5})", "/ballot/total", "json_unknown_member"},
    {"ballot", R"({"type":"points"})", "/ballot/total", "member_missing"},
    {"ballot", R"({"type":"points","total":0})", "/ballot/total", "member_invalid"},
    {"ballot", R"({"type":"points","total":5,"max_per_option":0})", "/ballot/max_per_option",
     "member_invalid"},
    {"ballot", R"({"type":"rank","max":0})", "/ballot/max", "member_invalid"},
    {"ballot", R"({"type":"rank","max":2,"scoring":"condorcet"})", "/ballot/scoring",
     "member_invalid"},
    {"options", "", "/options", "member_missing"},
    {"options", "{}", "/options", "member_invalid"},
    {"options", R"([{"id":"a"},{"id":"b"},{"id":"a"}])", "/options/2/id", "option_repeated"},
    {"options", R"([{"id":"a b"}])", "/options/0/id", "id_invalid"},
    {"options", R"([{"title":{"de":"x"}}])", "/options/0/id", "member_missing"},
    {"options", R"(["a"])", "/options/0", "member_invalid"},
    {"options", R"([{"id":"a","cost":-1}])", "/options/0/cost", "member_invalid"},
    {"options", R"([{"id":"a","withdrawn":true}])", "/options/0/withdrawn", "json_unknown_member"},
    {"opens", "\"tomorrow\"", "/opens", "member_invalid"},
    {"opens", "1", "/opens", "member_invalid"},
    {"time_zone", "\"Europe/\\\"\"", "/time_zone", "member_invalid"},
    {"revote", "\"maybe\"", "/revote", "member_invalid"},
    {"changes_max", "-1", "/changes_max", "member_invalid"},
    {"withdraw", "1", "/withdraw", "member_invalid"},
    {"ballots_per_voter", "0", "/ballots_per_voter", "member_invalid"},
    {"ballots_per_voter", "1001", "/ballots_per_voter", "member_invalid"},
    {"ballots_per", "\"week\"", "/ballots_per", "member_invalid"},
    {"visibility", "\"secret\"", "/visibility", "member_invalid"},
    {"visibility", "\"coarse\"", "/coarse", "member_missing"},
    {"visible_from", "\"closed\"", "/visible_from", "member_invalid"},
    {"turnout", "\"hidden\"", "/turnout", "member_invalid"},
    {"coarse", R"({"k":20})", "/coarse", "member_invalid"},
    {"selection", R"({"rule":"lottery"})", "/selection/rule", "member_invalid"},
    {"selection", R"({"rule":"top"})", "/selection/count", "member_missing"},
    {"selection", R"({"rule":"greedy"})", "/selection/budget", "member_missing"},
    {"selection", R"({"rule":"greedy-threshold","budget":1})", "/selection/threshold",
     "member_missing"},
    {"selection", R"({"rule":"top","count":3,"budget":3})", "/selection/budget",
     "json_unknown_member"},
    {"eligible", R"({"claims":["district"]})", "/eligible/claims", "member_invalid"},
    {"eligible", R"({"claims":{"district":[]}})", "/eligible/claims/district", "member_invalid"},
    {"eligible", R"({"claims":{"district":"mitte"}})", "/eligible/claims/district",
     "member_invalid"},
    {"eligible", R"({"claims":{"district":["mitte",18]}})", "/eligible/claims/district/1",
     "member_invalid"},
    {"eligible", R"({"claims":{"district":["mi\"tte"]}})", "/eligible/claims/district/0",
     "member_invalid"},
    {"channels", "[]", "/channels", "member_invalid"},
    {"channels", R"(["online","online"])", "/channels", "member_invalid"},
    {"channels", R"(["post"])", "/channels", "member_invalid"},
    {"channel_rule", "\"last\"", "/channel_rule", "member_invalid"},
    {"paper", R"({"confirm":1})", "/paper/confirm", "member_invalid"},
    {"paper", R"({"eyes":4})", "/paper/eyes", "json_unknown_member"},
    {"boxes", R"([{"id":"A"}])", "/boxes/0/id", "id_invalid"},
    {"boxes", R"([{"id":"a"},{"id":"a"}])", "/boxes/1/id", "member_invalid"},
    {"boxes", R"([{"id":"a","place":5}])", "/boxes/0/place", "member_invalid"},
    {"colour", "\"red\"", "/colour", "json_unknown_member"}};

TEST(PollDocumentTest, RefusesWithPointer) {
  for (const Row& row : kRefused) {
    std::vector<BodyError> errors;
    EXPECT_FALSE(DecodePoll(With(row.member, row.json), "x", errors)) << row.member << row.json;
    EXPECT_EQ(FaultsOf(errors), (Faults{{row.pointer, row.code}})) << row.member << row.json;
  }
}

TEST(PollDocumentTest, RefusesSurveysWithPointer) {
  const auto refuse = [](const std::string& ballot, const Faults& faults) {
    std::vector<BodyError> errors;
    EXPECT_FALSE(
        DecodePoll(R"({"title":{"de":"x"},"project":"p","ballot":{"type":"survey")" + ballot + "}}",
                   "x", errors));
    EXPECT_EQ(FaultsOf(errors), faults) << ballot;
  };
  const std::string question = R"({"id":"q","ballot":{"type":"updown"},"options":[{"id":"a"}]})";
  refuse("", {{"/ballot/questions", "member_missing"}});
  refuse(R"(,"questions":[])", {{"/ballot/questions", "member_invalid"}});
  refuse(R"(,"questions":[1])", {{"/ballot/questions/0", "member_invalid"}});
  refuse(R"(,"questions":[)" + question + "," + question + "]",
         {{"/ballot/questions/1/id", "member_invalid"}});
  refuse(R"(,"questions":[{"id":"q","ballot":{"type":"survey"},"options":[{"id":"a"}]}])",
         {{"/ballot/questions/0/ballot/type", "member_invalid"}});
  refuse(R"(,"questions":[{"id":"q","ballot":{"type":"updown"},"options":[]}])",
         {{"/ballot/questions/0/options", "member_invalid"}});
  refuse(
      R"(,"questions":[{"id":"Q","ballot":{"type":"choose"},"options":[{"id":"a"},{"id":"a"}]}])",
      {{"/ballot/questions/0/id", "id_invalid"},
       {"/ballot/questions/0/ballot/max", "member_missing"},
       {"/ballot/questions/0/options/1/id", "option_repeated"}});
  std::string many = question;
  for (int i = 0; i < 100; ++i) many += "," + question;
  refuse(R"(,"questions":[)" + many + "]", {{"/ballot/questions", "member_invalid"}});
  std::vector<BodyError> errors;
  EXPECT_FALSE(DecodePoll(R"({"title":{"de":"x"},"project":"p","options":[{"id":"a"}],)"
                          R"("ballot":{"type":"survey","questions":[)" +
                              question + "]}}",
                          "x", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/options", "member_invalid"}}));
}

TEST(PollDocumentTest, RefusesText) {
  const std::string deep = std::string(20, '[') + std::string(20, ']');
  const std::vector<std::pair<std::string, Faults>> rows = {
      {"", {{"", "not_json"}}},
      {"{", {{"", "not_json"}}},
      {"{} {}", {{"", "not_json"}}},
      {"[]", {{"", "member_invalid"}}},
      {"{\"title\":{\"de\":\"\xff\"}}", {{"", "not_json"}}},
      {deep, {{"", "json_too_deep"}}},
      {R"({"title":{"de":"x","de":"y"}})", {{"/title/de", "json_duplicate_member"}}},
      {R"({"options":[{"id":"a"},{"id":"b","id":"c"}]})",
       {{"/options/1/id", "json_duplicate_member"}}},
      {R"({"changes_max":1.0})", {{"/changes_max", "member_invalid"}}},
      {R"({"changes_max":1e3})", {{"/changes_max", "member_invalid"}}},
      {R"({"options":[1,99999999999999999999]})", {{"/options/1", "member_invalid"}}}};
  for (const auto& [text, faults] : rows) {
    std::vector<BodyError> errors;
    EXPECT_FALSE(DecodePoll(text, "x", errors)) << text;
    EXPECT_EQ(FaultsOf(errors), faults) << text;
  }
}

TEST(PollDocumentTest, CollectsEveryFaultUpToABound) {
  std::vector<BodyError> errors;
  EXPECT_FALSE(
      DecodePoll(R"({"project":"P","ballot":{"type":"rank"},"options":[{}],"x":1})", "x", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/title", "member_missing"},
                                      {"/project", "id_invalid"},
                                      {"/ballot/max", "member_missing"},
                                      {"/options/0/id", "member_missing"},
                                      {"/x", "json_unknown_member"}}));
  std::string many = "{\"a\":0";
  for (int i = 0; i < 50; ++i) many += ",\"m" + std::to_string(i) + "\":0";
  EXPECT_FALSE(DecodePoll(many + "}", "x", errors));
  EXPECT_EQ(errors.size(), 20U);
}

TEST(PollDocumentTest, WindowAndSizeAreBounded) {
  std::vector<BodyError> errors;
  std::string body = With("opens", "\"2026-05-01T06:00:00Z\"");
  body.insert(1, R"("closes":"2026-05-01T08:00:00+02:00",)");
  EXPECT_FALSE(DecodePoll(body, "x", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/closes", "member_invalid"}}));

  std::string options = "[";
  for (int i = 0; i < 20'000; ++i) {
    options += (i == 0 ? "{\"id\":\"" : ",{\"id\":\"") + std::to_string(i) + "\"}";
  }
  EXPECT_FALSE(DecodePoll(With("options", options + "]"), "x", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"", "body_too_large"}}));

  std::string open = With("options", "[]");
  open.insert(1, R"("state":"open",)");
  EXPECT_FALSE(DecodePoll(open, "x", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/options", "member_invalid"}}));
}

TEST(PollDocumentTest, SmallDocuments) {
  std::vector<BodyError> errors;
  EXPECT_EQ(DecodeTransition(R"({"to":"paused"})", errors), PollState::kPaused);
  EXPECT_FALSE(DecodeTransition(R"({})", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/to", "member_missing"}}));
  EXPECT_FALSE(DecodeTransition(R"({"to":"open","at":"now"})", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/at", "json_unknown_member"}}));
  const auto option = DecodeOption(R"({"title":{"de":"x"},"cost":5})", "a/1", errors);
  ASSERT_TRUE(option);
  EXPECT_EQ(option->cost, 5);
  const auto project =
      DecodeProject(R"({"title":{"de":"S"},"languages":["de","en"]})", "stadt", errors);
  ASSERT_TRUE(project);
  std::string out;
  AppendProject({.project = project->project,
                 .revision = 3,
                 .ballots_per_voter = 0,
                 .voter_key = std::nullopt},
                out);
  EXPECT_EQ(out, R"({"id":"stadt","revision":3,"title":{"de":"S"},"languages":["de","en"],)"
                 R"("time_zone":"Europe/Berlin"})"
                 "\n");
  EXPECT_FALSE(DecodeProject(R"({"title":{"de":"S"},"ballots_per_voter":0})", "stadt", errors));
  EXPECT_EQ(FaultsOf(errors), (Faults{{"/ballots_per_voter", "member_invalid"}}));
}

}  // namespace
}  // namespace tallyd
