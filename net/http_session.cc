#include "net/http_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/problem_response.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

HttpSession::HttpSession(StreamSocket socket, const ClientAddress& peer, IoThread& thread,
                         const Surroundings& surroundings, ConnectionToken token)
    : bytes_(std::move(socket)),
      peer_(peer),
      thread_(thread),
      surroundings_(surroundings),
      token_(std::move(token)),
      input_(surroundings.limits.read_buffer_bytes_start) {}

HttpSession::~HttpSession() = default;

void HttpSession::Start(std::optional<ProblemCode> refusal) {
  self_ = shared_from_this();
  open_ = true;
  refusal_ = refusal;
  thread_.AddSession(*this);
  bytes_.Prepare();
  if (surroundings_.tls == nullptr) return Welcome();
  reading_ = Reading::kHandshake;
  auto tls = surroundings_.tls->Accept(bytes_.native_handle());
  if (tls == nullptr) return Close();  // out of memory
  bytes_.BeginTls(std::move(tls));
  EnterPhase(Phase::kHandshake, surroundings_.limits.header_ms_max);
  ShakeHands();
}

// One step; called again whenever the socket allows the next.
void HttpSession::ShakeHands() {
  HttpMetrics& counters = thread_.counters();
  const auto go_on = [self = shared_from_this()](const ErrorCode& error) {
    if (!self->open_) return;
    if (error) return self->Close();
    self->ShakeHands();
  };
  switch (bytes_.tls().Handshake()) {
    case TlsStream::Step::kWantRead:
      return bytes_.WhenReadable(go_on);
    case TlsStream::Step::kWantWrite:
      return bytes_.WhenWritable(go_on);
    case TlsStream::Step::kDone:
      counters.tls_handshakes_done.Add();
      counters.tls_connections.Add();
      reading_ = Reading::kRequest;
      return Welcome();
    case TlsStream::Step::kRefused:
      counters.tls_handshakes_refused.Add();
      return EndFailedHandshake();
    case TlsStream::Step::kGone:
      counters.tls_handshakes_gone.Add();
      return Close();
  }
}

// The alert is out; closing at once, with bytes unread, could take it away from the client.
void HttpSession::EndFailedHandshake() {
  bytes_.AbandonTls();
  BeginLinger();
  if (open_) StartRead();
}

void HttpSession::Welcome() {
  EnterPhase(Phase::kIdle, surroundings_.limits.idle_ms_max);
  if (refusal_) Refuse(*refusal_);
  Pump();
}

// Does whatever can be done now: parse, send, read. Everything that changes the state ends here.
void HttpSession::Pump() {
  if (pumping_ || !open_) return;
  const std::shared_ptr<HttpSession> alive = shared_from_this();
  pumping_ = true;
  Step step = Step::kProgress;
  do {
    while (open_ && MayParse()) {
      step = ParseOne();
      if (step == Step::kNeedMore) break;
    }
    Flush();
    // A flush may have made room for requests that are in the buffer already.
  } while (open_ && step == Step::kProgress && MayParse());
  pumping_ = false;
  if (!open_) return;
  const bool said_all = answers_.is_finished() && answers_.unsent_bytes() == 0 && !write_pending_;
  if (said_all && reading_ != Reading::kLinger) BeginLinger();
  UpdatePhase();
  if (open_) StartRead();
}

void HttpSession::OnRoundEnd() {
  round_pending_ = false;
  Pump();
}

bool HttpSession::MayRead() const {
  if (read_pending_ || end_of_input_) return false;
  if (reading_ == Reading::kLinger) return true;
  if (reading_ == Reading::kStream) return !stream_.waiting;
  if (answers_.is_closing()) return false;
  return MayParse();
}

void HttpSession::StartRead() {
  if (!MayRead()) return;
  const SessionLimits& limits = surroundings_.limits;
  const std::size_t bytes_max =
      reading_ == Reading::kStream
          ? std::max(limits.stream_buffer_bytes, limits.read_buffer_bytes_start)
          : limits.header_bytes_max + kSmallBodyBytesMax + limits.read_buffer_bytes_start;
  const ReadBuffer::Space space = input_.Prepare(std::max(bytes_max, input_.size() + 1));
  read_pending_ = true;
  bytes_.AsyncReadSome(space.data, space.size,
                       [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
                         self->OnRead(error, bytes);
                       });
}

void HttpSession::OnRead(const ErrorCode& error, std::size_t bytes) {
  read_pending_ = false;
  if (!open_) return;
  if (error) {
    if (error == asio::error::eof) return OnEndOfInput();
    return Close();
  }
  thread_.counters().bytes_received.Add(bytes);
  if (reading_ == Reading::kLinger) {
    linger_bytes_ += bytes;
    input_.Clear();
    if (linger_bytes_ > surroundings_.limits.linger_bytes_max) return Close();
    return StartRead();
  }
  input_.Commit(bytes);
  stream_.window_bytes += bytes;
  Pump();
}

// The client sends no more; it may still be waiting for answers.
void HttpSession::OnEndOfInput() {
  end_of_input_ = true;
  if (reading_ == Reading::kLinger || reading_ == Reading::kStream) return Close();
  if (answers_.in_flight() == 0 && answers_.unsent_bytes() == 0) return Close();
  if (!answers_.is_closing()) answers_.CloseAfter(answers_.next_ticket() - 1);
  Pump();
}

