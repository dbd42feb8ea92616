#pragma once

// Ideas: from request bodies and into answers.
//
// An idea's id is its number: "idea-12". Title and text are one text per language, kept as
// canonical JSON, so that the same idea sent again is the same entry. Decoders return the value or
// add every fault they find (at most DocumentErrors::kErrorsMax) to `errors`. Any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "engine/command.h"
#include "engine/idea_box.h"
#include "engine/poll_directory.h"
#include "net/problem_response.h"

namespace tallyd {

inline constexpr std::size_t kIdeaTextCharactersMax = 4'000;

struct IdeaDocument {
  std::string display;  // {"title":{...}}
  std::string text;     // {"de":"..."}, or ""
  std::string voter;    // "" = not in the body
};

std::optional<IdeaDocument> DecodeIdea(std::string_view body, std::vector<BodyError>& errors);
// Without number, revision and actor.
std::optional<DecideIdea> DecodeIdeaDecision(std::string_view body, IdeaNumber number,
                                             std::vector<BodyError>& errors);
std::optional<IdeaState> FindIdeaState(std::string_view name);

std::string IdeaId(IdeaNumber number);
std::optional<IdeaNumber> ParseIdeaId(std::string_view id);

// Who sees it: the citizen who handed it in, or a moderator.
enum class IdeaReader : std::uint8_t { kSubmitter, kModerator };
void AppendIdea(const IdeaRecord& record, const PollDirectory& polls, Epoch epoch,
                IdeaReader reader, std::string& out);
// {"ideas":[...],"next":...} for moderators; `next` empty: the last page.
void AppendIdeaPage(const IdeaPage& page, const PollDirectory& polls, Epoch epoch,
                    std::string_view next, std::string& out);

}  // namespace tallyd
