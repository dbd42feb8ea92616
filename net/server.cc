#include "net/server.h"

#include <algorithm>

#include "net/log.h"

namespace tallyd {

absl::Status CheckCredentialFiles(const ServiceOptions& options) {
  if (const auto credentials = LoadCredentials(options.auth.files); !credentials.ok()) {
    return credentials.status();
  }
  for (const TlsFiles& files :
       {options.http.public_listener.tls, options.http.private_listener.tls}) {
    if (!files.given()) continue;
    if (absl::Status loaded = TlsAcceptor(files).Reload(); !loaded.ok()) return loaded;
  }
  return absl::OkStatus();
}

Server::Server(const ServiceOptions& options, Engine& engine)
    : engine_(engine),
      context_{.engine = engine,
               .auth = Authenticator(options.auth),
               .gateways = {},
               .feeds = {},
               .analysis = std::make_unique<AnalysisThread>(),
               .history_bytes_max = options.history_bytes_max,
               .audit_waiting_max = options.audit_waiting_max,
               .live_feeds = {},
               .live_census = std::make_unique<LiveCensus>(options.live)},
      gate_(context_.auth, options.http.proxies, options.budgets),
      router_(options.cors),
      votes_(context_),
      batch_(context_),
      polls_(context_),
      projects_(context_),
      paper_(context_),
      cards_(context_),
      audit_(context_),
      flags_(context_),
      ideas_(context_),
      rankings_(context_),
      exports_(context_),
      live_(context_, router_.cors()),
      pages_(context_, options.pages),
      operations_(context_) {
  votes_.AddTo(router_);
  batch_.AddTo(router_);
  polls_.AddTo(router_);
  projects_.AddTo(router_);
  paper_.AddTo(router_);
  cards_.AddTo(router_);
  audit_.AddTo(router_);
  flags_.AddTo(router_);
  ideas_.AddTo(router_);
  rankings_.AddTo(router_);
  exports_.AddTo(router_);
  live_.AddTo(router_);
  pages_.AddTo(router_);
  operations_.AddTo(router_);
  http_ = std::make_unique<HttpServer>(options.http, router_, &gate_);
  for (const auto& thread : http_->io_threads()) {
    context_.gateways.push_back(
        std::make_unique<EngineGateway>(engine, *thread, options.pending_votes_max));
    context_.feeds.push_back(
        std::make_unique<RankingFeed>(engine.board(), *thread, options.ranking_waiters_max));
    context_.live_feeds.push_back(
        std::make_unique<LiveFeed>(LiveFeed::Parts{.board = engine.board(),
                                                   .cache = *context_.rankings,
                                                   .feed = *context_.feeds.back(),
                                                   .census = *context_.live_census,
                                                   .io_thread = *thread},
                                   options.live));
  }
  operations_.SetServer(http_.get());
  operations_.SetBudgets(&gate_.budgets());
}

Server::~Server() {
  if (running_) Stop(std::chrono::milliseconds(0));
  // Gateways and feeds hold timers of the io threads, which belong to http_.
  context_.gateways.clear();
  context_.live_feeds.clear();
  context_.feeds.clear();
}

absl::Status Server::Start() {
  if (absl::Status status = ReloadCredentials(); !status.ok()) return status;
  if (absl::Status status = http_->Start(); !status.ok()) return status;
  running_ = true;
  Log(LogLevel::kInfo, "listening", {{"public_port", public_port()}, {"admin_port", admin_port()}});
  return absl::OkStatus();
}

void Server::BeginDrain() {
  operations_.BeginDrain();
  for (std::size_t i = 0; i < context_.feeds.size(); ++i) {
    http_->io_threads()[i]->Post([this, i] {
      context_.feeds[i]->BeginDrain();
      context_.live_feeds[i]->BeginDrain();
    });
  }
  http_->BeginDrain();
}

bool Server::Stop(std::chrono::milliseconds deadline) {
  if (!running_) return true;
  running_ = false;
  BeginDrain();
  context_.analysis->Stop();
  // What was taken is answered: outcomes and rankings that somebody waits for come back first.
  operations_.Join();
  audit_.Drain();
  engine_.Drain();
  engine_.board().ReleaseAll();
  // Who follows a stream has been told and goes by itself, or is closed a little later.
  const auto end = std::chrono::steady_clock::now() + deadline;
  context_.live_census->AwaitEmpty(absl::FromChrono(deadline));
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  const bool drained = http_->Stop(std::max(left, std::chrono::milliseconds(0)));
  // Whatever clients still sent while the connections closed.
  operations_.Join();
  audit_.Drain();
  engine_.Drain();
  Log(LogLevel::kInfo, "stopped", {{"drained", drained ? "yes" : "no"}});
  return drained;
}

}  // namespace tallyd
