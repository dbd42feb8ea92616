#pragma once

// The socket that a listener accepts from: TCP, a Unix socket, or one that listens already.
//
//   ListeningSocket socket(context);
//   if (absl::Status status = socket.Open(options); !status.ok()) ...
//   socket.acceptor().async_accept(...);
//
// A Unix socket has its mode before anybody can connect. One that was inherited (systemd's) stays
// systemd's: its file is not touched, and nobody is refused between two servers that follow each
// other. The thread of the listener.

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "net/asio.h"
#include "net/client_address.h"
#include "net/server_options.h"
#include "net/unix_socket_file.h"

namespace tallyd {

class ListeningSocket {
 public:
  explicit ListeningSocket(asio::io_context& context) : acceptor_(context) {}

  absl::Status Open(const ListenerOptions& options);
  void Close();
  StreamAcceptor& acceptor() { return acceptor_; }
  // What was bound; 0 for a Unix socket.
  std::uint16_t port() const { return port_; }

 private:
  absl::Status OpenTcp(const ListenerOptions& options);
  absl::Status OpenUnix(const ListenerOptions& options);
  absl::Status Inherit(int descriptor);

  StreamAcceptor acceptor_;
  std::optional<UnixSocketFile> file_;
  std::uint16_t port_ = 0;
};

// Who is at the other end; unknown for kinds of sockets we do not serve.
ClientAddress AddressOf(const StreamProtocol::endpoint& endpoint);

}  // namespace tallyd
