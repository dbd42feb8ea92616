#pragma once

// The commands of tallyctl: their words, their help, and which function each calls.
//
//   CommandLine line;
//   AddCommands(app, line);       // both outlive the parsing
//   app.parse(argc, argv);
//   return line.run();

#include <functional>
#include <string>

#include "tools/tallyctl/audit_commands.h"
#include "tools/tallyctl/control.h"
#include "tools/tallyctl/export_commands.h"
#include "tools/tallyctl/flag_commands.h"
#include "tools/tallyctl/import_pabulib.h"
#include "tools/tallyctl/import_platforms.h"
#include "tools/tallyctl/key_commands.h"
#include "tools/tallyctl/paper_commands.h"
#include "tools/tallyctl/poll_commands.h"
#include "tools/tallyctl/restore.h"
#include "tools/tallyctl/root_key_commands.h"
#include "tools/tallyctl/select_command.h"

namespace CLI {
class App;
}

namespace tallyd {

// Everything the command line can say, and what is to be done.
struct CommandLine {
  ControlOptions control;
  ImportOptions import;
  DecidimOptions decidim;
  PaperOptions paper;
  FlagOptions flags;
  ExportOptions exported;
  KeyOptions keys;
  KeyDestruction destruction;
  std::string token_file;
  DataDirectoryOptions directory;
  SelectOptions select;
  RestoreOptions restore;
  Position to_position = 0;
  std::string file;
  std::string poll;
  AuditOf audit;
  std::function<ExitCode()> run;
};

void AddCommands(CLI::App& app, CommandLine& line);

}  // namespace tallyd
