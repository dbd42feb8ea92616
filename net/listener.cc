#include "net/listener.h"

#include <optional>
#include <string_view>
#include <utility>

namespace tallyd {
namespace {

// Connections over the cap that are told so, at most at a time.
constexpr int kToldRefusalsMax = 64;
constexpr int kToldNetworkRefusalsMax = 4;

bool IsOutOfResources(const ErrorCode& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space ||
         error == boost::system::errc::too_many_files_open_in_system;
}

}  // namespace

Listener::Listener(ListenerKind kind, const ListenerOptions& options, const ServerOptions& server,
                   const Router& router, RequestGate* gate,
                   const std::vector<std::unique_ptr<IoThread>>& threads)
    : options_(options),
      backoff_(server.accept_backoff_ms),
      proxies_(server.proxies),
      threads_(threads),
      tls_(options.tls.given() ? std::make_unique<TlsAcceptor>(options.tls) : nullptr),
      surroundings_{router, server.limits, kind, gate, tls_.get()},
      socket_(threads.front()->context()),
      timer_(threads.front()->context()) {}

absl::Status Listener::Open() {
  if (absl::Status status = ReloadCertificate(); !status.ok()) return status;
  return socket_.Open(options_);
}

absl::Status Listener::ReloadCertificate() {
  return tls_ ? tls_->Reload() : absl::OkStatus();
}

void Listener::StartAccepting() {
  Accept();
}

void Listener::StopAccepting() {
  socket_.Close();
  timer_.cancel();
}

void Listener::Accept() {
  IoThread& thread = *threads_[next_thread_];
  next_thread_ = (next_thread_ + 1) % threads_.size();
  socket_.acceptor().async_accept(thread.context(),
                                  [this, &thread](const ErrorCode& error, StreamSocket socket) {
                                    OnAccept(error, std::move(socket), thread);
                                  });
}

void Listener::OnAccept(const ErrorCode& error, StreamSocket socket, IoThread& thread) {
  if (!socket_.acceptor().is_open()) return;
  HttpMetrics& counters = threads_.front()->counters();
  if (error) {
    if (IsOutOfResources(error)) {
      counters.accept_out_of_descriptors.Add();
      return BackOff();
    }
    counters.accept_errors.Add();
    return Accept();
  }
  Admit(std::move(socket), thread);
  Accept();
}

void Listener::Admit(StreamSocket socket, IoThread& thread) {
  HttpMetrics& counters = threads_.front()->counters();
  ErrorCode error;
  const ClientAddress peer = AddressOf(socket.remote_endpoint(error));
  if (error) return;  // it has left already
  // A proxy brings everybody.
  const std::string_view network = proxies_.Believes(peer) ? std::string_view() : peer.Network();
  const int open = connections_open();
  const int of_network = network.empty() ? 0 : counts_->of_network(network);
  const bool over = open >= options_.connections_max;
  const bool network_over = of_network >= options_.network_connections_max;
  if (over) {
    counters.rejected_connections.Add();
  } else if (network_over) {
    counters.rejected_network_connections.Add();
  }
  if (open >= options_.connections_max + kToldRefusalsMax) return;
  if (of_network >= options_.network_connections_max + kToldNetworkRefusalsMax) return;
  // Last: what is closed above, without a word, needs no handshake.
  if (!MayShakeHands(peer)) return counters.tls_handshakes_over_budget.Add();
  auto session = std::make_shared<HttpSession>(std::move(socket), peer, thread, surroundings_,
                                               ConnectionToken(counts_, network));
  thread.Post([session = std::move(session), over, network_over] {
    if (over) return session->Start(ProblemCode::kOverloaded);
    if (network_over) return session->Start(ProblemCode::kTooManyRequests);
    session->Start(std::nullopt);
  });
}

bool Listener::MayShakeHands(const ClientAddress& peer) const {
  if (tls_ == nullptr || surroundings_.gate == nullptr) return true;
  return surroundings_.gate->AdmitHandshake(peer, threads_.front()->coarse_now());
}

void Listener::BackOff() {
  timer_.expires_after(backoff_);
  timer_.async_wait([this](const ErrorCode& error) {
    if (!error && socket_.acceptor().is_open()) Accept();
  });
}

}  // namespace tallyd
