#include "net/operation_routes.h"

#include <utility>

#include "net/concat.h"
#include "net/log.h"
#include "net/metrics_text.h"
#include "net/openapi_document.h"
#include "net/version.h"
#include "net/wire_json_answer.h"

namespace tallyd {
namespace {

// Above this share of a full queue the server asks to be left alone.
constexpr std::size_t kQueueHighWaterPercent = 90;

// Of a page that is nothing but text.
constexpr std::string_view kTextPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void SendText(Responder responder, std::string_view content_type, std::string body,
              std::string_view cache_control = {}) {
  HttpResponse response;
  response.content_type = content_type;
  response.body = std::move(body);
  if (!cache_control.empty()) response.headers.emplace_back("Cache-Control", cache_control);
  std::move(responder).Send(std::move(response));
}

void SendPage(Responder responder, std::string_view content_security_policy,
              std::string_view page) {
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("Content-Security-Policy", content_security_policy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "public, max-age=3600");
  response.body = std::string(page);
  std::move(responder).Send(std::move(response));
}

// For people who follow the `type` of a problem in a browser. The catalogue holds no markup.
std::string ProblemPage(const Problem& problem, bool german) {
  const ProblemText& text = german ? problem.de : problem.en;
  return Concat("<!doctype html>\n<html lang=\"", german ? "de" : "en",
                "\">\n<meta charset=\"utf-8\">\n<title>", text.title, "</title>\n<h1>", text.title,
                "</h1>\n<p>", text.explanation, "</p>\n<p><code>", problem.name, "</code>, ",
                problem.status, "</p>\n</html>\n");
}

bool PrefersHtml(std::string_view accept) {
  const std::size_t html = accept.find("text/html");
  return html != std::string_view::npos && html < accept.find("json");
}

}  // namespace

OperationRoutes::~OperationRoutes() {
  Join();
}

void OperationRoutes::AddTo(Router& router) {
  const auto add = [&](std::string_view pattern, std::uint8_t listeners, Handler handler) {
    router.Add(Method::kGet, pattern, listeners, BodyPolicy::None(), std::move(handler));
  };
  add("/livez", kBothListeners, [](const HttpRequest&, Responder responder) {
    SendText(std::move(responder), "text/plain; charset=utf-8", "ok\n");
  });
  for (const std::string_view pattern : {"/readyz", "/healthz"}) {
    add(pattern, kBothListeners, [this](const HttpRequest& request, Responder responder) {
      GetReadiness(request, std::move(responder));
    });
  }
  add("/version", kBothListeners, [](const HttpRequest&, Responder responder) {
    std::string body;
    AppendVersion(kVersion, body);
    SendText(std::move(responder), "application/json", std::move(body));
  });
  add("/openapi.json", kBothListeners, [](const HttpRequest&, Responder responder) {
    SendText(std::move(responder), "application/json", std::string(OpenApiJson()),
             "public, max-age=3600");
  });
  add("/problems/{code}", kBothListeners, [this](const HttpRequest& request, Responder responder) {
    GetProblem(request, std::move(responder));
  });
  add("/docs", kBothListeners, [](const HttpRequest&, Responder responder) {
    SendPage(std::move(responder),
             "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'",
             OpenApiPage());
  });
  add("/metrics", kPrivateListener,
      [this, &router](const HttpRequest& request, Responder responder) {
        GetMetrics(request, std::move(responder), router);
      });
  router.Add(Method::kPost, "/v1/admin/verify", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Verify(request, std::move(responder));
             });
  router.Add(Method::kPost, "/v1/admin/backups", kPrivateListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               BackUp(request, std::move(responder));
             });
}

void OperationRoutes::GetReadiness(const HttpRequest& request, Responder responder) {
  const Engine& engine = context_.engine;
  if (draining_) {
    SendProblem(std::move(responder), request, ProblemCode::kDraining);
  } else if (!engine.receipt_key()) {
    SendProblem(std::move(responder), request, ProblemCode::kKeyMissing);
  } else if (engine.storage_full()) {
    SendProblem(std::move(responder), request, ProblemCode::kStorageFull);
  } else if (engine.queue_depth() * 100 > engine.queue_capacity() * kQueueHighWaterPercent) {
    SendProblem(std::move(responder), request, ProblemCode::kOverloaded);
  } else {
    SendText(std::move(responder), "text/plain; charset=utf-8", "ok\n");
  }
}

