#include "net/live_reader.h"

#include <array>
#include <utility>

#include "storage/check.h"

namespace tallyd {
namespace {

// What a client may say to a stream of events (nothing is asked of it).
constexpr std::size_t kEventsInputBytesMax = 4096;
constexpr auto kLingerMax = std::chrono::seconds(2);

}  // namespace

LiveReader::LiveReader(DetachedConnection connection, Kind kind, LiveReaderOwner& owner)
    : socket_(std::move(connection.socket)),
      io_thread_(connection.io_thread),
      kind_(kind),
      owner_(owner),
      own_(std::move(connection.head)) {}

void LiveReader::BoundSendBuffer(int bytes) {
  ErrorCode ignored;  // without it there is more memory in use, and nothing else is different
  socket_.set_option(asio::socket_base::send_buffer_size(bytes), ignored);
}

void LiveReader::Start() {
  Watch();
}

void LiveReader::Send(Bytes message) {
  TALLYD_CHECK(is_free() && open_);
  message_ = std::move(message);
  Flush();
}

void LiveReader::End(std::string message) {
  if (ending_ || !open_) return;
  ending_ = true;
  if (busy_) {
    later_ += message;
    return;
  }
  own_ += message;
  Flush();
}

void LiveReader::Flush() {
  const std::shared_ptr<LiveReader> alive = shared_from_this();
  if (!busy_) busy_since_ = io_thread_.coarse_now();
  busy_ = true;
  for (;;) {
    const std::size_t message_bytes = message_ == nullptr ? 0 : message_->size();
    if (sent_ == own_.size() + message_bytes) break;
    std::array<asio::const_buffer, 2> buffers;
    if (sent_ < own_.size()) {
      buffers[0] = asio::buffer(own_.data() + sent_, own_.size() - sent_);
      if (message_bytes > 0) buffers[1] = asio::buffer(*message_);
    } else {
      buffers[0] = asio::buffer(*message_) + (sent_ - own_.size());
    }
    ErrorCode error;
    const std::size_t sent = socket_.write_some(buffers, error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      socket_.async_wait(TcpSocket::wait_write, [self = shared_from_this()](const ErrorCode& why) {
        if (!self->open_) return;
        if (why) return self->Close();
        self->Flush();
      });
      return;
    }
    if (error) return Close();
    io_thread_.counters().bytes_sent.Add(sent);
    sent_ += sent;
    busy_since_ = io_thread_.coarse_now();
  }
  Sent();
}

void LiveReader::Sent() {
  std::string().swap(own_);
  message_.reset();
  sent_ = 0;
  if (!later_.empty()) {
    own_ = std::exchange(later_, {});
    return Flush();
  }
  busy_ = false;
  if (!ending_) return owner_.OnFree(*this);
  // The client closes when it has read the end; closing first could take it away.
  ended_ = true;
  busy_since_ = io_thread_.coarse_now();
  ErrorCode error;
  socket_.shutdown(TcpSocket::shutdown_send, error);
  if (error) Close();
}

void LiveReader::Watch() {
  socket_.async_wait(TcpSocket::wait_read, [self = shared_from_this()](const ErrorCode& error) {
    if (!self->open_) return;
    if (error) return self->Close();
    self->OnReadable();
  });
}

void LiveReader::OnReadable() {
  std::array<char, 512> bytes;
  ErrorCode error;
  const std::size_t size = socket_.read_some(asio::buffer(bytes), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return Watch();
  if (error) return Close();
  io_thread_.counters().bytes_received.Add(size);
  OnClientBytes({bytes.data(), size});
  if (open_) Watch();
}

void LiveReader::OnClientBytes(std::string_view bytes) {
  if (ending_) return;  // read to the end and thrown away
  if (kind_ == Kind::kEvents) {
    input_bytes_ += bytes.size();
    if (input_bytes_ > kEventsInputBytesMax) Close();
    return;
  }
  input_ += bytes;
  std::size_t done = 0;
  while (open_ && !ending_) {
    auto frame = ReadClientFrame(std::string_view(input_).substr(done));
    if (!frame) break;
    if (frame->close_code != 0) return End(WebSocketClose(frame->close_code));
    done += frame->bytes;
    OnClientFrame(frame->kind, std::move(frame->payload));
  }
  input_.erase(0, done);
}

void LiveReader::OnClientFrame(FrameKind kind, std::string&& payload) {
  if (kind == FrameKind::kClose) return End(WebSocketClose(AnswerToClose(payload)));
  if (kind != FrameKind::kPing) return;
  std::string pong = WebSocketFrame(FrameKind::kPong, payload);
  if (busy_) {
    later_ = std::move(pong);  // the newest ping is the one to be answered
    return;
  }
  own_ += pong;
  Flush();
}

bool LiveReader::CloseIfStuck(TimePoint now, std::chrono::milliseconds longest) {
  const bool stuck = busy_ && now - busy_since_ > longest;
  if (stuck || (ended_ && now - busy_since_ > kLingerMax)) Close();
  return stuck;
}

void LiveReader::Close() {
  if (!open_) return;
  open_ = false;
  ending_ = true;
  const std::shared_ptr<LiveReader> alive = shared_from_this();
  ErrorCode ignored;  // nothing is left to be done about it
  socket_.close(ignored);
  owner_.OnGone(*this);
}

}  // namespace tallyd
