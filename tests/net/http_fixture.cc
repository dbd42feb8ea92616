#include "tests/net/http_fixture.h"

#include <signal.h>

#include <thread>
#include <utility>

#include "storage/check.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_certificate.h"

namespace tallyd {

namespace {

void SendText(Responder responder, std::string body) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  std::move(responder).Send(std::move(response));
}

}  // namespace

class TestServer::Sink : public BodySink {
 public:
  Sink(TestServer& test, Responder responder) : test_(test), responder_(std::move(responder)) {}

  void OnChunk(std::string_view chunk, absl::AnyInvocable<void()> resume) override {
    StreamState& state = test_.stream_;
    state.chunks.fetch_add(1);
    state.bytes.fetch_add(chunk.size());
    if (state.bytes.load() > state.refuse_after.load()) {
      HttpResponse response;
      response.status = 422;
      std::move(responder_).Send(std::move(response));
      return;
    }
    if (state.hold.load()) {
      const std::lock_guard lock(test_.mutex_);
      test_.held_thread_ = &responder_.io_thread();
      test_.held_resume_ = std::move(resume);
      test_.changed_.notify_all();
      return;
    }
    resume();
  }

  void OnEnd() override {
    test_.stream_.ended.fetch_add(1);
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = std::to_string(test_.stream_.bytes.load());
    std::move(responder_).Send(std::move(response));
  }

  void OnAbort() override { test_.stream_.aborted.fetch_add(1); }

 private:
  TestServer& test_;
  Responder responder_;
};

TlsFiles TestTlsFiles() {
  static const TempDirectory directory;
  static const TlsFiles files = [] {
    TlsFiles made{directory.File("cert.pem"), directory.File("key.pem")};
    WriteTestCertificate(MakeTestCertificate(), made.certificate_file, made.key_file);
    return made;
  }();
  return files;
}

TestServer::TestServer(const std::function<void(ServerOptions&)>& adjust, RequestGate* gate) {
  TALLYD_CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);  // as the program does
  CorsOptions cors;
  cors.allowed_origins = {"https://city.example"};
  router_ = std::make_unique<Router>(std::move(cors));
  FillRouter();
  ServerOptions options;
  options.sweep_interval_ms = 20;
  if (TestsRunOverTls())
    options.public_listener.tls = options.private_listener.tls = TestTlsFiles();
  if (adjust) adjust(options);
  server_ = std::make_unique<HttpServer>(options, *router_, gate);
  const absl::Status status = server_->Start();
  TALLYD_CHECK(status.ok());
}

TestServer::~TestServer() {
  DropDeferred();
  server_->Stop(std::chrono::milliseconds(0));
}

void TestServer::Record(const HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  handled_.push_back(std::string(MethodName(request.method)) + " " + std::string(request.target) +
                     " " + std::string(request.body));
  handled_count_.fetch_add(1);
}

std::vector<std::string> TestServer::Handled() {
  const std::lock_guard lock(mutex_);
  return handled_;
}

void TestServer::FillRouter() {
  AddTextRoutes();
  AddOddRoutes();
  AddLaterRoutes();
}

void TestServer::AddTextRoutes() {
  Router& router = *router_;
  router.Add(Method::kGet, "/", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               SendText(std::move(responder), "root");
             });
  router.Add(Method::kGet, "/hello", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               SendText(std::move(responder), "hello");
             });
  router.Add(Method::kPost, "/echo", kBothListeners, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               SendText(std::move(responder), std::string(request.body));
             });
  router.Add(Method::kPut, "/echo", kBothListeners, BodyPolicy::Small(8),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               SendText(std::move(responder), std::string(request.body));
             });
  router.Add(Method::kPost, "/raw", kBothListeners, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               std::move(responder).SendRaw(201, "Content-Type: application/json\r\n", "{}");
             });
  router.Add(Method::kDelete, "/items/{id}", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               HttpResponse response;
               response.status = 204;
               std::move(responder).Send(std::move(response));
             });
  router.Add(Method::kGet, "/items/{id}", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               std::string body = "id=" + std::string(request.Param("id"));
               for (const NamedValue& query : request.queries) {
                 body += ";" + std::string(query.name) + "=" + std::string(query.value);
               }
               SendText(std::move(responder), std::move(body));
             });
  router.Add(Method::kGet, "/id", kBothListeners, BodyPolicy::None(),
             [](const HttpRequest& request, Responder responder) {
               SendText(std::move(responder), std::string(request.request_id));
             });
  router.Add(
      Method::kGet, "/private", kPrivateListener, BodyPolicy::None(),
      [](const HttpRequest&, Responder responder) { SendText(std::move(responder), "private"); });
}

