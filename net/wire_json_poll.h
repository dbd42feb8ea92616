#pragma once

// Polls, options, projects and transitions: from request bodies and into answers.
//
// Decoders take plain bytes and either return the value or add every fault they find (at most
// DocumentErrors::kErrorsMax) to `errors`. What this version does not do is refused as
// not_supported unless it is spelled out with its default. Texts that the engine does not interpret
// (titles, time zone, languages, places) go into `display` as canonical JSON: members in a fixed
// order, languages sorted, no blanks, so that the same document is the same entry.
// Encoders append; the bytes follow from the view alone. Any thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "engine/poll_view.h"
#include "net/problem_response.h"
#include "storage/entries.h"

namespace tallyd {

struct PollDocument {
  PollDefinition definition;
  std::optional<PollState> state;  // as given
};

std::optional<PollDocument> DecodePoll(std::string_view body, std::string_view poll_id,
                                       std::vector<BodyError>& errors);
std::optional<OptionDefinition> DecodeOption(std::string_view body, std::string_view option_id,
                                             std::vector<BodyError>& errors);
std::optional<PollState> DecodeTransition(std::string_view body, std::vector<BodyError>& errors);
struct ProjectDocument {
  ProjectEntry project;                 // `actor` is left empty
  std::uint32_t ballots_per_voter = 0;  // over its polls; 0 = no quota
};
std::optional<ProjectDocument> DecodeProject(std::string_view body, std::string_view project_id,
                                             std::vector<BodyError>& errors);

// About the bytes that the definition takes in a journal entry, never less.
std::size_t EstimateDefinitionBytes(const PollDefinition& definition);

std::string_view PollStateName(PollState state);

// ,"withdrawn":true,"fate":... of an option that was withdrawn, else nothing.
void AppendFate(const PollDefinition& poll, const OptionDefinition& option, std::string& out);
// {"district":["mitte","nord"],...}
void AppendClaims(absl::Span<const ClaimRule> claims, std::string& out);
// Who reads a poll: rules about bursts are for operators only, since whoever knows them stays
// below.
enum class PollReader : std::uint8_t { kOperator, kAnybody };
void AppendPoll(const PollView& poll, std::string& out, PollReader reader = PollReader::kOperator);
void AppendPollSummary(const PollView& poll, std::string& out);
// {"polls":[...],"next":...}; `next` empty: the last page.
void AppendPollPage(absl::Span<const std::shared_ptr<const PollView>> polls, std::string_view next,
                    std::string& out);
void AppendProject(const ProjectView& project, std::string& out);

}  // namespace tallyd
