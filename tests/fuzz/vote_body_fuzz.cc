// Whatever a frontend sends as a vote, a line of a batch or a card is refused with a reason, or is
// a ballot that keeps the poll's rules and reads the same when it is written out and read again.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire_json_vote.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/net/poll_view_fixture.h"

namespace tallyd {
namespace {

const std::vector<PollView>& Polls() {
  static const std::vector<PollView> polls = [] {
    const std::vector<std::string> options = {"a", "b", "c", "open-air-kino", "Stadt.lauf/2"};
    const BallotDefinition choose{.type = BallotType::kChoose, .min = 0, .max = 3};
    const BallotDefinition rank{.type = BallotType::kRank, .min = 1, .max = 4};
    std::vector<PollView> made;
    made.push_back(MakePollView(choose, options, {"rathaus"}));
    made.push_back(MakePollView(
        {.type = BallotType::kPoints, .points_total = 10, .points_per_option_max = 7}, options));
    made.push_back(MakePollView(rank, options));
    made.push_back(MakePollView({.type = BallotType::kUpDown}, options));
    made.push_back(MakeSurveyView({choose, rank}));
    return made;
  }();
  return polls;
}

constexpr VoteDecoder::Form kForms[] = {VoteDecoder::Form::kSingle, VoteDecoder::Form::kBatchLine,
                                        VoteDecoder::Form::kCardLine};

void Check(std::string_view body, const PollView& poll, VoteDecoder::Form form) {
  static VoteDecoder decoder;
  static VoteDecoder another;
  DecodedVote vote;
  BodyError error;
  if (!decoder.Decode(body, poll, form, vote, error)) {
    TALLYD_CHECK(error.pointer.empty() || error.pointer.front() == '/');
    return;
  }
  const auto options = static_cast<OptionIndex>(poll.definition.options.size());
  TALLYD_CHECK(ValidateBallot(poll.rules, options, vote.ballot.view()) == BallotError::kOk);
  std::string again = "{";
  AppendBallotMember(poll, vote.ballot, again);
  again += '}';
  DecodedVote same;
  BodyError none;
  TALLYD_CHECK(another.Decode(again, poll, VoteDecoder::Form::kSingle, same, none));
  TALLYD_CHECK(same.ballot == vote.ballot);
}

}  // namespace

// The first byte chooses the poll and the form, so that one input is looked at once.
std::vector<std::string> FuzzSeeds() {
  const std::string bodies[] = {
      R"({"voter":"v1","choices":["a","open-air-kino"]})",
      R"({"voter":"v\u00e4\ud83d\ude00","choices":[],"ballot_no":2})",
      R"({"points":{"a":3,"Stadt.lauf/2":7}})",
      R"({"ranking":["c","a","b"],"voter":"x"})",
      R"({"votes":{"a":1,"b":-1,"c":0}})",
      R"({"answers":{"q1":{"choices":["a"]},"q2":{"ranking":["b","a"]}}})",
      R"({"voter":"v2","choices":["b"],"ref":"r-1","channel":"paper","box":"rathaus"})",
      R"({"card":"7k2m-9x4q","choices":["c"],"ref":"12"})",
      R"({"voter":"v","day":"2026-06-03","choices":["a"]})",
      R"([[[[[[[[[1]]]]]]]]])"};
  std::vector<std::string> seeds;
  for (std::size_t choice = 0; choice < Polls().size() * std::size(kForms); ++choice) {
    for (const std::string& body : bodies) seeds.push_back(static_cast<char>(choice) + body);
  }
  return seeds;
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t forms = std::size(kForms);
  Check(body, Polls()[data[0] / forms % Polls().size()], kForms[data[0] % forms]);
  return 0;
}
