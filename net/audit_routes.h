#pragma once

// The audit log: every act of administrators, moderators and paper clerks in a poll, as a chain of
// hashes. Private listener, scope `admin`, `analyse` or `paper`.
//
//   GET /v1/polls/{poll}/audit?after=<n>&limit=<1..1000>     NDJSON; Link: rel="next" while there
//   is more
//
// Pages are read from the journal by one thread of their own, kWaitingMax requests wait for it at
// most, the next is told 503 overloaded; io threads never wait for it. Handlers run on the io
// threads; Drain() and the destructor belong to whoever stops the server.

#include <cstdint>
#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "net/audit_chain.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class AuditRoutes {
 public:
  static constexpr std::size_t kLimitDefault = 100;
  static constexpr std::size_t kLimitMax = 1'000;
  static constexpr std::size_t kWaitingMax = 16;

  explicit AuditRoutes(const RouteContext& context);
  ~AuditRoutes();
  AuditRoutes(const AuditRoutes&) = delete;
  AuditRoutes& operator=(const AuditRoutes&) = delete;

  void AddTo(Router& router);
  // Waits until every page that was asked for is on its way back.
  void Drain();

 private:
  struct Wanted {
    AuditLog log = 0;
    std::string path;     // "/v1/polls/..." or "/v1/projects/..."
    std::string project;  // of a project's log
    std::uint64_t after = 0;
    std::size_t limit = kLimitDefault;
    bool german = false;
    Responder responder;
    IoThread* io_thread = nullptr;
  };

  void Get(const HttpRequest& request, Responder responder);
  void GetOfProject(const HttpRequest& request, Responder responder);
  // Which page; nullopt: answered.
  std::optional<Wanted> ReadWanted(const HttpRequest& request, Scopes readers,
                                   Responder& responder) const;
  void Queue(Wanted wanted, const HttpRequest& request, Responder responder);
  void Run();
  HttpResponse MakePage(const Wanted& wanted);

  const RouteContext& context_;
  AuditChain chain_;  // the thread's
  absl::Mutex mutex_;
  std::deque<Wanted> waiting_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tallyd
