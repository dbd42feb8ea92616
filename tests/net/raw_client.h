#pragma once

// A client that sends exactly the bytes it is told to: what a well-behaved library would never
// send.
//
// Blocking POSIX sockets with a deadline for every wait, so that a server that hangs fails a test
// instead of stopping it. Parses answers far enough to tell them apart.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  // The same over a Unix socket.
  explicit RawClient(const std::string& socket_path);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  bool Send(std::string_view bytes);
  void ShutdownSend();
  void Reset();  // closes with RST

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
  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
  const std::string& unread() const { return buffer_; }

 private:
  bool Fill(std::chrono::milliseconds timeout);

  int descriptor_ = -1;
  bool ended_ = false;
  std::string buffer_;
  std::chrono::milliseconds timeout_{5000};
};

}  // namespace tallyd
