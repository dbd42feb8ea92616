#pragma once

// tallyd as a server: listeners, gateways and routes over an engine.
//
//   Server server({.http = ..., .auth = ..., .cors = ...}, *engine);
//   if (absl::Status status = server.Start(); !status.ok()) ...     // bound and serving if ok
//   ... SIGTERM ...
//   server.BeginDrain();                         // not ready any more; no new connections
//   server.Stop(std::chrono::seconds(20));       // everything taken is answered, then joins
//
// One Server per Engine in a process's life: the engine keeps pointers to the gateways. The engine
// outlives the server. Start, BeginDrain and Stop are called by one thread, in this order.

#include <chrono>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"

#include "engine/engine.h"
#include "net/audit_routes.h"
#include "net/auth.h"
#include "net/batch_route.h"
#include "net/card_routes.h"
#include "net/client_budgets.h"
#include "net/client_gate.h"
#include "net/export_routes.h"
#include "net/flag_routes.h"
#include "net/http_server.h"
#include "net/idea_routes.h"
#include "net/live_routes.h"
#include "net/operation_routes.h"
#include "net/page_routes.h"
#include "net/paper_routes.h"
#include "net/poll_routes.h"
#include "net/project_routes.h"
#include "net/ranking_routes.h"
#include "net/route_context.h"
#include "net/router.h"
#include "net/server_options.h"
#include "net/vote_routes.h"

namespace tallyd {

struct ServiceOptions {
  ServerOptions http;
  AuthOptions auth;
  CorsOptions cors;
  ClientBudgetOptions budgets;
  PageOptions pages;
  std::size_t pending_votes_max = 65'536;   // waiting for the engine, per io thread; then 503
  std::size_t ranking_waiters_max = 8'192;  // for a newer ranking, per io thread; then 503
  std::size_t audit_waiting_max = AuditRoutes::kWaitingMax;
  // Of the journal, for one history or past ranking; a longer one is refused.
  std::uint64_t history_bytes_max = kHistoryBytesMax;
  LiveLimits live;  // who follow rankings by streams
};

// Whether everything that is read again on SIGHUP can be read: token issuers, API keys,
// certificates.
absl::Status CheckCredentialFiles(const ServiceOptions& options);

class Server {
 public:
  Server(const ServiceOptions& options, Engine& engine);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  absl::Status Start();
  // Reads token issuers and API keys again; if the files are faulty the old ones stay in force.
  absl::Status ReloadCredentials() { return context_.auth.Reload(); }
  // The same for the certificates of the listeners.
  absl::Status ReloadCertificates() { return http_->ReloadCertificates(); }
  // The bound ports; also right where the options said 0. 0 for a Unix socket.
  std::uint16_t public_port() const { return http_->port(ListenerKind::kPublic); }
  std::uint16_t admin_port() const { return http_->port(ListenerKind::kPrivate); }
  // Every route there is, for whoever must know them all.
  const Router& router() const { return router_; }
  void BeginDrain();
  // True if every connection ended by itself before the deadline.
  bool Stop(std::chrono::milliseconds deadline);

 private:
  Engine& engine_;
  RouteContext context_;
  ClientGate gate_;
  Router router_;
  VoteRoutes votes_;
  BatchRoute batch_;
  PollRoutes polls_;
  ProjectRoutes projects_;
  PaperRoutes paper_;
  CardRoutes cards_;
  AuditRoutes audit_;
  FlagRoutes flags_;
  IdeaRoutes ideas_;
  RankingRoutes rankings_;
  ExportRoutes exports_;
  LiveRoutes live_;
  PageRoutes pages_;
  OperationRoutes operations_;
  std::unique_ptr<HttpServer> http_;
  bool running_ = false;
};

}  // namespace tallyd
