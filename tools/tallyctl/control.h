#pragma once

// What all subcommands of tallyctl share: where the server is, how to answer, what went wrong.
//
// Data goes to stdout (one JSON document a command with --json), messages to stderr.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <boost/json/value.hpp>

#include "tools/client/client_connection.h"
#include "tools/exit_code.h"

namespace tallyd {

struct ControlOptions {
  std::string server = "http://127.0.0.1:8081";  // the private listener
  std::string ca_file;                           // who vouches for an https:// server; "" = usual
  std::string actor;                             // Tallyd-Actor, for the journal; "" = nobody named
  std::string token;                             // shown to the server; "" = none
  bool json = false;
};

// The first line of a file that only its owner may read: tokens never stand in a command line.
absl::Status ReadToken(const std::string& path, ControlOptions& options);

// The server of an URL, with the authorities that the operator named.
absl::StatusOr<ServerAddress> ServerAt(const std::string& url, const ControlOptions& options);

// Says on stderr what went wrong; the code that fits (server out of reach or refusing: 1).
ExitCode Fail(const std::string& what, ExitCode code = kExitFailure);
ExitCode Fail(const absl::Status& status, ExitCode code = kExitFailure);

absl::StatusOr<boost::json::value> ParseJson(std::string_view text);
// A member as it is printed: a text without its quotation marks; "" if there is none.
std::string TextOf(const boost::json::value& object, const char* name);
// "409 rules_frozen: <detail>" out of an application/problem+json answer, or the plain status.
std::string DescribeProblem(const ClientAnswer& answer);

// Says who asks.
void AddIdentity(const std::string& actor, const std::string& token, ClientRequest& request);
// A request to the private listener, as this operator.
ClientRequest MakeRequest(const ControlOptions& options, std::string method, std::string target,
                          std::string body = "");
// One request on a connection of its own. Any status is an answer.
absl::StatusOr<ClientAnswer> Call(const ControlOptions& options, const ClientRequest& request);

// An id as part of a target, percent-encoded.
std::string EncodeSegment(std::string_view text);

}  // namespace tallyd
