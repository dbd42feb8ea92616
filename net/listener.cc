#include "net/listener.h"

#include <string>
#include <utility>

namespace tallyd {
namespace {

// Connections over the cap that are told so, at most at a time.
constexpr int kToldRefusalsMax = 64;
constexpr int kToldNetworkRefusalsMax = 4;

ClientAddress AddressOf(const asio::ip::tcp::endpoint& endpoint) {
  const asio::ip::address address = endpoint.address();
  return address.is_v4() ? ClientAddress::V4(address.to_v4().to_bytes())
                         : ClientAddress::V6(address.to_v6().to_bytes());
}

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
      surroundings_{router, server.limits, kind, gate},
      acceptor_(threads.front()->context()),
      timer_(threads.front()->context()) {}

absl::Status Listener::Open() {
  ErrorCode error;
  const auto failed = [&](const char* what) {
    return absl::UnavailableError(std::string("cannot ") + what + " " + options_.address + ":" +
                                  std::to_string(options_.port) + ": " + error.message());
  };
  const asio::ip::address address = asio::ip::make_address(options_.address, error);
  if (error) {
    return absl::InvalidArgumentError("not an IP address to listen on: " + options_.address);
  }
  const asio::ip::tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (error) return failed("open a socket for");
  acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (error) return failed("set SO_REUSEADDR for");
  acceptor_.bind(endpoint, error);
  if (error) return failed("bind");
  acceptor_.listen(options_.backlog, error);
  if (error) return failed("listen on");
  local_endpoint_ = acceptor_.local_endpoint(error);
  if (error) return failed("read back the address of");
  return absl::OkStatus();
}

void Listener::StartAccepting() {
  Accept();
}

void Listener::StopAccepting() {
  ErrorCode ignored;  // the descriptor is gone either way
  acceptor_.close(ignored);
  timer_.cancel();
}

void Listener::Accept() {
  IoThread& thread = *threads_[next_thread_];
  next_thread_ = (next_thread_ + 1) % threads_.size();
  acceptor_.async_accept(thread.context(),
                         [this, &thread](const ErrorCode& error, TcpSocket socket) {
                           OnAccept(error, std::move(socket), thread);
                         });
}

void Listener::OnAccept(const ErrorCode& error, TcpSocket socket, IoThread& thread) {
  if (!acceptor_.is_open()) return;
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

void Listener::Admit(TcpSocket socket, IoThread& thread) {
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
  auto session = std::make_shared<HttpSession>(std::move(socket), peer, thread, surroundings_,
                                               ConnectionToken(counts_, network));
  thread.Post([session = std::move(session), over, network_over] {
    if (over) return session->StartRefused(ProblemCode::kOverloaded);
    if (network_over) return session->StartRefused(ProblemCode::kTooManyRequests);
    session->Start();
  });
}

void Listener::BackOff() {
  timer_.expires_after(backoff_);
  timer_.async_wait([this](const ErrorCode& error) {
    if (!error && acceptor_.is_open()) Accept();
  });
}

}  // namespace tallyd
