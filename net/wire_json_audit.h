#pragma once

// One act as one line of the audit log (docs/http_api.md, "Audit log").
//
//   {"n":7,"at":"2026-05-20T14:20:05.112Z","commit":4711,"act":"paper_entered","by":"a.beispiel",
//    ...what was done...,"previous":"<SHA-256 of the line before, 64 hex digits>"}
//
// The hash of a line is over its bytes without the line feed, so a line that was ever shown must
// look the same for ever: what is rendered here may only grow by members that say something no
// earlier entry could say, written only where they say it. A test holds the lines of every kind.
// `poll` may be any view of the poll that is not older than the act. Any thread.

#include <string>
#include <string_view>

#include "engine/engine.h"
#include "engine/poll_view.h"
#include "storage/records.h"

namespace tallyd {

// Appends the line without a line feed.
void AppendAuditLine(const PollView& poll, const Engine::JournaledAct& act,
                     const ChainHash& previous, std::string& out);
// The same for the log of a project; `polls` knows every poll and option that the act names.
void AppendProjectAuditLine(std::string_view project, const PollDirectory& polls,
                            const Engine::JournaledAct& act, const ChainHash& previous,
                            std::string& out);

}  // namespace tallyd
