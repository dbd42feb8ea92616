#include "tools/tallyload/load_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tallyd {
namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr unsigned long kTimerSlackNs = 1'000;    // NOLINT(google-runtime-int): prctl's type
constexpr std::int64_t kDrainNs = 5'000'000'000;  // how long answers are waited for at the end

std::int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A connection: what is still to be sent, and when each request in flight was due.
struct Connection {
  int fd = -1;
  std::string out;
  std::size_t out_sent = 0;
  std::deque<std::int64_t> in_flight;
  AnswerReader reader;
  bool wants_write = false;
  bool is_free = false;  // in the list of those that may send
};

class Loop {
 public:
  Loop(const LoadOptions& options, LoadPlan* plan) : options_(options), plan_(plan) {}
  ~Loop() {
    for (const auto& connection : connections_) {
      if (connection->fd >= 0) close(connection->fd);
    }
    if (epoll_ >= 0) close(epoll_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  absl::Status Connect();
  void Run();
  LoadResult TakeResult() const { return result_; }

 private:
  bool Open(Connection* connection);
  void Lose(Connection* connection);
  void SendDue(std::int64_t now);
  void GiveUp(std::int64_t now);
  void Fill(Connection* connection, std::int64_t now);
  void Append(Connection* connection, std::int64_t due, std::int64_t now);
  void Flush(Connection* connection);
  void Read(Connection* connection);
  void Handle(const epoll_event& event);
  void TakeAnswers(Connection* connection, std::int64_t now);
  void MarkFree(Connection* connection);
  bool MaySend() const;
  std::int64_t NextDueNs() const;
  int Wait(std::int64_t now, epoll_event* events, int events_max) const;
  void Report(std::int64_t now);
  void BeginMeasuring(std::int64_t now);

  const LoadOptions& options_;
  LoadPlan* plan_;
  int epoll_ = -1;
  sockaddr_in address_{};
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Connection*> free_;
  std::uint64_t sent_ = 0;
  std::uint64_t in_flight_ = 0;
  std::int64_t begin_ns_ = 0;
  std::int64_t measure_ns_ = 0;
  std::int64_t end_ns_ = 0;
  bool sending_ = true;
  bool measuring_ = false;
  double cpu_begin_ = 0;
  std::int64_t report_ns_ = 0;
  std::uint64_t report_votes_ = 0;
  LoadResult result_;
};

bool Loop::Open(Connection* connection) {
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) return false;
  const int on = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(connection->fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0) {
    close(connection->fd);
    connection->fd = -1;
    return false;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = connection;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event);
  return true;
}

absl::Status Loop::Connect() {
  address_.sin_family = AF_INET;
  address_.sin_port = htons(options_.port);
  if (inet_pton(AF_INET, options_.host.c_str(), &address_.sin_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(options_.host, " is not an IPv4 address"));
  }
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  for (std::uint32_t i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>());
    if (!Open(connections_.back().get())) {
      return absl::UnavailableError(absl::StrCat("connection ", i + 1, " of ", options_.connections,
                                                 " to ", options_.host, ":", options_.port, ": ",
                                                 std::generic_category().message(errno)));
    }
    MarkFree(connections_.back().get());
  }
  return absl::OkStatus();
}

void Loop::MarkFree(Connection* connection) {
  if (connection->is_free || connection->fd < 0) return;
  connection->is_free = true;
  free_.push_back(connection);
}

bool Loop::MaySend() const {
  return sending_ && !plan_->is_exhausted() &&
         (options_.requests_max == 0 || sent_ < options_.requests_max);
}

void Loop::Append(Connection* connection, std::int64_t due, std::int64_t now) {
  plan_->AppendNext(&connection->out);
  connection->in_flight.push_back(due);
  ++sent_;
  ++in_flight_;
  if (measuring_ && options_.rate > 0) result_.lateness.Add(now - due);
}

void Loop::Fill(Connection* connection, std::int64_t now) {
  while (connection->in_flight.size() < options_.pipeline && MaySend())
    Append(connection, now, now);
}

// Clients whose request found no room for too long have gone away.
void Loop::GiveUp(std::int64_t now) {
  if (options_.rate <= 0 || options_.give_up_ms <= 0) return;
  const auto patience_ns = static_cast<std::int64_t>(options_.give_up_ms * 1e6);
  while (MaySend() && NextDueNs() < now - patience_ns) {
    ++sent_;
    if (measuring_) ++result_.given_up;
  }
}

// Gives every request that is due to a connection with room, in turn; closed loop: fills all.
void Loop::SendDue(std::int64_t now) {
  while (!free_.empty() && MaySend()) {
    const std::int64_t due = options_.rate > 0 ? NextDueNs() : now;
    if (due > now) return;
    Connection* const connection = free_.front();
    free_.pop_front();
    connection->is_free = false;
    if (options_.rate > 0) {
      Append(connection, due, now);
    } else {
      Fill(connection, now);
    }
    Flush(connection);
    if (connection->in_flight.size() < options_.pipeline && MaySend()) MarkFree(connection);
  }
}

void Loop::Flush(Connection* connection) {
  while (connection->out_sent < connection->out.size()) {
    const ssize_t sent =
        send(connection->fd, connection->out.data() + connection->out_sent,
             connection->out.size() - connection->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return Lose(connection);
      break;
    }
    connection->out_sent += static_cast<std::size_t>(sent);
  }
  const bool rest = connection->out_sent < connection->out.size();
  if (!rest) {
    connection->out.clear();
    connection->out_sent = 0;
  }
  if (rest != connection->wants_write) {
    connection->wants_write = rest;
    epoll_event event{};
    event.events = rest ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = connection;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd, &event);
  }
}

