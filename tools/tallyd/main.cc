// tallyd: the server. `tallyd serve`, `tallyd check-config`, `tallyd version`.

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "config/component_options.h"
#include "config/settings_loader.h"
#include "tools/exit_code.h"
#include "tools/tallyd/serve.h"
#include "tools/tallyd/setting_flags.h"

namespace tallyd {
namespace {

constexpr char kServeExamples[] =
    "Examples:\n"
    "  tallyd serve --insecure-no-auth --data-dir ./data        a first try on this machine\n"
    "  tallyd serve --config /etc/tallyd.toml\n"
    "  TALLYD_LOG_LEVEL=debug tallyd serve --config tallyd.toml --io-threads 2\n"
    "Settings come from defaults < --config FILE < TALLYD_* environment < flags.\n"
    "Sockets called public and admin that systemd passes (LISTEN_FDS) go before --listen and "
    "--admin-listen.\n"
    "SIGTERM drains and exits 0; a second one exits at once. SIGHUP reads tokens' keys, API keys "
    "and\n"
    "certificates again.\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 65 bad data, 74 I/O, 75 data directory locked, 78 bad "
    "config.\n";

struct CommandLine {
  SettingFlags serve_flags;
  SettingFlags check_flags;
  ServeOptions serve;
  bool example = false;
};

ExitCode RunServe(CommandLine& line) {
  const auto loaded = LoadSettings(line.serve_flags.Input());
  if (!loaded.ok()) {
    std::cerr << loaded.status().message() << "\n";
    return kExitBadConfig;
  }
  line.serve.settings = loaded->values;
  return Serve(line.serve);
}

ExitCode RunCheckConfig(const CommandLine& line) {
  if (line.example) {
    std::cout << ExampleToml();
    return kExitOk;
  }
  const auto loaded = LoadSettings(line.check_flags.Input());
  if (!loaded.ok()) {
    std::cerr << loaded.status().message() << "\n";
    return kExitBadConfig;
  }
  const ServiceOptions service = MakeServiceOptions(loaded->values);
  if (const absl::Status files = CheckCredentialFiles(service); !files.ok()) {
    std::cerr << files.message() << "\n";
    return kExitBadConfig;
  }
  std::cout << EffectiveToml(*loaded);
  return kExitOk;
}

int Main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("tallyd: takes votes, keeps each one exactly once, shows the live ranking");
  app.require_subcommand(1);
  app.set_version_flag("--version", "tallyd " TALLYD_VERSION);

  CLI::App* serve = app.add_subcommand("serve", "Run the server");
  line.serve_flags.AddTo(*serve);
  serve
      ->add_option("--ready-file", line.serve.ready_file,
                   "Written as a whole when ready: {\"public_port\":N,\"admin_port\":N}")
      ->type_name("FILE");
  serve->footer(kServeExamples);

  CLI::App* check = app.add_subcommand(
      "check-config", "Check the settings and print them with where each came from");
  line.check_flags.AddTo(*check);
  check->add_flag("--example", line.example, "Print every setting with its meaning and default");

  CLI::App* version = app.add_subcommand("version", "Print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Asked-for help and version are no error; everything else is one of usage.
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (version->parsed()) {
    std::cout << "tallyd " TALLYD_VERSION "\n";
    return kExitOk;
  }
  return check->parsed() ? RunCheckConfig(line) : RunServe(line);
}

}  // namespace
}  // namespace tallyd

int main(int argc, char** argv) try {
  return tallyd::Main(argc, argv);
} catch (const std::exception& error) {
  std::fprintf(stderr, "tallyd: %s\n", error.what());
  return tallyd::kExitFailure;
} catch (...) {
  std::fputs("tallyd: an exception of an unknown kind\n", stderr);
  return tallyd::kExitFailure;
}
