#pragma once

// The members that a vote's body may have, and which of them holds a ballot of which type.
//
// Included by wire_json_vote*. Constants and pure functions.

#include <array>
#include <cstdint>
#include <string_view>

#include "storage/records.h"

namespace tallyd::vote_json {

enum class Member : std::uint8_t {
  kVoter,
  kChoices,
  kPoints,
  kRanking,
  kVotes,
  kAnswers,
  kBallotNo,
  kDay,
  kRef,
  kChannel,
  kBox,
  kUnknown,  // refused already; its value is only walked over
};

struct MemberName {
  std::string_view name;
  Member member;
  bool batch_only;
};
inline constexpr std::array<MemberName, 11> kMembers = {{{"voter", Member::kVoter, false},
                                                         {"choices", Member::kChoices, false},
                                                         {"points", Member::kPoints, false},
                                                         {"ranking", Member::kRanking, false},
                                                         {"ballot_no", Member::kBallotNo, false},
                                                         {"ref", Member::kRef, true},
                                                         {"channel", Member::kChannel, true},
                                                         {"box", Member::kBox, true},
                                                         {"votes", Member::kVotes, false},
                                                         {"answers", Member::kAnswers, false},
                                                         {"day", Member::kDay, false}}};

inline Member MemberOf(BallotType type) {
  switch (type) {
    case BallotType::kChoose:
      return Member::kChoices;
    case BallotType::kPoints:
      return Member::kPoints;
    case BallotType::kRank:
      return Member::kRanking;
    case BallotType::kUpDown:
      return Member::kVotes;
    case BallotType::kSurvey:
      return Member::kAnswers;
  }
  return Member::kUnknown;
}

// Options with a number each, in an object.
constexpr bool HasValues(Member member) {
  return member == Member::kPoints || member == Member::kVotes;
}
// Options alone, in an array.
constexpr bool IsList(Member member) {
  return member == Member::kChoices || member == Member::kRanking;
}

constexpr unsigned Bit(Member member) {
  return 1U << static_cast<unsigned>(member);
}

}  // namespace tallyd::vote_json
