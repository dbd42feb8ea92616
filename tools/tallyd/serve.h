#pragma once

// `tallyd serve`: opens the engine, serves until a signal, drains, leaves everything on disk.
//
// SIGTERM or SIGINT: no new connections, answers in flight are finished, everything submitted is
// decided and durable, exit 0. SIGHUP: token issuers, API keys and
// certificates are read again. A second signal
// exits at once; nothing acknowledged is lost by that either, the next start only takes longer.

#include <string>

#include "config/settings.h"
#include "tools/exit_code.h"

namespace tallyd {

struct ServeOptions {
  Settings settings;
  // Written when ready, as a whole: {"public_port":8080,"admin_port":8081} (0: no such listener, or
  // a Unix socket).
  std::string ready_file;
};

ExitCode Serve(const ServeOptions& options);

}  // namespace tallyd
