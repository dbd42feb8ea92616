#pragma once

// tallyctl verify and rebuild: is the tally what the journal says, and make it so again.

#include <string>

#include "storage/data_directory.h"
#include "tools/tallyctl/control.h"

namespace tallyd {

// Asks the running server to recount itself. 65 if it finds a difference.
ExitCode VerifyServer(const ControlOptions& options);

// Recounts a stopped server's journal with code of its own (tools/recount), compares with the
// watermark and with the saved tallies, and prints what was counted. 65 if anything differs, 75 if
// a server uses the directory.
ExitCode VerifyDirectory(const ControlOptions& options, const DataDirectoryOptions& directory);

// Throws away what is derived from the journal and makes it again. 75 if a server uses the
// directory.
ExitCode RebuildDirectory(const ControlOptions& options, const DataDirectoryOptions& directory);

}  // namespace tallyd
