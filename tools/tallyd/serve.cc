#include "tools/tallyd/serve.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "absl/status/status.h"

#include "config/component_options.h"
#include "engine/engine.h"
#include "net/log.h"
#include "net/server.h"
#include "tools/data_directory_exit.h"
#include "tools/tallyd/process_setup.h"

namespace tallyd {
namespace {

void Say(const std::string& text) {
  std::cerr << "tallyd: " << text << "\n" << std::flush;
}

// What an operator can do about a data directory that did not open.
std::string AdviceFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "another tallyd or tallyctl uses this data directory: stop it, or choose another "
             "--data-dir";
    case absl::StatusCode::kDataLoss:
      return "nothing was changed; keep the directory as it is, look at it with `tallyctl verify "
             "--data-dir DIR`, and bring the missing data back from a backup";
    case absl::StatusCode::kUnimplemented:
      return "this data was written by a newer tallyd: use that version";
    case absl::StatusCode::kPermissionDenied:
      return "check owner and mode of the data directory and the key file (0600)";
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
      return "check --data-dir, --key-file and --watermark-file";
    default:
      return "check the disk: free space, mount options, the kernel's log";
  }
}

std::string UrlOf(const std::string& address, std::uint16_t port) {
  const bool ipv6 = address.find(':') != std::string::npos;
  return "http://" + (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

// The file appears complete or not at all.
absl::Status WriteReadyFile(const std::string& path, std::uint16_t public_port,
                            std::uint16_t admin_port) {
  const std::string fresh = path + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << "{\"public_port\":" << public_port << ",\"admin_port\":" << admin_port << "}\n";
    if (!file.flush()) return absl::UnknownError(fresh + ": cannot be written");
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) {
    return absl::UnknownError(path + ": cannot be put in place");
  }
  return absl::OkStatus();
}

void SayReady(const ServiceOptions& service, const Server& server, const Engine& engine) {
  const Engine::RecoverySummary& recovered = engine.recovered();
  std::string text =
      "ready: public " + UrlOf(service.http.public_listener.address, server.public_port());
  text += service.http.private_listener_enabled
              ? ", private " + UrlOf(service.http.private_listener.address, server.admin_port())
              : ", no private listener";
  text += "; " + std::to_string(recovered.polls) + " polls from " +
          std::to_string(recovered.records) + " records, " + std::to_string(recovered.ballots) +
          " ballots replayed in " + std::to_string(recovered.duration_us / 1'000) + " ms";
  Say(text);
}

// On SIGHUP. What is faulty is said and changes nothing.
void Reload(Server& server) {
  const absl::Status reloaded = server.ReloadCredentials();
  Say(reloaded.ok() ? "token issuers and API keys were read again"
                    : "WARNING: the old token issuers and API keys stay in force: " +
                          std::string(reloaded.message()));
}

ExitCode ServeUntilSignal(const ServeOptions& options, const ServiceOptions& service,
                          Engine& engine, Signals& signals) {
  Server server(service, engine);
  if (absl::Status started = server.Start(); !started.ok()) {
    Say("cannot listen: " + std::string(started.message()));
    return kExitFailure;
  }
  if (!options.ready_file.empty()) {
    const std::uint16_t admin_port =
        service.http.private_listener_enabled ? server.admin_port() : std::uint16_t{0};
    absl::Status written = WriteReadyFile(options.ready_file, server.public_port(), admin_port);
    if (!written.ok()) {
      Say(std::string(written.message()));
      server.BeginDrain();
      server.Stop(std::chrono::milliseconds(0));
      return kExitIo;
    }
  }
  SayReady(service, server, engine);
  while (signals.Wait() == Signals::Kind::kReload) Reload(server);
  Say("stopping: no new connections, finishing what was taken (a second signal exits at once)");
  server.BeginDrain();
  const std::chrono::milliseconds deadline(options.settings.drain_ms_max);
  if (!server.Stop(deadline)) {
    Say("some connections were still open after " + std::to_string(deadline.count()) +
        " ms and were cut");
  }
  engine.Drain();
  return kExitOk;
}

}  // namespace

ExitCode Serve(const ServeOptions& options) {
  Signals signals;
  PrepareProcess();
  const Settings& settings = options.settings;
  StartLog(MakeLogOptions(settings));
  const ServiceOptions service = MakeServiceOptions(settings);
  if (const auto credentials = LoadCredentials(service.auth.files); !credentials.ok()) {
    Say(std::string(credentials.status().message()));
    return kExitBadConfig;
  }
  if (!settings.insecure_no_auth && settings.token_issuers_file.empty() &&
      settings.api_keys_file.empty()) {
    Say("WARNING: neither tokens nor API keys are configured, so every vote and every act will be "
        "refused with 401: set token_issuers_file or api_keys_file");
  }
  if (!options.ready_file.empty()) unlink(options.ready_file.c_str());  // of an earlier run

  auto engine = Engine::Open(MakeEngineOptions(settings));
  if (!engine.ok()) {
    Say("cannot use the data directory " + settings.data_dir + ": " +
        std::string(engine.status().message()));
    Say(AdviceFor(engine.status()));
    FlushLog();
    return ExitCodeOfOpen(engine.status());
  }
  if (!(*engine)->key_present()) {
    Say("WARNING: the key file is missing: rankings are served, votes are answered 503 key_missing "
        "until it is back");
  } else if (!(*engine)->receipt_key()) {
    Say("WARNING: the key file is not the one that belongs to this data (the root key was rotated, "
        "or the data is older than the rotation): votes are answered 503 key_missing");
  }
  if ((*engine)->rotation_unfinished()) {
    Say("WARNING: the key file holds two root keys, of a rotation that was not completed: stop the "
        "server and run `tallyctl keys rotate`");
  }
  ExitCode code = kExitOk;
  if (!signals.StopPending()) {
    code = ServeUntilSignal(options, service, **engine, signals);
  }
  const Position last = (*engine)->last_position();
  engine->reset();  // writes the last watermark and tallies
  if (code == kExitOk) Say("stopped; everything is on disk up to record " + std::to_string(last));
  FlushLog();
  return code;
}

}  // namespace tallyd
