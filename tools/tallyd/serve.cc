#include "tools/tallyd/serve.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "config/component_options.h"
#include "engine/engine.h"
#include "net/log.h"
#include "net/server.h"
#include "tools/data_directory_exit.h"
#include "tools/tallyd/inherited_sockets.h"
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

std::string UrlOf(const ListenerOptions& listener, std::uint16_t port) {
  const std::string scheme = listener.tls.given() ? "https://" : "http://";
  if (listener.inherited_descriptor >= 0) {
    const std::string inherited = scheme + "(inherited socket)";
    return port == 0 ? inherited : inherited + ":" + std::to_string(port);
  }
  if (!listener.unix_path.empty()) {
    return (listener.tls.given() ? "https over unix:" : "unix:") + listener.unix_path;
  }
  const bool ipv6 = listener.address.find(':') != std::string::npos;
  return scheme + (ipv6 ? "[" + listener.address + "]" : listener.address) + ":" +
         std::to_string(port);
}

// Settings and what systemd passed; the latter goes first.
absl::StatusOr<ServiceOptions> ServiceOf(const Settings& settings) {
  ServiceOptions service = MakeServiceOptions(settings);
  const auto inherited = TakeInheritedSockets();
  if (!inherited.ok()) return inherited.status();
  for (const auto& [name, descriptor] : {std::pair("public", inherited->public_descriptor),
                                         std::pair("admin", inherited->admin_descriptor)}) {
    if (descriptor < 0 || !settings.insecure_no_auth || IsLocalSocket(descriptor)) continue;
    return absl::InvalidArgumentError(
        "insecure_no_auth: refused because the inherited socket " + std::string(name) +
        " is not loopback: everybody who reaches it could vote for everybody");
  }
  if (inherited->admin_descriptor >= 0 && !service.http.private_listener_enabled) {
    return absl::InvalidArgumentError(
        "admin_listen = \"off\" is refused because an admin socket was inherited");
  }
  service.http.public_listener.inherited_descriptor = inherited->public_descriptor;
  service.http.private_listener.inherited_descriptor = inherited->admin_descriptor;
  return service;
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
  std::string text = "ready: public " + UrlOf(service.http.public_listener, server.public_port());
  text += service.http.private_listener_enabled
              ? ", private " + UrlOf(service.http.private_listener, server.admin_port())
              : ", no private listener";
  text += "; " + std::to_string(recovered.polls) + " polls from " +
          std::to_string(recovered.records) + " records, " + std::to_string(recovered.ballots) +
          " ballots replayed in " + std::to_string(recovered.duration_us / 1'000) + " ms";
  Say(text);
}

// On SIGHUP. What is faulty is said and changes nothing.
void Reload(Server& server, bool has_tls) {
  const absl::Status reloaded = server.ReloadCredentials();
  Say(reloaded.ok() ? "token issuers and API keys were read again"
                    : "WARNING: the old token issuers and API keys stay in force: " +
                          std::string(reloaded.message()));
  if (!has_tls) return;
  const absl::Status certificates = server.ReloadCertificates();
  Say(certificates.ok()
          ? "certificates were read again"
          : "WARNING: an old certificate stays in force: " + std::string(certificates.message()));
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
  const bool has_tls =
      service.http.public_listener.tls.given() || service.http.private_listener.tls.given();
  while (signals.Wait() == Signals::Kind::kReload) Reload(server, has_tls);
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
  const auto with_sockets = ServiceOf(settings);  // before there are threads
  StartLog(MakeLogOptions(settings));
  if (!with_sockets.ok()) {
    Say(std::string(with_sockets.status().message()));
    return kExitBadConfig;
  }
  const ServiceOptions& service = *with_sockets;
  if (const absl::Status files = CheckCredentialFiles(service); !files.ok()) {
    Say(std::string(files.message()));
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
