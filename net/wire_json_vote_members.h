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
  kCard,
  kUnknown,  // refused already; its value is only walked over
};

// In which bodies a member may stand.
enum class Where : std::uint8_t { kVote, kBatchLine, kCardLine, kAnywhere };

struct MemberName {
  std::string_view name;
  Member member;
  Where where;
};
inline constexpr std::array<MemberName, 12> kMembers = {
    {{"voter", Member::kVoter, Where::kVote},
     {"choices", Member::kChoices, Where::kAnywhere},
     {"points", Member::kPoints, Where::kAnywhere},
     {"ranking", Member::kRanking, Where::kAnywhere},
     {"ballot_no", Member::kBallotNo, Where::kAnywhere},
     {"ref", Member::kRef, Where::kBatchLine},
     {"channel", Member::kChannel, Where::kBatchLine},
     {"box", Member::kBox, Where::kBatchLine},
     {"votes", Member::kVotes, Where::kAnywhere},
     {"answers", Member::kAnswers, Where::kAnywhere},
     {"day", Member::kDay, Where::kVote},
     {"card", Member::kCard, Where::kCardLine}}};

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
