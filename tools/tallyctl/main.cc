// tallyctl: the operator's tool. Talks to the private listener, or reads a stopped server's data.

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "tools/tallyctl/command_line.h"
#include "tools/tallyctl/control.h"

namespace tallyd {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  tallyctl poll create summer.json && tallyctl poll open summer\n"
    "  tallyctl poll list --json\n"
    "  tallyctl import pabulib Poland_Krakow_2021.pb --connections 8\n"
    "  tallyctl import decidim projects.csv --cards 131 --max 3\n"
    "  tallyctl keys add town-frontend --scope vote:on-behalf --file /etc/tallyd/keys\n"
    "  tallyctl verify                      ask the running server to recount, follow its audit "
    "logs\n"
    "  tallyctl verify --data-dir DIR       recount a stopped server's journal\n"
    "Data goes to stdout, messages to stderr.\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 65 bad data or a result that differs, 74 I/O,\n"
    "75 data directory in use, 78 bad config.\n";

int Main(int argc, char** argv) {
  CommandLine line;
  line.directory.create_if_missing = false;
  CLI::App app("tallyctl: the operator's tool of tallyd");
  app.require_subcommand(1);
  app.footer(kExamples);
  app.set_version_flag("--version", "tallyctl " TALLYD_VERSION);
  app.add_option("--server", line.control.server,
                 "Private listener: http://host:port, https://host:port, unix:/path")
      ->capture_default_str();
  app.add_option("--ca-file", line.control.ca_file,
                 "PEM: who vouches for an https:// server; else whom this machine trusts");
  app.add_option("--actor", line.control.actor, "Who does it, for the journal");
  app.add_option("--token-file", line.token_file,
                 "File with an API key or token for the server (or TALLYCTL_TOKEN_FILE)")
      ->envname("TALLYCTL_TOKEN_FILE");
  app.add_flag("--json", line.control.json, "Answer as one JSON document");
  AddCommands(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (!line.token_file.empty()) {
    const absl::Status read = ReadToken(line.token_file, line.control);
    if (!read.ok()) return Fail(read, kExitBadConfig);
  }
  return line.run();
}

}  // namespace
}  // namespace tallyd

int main(int argc, char** argv) try {
  return tallyd::Main(argc, argv);
} catch (const std::exception& error) {
  std::fprintf(stderr, "tallyctl: %s\n", error.what());
  return tallyd::kExitFailure;
} catch (...) {
  std::fputs("tallyctl: an exception of an unknown kind\n", stderr);
  return tallyd::kExitFailure;
}
