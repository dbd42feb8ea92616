#include "net/audit_routes.h"

#include <pthread.h>

#include <array>
#include <limits>
#include <utility>

#include "engine/visibility.h"
#include "net/concat.h"
#include "net/log.h"
#include "net/wire_text.h"

namespace tallyd {

AuditRoutes::AuditRoutes(const RouteContext& context) : context_(context), chain_(context.engine) {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "tallyd-audit");
}

AuditRoutes::~AuditRoutes() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void AuditRoutes::AddTo(Router& router) {
  router.Add(Method::kGet, "/v1/polls/{poll}/audit", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Get(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/projects/{project}/audit", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               GetOfProject(request, std::move(responder));
             });
}

std::optional<AuditRoutes::Wanted> AuditRoutes::ReadWanted(const HttpRequest& request,
                                                           Scopes readers,
                                                           Responder& responder) const {
  constexpr std::array<std::string_view, 2> kQueries = {"after", "limit"};
  if (!context_.auth.RequireAny(readers, request, responder)) return std::nullopt;
  if (!RequireQueries(request, kQueries, responder)) return std::nullopt;
  Wanted wanted;
  const auto after = ParseDecimal(request.Query("after").value_or("0"));
  const auto limit = ParseDecimal(request.Query("limit").value_or(std::to_string(kLimitDefault)));
  if (!after || !limit || *limit < 1 || *limit > kLimitMax) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                Concat("after must be the number of a line, limit from 1 to ", kLimitMax));
    return std::nullopt;
  }
  wanted.after = *after;
  wanted.limit = static_cast<std::size_t>(*limit);
  wanted.german = PrefersGerman(request.accept_language);
  return wanted;
}

void AuditRoutes::Get(const HttpRequest& request, Responder responder) {
  constexpr Scopes kReaders = ScopeBits(Scope::kAdmin, Scope::kAnalyse, Scope::kPaper);
  auto wanted = ReadWanted(request, kReaders, responder);
  if (!wanted) return;
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr) return;
  if (IsSealed(poll->definition.visibility, poll->state)) {
    SendProblem(
        std::move(responder), request, ProblemCode::kForbidden,
        "it tells the counts of paper; of a sealed poll it can be read once the ranking can");
    return;
  }
  wanted->log = poll->number;
  wanted->path = Concat("/v1/polls/", poll->definition.id);
  Queue(*std::move(wanted), request, std::move(responder));
}

void AuditRoutes::GetOfProject(const HttpRequest& request, Responder responder) {
  constexpr Scopes kReaders = ScopeBits(Scope::kAdmin, Scope::kAnalyse, Scope::kModerate);
  auto wanted = ReadWanted(request, kReaders, responder);
  if (!wanted) return;
  wanted->project = std::string(request.Param("project"));
  const auto log = context_.engine.FindProjectLog(wanted->project);
  if (!log) {
    SendProblem(std::move(responder), request, ProblemCode::kProjectNotFound);
    return;
  }
  wanted->log = *log;
  wanted->path = Concat("/v1/projects/", wanted->project);
  Queue(*std::move(wanted), request, std::move(responder));
}

void AuditRoutes::Queue(Wanted wanted, const HttpRequest& request, Responder responder) {
  wanted.io_thread = &responder.io_thread();
  {
    absl::MutexLock lock(&mutex_);
    if (waiting_.size() < context_.audit_waiting_max) {
      wanted.responder = std::move(responder);
      waiting_.push_back(std::move(wanted));
      return;
    }
  }
  responder.io_thread().counters().audit_readers_refused.Add();
  SendProblem(std::move(responder), request, ProblemCode::kOverloaded,
              "as many readers of audit logs wait as may");
}

void AuditRoutes::Run() {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  for (;;) {
    Wanted wanted;
    {
      absl::MutexLock lock(&mutex_);
      reading_ = false;
      mutex_.Await(absl::Condition(&has_work));
      if (waiting_.empty()) return;
      wanted = std::move(waiting_.front());
      waiting_.pop_front();
      reading_ = true;
    }
    HttpResponse response = MakePage(wanted);
    IoThread& io_thread = *wanted.io_thread;
    io_thread.Post(
        [responder = std::move(wanted.responder), response = std::move(response)]() mutable {
          std::move(responder).Send(std::move(response));
        });
  }
}

void AuditRoutes::Drain() {
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return waiting_.empty() && !reading_;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&idle));
}

HttpResponse AuditRoutes::MakePage(const Wanted& wanted) {
  auto page = chain_.Read(wanted.log, wanted.project, wanted.after, wanted.limit);
  if (!page.ok()) {
    Log(LogLevel::kError, "audit_failed", {{"status", page.status().ToString()}});
    return ProblemResponse(ProblemCode::kInternal, {}, {}, wanted.german ? "de" : "en");
  }
  HttpResponse response;
  response.content_type = "application/x-ndjson";
  if (page->has_more) {
    response.headers.emplace_back("Link", Concat("<", wanted.path, "/audit?after=", page->last,
                                                 "&limit=", wanted.limit, ">; rel=\"next\""));
  }
  response.body = std::move(page->lines);
  return response;
}

}  // namespace tallyd
