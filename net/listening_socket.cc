#include "net/listening_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "net/concat.h"

namespace tallyd {
namespace {

absl::Status Failed(std::string_view what, std::string_view where, const ErrorCode& error) {
  return absl::UnavailableError(Concat("cannot ", what, " ", where, ": ", error.message()));
}

// The bytes of an endpoint as what its family says they are.
template <typename Sockaddr>
Sockaddr As(const StreamProtocol::endpoint& endpoint) {
  Sockaddr address{};
  std::memcpy(&address, endpoint.data(), std::min(endpoint.size(), sizeof address));
  return address;
}

int FamilyOf(const StreamProtocol::endpoint& endpoint) {
  return endpoint.data()->sa_family;
}

std::uint16_t PortOf(const StreamProtocol::endpoint& endpoint) {
  switch (FamilyOf(endpoint)) {
    case AF_INET:
      return ntohs(As<sockaddr_in>(endpoint).sin_port);
    case AF_INET6:
      return ntohs(As<sockaddr_in6>(endpoint).sin6_port);
    default:
      return 0;
  }
}

int SocketOption(int descriptor, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

ClientAddress AddressOf(const StreamProtocol::endpoint& endpoint) {
  switch (FamilyOf(endpoint)) {
    case AF_UNIX:
      return ClientAddress::Unix();
    case AF_INET: {
      std::array<std::uint8_t, 4> bytes;
      const auto address = As<sockaddr_in>(endpoint);
      std::memcpy(bytes.data(), &address.sin_addr, bytes.size());
      return ClientAddress::V4(bytes);
    }
    case AF_INET6: {
      ClientAddress::Bytes bytes;
      const auto address = As<sockaddr_in6>(endpoint);
      std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
      return ClientAddress::V6(bytes);
    }
    default:
      return {};
  }
}

absl::Status ListeningSocket::OpenTcp(const ListenerOptions& options) {
  ErrorCode error;
  const std::string where = Concat(options.address, ":", options.port);
  const asio::ip::address address = asio::ip::make_address(options.address, error);
  if (error) {
    return absl::InvalidArgumentError(Concat("not an IP address to listen on: ", options.address));
  }
  const asio::ip::tcp::endpoint endpoint(address, options.port);
  acceptor_.open(endpoint.protocol(), error);
  if (error) return Failed("open a socket for", where, error);
  acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (error) return Failed("set SO_REUSEADDR for", where, error);
  acceptor_.bind(endpoint, error);
  if (error) return Failed("bind", where, error);
  acceptor_.listen(options.backlog, error);
  if (error) return Failed("listen on", where, error);
  return absl::OkStatus();
}

absl::Status ListeningSocket::OpenUnix(const ListenerOptions& options) {
  ErrorCode error;
  auto file = UnixSocketFile::Claim(options.unix_path);
  if (!file.ok()) return file.status();
  file_.emplace(*std::move(file));
  const asio::local::stream_protocol::endpoint endpoint(options.unix_path);
  acceptor_.open(endpoint.protocol(), error);
  if (error) return Failed("open a socket for", options.unix_path, error);
  acceptor_.bind(endpoint, error);
  if (error) return Failed("bind", options.unix_path, error);
  // Nobody can connect before listen(), whatever the umask made of the file.
  if (absl::Status status = file_->Bound(options.unix_mode); !status.ok()) return status;
  acceptor_.listen(options.backlog, error);
  if (error) return Failed("listen on", options.unix_path, error);
  return absl::OkStatus();
}

absl::Status ListeningSocket::Inherit(int descriptor) {
  const std::string where = Concat("inherited descriptor ", descriptor);
  const int family = SocketOption(descriptor, SO_DOMAIN);
  const bool served = family == AF_INET || family == AF_INET6 || family == AF_UNIX;
  if (!served || SocketOption(descriptor, SO_TYPE) != SOCK_STREAM ||
      SocketOption(descriptor, SO_ACCEPTCONN) != 1) {
    return absl::InvalidArgumentError(Concat(where, ": not a listening stream socket"));
  }
  ErrorCode error;
  acceptor_.assign(StreamProtocol(family, SocketOption(descriptor, SO_PROTOCOL)), descriptor,
                   error);
  if (error) return Failed("take the", where, error);
  return absl::OkStatus();
}

absl::Status ListeningSocket::Open(const ListenerOptions& options) {
  absl::Status opened = options.inherited_descriptor >= 0 ? Inherit(options.inherited_descriptor)
                        : options.unix_path.empty()       ? OpenTcp(options)
                                                          : OpenUnix(options);
  if (!opened.ok()) return opened;
  ErrorCode error;
  const auto endpoint = acceptor_.local_endpoint(error);
  if (error) return Failed("read back", "the address that was bound", error);
  port_ = PortOf(endpoint);
  return absl::OkStatus();
}

void ListeningSocket::Close() {
  file_.reset();      // first: who finds no file does not wait for a server that ends
  ErrorCode ignored;  // the descriptor is gone either way
  acceptor_.close(ignored);
}

}  // namespace tallyd
