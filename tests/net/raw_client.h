#pragma once

// A client that sends exactly the bytes it is told to: what a well-behaved library would never
// send.
//
// Blocking POSIX sockets with a deadline for every wait, so that a server that hangs fails a test
// instead of stopping it. Parses answers far enough to tell them apart. Over TLS if asked to, or if
// TestsRunOverTls().

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/raw_tls.h"

namespace tallyd {

struct RawAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // Value of the first header of that name (any case), nullopt if there is none.
  std::optional<std::string> Header(std::string_view name) const;
};

class RawClient {
 public:
  // `source`: the address it comes from, of 127.0.0.0/8; null: the kernel's choice.
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0,
                     const char* source = nullptr);
  // The same over a Unix socket.
  explicit RawClient(const std::string& socket_path);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  // From here on; the handshake is made when the first byte is sent or awaited.
  void UseTls(const RawTlsOptions& options = {});
  // Makes it now; false: there will be no connection.
  bool ShakeHands();
  RawTls& tls() { return *tls_; }
  // Sends no more than so many bytes at once.
  void set_piece_bytes(std::size_t bytes) { piece_bytes_ = bytes; }
  // Bytes for the wire, TLS or not.
  bool SendWire(std::string_view bytes);

  bool Send(std::string_view bytes);
  // Over TLS with close_notify before it.
  void ShutdownSend();
  void ShutdownWire();  // without it
  void Reset();         // closes with RST

  // The next answer; nullopt if the connection ended or nothing came in time. `head` for an answer
  // to HEAD: Content-Length without a body.
  std::optional<RawAnswer> Read(bool head = false);
  // Everything until the server closes.
  std::vector<RawAnswer> ReadAll(bool head = false);
  // What comes before `mark`, which is taken too; a number of bytes. nullopt: it ended first.
  std::optional<std::string> ReadUntil(std::string_view mark);
  std::optional<std::string> ReadBytes(std::size_t size);
  // True once the server has closed (nothing but the end is left to read).
  bool WaitForClose();
  // Whether the connection stays open and silent for a while.
  bool IsSilent(std::chrono::milliseconds time);
  bool connected() const { return !ended_; }
  // The connection did not end, it was cut off.
  bool was_reset() const { return was_reset_; }
  // Over TLS: the server said so before it closed.
  bool goodbye_came() const { return goodbye_came_; }
  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
  const std::string& unread() const { return buffer_; }

 private:
  bool Fill(std::chrono::milliseconds timeout);
  bool FillWire(std::chrono::milliseconds timeout, std::string& wire);
  // Whether TLS still lets something come.
  bool TakeFromTls();

  std::unique_ptr<RawTls> tls_;
  bool shaken_ = false;
  bool goodbye_came_ = false;
  bool was_reset_ = false;
  std::size_t piece_bytes_ = 1 << 30;
  int descriptor_ = -1;
  bool ended_ = false;
  std::string buffer_;
  std::chrono::milliseconds timeout_{5000};
};

}  // namespace tallyd