void OperationRoutes::GetMetrics(const HttpRequest& request, Responder responder,
                                 const Router& router) {
  if (!RequireQueries(request, {}, responder)) return;
  SendText(std::move(responder), "text/plain; version=0.0.4; charset=utf-8",
           MetricsText({context_.engine, router, *server_, context_.auth, context_.feeds, *budgets_,
                        *context_.analysis},
                       std::string(kVersion)));
}

void OperationRoutes::GetProblem(const HttpRequest& request, Responder responder) {
  const auto code = FindProblem(request.Param("code"));
  if (!code) {
    SendProblem(std::move(responder), request, ProblemCode::kNotFound);
    return;
  }
  const bool german = PrefersGerman(request.accept_language);
  HttpResponse response;
  if (PrefersHtml(request.accept)) {
    response.content_type = "text/html; charset=utf-8";
    response.body = ProblemPage(Describe(*code), german);
    response.headers.emplace_back("Content-Security-Policy", kTextPolicy);
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
  } else {
    response.content_type = "application/json";
    AppendProblemExplanation(Describe(*code), german, response.body);
  }
  response.headers.emplace_back("Content-Language", german ? "de" : "en");
  response.headers.emplace_back("Cache-Control", "public, max-age=3600");
  response.headers.emplace_back("Vary", "Accept, Accept-Language");
  std::move(responder).Send(std::move(response));
}

void OperationRoutes::Verify(const HttpRequest& request, Responder responder) {
  RunLong(request, std::move(responder), [this](std::string_view language) {
    auto report = context_.engine.Verify();
    HttpResponse response;
    if (!report.ok()) {
      Log(LogLevel::kError, "verify_failed", {{"status", report.status().ToString()}});
      return ProblemResponse(ProblemCode::kInternal, {}, {}, language);
    }
    response.content_type = "application/json";
    AppendVerifyReport(*report, context_.engine.polls(), response.body);
    return response;
  });
}

void OperationRoutes::BackUp(const HttpRequest& request, Responder responder) {
  RunLong(request, std::move(responder), [this](std::string_view language) {
    const auto report = context_.engine.Backup();
    HttpResponse response;
    if (!report.ok()) {
      Log(LogLevel::kError, "backup_failed", {{"status", report.status().ToString()}});
      const bool full = absl::IsResourceExhausted(report.status());
      return ProblemResponse(full ? ProblemCode::kStorageFull : ProblemCode::kInternal, {}, {},
                             language);
    }
    Log(LogLevel::kInfo, "backup_made", {{"path", report->path}});
    response.status = 201;
    response.content_type = "application/json";
    AppendBackupReport(*report, response.body);
    return response;
  });
}

void OperationRoutes::RunLong(const HttpRequest& request, Responder responder,
                              absl::AnyInvocable<HttpResponse(std::string_view language)> work) {
  if (!context_.auth.Require(Scope::kAdmin, request, responder)) return;
  if (!RequireQueries(request, {}, responder)) return;
  if (verifying_.exchange(true)) {
    SendProblem(std::move(responder), request, ProblemCode::kOverloaded,
                "a recount or a backup is running");
    return;
  }
  absl::MutexLock lock(&verify_mutex_);
  if (verify_thread_.joinable()) verify_thread_.join();  // is answering, so it is about to end
  IoThread& io_thread = responder.io_thread();
  verify_thread_ = std::thread([this, &io_thread, responder = std::move(responder),
                                work = std::move(work),
                                german = PrefersGerman(request.accept_language)]() mutable {
    HttpResponse response = work(german ? "de" : "en");
    verifying_ = false;  // before the answer: whoever has it may ask again at once
    io_thread.Post([responder = std::move(responder), response = std::move(response)]() mutable {
      std::move(responder).Send(std::move(response));
    });
  });
}

void OperationRoutes::Join() {
  absl::MutexLock lock(&verify_mutex_);
  if (verify_thread_.joinable()) verify_thread_.join();
}

}  // namespace tallyd
