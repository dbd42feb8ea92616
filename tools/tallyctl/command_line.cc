#include "tools/tallyctl/command_line.h"

#include <CLI/CLI.hpp>

#include "tools/tallyctl/admin_commands.h"

namespace tallyd {
namespace {

void AddPollCommands(CLI::App& app, CommandLine& line) {
  CLI::App* poll = app.add_subcommand("poll", "Create, show, list and move polls");
  poll->require_subcommand(1)->fallthrough();

  CLI::App* create = poll->add_subcommand("create", "Create a poll from a JSON file");
  create->fallthrough();
  create->add_option("FILE", line.file, "Body of PUT /v1/polls/{poll}; - for stdin")->required();
  create->add_option("--id", line.poll, "Id; else \"id\" in the file, else the file's name");
  create->footer("Example: tallyctl poll create summer-2026.json\n");
  create->callback(
      [&line] { line.run = [&line] { return CreatePoll(line.control, line.file, line.poll); }; });

  CLI::App* show = poll->add_subcommand("show", "Show one poll");
  show->fallthrough();
  show->add_option("ID", line.poll, "The poll")->required();
  show->callback([&line] { line.run = [&line] { return ShowPoll(line.control, line.poll); }; });

  CLI::App* list = poll->add_subcommand("list", "List all polls, drafts too");
  list->fallthrough();
  list->callback([&line] { line.run = [&line] { return ListPolls(line.control); }; });

  for (const auto& [name, to, help] :
       {std::tuple("open", "open", "Let people vote"),
        std::tuple("pause", "paused", "Take no votes for a while"),
        std::tuple("close", "closed", "End online votes; paper goes on"),
        std::tuple("final", "final", "Freeze everything, for good")}) {
    CLI::App* command = poll->add_subcommand(name, help);
    command->fallthrough();
    command->add_option("ID", line.poll, "The poll")->required();
    command->callback([&line, state = std::string(to)] {
      line.run = [&line, state] { return TransitionPoll(line.control, line.poll, state); };
    });
  }
}

void AddPlatformImports(CLI::App& import, CommandLine& line) {
  CLI::App* consul = import.add_subcommand("consul", "Import ballot sheets of Consul Democracy");
  consul->fallthrough();
  ImportOptions& options = line.import;
  consul->add_option("FILE", options.paths, "Sheets of one vote, one per booth")->required();
  consul->add_option("--poll", line.poll, "Id of the poll; else from the first file's name");
  CLI::Option* project =
      consul->add_option("--project", options.project, "Project of the poll; else consul");
  consul->footer(
      "Example: tallyctl import consul booth-market.csv booth-school.csv --poll budget-2024\n"
      "Ballots are separated by ';' or a line end, the ids of investments by ','. Sending the "
      "sheets\n"
      "again changes nothing. 65 if the served ranking differs from what they add up to.\n");
  consul->callback([&line, project] {
    if (project->count() == 0) line.import.project = "consul";
    line.run = [&line] { return ImportConsul(line.control, line.import, line.poll); };
  });

  CLI::App* decidim =
      import.add_subcommand("decidim", "Import Decidim's paper ballots of a budget");
  decidim->fallthrough();
  DecidimOptions& paper = line.decidim;
  decidim->add_option("FILE", paper.path, "CSV with id and paper_ballots_to_import")->required();
  decidim->add_option("--cards", paper.cards, "Cards that were counted; the file does not say")
      ->required()
      ->check(CLI::PositiveNumber);
  decidim->add_option("--invalid", paper.invalid, "Of these: invalid")
      ->check(CLI::NonNegativeNumber);
  decidim->add_option("--blank", paper.blank, "Of these: blank")->check(CLI::NonNegativeNumber);
  decidim->add_option("--max", paper.max, "Projects a card may name; else all")
      ->check(CLI::PositiveNumber);
  decidim->add_option("--poll", paper.poll, "Id of the poll; else from the file's name");
  decidim->add_option("--project", paper.project, "Project of the poll")->capture_default_str();
  decidim->footer(
      "Example: tallyctl import decidim projects.csv --cards 131 --invalid 4 --max 3\n"
      "The sums become one paper batch. Sending the file again changes nothing; a corrected file "
      "is\n"
      "refused until the batch is void. 65 if the served ranking differs from the file.\n");
  decidim->callback(
      [&line] { line.run = [&line] { return ImportDecidim(line.control, line.decidim); }; });
}

void AddImportCommands(CLI::App& app, CommandLine& line) {
  CLI::App* import = app.add_subcommand("import", "Bring elections in over HTTP");
  import->require_subcommand(1)->fallthrough();
  CLI::App* pabulib = import->add_subcommand(
      "pabulib", "Import PabuLib .pb files and compare with the published results");
  pabulib->fallthrough();
  AddPlatformImports(*import, line);
  ImportOptions& options = line.import;
  pabulib->add_option("FILE", options.paths, "Files to import")->required();
  pabulib->add_option("--poll-prefix", options.poll_prefix, "Put before the ids of the polls");
  pabulib->add_option("--project", options.project, "Project of the polls")->capture_default_str();
  pabulib->add_option("--connections", options.connections, "Connections at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'024));
  pabulib->add_option("--batch-lines", options.batch_lines, "Ballots in one request")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000));
  pabulib->add_flag("--single", options.single,
                    "One POST per online ballot on the public listener; paper in one-line batches");
  pabulib->add_option("--public-server", options.public_server, "Public listener, for --single")
      ->capture_default_str();
  pabulib
      ->add_option("--retry-seconds", options.retry_seconds,
                   "Give up when the server has not answered for so long")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600));
  pabulib->footer(
      "Example: tallyctl import pabulib data/*.pb --poll-prefix test-\n"
      "Sending a file again changes nothing: every ballot is answered as a duplicate. Refused\n"
      "ballots are listed with their line. 65 if anything differs from the published result.\n");
  pabulib->callback(
      [&line] { line.run = [&line] { return ImportPabulib(line.control, line.import); }; });
}

