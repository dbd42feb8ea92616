#pragma once

// The two-way bytes of one connection: a socket of TCP or a Unix one, with TLS over it or not.
//
// Sessions and readers of streams speak to this and to no socket. Plain bytes cost one predictable
// branch a call more than the socket itself; TLS is a small object beside it (net/tls_stream.h).
// Reading and writing never wait: WouldBlock(error), then WhenReadable() or WhenWritable().
// Handlers must keep the stream's owner alive; they run on the io thread, never inside the call.
// May be moved away while a read is under way, after Cancel(): its handler gets operation_aborted.

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"

#include "net/asio.h"
#include "net/tls_stream.h"

namespace tallyd {

class ByteStream {
 public:
  // Pieces that one write takes; further ones have to wait for the next.
  static constexpr std::size_t kGatherMax = 16;

  explicit ByteStream(StreamSocket socket) : socket_(std::move(socket)) {}
  ByteStream(ByteStream&&) noexcept = default;
  ByteStream& operator=(ByteStream&&) noexcept = default;

  // Before anything else.
  void Prepare();
  void BeginTls(std::unique_ptr<TlsStream> tls) { tls_ = std::move(tls); }
  // What follows are plain bytes again: after a handshake that failed.
  void AbandonTls() { tls_.reset(); }
  bool is_tls() const { return tls_ != nullptr; }
  TlsStream& tls() { return *tls_; }
  int native_handle() { return socket_.native_handle(); }

  // Else the kernel takes megabytes for a reader that is slow.
  void BoundSendBuffer(int bytes);

  template <typename Handler>  // void(const ErrorCode&, std::size_t)
  void AsyncReadSome(char* data, std::size_t size, Handler handler) {
    if (tls_ != nullptr) [[unlikely]]
      return AsyncReadTls(data, size, std::move(handler));
    socket_.async_read_some(asio::buffer(data, size), std::move(handler));
  }
  std::size_t ReadSome(char* data, std::size_t size, ErrorCode& error) {
    if (tls_ != nullptr) [[unlikely]]
      return tls_->Read(data, size, error);
    return socket_.read_some(asio::buffer(data, size), error);
  }
  // Sends a part of what the views hold. After WouldBlock the next call begins with the same bytes.
  std::size_t WriteSome(const std::string_view* views, std::size_t count, ErrorCode& error) {
    if (tls_ != nullptr) [[unlikely]]
      return tls_->Write(views, count, error);
    if (count == 1) return socket_.write_some(asio::buffer(views->data(), views->size()), error);
    std::array<asio::const_buffer, kGatherMax> buffers;
    for (std::size_t i = 0; i < std::min(count, kGatherMax); ++i) {
      buffers[i] = asio::const_buffer(views[i].data(), views[i].size());
    }
    return socket_.write_some(buffers, error);
  }

  template <typename Handler>  // void(const ErrorCode&)
  void WhenReadable(Handler handler) {
    if (tls_ != nullptr && tls_->may_have_more()) {
      return asio::post(socket_.get_executor(),
                        [handler = std::move(handler)]() mutable { handler(ErrorCode()); });
    }
    const bool write_first = tls_ != nullptr && tls_->wants_write_to_read();
    socket_.async_wait(write_first ? StreamSocket::wait_write : StreamSocket::wait_read,
                       std::move(handler));
  }
  template <typename Handler>  // void(const ErrorCode&)
  void WhenWritable(Handler handler) {
    socket_.async_wait(StreamSocket::wait_write, std::move(handler));
  }

  // We send no more; the peer may. WouldBlock(error): call again when it is writable.
  void ShutdownSend(ErrorCode& error);
  void Cancel();
  // Says goodbye if that needs no waiting.
  void Close();

 private:
  using ReadHandler = absl::AnyInvocable<void(const ErrorCode&, std::size_t)>;
  void AsyncReadTls(char* data, std::size_t size, ReadHandler handler);

  StreamSocket socket_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace tallyd
