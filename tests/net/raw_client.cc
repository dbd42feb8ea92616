#include "tests/net/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "net/http_text.h"
#include "storage/check.h"

namespace tallyd {
namespace {

sockaddr SocketAddress(in_addr host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = host;
  sockaddr generic;
  static_assert(sizeof generic == sizeof address);
  std::memcpy(&generic, &address, sizeof address);
  return generic;
}

}  // namespace

std::optional<std::string> RawAnswer::Header(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (EqualsIgnoreCase(header, name)) return value;
  }
  return std::nullopt;
}

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes, const char* source) {
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  TALLYD_CHECK(descriptor_ >= 0);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof receive_buffer_bytes);
  }
  const int one = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (source != nullptr) {
    in_addr host{};
    TALLYD_CHECK(::inet_pton(AF_INET, source, &host) == 1);
    const sockaddr own = SocketAddress(host, 0);
    TALLYD_CHECK(::bind(descriptor_, &own, sizeof own) == 0);
  }
  const sockaddr server = SocketAddress({htonl(INADDR_LOOPBACK)}, port);
  if (::connect(descriptor_, &server, sizeof server) != 0) ended_ = true;
  if (TestsRunOverTls()) UseTls();
}

RawClient::RawClient(const std::string& socket_path) {
  descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  TALLYD_CHECK(descriptor_ >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  TALLYD_CHECK(socket_path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ended_ = true;
  }
  if (TestsRunOverTls()) UseTls();
}

RawClient::RawClient(RawClient&& other) noexcept
    : tls_(std::move(other.tls_)),
      shaken_(other.shaken_),
      goodbye_came_(other.goodbye_came_),
      was_reset_(other.was_reset_),
      piece_bytes_(other.piece_bytes_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      ended_(other.ended_),
      buffer_(std::move(other.buffer_)),
      timeout_(other.timeout_) {}

RawClient::~RawClient() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RawClient::UseTls(const RawTlsOptions& options) {
  tls_ = std::make_unique<RawTls>(options);
}

bool RawClient::ShakeHands() {
  if (shaken_) return true;
  std::string wire;
  for (;;) {
    const RawTls::State state = tls_->Handshake();
    const std::string outgoing = tls_->TakeOutgoing();
    if (!outgoing.empty() && !SendWire(outgoing)) break;
    if (state == RawTls::State::kOpen) {
      shaken_ = true;
      return true;
    }
    wire.clear();
    if (state == RawTls::State::kFailed || !FillWire(timeout_, wire)) break;
    tls_->Received(wire);
  }
  return false;
}

bool RawClient::Send(std::string_view bytes) {
  if (tls_ == nullptr) return SendWire(bytes);
  if (!ShakeHands() || !tls_->Encrypt(bytes)) return false;
  return SendWire(tls_->TakeOutgoing());
}

bool RawClient::SendWire(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd waiting{descriptor_, POLLOUT, 0};
    if (::poll(&waiting, 1, static_cast<int>(timeout_.count())) <= 0) return false;
    const ssize_t sent = ::send(descriptor_, bytes.data(), std::min(bytes.size(), piece_bytes_),
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::ShutdownSend() {
  if (tls_ != nullptr && ShakeHands()) {
    tls_->SayGoodbye();
    SendWire(tls_->TakeOutgoing());
  }
  ShutdownWire();
}

void RawClient::ShutdownWire() {
  ::shutdown(descriptor_, SHUT_WR);
}

void RawClient::Reset() {
  const linger reset{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(std::exchange(descriptor_, -1));
}

bool RawClient::TakeFromTls() {
  const RawTls::State state = tls_->Decrypt(buffer_);
  // An answer to the server's new keys.
  if (const std::string outgoing = tls_->TakeOutgoing(); !outgoing.empty()) SendWire(outgoing);
  goodbye_came_ = state == RawTls::State::kEnded;
  return state == RawTls::State::kOpen;
}

bool RawClient::Fill(std::chrono::milliseconds timeout) {
  if (tls_ == nullptr) return FillWire(timeout, buffer_);
  if (ended_) return false;
  if (!shaken_) {
    if (!ShakeHands()) return false;
    // What came with the end of the handshake is here already.
    if (TakeFromTls() && buffer_.empty()) return Fill(timeout);
    return !buffer_.empty();
  }
  std::string wire;
  if (!FillWire(timeout, wire)) return false;
  tls_->Received(wire);
  const std::size_t before = buffer_.size();
  if (!TakeFromTls()) ended_ = true;
  return buffer_.size() > before || !ended_;
}

bool RawClient::FillWire(std::chrono::milliseconds timeout, std::string& wire) {
  if (ended_) return false;
  pollfd waiting{descriptor_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return false;
  char bytes[16384];
  const ssize_t received = ::recv(descriptor_, bytes, sizeof bytes, 0);
  if (received <= 0) {
    ended_ = true;
    was_reset_ = received < 0 && errno == ECONNRESET;
    return false;
  }
  wire.append(bytes, static_cast<std::size_t>(received));
  return true;
}

std::optional<RawAnswer> RawClient::Read(bool head) {
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill(timeout_)) return std::nullopt;
  }
  RawAnswer answer;
  std::string_view block = std::string_view(buffer_).substr(0, end + 2);
  TALLYD_CHECK(block.starts_with("HTTP/1.1 "));
  answer.status = std::atoi(std::string(block.substr(9, 3)).c_str());
  block.remove_prefix(block.find("\r\n") + 2);
  while (!block.empty()) {
    const std::string_view line = block.substr(0, block.find("\r\n"));
    block.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(": ");
    TALLYD_CHECK(colon != std::string_view::npos);
    answer.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  std::size_t length = 0;
  if (const auto text = answer.Header("Content-Length"); text.has_value() && !head) {
    length = static_cast<std::size_t>(std::strtoull(text->c_str(), nullptr, 10));
  }
  while (buffer_.size() < end + 4 + length) {
    if (!Fill(timeout_)) return std::nullopt;
  }
  answer.body = buffer_.substr(end + 4, length);
  buffer_.erase(0, end + 4 + length);
  return answer;
}

std::optional<std::string> RawClient::ReadUntil(std::string_view mark) {
  std::size_t end;
  while ((end = buffer_.find(mark)) == std::string::npos) {
    if (!Fill(timeout_)) return std::nullopt;
  }
  std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end + mark.size());
  return text;
}

std::optional<std::string> RawClient::ReadBytes(std::size_t size) {
  while (buffer_.size() < size) {
    if (!Fill(timeout_)) return std::nullopt;
  }
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return bytes;
}

std::vector<RawAnswer> RawClient::ReadAll(bool head) {
  std::vector<RawAnswer> answers;
  while (auto answer = Read(head)) answers.push_back(std::move(*answer));
  return answers;
}

bool RawClient::WaitForClose() {
  while (Fill(timeout_)) {
  }
  return ended_;
}

bool RawClient::IsSilent(std::chrono::milliseconds time) {
  if (!buffer_.empty()) return false;
  Fill(time);
  return !ended_ && buffer_.empty();
}

}  // namespace tallyd
