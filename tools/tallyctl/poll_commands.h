#pragma once

// tallyctl poll ...: thin clients of the private listener, one request each.

#include <string>

#include "tools/tallyctl/control.h"

namespace tallyd {

// Creates a poll from a file ("-" = stdin) that holds the body of PUT /v1/polls/{poll}; the id is
// `id`, or a member "id" of the file, or the file's name. An existing poll is never changed.
ExitCode CreatePoll(const ControlOptions& options, const std::string& path, const std::string& id);
ExitCode ShowPoll(const ControlOptions& options, const std::string& id);
ExitCode ListPolls(const ControlOptions& options);
// `to`: open, paused, closed, final.
ExitCode TransitionPoll(const ControlOptions& options, const std::string& id,
                        const std::string& to);

}  // namespace tallyd
