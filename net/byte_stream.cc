#include "net/byte_stream.h"

namespace tallyd {

void ByteStream::Prepare() {
  ErrorCode ignored;  // without these two the connection is slower, not wrong
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);  // a Unix socket has no such thing
  socket_.non_blocking(true, ignored);
}

void ByteStream::BoundSendBuffer(int bytes) {
  ErrorCode ignored;  // without it there is more memory in use, and nothing else is different
  socket_.set_option(asio::socket_base::send_buffer_size(bytes), ignored);
}

void ByteStream::AsyncReadTls(char* data, std::size_t size, ReadHandler handler) {
  WhenReadable([this, data, size, handler = std::move(handler)](const ErrorCode& error) mutable {
    // Moved away or closed since.
    if (error || tls_ == nullptr) return handler(asio::error::operation_aborted, 0);
    ErrorCode outcome;
    const std::size_t bytes = tls_->Read(data, size, outcome);
    if (WouldBlock(outcome)) return AsyncReadTls(data, size, std::move(handler));
    handler(outcome, bytes);
  });
}

void ByteStream::ShutdownSend(ErrorCode& error) {
  if (tls_ != nullptr) {
    tls_->SayGoodbye(error);
    if (error) return;
  }
  socket_.shutdown(StreamSocket::shutdown_send, error);
}

void ByteStream::Cancel() {
  ErrorCode ignored;  // what cannot be cancelled ends without having read
  socket_.cancel(ignored);
}

void ByteStream::Close() {
  ErrorCode ignored;  // nothing is left to be done about it
  if (tls_ != nullptr) tls_->SayGoodbye(ignored);
  tls_.reset();
  socket_.close(ignored);
}

}  // namespace tallyd
