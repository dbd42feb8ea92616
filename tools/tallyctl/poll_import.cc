#include "tools/tallyctl/poll_import.h"

#include <boost/json/serialize.hpp>

#include "tools/pabulib/pabulib_poll.h"

namespace tallyd {

namespace json = boost::json;

absl::Status PollImport::CreateAndOpen(const std::string& id, const json::object& document,
                                       const std::string& other_name) {
  const std::string target = "/v1/polls/" + id;
  ClientRequest request = MakeRequest(control_, "PUT", target, json::serialize(document));
  request.headers.emplace_back("If-None-Match", "*");
  const auto created = connection_->Send(request);
  if (!created.ok()) return created.status();
  if (created->status != 201 && created->status != 412) {
    return absl::FailedPreconditionError("creating poll " + id + ": " + DescribeProblem(*created));
  }
  const auto poll = CallJson("GET", target);
  if (!poll.ok()) return poll.status();
  json::object wanted = document;
  wanted.erase("state");
  if (!HoldsAll(*poll, wanted)) {
    return absl::FailedPreconditionError(
        "poll " + id + " exists with another definition; choose another " + other_name);
  }
  const json::value* state = poll->as_object().if_contains("state");
  if (state != nullptr && *state == "open") return absl::OkStatus();
  return CallJson("POST", target + "/transitions", R"({"to":"open"})").status();
}

absl::StatusOr<json::value> PollImport::CallJson(const std::string& method,
                                                 const std::string& target,
                                                 const std::string& body) {
  const auto answer = connection_->Send(MakeRequest(control_, method, target, body));
  if (!answer.ok()) return answer.status();
  if (answer->status != 200) {
    return absl::FailedPreconditionError(method + " " + target + ": " + DescribeProblem(*answer));
  }
  auto value = ParseJson(answer->body);
  if (!value.ok() || !value->is_object()) {
    return absl::InternalError(method + " " + target + ": the answer is not a JSON object");
  }
  return value;
}

}  // namespace tallyd
