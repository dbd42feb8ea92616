#pragma once

// One io thread: an event loop that owns its sessions; nothing of a session is touched elsewhere.
//
// Post() may be called from any thread and is the only way in from outside; one call is one wake-up
// at most, so post a batch of answers together. AtEndOfRound() is for the io thread itself: its
// function runs once after the requests of all sockets that were ready together have been parsed,
// which is when what they enqueued goes to the engine in one push; answers given meanwhile leave
// after it, one send per connection.
// Functions still waiting when the loop ends are destroyed unrun.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"

#include "net/http_metrics.h"

namespace boost::asio {
class io_context;
}

namespace tallyd {

class HttpSession;

class IoThread {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  IoThread(int index, int route_count, std::chrono::milliseconds sweep_interval);
  // Stop() must have been called if Start() was.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void Start();
  // Ends the loop and joins. Sessions still open are closed, unsent answers lost.
  void Stop();

  // Any thread.
  int index() const { return index_; }
  void Post(absl::AnyInvocable<void()> function);
  const HttpMetrics& metrics() const { return metrics_; }
  boost::asio::io_context& context() { return *context_; }

  // This thread only, from here on. Every call adds one function: a caller with many requests in a
  // round asks once and remembers that it did.
  void AtEndOfRound(absl::AnyInvocable<void()> function);
  HttpMetrics& counters() { return metrics_; }
  // Accurate to the sweep interval; good enough for deadlines, free to ask.
  TimePoint coarse_now() const { return coarse_now_; }
  // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", made once a second.
  std::string_view date_line() const { return date_line_; }
  // Writes a fresh id into `out` (at least 32 bytes), returns its length.
  std::size_t NextRequestId(char* out);

  void AddSession(HttpSession& session);
  void RemoveSession(HttpSession& session);
  // The session has answers to send; it is called back at the end of the round.
  void PumpAtEndOfRound(std::shared_ptr<HttpSession> session);
  // Tells all sessions that the server ends: idle ones close, others after their answers. What has
  // reached the sockets by now is read first.
  void BeginDrain();
  void CloseSessions();

 private:
  struct Timer;

  void ScheduleRound();
  void RunEndOfRound();
  void ScheduleSweep();
  void Sweep();
  void RefreshClock();
  template <typename Visitor>
  void ForEachSession(Visitor visit);

  const int index_;
  const std::chrono::milliseconds sweep_interval_;
  HttpMetrics metrics_;
  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<Timer> timer_;
  std::thread thread_;
  HttpSession* first_session_ = nullptr;
  bool round_scheduled_ = false;
  std::vector<absl::AnyInvocable<void()>> round_functions_;
  std::vector<std::shared_ptr<HttpSession>> round_sessions_;
  TimePoint coarse_now_;
  std::int64_t date_second_ = -1;
  char date_line_[40] = {};
  char id_prefix_[16] = {};
  std::size_t id_prefix_size_ = 0;
  std::uint64_t id_counter_ = 0;
};

}  // namespace tallyd
