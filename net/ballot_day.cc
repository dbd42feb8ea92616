#include "net/ballot_day.h"

#include <memory>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

#include "storage/absl_view.h"

namespace tallyd {

std::optional<BallotDay> ParseBallotDay(std::string_view text, const std::string& time_zone) {
  constexpr std::size_t kDayLength = 10;
  absl::CivilDay day;
  // What is written back must be what came: one spelling of a day only.
  if (text.size() != kDayLength || !absl::ParseCivilTime(AbslView(text), &day) ||
      absl::FormatCivilTime(day) != AbslView(text)) {
    return std::nullopt;
  }
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(time_zone, &zone)) return std::nullopt;
  BallotDay ballot_day;
  ballot_day.number = static_cast<std::int32_t>(day - absl::CivilDay(1970, 1, 1));
  ballot_day.window.begins = absl::ToUnixMicros(absl::FromCivil(day, zone));
  ballot_day.window.ends = absl::ToUnixMicros(absl::FromCivil(day + 1, zone));
  return ballot_day;
}

void NameBallot(const VoterKey& key, std::string_view voter, std::uint32_t ballot_no,
                const std::optional<BallotDay>& day, Command* command) {
  if (!day) {
    command->tag = key.MakeTag(voter, ballot_no);
    return;
  }
  command->tag = key.MakeTag(voter, ballot_no, day->number);
  command->act = std::make_unique<Act>(day->window);
}

}  // namespace tallyd
