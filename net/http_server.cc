#include "net/http_server.h"

#include <thread>

#include "net/listener.h"
#include "storage/check.h"

namespace tallyd {

HttpServer::HttpServer(const ServerOptions& options, const Router& router, RequestGate* gate)
    : options_(options), router_(router) {
  TALLYD_CHECK(options_.io_threads > 0);
  const int routes = static_cast<int>(router_.routes().size());
  for (int i = 0; i < options_.io_threads; ++i) {
    io_threads_.push_back(std::make_unique<IoThread>(
        i, routes, std::chrono::milliseconds(options_.sweep_interval_ms)));
  }
  public_listener_ = std::make_unique<Listener>(ListenerKind::kPublic, options_.public_listener,
                                                options_, router_, gate, io_threads_);
  if (options_.private_listener_enabled) {
    private_listener_ = std::make_unique<Listener>(
        ListenerKind::kPrivate, options_.private_listener, options_, router_, nullptr, io_threads_);
  }
}

HttpServer::~HttpServer() {
  if (running_) Stop(std::chrono::milliseconds(0));
}

absl::Status HttpServer::Start() {
  if (absl::Status status = public_listener_->Open(); !status.ok()) return status;
  if (private_listener_ != nullptr) {
    if (absl::Status status = private_listener_->Open(); !status.ok()) return status;
  }
  for (const auto& thread : io_threads_) thread->Start();
  running_ = true;
  io_threads_.front()->Post([this] {
    public_listener_->StartAccepting();
    if (private_listener_ != nullptr) private_listener_->StartAccepting();
  });
  return absl::OkStatus();
}

absl::Status HttpServer::ReloadCertificates() {
  absl::Status status = public_listener_->ReloadCertificate();
  if (private_listener_ != nullptr) status.Update(private_listener_->ReloadCertificate());
  return status;
}

void HttpServer::BeginDrain() {
  if (!running_) return;
  io_threads_.front()->Post([this] {
    public_listener_->StopAccepting();
    if (private_listener_ != nullptr) private_listener_->StopAccepting();
    // After that: connections dealt before are in the other threads' queues ahead of this.
    for (const auto& thread : io_threads_) {
      thread->Post([&thread] { thread->BeginDrain(); });
    }
  });
}

bool HttpServer::Stop(std::chrono::milliseconds deadline) {
  if (!running_) return true;
  BeginDrain();
  const auto end = std::chrono::steady_clock::now() + deadline;
  // A wait on the outside world, not a synchronisation: nothing happens but looking.
  while (connections_open() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const bool drained = connections_open() == 0;
  for (const auto& thread : io_threads_) thread->Stop();
  running_ = false;
  return drained;
}

const Listener* HttpServer::ListenerOf(ListenerKind kind) const {
  return kind == ListenerKind::kPublic ? public_listener_.get() : private_listener_.get();
}

std::uint16_t HttpServer::port(ListenerKind kind) const {
  const Listener* listener = ListenerOf(kind);
  return listener != nullptr ? listener->port() : 0;
}

std::int64_t HttpServer::certificate_ends_s(ListenerKind kind) const {
  const Listener* listener = ListenerOf(kind);
  return listener != nullptr ? listener->certificate_ends_s() : 0;
}

std::uint64_t HttpServer::connections_open() const {
  int open = public_listener_->connections_open();
  if (private_listener_ != nullptr) open += private_listener_->connections_open();
  return static_cast<std::uint64_t>(open);
}

}  // namespace tallyd
