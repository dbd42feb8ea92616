#include "tests/support/api_contract.h"

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "gtest/gtest.h"

namespace tallyd {
namespace {

struct Row {
  const char* code;
  int status;
};
constexpr Row kRows[] = {
    {"already_voted", 409},
    {"poll_not_open", 409},
    {"changes_exhausted", 409},
    {"rules_frozen", 409},
    {"batch_exists", 409},
    {"batch_voided", 409},
    {"entries_differ", 409},
    {"transition_not_allowed", 409},
    {"option_unknown", 422},
    {"option_withdrawn", 422},
    {"option_repeated", 422},
    {"too_many_choices", 422},
    {"too_few_choices", 422},
    {"points_exceeded", 422},
    {"wrong_ballot_type", 422},
    {"key_reused", 422},
    {"voter_missing", 422},
    {"voter_invalid", 422},
    {"voter_mismatch", 422},
    {"box_unknown", 422},
    {"sum_mismatch", 422},
    {"cards_missing", 409},
    {"blind_entry_required", 409},
    {"not_on_roll", 403},
    {"weight_missing", 403},
    {"json_unknown_member", 422},
    {"member_missing", 422},
    {"member_invalid", 422},
    {"id_invalid", 422},
    {"not_supported", 422},
    {"not_json", 400},
    {"json_duplicate_member", 400},
    {"json_too_deep", 400},
    {"parameter_invalid", 400},
    {"header_invalid", 400},
    {"encoding_invalid", 400},
    {"host_invalid", 400},
    {"body_too_large", 413},
    {"too_many_lines", 413},
    {"unsupported_media_type", 415},
    {"withdraw_not_allowed", 403},
    {"four_eyes", 403},
    {"channel_not_allowed", 403},
    {"forbidden", 403},
    {"unauthorized", 401},
    {"poll_exists", 412},
    {"precondition_failed", 412},
    {"precondition_required", 428},
    {"not_found", 404},
    {"poll_not_found", 404},
    {"project_not_found", 404},
    {"receipt_not_found", 404},
    {"batch_not_found", 404},
    {"flags_not_found", 404},
    {"no_ballot", 404},
    {"epoch_changed", 410},
    {"version_compacted", 410},
    {"key_destroyed", 410},
    {"length_required", 411},
    {"method_not_allowed", 405},
    {"too_many_requests", 429},
    {"overloaded", 503},
    {"storage_full", 503},
    {"key_missing", 503},
    {"draining", 503},
    {"option_not_found", 404},
    {"question_unknown", 422},
    {"question_not_found", 404},
    {"ballot_no_required", 422},
    {"day_not_open", 409},
    {"day_required", 422},
    {"bad_request", 400},
    {"content_length_invalid", 400},
    {"uri_too_long", 414},
    {"header_too_large", 431},
    {"expectation_failed", 417},
    {"request_timeout", 408},
    {"not_implemented", 501},
    {"http_version_not_supported", 505},
};

}  // namespace

int StatusOfCode(const std::string& code) {
  for (const Row& row : kRows) {
    if (row.code == code) return row.status;
  }
  ADD_FAILURE() << "the contract has no code " << code;
  return 0;
}

void ExpectProblem(const HttpAnswer& answer, const std::string& code, const std::string& pointer) {
  SCOPED_TRACE("expected " + code + ", got " + std::to_string(answer.status) + " " + answer.body);
  EXPECT_EQ(answer.status, StatusOfCode(code));
  EXPECT_EQ(answer.Header("content-type"), "application/problem+json");
  EXPECT_FALSE(answer.Header("request-id").empty());
  if (answer.status == 429 || answer.status == 503) {
    EXPECT_FALSE(answer.Header("retry-after").empty());
  }
  if (answer.Header("content-type") != "application/problem+json") return;
  const boost::json::value json = answer.Json();
  ASSERT_TRUE(json.is_object());
  const boost::json::object& body = json.as_object();
  for (const char* member : {"type", "title", "status", "detail", "code"}) {
    ASSERT_TRUE(body.contains(member)) << member;
  }
  EXPECT_EQ(body.at("code").as_string(), code);
  EXPECT_EQ(body.at("type").as_string(), "/problems/" + code);
  EXPECT_EQ(body.at("status").to_number<int>(), answer.status);
  EXPECT_FALSE(body.at("title").as_string().empty());
  if (pointer == "-") return;
  ASSERT_TRUE(body.contains("errors"));
  ASSERT_FALSE(body.at("errors").as_array().empty());
  EXPECT_EQ(body.at("errors").as_array().front().at("pointer").as_string(), pointer);
}

}  // namespace tallyd
