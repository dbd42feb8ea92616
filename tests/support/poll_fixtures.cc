#include "tests/support/poll_fixtures.h"

#include "boost/json/array.hpp"
#include "boost/json/serialize.hpp"

namespace tallyd {
namespace {

boost::json::object WithVoter(const std::string& voter) {
  boost::json::object body;
  if (!voter.empty()) body["voter"] = voter;
  return body;
}

boost::json::array TextArray(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

boost::json::object ChooseRules(int min, int max) {
  return {{"type", "choose"}, {"min", min}, {"max", max}};
}

boost::json::object PointsRules(int total, int max_per_option) {
  return {{"type", "points"}, {"total", total}, {"max_per_option", max_per_option}};
}

boost::json::object RankRules(int max, const std::string& scoring) {
  return {{"type", "rank"}, {"max", max}, {"scoring", scoring}};
}

boost::json::array OptionList(const std::vector<std::string>& ids) {
  boost::json::array options;
  for (const std::string& id : ids) {
    options.push_back(boost::json::object{{"id", id}, {"title", {{"en", "Option " + id}}}});
  }
  return options;
}

boost::json::object PollBody() {
  return {{"title", {{"de", "Probeabstimmung"}, {"en", "Trial poll"}}},
          {"project", "tests"},
          {"state", "open"},
          {"ballot", ChooseRules(1, 1)},
          {"options", OptionList({"alpha", "beta", "gamma", "delta"})}};
}

std::string ChoicesBody(const std::string& voter, const std::vector<std::string>& choices) {
  boost::json::object body = WithVoter(voter);
  body["choices"] = TextArray(choices);
  return boost::json::serialize(body);
}

std::string PointsBody(const std::string& voter,
                       const std::vector<std::pair<std::string, int>>& points) {
  boost::json::object body = WithVoter(voter);
  boost::json::object given;
  for (const auto& [option, value] : points) given[option] = value;
  body["points"] = std::move(given);
  return boost::json::serialize(body);
}

std::string RankingBody(const std::string& voter, const std::vector<std::string>& ranking) {
  boost::json::object body = WithVoter(voter);
  body["ranking"] = TextArray(ranking);
  return boost::json::serialize(body);
}

HttpCall JsonCall(const std::string& method, const std::string& target, const std::string& body,
                  Headers headers) {
  headers.emplace_back("Content-Type", "application/json");
  return {method, target, std::move(headers), body};
}

HttpCall VoteCall(const std::string& poll, const std::string& body, Headers headers) {
  return JsonCall("POST", "/v1/polls/" + poll + "/votes", body, std::move(headers));
}

HttpCall BatchCall(const std::string& poll, const std::string& lines, const std::string& query,
                   Headers headers) {
  headers.emplace_back("Content-Type", "application/x-ndjson");
  return {"POST", "/v1/polls/" + poll + "/votes/batch" + query, std::move(headers), lines};
}

}  // namespace tallyd
