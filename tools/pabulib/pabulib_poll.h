#pragma once

// A PabuLib election as tallyd sees it: the poll to create, and each vote as a line of a batch.
//
// The rules of the poll come from META, widened where the file's own ballots go beyond them (the
// city counted those ballots, so they must be importable); each widening is said in `notes`.
// Values; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include <boost/json/object.hpp>

#include "tools/pabulib/pabulib_file.h"

namespace tallyd {

struct PollPlan {
  std::string poll;              // id
  boost::json::object document;  // body of PUT /v1/polls/{poll}, a draft
  PabulibScoring scoring;
  std::string ballot_text;         // for people: "choose up to 5"
  std::vector<std::string> notes;  // for people: what was decided, and why
};

// The id is `prefix` and the file's name, made to fit [a-z0-9][a-z0-9-]{0,62}: a long name is cut
// and ends in a hash of the whole.
std::string PollIdOf(const std::string& prefix, std::string_view path);

// InvalidArgument (file:line: rule) if a project's id does not fit tallyd.
absl::StatusOr<PollPlan> PlanPoll(const PabulibFile& file, const std::string& poll,
                                  const std::string& project);

// One line of NDJSON, with its line feed. `with_channel` off leaves out what only the private
// listener takes: then it is the body of a single vote.
std::string VoteLine(const PabulibFile& file, const PollPlan& plan, const PabulibVote& vote,
                     bool with_channel);

// True if everything that `wanted` says is in `given`, which may say more.
bool HoldsAll(const boost::json::value& given, const boost::json::value& wanted);

}  // namespace tallyd