// What was in flight is unknown: neither counted nor refused. The connection is made anew.
void Loop::Lose(Connection* connection) {
  ++result_.connections_lost;
  if (measuring_)
    result_.counts.unknown += connection->in_flight.size() * plan_->votes_in_request();
  in_flight_ -= connection->in_flight.size();
  connection->in_flight.clear();
  connection->out.clear();
  connection->out_sent = 0;
  connection->wants_write = false;
  connection->reader.Reset();
  close(connection->fd);
  connection->fd = -1;
  if (Open(connection)) MarkFree(connection);
}

void Loop::TakeAnswers(Connection* connection, std::int64_t now) {
  LoadCounts counts;
  while (!connection->in_flight.empty()) {
    bool closes = false;
    const std::uint64_t accepted_before = counts.accepted();
    const auto found = connection->reader.Next(plan_->votes_in_request(), &counts, &closes);
    if (found == AnswerReader::Found::kMore) break;
    if (found == AnswerReader::Found::kBroken) return Lose(connection);
    if (measuring_) {
      const std::int64_t latency_ns = now - connection->in_flight.front();
      result_.latency.Add(latency_ns);
      if (counts.accepted() > accepted_before) result_.accepted.Add(latency_ns);
      ++result_.requests;
    }
    connection->in_flight.pop_front();
    --in_flight_;
    if (closes) return Lose(connection);
  }
  if (measuring_) result_.counts.Add(counts);
  if (connection->in_flight.size() < options_.pipeline) MarkFree(connection);
}

void Loop::Read(Connection* connection) {
  char* const room = connection->reader.Room(kReceiveBytes);
  const ssize_t received = recv(connection->fd, room, kReceiveBytes, MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) return Lose(connection);
  connection->reader.Received(static_cast<std::size_t>(received));
  TakeAnswers(connection, NowNs());
}

std::int64_t Loop::NextDueNs() const {
  return begin_ns_ + static_cast<std::int64_t>(static_cast<double>(sent_) * 1e9 / options_.rate);
}

// Sleeps until something is readable or the next request is due.
int Loop::Wait(std::int64_t now, epoll_event* events, int events_max) const {
  std::int64_t wait_ns = 100'000'000;
  if (options_.rate > 0 && !free_.empty() && MaySend()) {
    wait_ns = std::clamp<std::int64_t>(NextDueNs() - now, 0, wait_ns);
  }
  const timespec timeout{.tv_sec = 0, .tv_nsec = wait_ns};
  return epoll_pwait2(epoll_, events, events_max, &timeout, nullptr);
}

void Loop::BeginMeasuring(std::int64_t now) {
  measuring_ = true;
  measure_ns_ = now;
  cpu_begin_ = CpuSeconds();
}

void Loop::Report(std::int64_t now) {
  if (!options_.progress || now < report_ns_) return;
  const std::uint64_t votes = result_.votes();
  options_.progress(absl::StrFormat("%6.1f s  %9d votes/s  in flight %d  refused %d  unknown %d",
                                    static_cast<double>(now - begin_ns_) / 1e9,
                                    votes - report_votes_, in_flight_, result_.counts.refused,
                                    result_.counts.unknown));
  report_votes_ = votes;
  report_ns_ = now + 1'000'000'000;
}

void Loop::Handle(const epoll_event& event) {
  auto* const connection = static_cast<Connection*>(event.data.ptr);
  if (connection->fd >= 0 && (event.events & EPOLLOUT) != 0) Flush(connection);
  if (connection->fd >= 0 && (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    Read(connection);
}

void Loop::Run() {
  std::array<epoll_event, 512> events;
  // The kernel's 50 us would make every paced request late by as much.
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  begin_ns_ = NowNs();
  report_ns_ = begin_ns_ + 1'000'000'000;
  const std::int64_t warm_ns = begin_ns_ + static_cast<std::int64_t>(options_.warmup_seconds * 1e9);
  const std::int64_t stop_ns = warm_ns + static_cast<std::int64_t>(options_.seconds * 1e9);
  for (;;) {
    std::int64_t now = NowNs();
    if (sending_ && !measuring_ && now >= warm_ns) BeginMeasuring(now);
    if (sending_ && (now >= stop_ns || !MaySend())) {
      sending_ = false;
      end_ns_ = now;
      // Answers that come after the end would count work of the drain: the figures stop here, but
      // for a run of a fixed number of requests, which ends with the last answer.
      if (options_.requests_max == 0) measuring_ = false;
    }
    if (!sending_ && (in_flight_ == 0 || now > end_ns_ + kDrainNs)) break;
    GiveUp(now);
    SendDue(now);
    const int ready = Wait(NowNs(), events.data(), static_cast<int>(events.size()));
    for (int i = 0; i < ready; ++i) Handle(events[static_cast<std::size_t>(i)]);
    Report(now);
  }
  if (options_.requests_max != 0) end_ns_ = NowNs();
  result_.seconds = static_cast<double>(end_ns_ - measure_ns_) / 1e9;
  result_.cpu_seconds = CpuSeconds() - cpu_begin_;
}

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options, LoadPlan* plan) {
  Loop loop(options, plan);
  if (absl::Status connected = loop.Connect(); !connected.ok()) return connected;
  loop.Run();
  return loop.TakeResult();
}

}  // namespace tallyd
