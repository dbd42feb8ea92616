#include "net/live_reader.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "storage/check.h"

namespace tallyd {
namespace {

// What a client may say to a stream of events (nothing is asked of it).
constexpr std::size_t kEventsInputBytesMax = 4096;
constexpr auto kLingerMax = std::chrono::seconds(2);

}  // namespace

LiveReader::LiveReader(DetachedConnection connection, Kind kind, LiveReaderOwner& owner)
    : bytes_(std::move(connection.stream)),
      io_thread_(connection.io_thread),
      kind_(kind),
      owner_(owner),
      own_(std::move(connection.head)) {}

void LiveReader::BoundSendBuffer(int bytes) {
  bytes_.BoundSendBuffer(bytes);
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
    std::array<std::string_view, 2> views;
    std::size_t count = 0;
    const std::string_view own = std::string_view(own_).substr(std::min(sent_, own_.size()));
    if (!own.empty()) views[count++] = own;
    if (message_bytes > 0) {
      views[count++] = std::string_view(*message_).substr(sent_ - std::min(sent_, own_.size()));
    }
    ErrorCode error;
    const std::size_t sent = bytes_.WriteSome(views.data(), count, error);
    if (WouldBlock(error)) return FlushWhenWritable();
    if (error) return Close();
    io_thread_.counters().bytes_sent.Add(sent);
    sent_ += sent;
    busy_since_ = io_thread_.coarse_now();
  }
  Sent();
}

void LiveReader::FlushWhenWritable() {
  bytes_.WhenWritable([self = shared_from_this()](const ErrorCode& error) {
    if (!self->open_) return;
    if (error) return self->Close();
    self->Flush();
  });
}

void LiveReader::Sent() {
  std::string().swap(own_);
  message_.reset();
  sent_ = 0;
  if (!later_.empty()) {
    own_ = std::exchange(later_, {});
    return Flush();
  }
  if (ending_) return EndOutput();
  busy_ = false;
  owner_.OnFree(*this);
}

// The client closes when it has read the end; closing first could take it away.
void LiveReader::EndOutput() {
  ErrorCode error;
  bytes_.ShutdownSend(error);
  if (WouldBlock(error))
    return FlushWhenWritable();  // still busy: nothing is sent, then here again
  busy_ = false;
  ended_ = true;
  busy_since_ = io_thread_.coarse_now();
  if (error) Close();
}

void LiveReader::Watch() {
  bytes_.WhenReadable([self = shared_from_this()](const ErrorCode& error) {
    if (!self->open_) return;
    if (error) return self->Close();
    self->OnReadable();
  });
}

void LiveReader::OnReadable() {
  std::array<char, 512> bytes;
  ErrorCode error;
  const std::size_t size = bytes_.ReadSome(bytes.data(), bytes.size(), error);
  if (WouldBlock(error)) return Watch();
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
  bytes_.Close();
  owner_.OnGone(*this);
}

}  // namespace tallyd
