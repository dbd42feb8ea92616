#pragma once

// What every import does with its poll: create it, or find the same one there, and open it.
//
// One thread. Sends again what the server could not answer, for as long as the connection was told.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "tools/client/retrying_connection.h"
#include "tools/tallyctl/control.h"

namespace tallyd {

class PollImport {
 public:
  PollImport(const ControlOptions& control, RetryingConnection* connection)
      : control_(control), connection_(connection) {}

  // A poll that is there already is fine if it is the same one; `other_name` says how to choose
  // another.
  absl::Status CreateAndOpen(const std::string& poll, const boost::json::object& document,
                             const std::string& other_name);
  // An answer of 200 with a JSON object; anything else is a status.
  absl::StatusOr<boost::json::value> CallJson(const std::string& method, const std::string& target,
                                              const std::string& body = "");

 private:
  const ControlOptions& control_;
  RetryingConnection* connection_;
};

}  // namespace tallyd
