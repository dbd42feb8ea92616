#pragma once

// A vote's JSON body, straight into fixed-size values: no tree, no allocation once warm.
//
//   VoteDecoder decoder;                                  // one per thread, reused
//   DecodedVote vote;
//   BodyError error;
//   if (!decoder.Decode(body, *poll, VoteDecoder::Form::kSingle, vote, error)) ... error ...
//
// Option ids become indexes through the poll's view while the text is read. What is not JSON, a
// member named twice or nesting beyond 8 levels is a 400 and wins over every 422; of those the
// first in the text is reported, with its JSON Pointer. The ballot that comes out obeys the poll's
// rules; whether it may be cast is the engine's decision. Callable on any bytes. Cost: about 400 ns
// for a body of 116 bytes.

#include <memory>
#include <optional>
#include <string_view>

#include "engine/ballot.h"
#include "engine/poll_view.h"
#include "net/ballot_day.h"
#include "net/problem_response.h"
#include "storage/records.h"

namespace tallyd {

struct DecodedVote {
  // Views into the decoder, until its next Decode(); empty: not in the body.
  std::string_view voter;
  std::string_view ref;
  std::uint32_t ballot_no = 1;
  std::optional<BallotDay> day;  // where ballots are per day
  Channel channel = Channel::kOnline;
  BoxIndex box = 0;
  PackedBallot ballot;
};

class VoteDecoder {
 public:
  // A line of a batch may carry ref, channel and box besides;
  // and a line of cards has `card`, its code, in place of voter (where it comes out too).
  enum class Form : std::uint8_t { kSingle, kBatchLine, kCardLine };

  VoteDecoder();
  ~VoteDecoder();
  VoteDecoder(const VoteDecoder&) = delete;
  VoteDecoder& operator=(const VoteDecoder&) = delete;

  // False: refused, `error` says why. In a batch line `vote.ref` is set also then, if it was read.
  bool Decode(std::string_view body, const PollView& poll, Form form, DecodedVote& vote,
              BodyError& error);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "choices", "points", "ranking", "votes" or "answers": the member that holds a ballot of that
// type.
std::string_view BallotMemberName(BallotType type);

// Appends the ballot in the member of its type, without braces: "choices":["a","b"]
void AppendBallotMember(const PollView& poll, const PackedBallot& ballot, std::string& out);

}  // namespace tallyd
