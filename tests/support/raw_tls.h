#pragma once

// The client's side of TLS as a machine without a socket: bytes of the wire in and out, so that a
// test can cut them wherever it likes.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace tallyd {

// TALLYD_TEST_TLS=1: clients of a port and the servers of the fixtures speak TLS, so that tests of
// something else run a second time over it.
bool TestsRunOverTls();

struct RawTlsOptions {
  int version = 0x0304;                     // the only one offered; 0x0303 is TLS 1.2
  std::vector<std::string> protocols = {};  // ALPN
};

class RawTls {
 public:
  enum class State { kHandshake, kOpen, kEnded, kFailed };

  explicit RawTls(const RawTlsOptions& options);
  ~RawTls();

  // Goes on as far as the bytes that came allow.
  State Handshake();
  void Received(std::string_view wire);
  std::string TakeOutgoing();

  bool Encrypt(std::string_view text);
  // Appends what can be read; kEnded after the peer's close_notify.
  State Decrypt(std::string& text);
  void SayGoodbye();

  std::string protocol() const;     // chosen by ALPN
  std::string certificate() const;  // the peer's common name
  std::string version() const;
  bool tickets_came() const { return tickets_ > 0; }
  void CountTicket() { ++tickets_; }
  bool AskForNewKeys();  // KeyUpdate, ours and theirs

 private:
  ssl_ctx_st* context_;
  ssl_st* session_;
  State state_ = State::kHandshake;
  int tickets_ = 0;
};

}  // namespace tallyd
