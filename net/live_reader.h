#pragma once

// One connection that follows a ranking, by server-sent events or a WebSocket.
//
// It sends one message at a time, whose bytes it shares with every other reader, and keeps no
// queue: while one is on its way whoever has news waits until is_free() and then sends the newest.
// What a client says is answered (ping, close) or ignored; too much of it ends the connection. One
// io thread. About 400 bytes and no buffer while nothing is on its way.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net/client_address.h"
#include "net/detached_connection.h"
#include "net/io_thread.h"
#include "net/web_socket.h"
#include "storage/records.h"

namespace tallyd {

class LiveReader;

class LiveReaderOwner {
 public:
  virtual ~LiveReaderOwner() = default;
  // Its message has left; it may take the next one.
  virtual void OnFree(LiveReader& reader) = 0;
  // It is closed; the owner lets go of it.
  virtual void OnGone(LiveReader& reader) = 0;
};

class LiveReader final : public std::enable_shared_from_this<LiveReader> {
 public:
  enum class Kind : std::uint8_t { kEvents, kWebSocket };
  using Bytes = std::shared_ptr<const std::string>;
  using TimePoint = IoThread::TimePoint;

  LiveReader(DetachedConnection connection, Kind kind, LiveReaderOwner& owner);

  // Else the kernel takes megabytes for a reader that is slow.
  void BoundSendBuffer(int bytes);
  // Begins to watch what the client does. The head goes out with the first message.
  void Start();
  Kind kind() const { return kind_; }
  bool is_free() const { return !busy_ && !ending_; }
  // Only while is_free().
  void Send(Bytes message);
  // The last words; may be said at any time, after what is on its way.
  void End(std::string message);
  // At once.
  void Close();
  // Closes one whose bytes nobody has taken for `longest` (then true), or who does not go after the
  // last words.
  bool CloseIfStuck(TimePoint now, std::chrono::milliseconds longest);

  // The owner's notes.
  PollNumber poll = 0;
  Position position = 0;       // of the version sent last
  bool fresh = true;           // nothing was sent yet
  std::size_t ring_index = 0;  // places in the owner's lists
  std::size_t channel_index = 0;
  std::size_t beat = 0;  // when it is told that we are still here
  std::size_t beat_index = 0;
  ClientAddress client;  // as it entered the census

 private:
  void Flush();
  void FlushWhenWritable();
  void Sent();
  void EndOutput();
  void Watch();
  void OnReadable();
  void OnClientBytes(std::string_view bytes);
  void OnClientFrame(FrameKind kind, std::string&& payload);

  ByteStream bytes_;
  IoThread& io_thread_;
  const Kind kind_;
  LiveReaderOwner& owner_;
  std::string own_;  // goes first: the head, an answer to a ping, last words
  Bytes message_;
  std::size_t sent_ = 0;  // of own_ and message_ together
  std::string later_;     // own words that wait for what is on its way
  std::string input_;     // an incomplete frame of the client
  std::size_t input_bytes_ = 0;
  bool open_ = true;
  bool busy_ = false;
  bool ending_ = false;  // nothing but last words follow
  bool ended_ = false;   // and they are out
  TimePoint busy_since_;
};

}  // namespace tallyd