void AddPaperCommands(CLI::App& app, CommandLine& line) {
  CLI::App* paper = app.add_subcommand("paper", "Enter, confirm, take back what boxes held");
  paper->require_subcommand(1)->fallthrough();
  PaperOptions& options = line.paper;
  const auto add = [&](const char* name, const char* help, auto act) {
    CLI::App* command = paper->add_subcommand(name, help);
    command->fallthrough();
    command->add_option("POLL", options.poll, "The poll")->required();
    command->callback(
        [&line, act] { line.run = [&line, act] { return act(line.control, line.paper); }; });
    return command;
  };
  const auto add_for_batch = [&](const char* name, const char* help, auto act) {
    CLI::App* command = add(name, help, act);
    command->add_option("BATCH", options.batch, "Name of the batch")->required();
    return command;
  };
  add_for_batch("enter", "Enter what was counted at one opening of a box", EnterPaper)
      ->add_option("FILE", options.file, "JSON, or CSV if it ends in .csv; - for JSON from stdin")
      ->required();
  add_for_batch("confirm", "Confirm a batch as the second person", ConfirmPaper)
      ->add_option("FILE", options.file, "A second entry, made without looking at the first");
  add_for_batch("void", "Take a batch back", VoidPaper)
      ->add_option("REASON", options.reason, "Why")
      ->required();
  add_for_batch("show", "Show a batch", ShowPaper);
  add("list", "List all batches", ListPaper);
  add("reconcile", "What came back of each box", ReconcilePaper);
  CLI::App* cards =
      add_for_batch("cards", "Enter the cards of a batch, each by its code", EnterCards);
  cards->add_option("FILE", options.file, "NDJSON: {\"card\":...,\"choices\":[...]}")->required();
  cards->add_option("--box", options.box, "The box, if the batch was not announced");
  cards->add_option("--seal", options.seal, "Its seal");
  cards->add_option("--invalid", options.invalid, "Cards that could not be counted");
  cards->add_option("--blank", options.blank, "Cards that name nothing and are not in the file");
  CLI::App* codes = add("codes", "Make one-time codes and print them, once", MakeCodes);
  codes->add_option("--count", options.count, "How many")->required()->check(CLI::Range(1, 10'000));
  codes->add_option("--batch", options.batch, "A name for them");
  codes->add_option("--sheet", options.sheet, "HTML file for a sheet with QR codes, to print");
  codes->add_option("--title", options.title, "Heading of the sheet");
  codes->add_option("--url-prefix", options.url_prefix, "Put before each code in its QR code");
  paper->footer(
      "Example: tallyctl --actor a.beispiel paper enter summer rathaus-1 rathaus-1.csv\n"
      "         tallyctl --actor b.zwei paper confirm summer rathaus-1\n"
      "         tallyctl paper codes summer --count 500 --sheet codes.html\n");
}

void AddFlagCommands(CLI::App& app, CommandLine& line) {
  CLI::App* group = app.add_subcommand("flags", "Bursts of ballots that were flagged");
  group->require_subcommand(1)->fallthrough();
  FlagOptions& options = line.flags;
  const auto add = [&](const char* name, const char* help, auto act) {
    CLI::App* command = group->add_subcommand(name, help);
    command->fallthrough();
    command->add_option("POLL", options.poll, "The poll")->required();
    command->callback(
        [&line, act] { line.run = [&line, act] { return act(line.control, line.flags); }; });
    return command;
  };
  add("list", "List the groups of flagged ballots", ListFlags);
  CLI::App* show = add("show", "Show a group, and how its ballots fall", ShowFlags);
  show->add_option("GROUP", options.group, "Number of the group")->required();
  CLI::App* decide =
      add("decide", "Take a group out of the count, or put it back", DecideFlagGroup);
  decide->add_option("GROUP", options.group, "Number of the group")->required();
  decide->add_option("DECISION", options.decision, "quarantine, release or void")
      ->required()
      ->check(CLI::IsMember({"quarantine", "release", "void"}));
  decide->add_option("REASON", options.reason, "Why; it is in the audit log for good")->required();
  decide->add_option("--if-match", options.if_match,
                     "The group's etag: only if nobody has decided since");
  group->footer(
      "Example: tallyctl flags show summer 1\n"
      "         tallyctl --actor a.beispiel flags decide summer 1 quarantine \"one address\"\n"
      "Nothing is counted otherwise before somebody decides; release undoes it until the end.\n");
}

void AddExportCommands(CLI::App& app, CommandLine& line) {
  CLI::App* group = app.add_subcommand("export", "Write ballots, curves or rankings of a poll");
  group->require_subcommand(1)->fallthrough();
  ExportOptions& options = line.exported;
  using What = ExportOptions::What;
  const auto add = [&](const char* name, What what, const char* help) {
    CLI::App* command = group->add_subcommand(name, help);
    command->fallthrough();
    command->add_option("POLL", options.poll, "The poll")->required();
    command->add_option("--out", options.out, "File to write; - for standard output");
    command->callback([&line, what] {
      line.exported.what = what;
      line.run = [&line] { return ExportPoll(line.control, line.exported); };
    });
    return command;
  };
  const auto add_format = [&](CLI::App* command) {
    command->add_option("--format", options.format, "ndjson or csv")
        ->capture_default_str()
        ->check(CLI::IsMember({"ndjson", "csv"}));
  };
  const auto add_cursor = [&](CLI::App* command) {
    command->add_option("--cursor-file", options.cursor_file,
                        "Only what came since it was written; then written anew");
  };
  CLI::App* ballots = add("ballots", What::kBallots, "Every ballot version, by pseudonym");
  add_format(ballots);
  add_cursor(ballots);
  ballots->add_flag("--excel-de", options.excel_de, "CSV as a German Excel opens it");
  CLI::App* history = add("history", What::kHistory, "How the counts grew, as NDJSON");
  add_cursor(history);
  history->add_option("--step", options.step_seconds, "Seconds between two points")
      ->capture_default_str()
      ->check(CLI::Range(1, 31'536'000));
  add("pabulib", What::kPabulib, "The ballots in force as a PabuLib file");
  add_format(add("ranking", What::kRanking, "The newest ranking"));
  group->footer("Example: tallyctl export ballots summer --format csv --out summer.csv\n");
}

void AddDirectoryOptions(CLI::App& command, CommandLine& line, bool required) {
  command.add_option("--data-dir", line.directory.directory, "Data of a stopped server")
      ->required(required);
  command.add_option("--key-file", line.directory.key_file, "Its key file, if not DIR.key");
  command.add_option("--watermark-file", line.directory.watermark_file,
                     "Its watermark, if not DIR/watermark");
}

void AddRootKeyCommands(CLI::App& keys, CommandLine& line) {
  CLI::App* rotate = keys.add_subcommand("rotate", "Give a stopped server another root key");
  rotate->fallthrough();
  AddDirectoryOptions(*rotate, line, true);
  rotate->footer(
      "Example: tallyctl keys rotate --data-dir /var/lib/tallyd --key-file /etc/tallyd/key\n"
      "Voters stay told apart, receipts stay valid. Backups of before need the old key file.\n"
      "A rotation that was cut short is completed.\n");
  rotate->callback(
      [&line] { line.run = [&line] { return RotateRootKey(line.control, line.directory); }; });

  CLI::App* destroy =
      keys.add_subcommand("destroy", "Destroy the keys of final polls, by rotating the root key");
  destroy->fallthrough();
  destroy->add_option("POLL", line.destruction.polls, "Polls; all of them are final")->required();
  AddDirectoryOptions(*destroy, line, true);
  destroy->add_option("--reason", line.destruction.reason, "Why, for the audit log")->required();
  destroy->footer(
      "Example: tallyctl --actor m.muster keys destroy summer-2026 --reason \"objection period "
      "over\"\n"
      "           --data-dir /var/lib/tallyd --key-file /etc/tallyd/key\n"
      "For good: nobody can test any more who took part, and no export of ballots is made. "
      "Results,\n"
      "receipts and recounts stay. Copies of the old key file must be destroyed too.\n");
  destroy->callback([&line] {
    line.run = [&line] { return DestroyKeys(line.control, line.directory, line.destruction); };
  });
}

void AddKeyCommands(CLI::App& app, CommandLine& line) {
  CLI::App* keys = app.add_subcommand(
      "keys", "Make, list and revoke API keys; rotate the root key, destroy polls' keys");
  keys->require_subcommand(1)->fallthrough();
  KeyOptions& options = line.keys;
  const auto add = [&](const char* name, const char* help) {
    CLI::App* command = keys->add_subcommand(name, help);
    command->fallthrough();
    command->add_option("--file", options.file, "api_keys_file of the server")->required();
    return command;
  };
  CLI::App* make = add("add", "Make a key and print it, once");
  make->add_option("NAME", options.name, "Who holds it; the actor of what is done with it")
      ->required();
  make->add_option("--scope", options.scopes,
                   "vote:on-behalf, paper, admin, analyse or moderate; may be given again")
      ->required();
  make->add_option("--expires-days", options.expires_days, "Not valid after so many days; 0: never")
      ->check(CLI::Range(0, 36'500));
  make->footer(
      "Example: tallyctl keys add town-frontend --scope vote:on-behalf --file /etc/tallyd/keys\n"
      "The server takes it after SIGHUP.\n");
  make->callback([&line] { line.run = [&line] { return AddKey(line.control, line.keys); }; });
  add("list", "List the keys; the keys themselves cannot be shown")->callback([&line] {
    line.run = [&line] { return ListKeys(line.control, line.keys); };
  });
  CLI::App* revoke = add("revoke", "Take a key out of the file");
  revoke->add_option("ID", options.id, "The key's id, from the list")->required();
  revoke->callback([&line] { line.run = [&line] { return RevokeKey(line.control, line.keys); }; });
  AddRootKeyCommands(*keys, line);
}

void AddAdminCommands(CLI::App& app, CommandLine& line) {
  CLI::App* verify = app.add_subcommand("verify", "Recount everything from the journal");
  verify->fallthrough();
  AddDirectoryOptions(*verify, line, false);
  verify->footer("Without --data-dir the running server recounts itself.\n");
  verify->callback([&line] {
    line.run = [&line] {
      return line.directory.directory.empty() ? VerifyServer(line.control)
                                              : VerifyDirectory(line.control, line.directory);
    };
  });

  CLI::App* audit = app.add_subcommand("audit", "Print an audit log, and check its chain");
  audit->fallthrough();
  audit->add_option("POLL", line.audit.id, "The poll, or with --project the project")->required();
  audit->add_flag("--project", line.audit.is_project, "The log of a project: quotas, ideas");
  audit->add_option("--compare", line.file, "A log printed earlier: is it still the same?");
  audit->footer(
      "Example: tallyctl audit summer > summer.audit; later:\n"
      "  tallyctl audit summer --compare summer.audit\n"
      "  tallyctl audit --project town\n"
      "65 if the chain is broken or the log is another one.\n");
  audit->callback([&line] {
    line.run = [&line] {
      return line.file.empty() ? PrintAudit(line.control, line.audit)
                               : CompareAudit(line.control, line.audit, line.file);
    };
  });

  CLI::App* rebuild =
      app.add_subcommand("rebuild", "Throw away what is derived from the journal, make it again");
  rebuild->fallthrough();
  AddDirectoryOptions(*rebuild, line, true);
  rebuild->callback(
      [&line] { line.run = [&line] { return RebuildDirectory(line.control, line.directory); }; });

  CLI::App* select = app.add_subcommand(
      "select", "Select by the Method of Equal Shares, from the ballots in the journal");
  select->fallthrough();
  AddDirectoryOptions(*select, line, true);
  select->add_option("--poll", line.select.poll, "The poll; its ballots are of type choose")
      ->required();
  select->add_option("--budget", line.select.budget, "What may be spent")
      ->required()
      ->check(CLI::NonNegativeNumber);
  select->add_flag("--add1", line.select.add1,
                   "Raise the parts by 1 while what is selected fits into the budget");
  select->callback([&line] {
    line.run = [&line] { return SelectFromDirectory(line.control, line.directory, line.select); };
  });

  CLI::App* version = app.add_subcommand("version", "Print the version");
  version->fallthrough();
  version->callback([&line] {
    line.run = [&line] {
      std::cout << (line.control.json ? "{\"name\":\"tallyctl\",\"version\":\"" TALLYD_VERSION
                                        "\"}\n"
                                      : "tallyctl " TALLYD_VERSION "\n");
      return kExitOk;
    };
  });
}

void AddBackupCommands(CLI::App& app, CommandLine& line) {
  CLI::App* backup = app.add_subcommand("backup", "Let the running server make a backup");
  backup->fallthrough();
  backup->footer(
      "The server prints where it lies (setting backup_dir). It has been read again from end to "
      "end\n"
      "before it is called a backup. It holds no key: keep the key file apart from it.\n");
  backup->callback([&line] { line.run = [&line] { return BackUpServer(line.control); }; });

  CLI::App* restore = app.add_subcommand("restore", "Make a new data directory of a backup");
  restore->fallthrough();
  restore->add_option("BACKUP", line.restore.backup, "Directory of the backup")->required();
  AddDirectoryOptions(*restore, line, true);
  CLI::Option* position = restore->add_option("--to-position", line.to_position,
                                              "Leave out the records after this one");
  restore
      ->add_option("--to-seq", line.restore.to_seq,
                   "POLL:SEQ: the commit with this ballot is the last")
      ->excludes(position);
  restore->add_flag("--accept-loss", line.restore.accept_loss,
                    "Although the watermark tells of a longer history");
  restore->footer(
      "Example: tallyctl restore /backups/e1770000000-4711 --data-dir /var/lib/tallyd\n"
      "Begins a new epoch. Bring the old key file: without it votes are answered 503 "
      "key_missing.\n");
  restore->callback([&line, position] {
    line.run = [&line, given = position->count() > 0] {
      line.restore.directory = line.directory;
      if (given) line.restore.to_position = line.to_position;
      return RestoreDirectory(line.control, line.restore);
    };
  });
}

}  // namespace

void AddCommands(CLI::App& app, CommandLine& line) {
  AddPollCommands(app, line);
  AddImportCommands(app, line);
  AddPaperCommands(app, line);
  AddFlagCommands(app, line);
  AddExportCommands(app, line);
  AddKeyCommands(app, line);
  AddAdminCommands(app, line);
  AddBackupCommands(app, line);
}

}  // namespace tallyd
