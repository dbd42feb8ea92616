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

void NameBallot(const PollView& poll, std::string_view voter, std::uint32_t ballot_no,
                const std::optional<BallotDay>& day, Command* command) {
  const VoterKey& key = *poll.voter_key;
  command->tag = day ? key.MakeTag(voter, ballot_no, day->number) : key.MakeTag(voter, ballot_no);
  if (!day && !poll.project_key) return;
  VoteExtras extras;
  if (day) extras.day = day->window;
  if (poll.project_key) extras.project_tag = poll.project_key->MakeTag(voter);
  command->act = std::make_unique<Act>(extras);
}

}  // namespace tallyd
