#pragma once

// What every end-to-end test starts from: one real tallyd for the whole program, two connections.
//
// Tests do not disturb each other because each makes polls of its own. The server starts before the
// first test and must end with exit code 0 on SIGTERM after the last.

#include <string>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "gtest/gtest.h"

#include "tests/support/api_contract.h"
#include "tests/support/http_client.h"
#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"

namespace tallyd {

class ServerTest : public ::testing::Test {
 protected:
  ServerTest();

  // Creates the poll under a fresh id on the private listener; returns the id.
  std::string CreatePoll(const boost::json::object& body = PollBody());
  HttpAnswer Transition(const std::string& poll, const std::string& to);
  HttpAnswer Vote(const std::string& poll, const std::string& body, Headers headers = {});
  HttpAnswer Get(const std::string& target, Headers headers = {});
  boost::json::object Ranking(const std::string& poll, const std::string& query = "");

  static std::string FreshId();
  static TallydProcess& Server();

  HttpClient public_;
  HttpClient admin_;
};

// Reads like the contract: what a vote was answered.
std::string StatusMember(const HttpAnswer& answer);
std::int64_t IntegerMember(const HttpAnswer& answer, const char* name);
std::string TextMember(const HttpAnswer& answer, const char* name);
// Member of an option in a ranking.
std::int64_t OptionFigure(const boost::json::object& ranking, const std::string& option,
                          const char* member);
std::int64_t TotalsFigure(const boost::json::object& ranking, const char* member);

}  // namespace tallyd