void TestServer::AddOddRoutes() {
  Router& router = *router_;
  router.Add(Method::kGet, "/drop", kBothListeners, BodyPolicy::None(),
             [](const HttpRequest&, Responder) {});
  router.Add(Method::kGet, "/bad-header", kBothListeners, BodyPolicy::None(),
             [](const HttpRequest&, Responder responder) {
               HttpResponse response;
               response.headers.emplace_back("Location", "/a\r\nSet-Cookie: x=1");
               response.headers.emplace_back("Cache-Control", "max-age=1");
               std::move(responder).Send(std::move(response));
             });
  router.Add(Method::kGet, "/close", kBothListeners, BodyPolicy::None(),
             [](const HttpRequest&, Responder responder) {
               HttpResponse response;
               response.close = true;
               std::move(responder).Send(std::move(response));
             });
  const auto big = std::make_shared<const std::string>(std::string(4 << 20, 'b'));
  router.Add(Method::kGet, "/big", kBothListeners, BodyPolicy::None(),
             [big](const HttpRequest&, Responder responder) {
               HttpResponse response;
               response.shared_body = big;
               std::move(responder).Send(std::move(response));
             });
}

void TestServer::AddLaterRoutes() {
  Router& router = *router_;
  router.Add(Method::kPost, "/defer", kBothListeners, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Record(request);
               const std::lock_guard lock(mutex_);
               IoThread* thread = &responder.io_thread();
               deferred_.push_back({std::move(responder), thread});
               changed_.notify_all();
             });
  router.AddStream(Method::kPost, "/stream", kBothListeners, 64 << 20,
                   [this](const HttpRequest& request, Responder responder) {
                     Record(request);
                     std::unique_ptr<BodySink> sink;
                     if (request.Query("refuse").has_value()) {
                       HttpResponse response;
                       response.status = 403;
                       std::move(responder).Send(std::move(response));
                       return sink;
                     }
                     sink = std::make_unique<Sink>(*this, std::move(responder));
                     return sink;
                   });
}

RawAnswer TestServer::Ask(std::string_view request, bool head) {
  RawClient client = Connect();
  client.Send(request);
  return client.Read(head).value_or(RawAnswer{});
}

bool TestServer::WaitForDeferred(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(5),
                           [&] { return deferred_.size() >= count; });
}

std::size_t TestServer::deferred_count() {
  const std::lock_guard lock(mutex_);
  return deferred_.size();
}

void TestServer::AnswerDeferred(std::size_t index, bool close) {
  const std::lock_guard lock(mutex_);
  Deferred& deferred = deferred_[index];
  deferred.thread->Post([responder = std::move(deferred.responder), index, close]() mutable {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = std::to_string(index);
    response.close = close;
    std::move(responder).Send(std::move(response));
  });
}

void TestServer::DropDeferred() {
  const std::lock_guard lock(mutex_);
  for (Deferred& deferred : deferred_) {
    if (deferred.responder) {
      deferred.thread->Post([responder = std::move(deferred.responder)] {});
    }
  }
  deferred_.clear();
}

void TestServer::ResumeStream() {
  std::unique_lock lock(mutex_);
  TALLYD_CHECK(changed_.wait_for(lock, std::chrono::seconds(5),
                                 [&] { return static_cast<bool>(held_resume_); }));
  held_thread_->Post(std::move(held_resume_));
  held_resume_ = nullptr;
}

std::uint64_t TestServer::Sum(Counter HttpMetrics::*counter) const {
  std::uint64_t sum = 0;
  for (const auto& thread : server_->io_threads()) sum += (thread->metrics().*counter).value();
  return sum;
}

std::string PostRequest(std::string_view target, std::string_view body,
                        std::string_view more_lines) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: t\r\n" + std::string(more_lines) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string GetRequest(std::string_view target, std::string_view more_lines) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: t\r\n" + std::string(more_lines) +
         "\r\n";
}

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace tallyd