void HttpSession::Flush() {
  if (!open_ || write_pending_) return;
  if (continue_ticket_ == answers_.front_ticket()) {
    // The client waits for leave to send the body, unless it has begun already.
    continue_ticket_ = AnswerQueue::kNoTicket;
    answers_.AppendInterim(kContinue);
  }
  while (answers_.unsent_bytes() > 0) {
    std::array<std::string_view, ByteStream::kGatherMax> views;
    const std::size_t count = answers_.Gather(views.data(), views.size());
    ErrorCode error;
    const std::size_t sent = bytes_.WriteSome(views.data(), count, error);
    if (WouldBlock(error)) return FlushWhenWritable();
    if (error) return Close();
    thread_.counters().bytes_sent.Add(sent);
    answers_.Sent(sent);
  }
}

void HttpSession::FlushWhenWritable() {
  write_pending_ = true;
  write_deadline_ =
      thread_.coarse_now() + std::chrono::milliseconds(surroundings_.limits.write_ms_max);
  bytes_.WhenWritable([self = shared_from_this()](const ErrorCode& error) {
    self->write_pending_ = false;
    if (!self->open_) return;
    if (error) return self->Close();
    self->Pump();
  });
}

// The last answer has been sent. Closing now while the client still sends would reset the
// connection and could take the answer away from it: say we are done, read on a little.
void HttpSession::BeginLinger() {
  ErrorCode error;
  bytes_.ShutdownSend(error);
  if (WouldBlock(error)) return FlushWhenWritable();  // and from there to here again
  reading_ = Reading::kLinger;
  input_.Clear();
  if (error || end_of_input_) return Close();
  EnterPhase(Phase::kLinger, surroundings_.limits.linger_ms_max);
}

void HttpSession::CloseIfIdle() {
  TALLYD_DCHECK(draining_);
  UpdatePhase();
}

void HttpSession::Close() {
  if (!open_) return;
  open_ = false;  // what the stream's sink answers now goes nowhere
  AbortStream();
  Leave();
  bytes_.Close();
}

void HttpSession::Leave() {
  if (bytes_.is_tls() && reading_ != Reading::kHandshake) {
    thread_.counters().tls_connections.Subtract();
  }
  thread_.RemoveSession(*this);
  token_.reset();
  // Whoever called holds a reference of their own.
  self_.reset();
}

void HttpSession::EnterPhase(Phase phase, int ms) {
  phase_ = phase;
  phase_ticket_ = answers_.next_ticket();
  phase_deadline_ = thread_.coarse_now() + std::chrono::milliseconds(ms);
}

// Which deadline holds now. A phase that goes on keeps the deadline it began with.
void HttpSession::UpdatePhase() {
  if (!open_ || reading_ == Reading::kLinger) return;
  if (reading_ == Reading::kHandshake) {
    if (draining_) Close();
    return;
  }
  const SessionLimits& limits = surroundings_.limits;
  const auto stay_or_enter = [&](Phase phase, int ms) {
    if (phase_ != phase || phase_ticket_ != answers_.next_ticket()) EnterPhase(phase, ms);
  };
  if (reading_ == Reading::kStream) return stay_or_enter(Phase::kStream, limits.stream_ms_max);
  if (awaited_bytes_ > 0 || discard_bytes_ > 0) {
    return stay_or_enter(Phase::kBody, limits.body_ms_max);
  }
  const bool waits_for_us = answers_.is_closing() || !MayParse();
  // The empty line that some clients send behind a body does not begin a request.
  const bool began = !input_.empty() && input_.data() != "\r\n";
  if (began && !waits_for_us) return stay_or_enter(Phase::kHeader, limits.header_ms_max);
  if (answers_.in_flight() > 0 || answers_.unsent_bytes() > 0) {
    phase_ = Phase::kBusy;
    return;
  }
  if (draining_) return Close();
  stay_or_enter(Phase::kIdle, limits.idle_ms_max);
}

void HttpSession::OnSweep(TimePoint now) {
  if (write_pending_ && now >= write_deadline_) {
    thread_.counters().timeouts_write.Add();
    return Close();
  }
  if (phase_ == Phase::kBusy) return;
  if (now >= phase_deadline_) return OnPhaseTimeout();
  if (phase_ == Phase::kStream) OnStreamSweep(now);
}

void HttpSession::OnPhaseTimeout() {
  HttpMetrics& counters = thread_.counters();
  switch (phase_) {
    case Phase::kBusy:
      return;
    case Phase::kHandshake:
      counters.tls_handshakes_late.Add();
      return Close();
    case Phase::kIdle:
      counters.timeouts_idle.Add();
      return Close();
    case Phase::kLinger:
      return Close();
    case Phase::kStream:
      counters.timeouts_body.Add();
      return Close();
    case Phase::kHeader:
    case Phase::kBody:
      (phase_ == Phase::kHeader ? counters.timeouts_header : counters.timeouts_body).Add();
      if (reading_ == Reading::kDiscard) return Close();  // that request has its answer
      Refuse(ProblemCode::kRequestTimeout);
      return Pump();
  }
}

// A stream must move while we are willing to read; time the consumer took does not count.
void HttpSession::OnStreamSweep(TimePoint now) {
  if (stream_.waiting) return;
  const SessionLimits& limits = surroundings_.limits;
  if (now - stream_.window_start < std::chrono::milliseconds(limits.stream_window_ms)) return;
  if (stream_.window_bytes < limits.stream_window_bytes_min) {
    thread_.counters().timeouts_body.Add();
    return Close();
  }
  stream_.window_start = now;
  stream_.window_bytes = 0;
}

}  // namespace tallyd
