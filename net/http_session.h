#pragma once

// One connection: reads all there is, handles every complete request in it, answers in order.
//
// The read loop is ours (DESIGN.md D9): one read_some into one bounded buffer, all complete
// requests of it handed to their handlers, all answers that are ready in one gather write. Handlers
// may answer later; at most `pipelined_requests_max` are in flight, then reading pauses. A refused
// header is answered, and the connection closes slowly enough for the client to read why.
//
// Over TLS the handshake comes first; everything after it is the same (net/byte_stream.h).
//
// Phases and their deadlines (SessionLimits) are looked at by OnSweep(), called by the io thread
// for all its sessions: a drip of bytes never extends a phase. The session owns itself while it is
// open and is only ever touched by its io thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "net/answer_queue.h"
#include "net/byte_stream.h"
#include "net/client_address.h"
#include "net/connection_counts.h"
#include "net/http_request.h"
#include "net/http_response.h"
#include "net/io_thread.h"
#include "net/read_buffer.h"
#include "net/request_gate.h"
#include "net/request_header.h"
#include "net/request_parser.h"
#include "net/response_head.h"
#include "net/router.h"
#include "net/server_options.h"
#include "net/tls_acceptor.h"

namespace tallyd {

class HttpSession final : public ResponseSink, public std::enable_shared_from_this<HttpSession> {
 public:
  // What every session of a listener shares; outlives them.
  struct Surroundings {
    const Router& router;
    const SessionLimits& limits;
    ListenerKind listener;
    RequestGate* gate = nullptr;       // null: everybody may ask as often as they like
    const TlsAcceptor* tls = nullptr;  // null: plain HTTP
  };
  using TimePoint = IoThread::TimePoint;

  HttpSession(StreamSocket socket, const ClientAddress& peer, IoThread& thread,
              const Surroundings& surroundings, ConnectionToken token);
  ~HttpSession() override;

  // With a refusal: it is answered without reading a request, and the connection closes.
  void Start(std::optional<ProblemCode> refusal);
  // From now on answers say that the connection closes; CloseIfIdle() then ends it if none is owed.
  void BeginDrain() { draining_ = true; }
  void CloseIfIdle();
  void OnSweep(TimePoint now);
  void OnRoundEnd();
  // At once: unsent answers are lost, a streamed body is aborted.
  void Close();

  void Answer(std::uint64_t ticket, HttpResponse&& response) override;
  void AnswerRaw(std::uint64_t ticket, int status, std::string_view header_lines,
                 std::string_view body) override;
  void AnswerDropped(std::uint64_t ticket) override;
  IoThread& io_thread() override { return thread_; }
  std::unique_ptr<DetachedConnection> Detach(std::uint64_t ticket, int status,
                                             std::string_view header_lines) override;

 private:
  friend class IoThread;

  enum class Reading : std::uint8_t { kHandshake, kRequest, kStream, kDiscard, kLinger };
  enum class Phase : std::uint8_t { kHandshake, kIdle, kHeader, kBody, kBusy, kStream, kLinger };
  enum class Step : std::uint8_t { kProgress, kNeedMore };

  struct Stream {
    std::unique_ptr<BodySink> sink;
    std::uint64_t ticket = AnswerQueue::kNoTicket;
    std::uint64_t remaining_bytes = 0;
    std::size_t chunk_bytes = 0;
    bool waiting = false;  // for the consumer to call resume
    std::uint64_t serial = 0;
    TimePoint waiting_since;
    TimePoint window_start;
    std::uint64_t window_bytes = 0;
  };

  // http_session.cc: bytes in and out.
  void ShakeHands();
  void EndFailedHandshake();
  void Welcome();
  void Pump();
  void StartRead();
  void OnRead(const ErrorCode& error, std::size_t bytes);
  void OnEndOfInput();
  void Flush();
  void FlushWhenWritable();
  void BeginLinger();
  // It counts no more among the thread's and the listener's.
  void Leave();
  bool MayRead() const;
  void UpdatePhase();
  void EnterPhase(Phase phase, int ms);
  void OnPhaseTimeout();
  void OnStreamSweep(TimePoint now);

  // http_session_requests.cc: requests to handlers, answers to bytes.
  bool MayParse() const;
  Step ParseOne();
  Step ParseRequest();
  Step HandleHeader(std::string_view block);
  // False: the client asked too often, and was answered so.
  bool PassGate(HttpRequest& request, const HeaderFacts& facts);
  Step AwaitBody(const HeaderFacts& facts, std::uint64_t bytes);
  Step RefuseRoute(HttpRequest& request, const HeaderFacts& facts, HttpResponse&& response,
                   const Router::Match& match);
  Step StartStream(HttpRequest& request, const HeaderFacts& facts, const Router::Route& route);
  Step FeedStream();
  Step DiscardBody();
  void ResumeStream(std::uint64_t serial);
  void EndStream();
  void AbortStream();
  void ConsumeRequest(std::size_t bytes);
  void Refuse(ProblemCode problem, HttpRequest* request = nullptr);
  // Whether the header alone is reason enough not to hand the request to a route.
  static bool IsRefused(const HttpRequest& request, const Router::Match& match);
  HttpResponse RefusalOf(const HttpRequest& request, const Router::Match& match) const;
  // Also gives the request its id.
  std::uint64_t OpenSlot(HttpRequest& request, bool keep_alive, int route_index);
  // Null if nobody will read the answer. Decides whether the connection closes after it.
  AnswerSlot* BeginAnswer(std::uint64_t ticket, bool close);
  AnswerFrame FrameOf(const AnswerSlot& slot) const;
  void CountAnswer(int route_index, int status);
  void FinishAnswer(std::uint64_t ticket, int route_index, int status,
                    std::shared_ptr<const std::string> shared_body);

  ByteStream bytes_;
  const ClientAddress peer_;
  IoThread& thread_;
  const Surroundings& surroundings_;
  std::optional<ConnectionToken> token_;
  std::shared_ptr<HttpSession> self_;  // while open

  ReadBuffer input_;
  HeaderScanner scanner_;
  RequestHeader header_;
  AnswerQueue answers_;
  Stream stream_;
  std::optional<ProblemCode> refusal_;
  Reading reading_ = Reading::kRequest;
  Phase phase_ = Phase::kIdle;
  bool open_ = false;
  bool pumping_ = false;
  bool round_pending_ = false;
  bool read_pending_ = false;
  bool write_pending_ = false;
  bool end_of_input_ = false;
  bool draining_ = false;
  RateLimitNote rate_limit_;         // for the next slot
  std::uint64_t awaited_bytes_ = 0;  // header and body of the request whose body is on its way
  std::uint64_t discard_bytes_ = 0;  // of a body nobody wants
  std::uint64_t linger_bytes_ = 0;
  // The ticket whose "100 Continue" has to be sent once everything before it is answered.
  std::uint64_t continue_ticket_ = AnswerQueue::kNoTicket;
  std::uint64_t phase_ticket_ = 0;
  TimePoint phase_deadline_;
  TimePoint write_deadline_;

  HttpSession* next_session_ = nullptr;
  HttpSession* previous_session_ = nullptr;
};

}  // namespace tallyd
