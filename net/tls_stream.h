#pragma once

// The server's side of one TLS connection, over a non-blocking socket that belongs to somebody
// else.
//
//   while ((step = tls.Handshake()) == kWantRead or kWantWrite) wait for the socket
//   n = tls.Read(data, size, error);     // WouldBlock(error): wait as wants_write_to_read() says
//   n = tls.Write(views, count, error);  // WouldBlock(error): wait, offer the same bytes again
//   tls.SayGoodbye(error);               // close_notify; reading goes on
//
// Knows no event loop and never waits. What the peer sent ends as an error: eof after its
// close_notify, connection_aborted without one, for a connection cut short is not one that ended;
// protocol_error for what is not TLS. After any of the last two nothing is sent any more.
// OpenSSL writes with write(2): SIGPIPE must be ignored. One thread; about 10 KiB while idle.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/asio.h"

struct ssl_st;

namespace tallyd {

// "Not now", of a socket that does not block.
inline bool WouldBlock(const ErrorCode& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

class TlsStream {
 public:
  enum class Step : std::uint8_t {
    kDone,
    kWantRead,
    kWantWrite,
    kRefused,  // what came is not a handshake we take; the peer has been told by an alert
    kGone,     // the peer has left
  };

  // Takes `session`, which has its descriptor already.
  explicit TlsStream(ssl_st* session) : session_(session) {}
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Step Handshake();
  std::size_t Read(char* data, std::size_t size, ErrorCode& error);
  // Sends a part of what the views hold, at most one record. After WouldBlock the next call must
  // begin with the same bytes; there may be more of them.
  std::size_t Write(const std::string_view* views, std::size_t count, ErrorCode& error);
  void SayGoodbye(ErrorCode& error);

  // Bytes may be here already that the socket will not announce: read before waiting for it.
  bool may_have_more() const { return may_have_more_; }
  // The last Read() must wait until the socket can be written to (an answer to a new key).
  bool wants_write_to_read() const { return wants_write_to_read_; }

 private:
  ErrorCode ErrorOf(int result);

  ssl_st* const session_;
  bool established_ = false;
  bool failed_ = false;
  bool said_goodbye_ = false;
  bool may_have_more_ = false;
  bool wants_write_to_read_ = false;
};

}  // namespace tallyd
