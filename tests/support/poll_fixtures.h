#pragma once

// Bodies of polls and votes as a frontend writes them.

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "boost/json/object.hpp"

#include "tests/support/http_client.h"

namespace tallyd {

// An open choose-1 poll of the options alpha, beta, gamma, delta in project "tests". Tests change
// the members they are about: `auto poll = PollBody(); poll["revote"] = "replace";`.
boost::json::object PollBody();
boost::json::object ChooseRules(int min, int max);
boost::json::object PointsRules(int total, int max_per_option);
boost::json::object RankRules(int max, const std::string& scoring);
boost::json::array OptionList(const std::vector<std::string>& ids);

// Vote bodies; `voter` "" leaves the member out.
std::string ChoicesBody(const std::string& voter, const std::vector<std::string>& choices);
std::string PointsBody(const std::string& voter,
                       const std::vector<std::pair<std::string, int>>& points);
std::string RankingBody(const std::string& voter, const std::vector<std::string>& ranking);

using Headers = std::vector<std::pair<std::string, std::string>>;

HttpCall VoteCall(const std::string& poll, const std::string& body, Headers headers = {});
HttpCall JsonCall(const std::string& method, const std::string& target, const std::string& body,
                  Headers headers = {});
HttpCall BatchCall(const std::string& poll, const std::string& lines, const std::string& query = "",
                   Headers headers = {});

}  // namespace tallyd
