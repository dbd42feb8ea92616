#include "net/io_thread.h"

#include <pthread.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <utility>

#include "net/asio.h"
#include "net/http_session.h"

namespace tallyd {
namespace {

// Functions of one round may call for another end of round (an inline commit answers at once);
// after this many in a row the sockets get their turn.
constexpr int kRoundRepeatsMax = 8;

}  // namespace

struct IoThread::Timer {
  explicit Timer(asio::io_context& context)
      : work(context.get_executor()), sweep(context.get_executor()) {}

  asio::executor_work_guard<IoExecutor> work;
  SteadyTimer sweep;
};

IoThread::IoThread(int index, int route_count, std::chrono::milliseconds sweep_interval)
    : index_(index),
      sweep_interval_(sweep_interval),
      metrics_(route_count),
      context_(std::make_unique<asio::io_context>(1)),
      timer_(std::make_unique<Timer>(*context_)) {
  // Ids need to be told apart, not to be secret.
  std::random_device random;
  const int size = std::snprintf(id_prefix_, sizeof id_prefix_, "%08x%x-", random(), index);
  id_prefix_size_ = static_cast<std::size_t>(size);
  RefreshClock();
}

IoThread::~IoThread() {
  // Handlers that never ran hold sessions; they go while the rest of this object is still there.
  timer_.reset();
  context_.reset();
}

void IoThread::Start() {
  ScheduleSweep();
  thread_ = std::thread([this] { context_->run(); });
  // For whoever looks with top -H or a debugger.
  pthread_setname_np(thread_.native_handle(), ("tallyd-io-" + std::to_string(index_)).c_str());
}

void IoThread::Stop() {
  if (!thread_.joinable()) return;
  Post([this] {
    CloseSessions();
    context_->stop();
  });
  thread_.join();
  round_functions_.clear();
  round_sessions_.clear();
}

void IoThread::Post(absl::AnyInvocable<void()> function) {
  asio::post(context_->get_executor(), [function = std::move(function)]() mutable { function(); });
}

void IoThread::AtEndOfRound(absl::AnyInvocable<void()> function) {
  round_functions_.push_back(std::move(function));
  ScheduleRound();
}

void IoThread::PumpAtEndOfRound(std::shared_ptr<HttpSession> session) {
  round_sessions_.push_back(std::move(session));
  ScheduleRound();
}

void IoThread::ScheduleRound() {
  if (round_scheduled_) return;
  round_scheduled_ = true;
  // What is posted from within the loop runs after every handler that is ready already.
  asio::post(context_->get_executor(), [this] { RunEndOfRound(); });
}

void IoThread::RunEndOfRound() {
  for (int i = 0; i < kRoundRepeatsMax; ++i) {
    if (round_functions_.empty() && round_sessions_.empty()) break;
    std::vector<absl::AnyInvocable<void()>> functions;
    functions.swap(round_functions_);
    for (auto& function : functions) function();
    std::vector<std::shared_ptr<HttpSession>> sessions;
    sessions.swap(round_sessions_);
    for (const auto& session : sessions) session->OnRoundEnd();
    // Keep the memory of the larger generation.
    functions.clear();
    sessions.clear();
    if (round_functions_.empty()) round_functions_.swap(functions);
    if (round_sessions_.empty()) round_sessions_.swap(sessions);
  }
  round_scheduled_ = false;
  if (!round_functions_.empty() || !round_sessions_.empty()) ScheduleRound();
}

std::size_t IoThread::NextRequestId(char* out) {
  std::memcpy(out, id_prefix_, id_prefix_size_);
  char* const end = std::to_chars(out + id_prefix_size_, out + 32, ++id_counter_, 36).ptr;
  return static_cast<std::size_t>(end - out);
}

void IoThread::AddSession(HttpSession& session) {
  session.next_session_ = first_session_;
  session.previous_session_ = nullptr;
  if (first_session_ != nullptr) first_session_->previous_session_ = &session;
  first_session_ = &session;
  metrics_.connections_opened.Add();
  metrics_.connections_open.Add();
}

void IoThread::RemoveSession(HttpSession& session) {
  HttpSession* const next = session.next_session_;
  HttpSession* const previous = session.previous_session_;
  (previous != nullptr ? previous->next_session_ : first_session_) = next;
  if (next != nullptr) next->previous_session_ = previous;
  session.next_session_ = session.previous_session_ = nullptr;
  metrics_.connections_open.Subtract();
}

template <typename Visitor>
void IoThread::ForEachSession(Visitor visit) {
  // A visit may close the session it is at, and no other.
  for (HttpSession* session = first_session_; session != nullptr;) {
    HttpSession* const next = session->next_session_;
    const std::shared_ptr<HttpSession> alive = session->shared_from_this();
    visit(*alive);
    session = next;
  }
}

void IoThread::BeginDrain() {
  ForEachSession([](HttpSession& session) { session.BeginDrain(); });
  // A session whose request lies unread in the socket is not idle: the first step lets the event
  // loop look at all sockets, the second lets it run what it found.
  Post([this] {
    Post([this] { ForEachSession([](HttpSession& session) { session.CloseIfIdle(); }); });
  });
}

void IoThread::CloseSessions() {
  ForEachSession([](HttpSession& session) { session.Close(); });
}

void IoThread::ScheduleSweep() {
  timer_->sweep.expires_after(sweep_interval_);
  timer_->sweep.async_wait([this](const ErrorCode& error) {
    if (error) return;
    Sweep();
    ScheduleSweep();
  });
}

void IoThread::Sweep() {
  RefreshClock();
  ForEachSession([this](HttpSession& session) { session.OnSweep(coarse_now_); });
}

void IoThread::RefreshClock() {
  coarse_now_ = std::chrono::steady_clock::now();
  const std::time_t now = std::time(nullptr);
  if (now == date_second_) return;
  date_second_ = now;
  std::tm utc{};
  gmtime_r(&now, &utc);
  // Not strftime: names of days and months must not follow a locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::snprintf(date_line_, sizeof date_line_, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900,
                utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace tallyd
