// The part of HttpSession between the bytes: requests to handlers, answers to slots.

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/detached_connection.h"
#include "net/http_session.h"
#include "net/problem_response.h"
#include "net/response_head.h"

namespace tallyd {
namespace {

constexpr int kNoRoute = -1;

}  // namespace

bool HttpSession::MayParse() const {
  if (reading_ == Reading::kLinger) return false;
  // A body that is on its way belongs to a request that has its slot already: also to the last one
  // of a connection that closes after its answer.
  if (reading_ == Reading::kStream) return true;
  if (answers_.is_closing()) return false;
  if (reading_ == Reading::kDiscard) return true;
  const SessionLimits& limits = surroundings_.limits;
  return answers_.in_flight() < static_cast<std::size_t>(limits.pipelined_requests_max) &&
         answers_.unsent_bytes() < limits.write_buffer_bytes_max;
}

HttpSession::Step HttpSession::ParseOne() {
  switch (reading_) {
    case Reading::kRequest:
      return ParseRequest();
    case Reading::kStream:
      return FeedStream();
    case Reading::kDiscard:
      return DiscardBody();
    case Reading::kHandshake:
    case Reading::kLinger:
      break;
  }
  return Step::kNeedMore;
}

HttpSession::Step HttpSession::ParseRequest() {
  const std::string_view bytes = input_.data();
  if (bytes.size() < awaited_bytes_) return Step::kNeedMore;
  if (header_.BeginsSame(bytes)) {
    scanner_.SkipTo(header_.size());
  } else if (awaited_bytes_ == 0) {
    switch (scanner_.Scan(bytes, surroundings_.limits)) {
      case HeaderScanner::Result::kNeedMore:
        return Step::kNeedMore;
      case HeaderScanner::Result::kRefused:
        Refuse(scanner_.problem());
        return Step::kNeedMore;
      case HeaderScanner::Result::kComplete:
        break;
    }
  }
  return HandleHeader(bytes.substr(scanner_.begin(), scanner_.end() - scanner_.begin()));
}

// Runs a second time for a request whose body came later.
HttpSession::Step HttpSession::HandleHeader(std::string_view block) {
  const auto problem =
      header_.Read(block, surroundings_.limits, surroundings_.router, surroundings_.listener);
  HttpRequest& request = header_.request();
  if (problem.has_value()) {
    Refuse(*problem, &request);
    return Step::kNeedMore;
  }
  const HeaderFacts& facts = header_.facts();
  if (!PassGate(request, facts)) return Step::kProgress;
  const Router::Match& match = header_.match();
  if (request.method == Method::kOptions) {
    return RefuseRoute(request, facts, surroundings_.router.AnswerOptions(request, match), match);
  }
  if (IsRefused(request, match)) {
    return RefuseRoute(request, facts, RefusalOf(request, match), match);
  }
  const Router::Route& route = *match.route;
  if (route.body.kind == BodyPolicy::Kind::kStream) return StartStream(request, facts, route);

  const std::size_t header_end = scanner_.end();
  const std::uint64_t request_bytes = header_end + request.content_length;
  if (input_.size() < request_bytes) return AwaitBody(facts, request_bytes);

  request.body = input_.data().substr(header_end, static_cast<std::size_t>(request.content_length));
  const std::uint64_t ticket = OpenSlot(request, facts.keep_alive, route.index);
  route.handler(request, Responder(shared_from_this(), ticket));
  ConsumeRequest(static_cast<std::size_t>(request_bytes));
  return Step::kProgress;
}

bool HttpSession::PassGate(HttpRequest& request, const HeaderFacts& facts) {
  // Once for a request, also if its body comes later; a preflight is the browser's own.
  if (surroundings_.gate == nullptr || awaited_bytes_ > 0 || request.method == Method::kOptions) {
    return true;
  }
  RequestGate::Pass pass = surroundings_.gate->Admit(request, peer_, thread_.coarse_now());
  rate_limit_ = pass.note;
  if (!pass.refusal) return true;
  RefuseRoute(request, facts, *std::move(pass.refusal), Router::Match());
  return false;
}

HttpSession::Step HttpSession::AwaitBody(const HeaderFacts& facts, std::uint64_t bytes) {
  if (facts.expects_continue && input_.size() == scanner_.end()) {
    continue_ticket_ = answers_.next_ticket();
  }
  awaited_bytes_ = bytes;
  return Step::kNeedMore;
}

bool HttpSession::IsRefused(const HttpRequest& request, const Router::Match& match) {
  return match.outcome != Router::Outcome::kFound ||
         request.content_length > match.route->body.bytes_max;
}

HttpResponse HttpSession::RefusalOf(const HttpRequest& request, const Router::Match& match) const {
  const std::string_view language = request.accept_language;
  switch (match.outcome) {
    case Router::Outcome::kNotFound:
      return ProblemResponse(ProblemCode::kNotFound, {}, {}, language);
    case Router::Outcome::kMethodNotAllowed: {
      HttpResponse response = ProblemResponse(ProblemCode::kMethodNotAllowed, {}, {}, language);
      response.headers.emplace_back("Allow", AllowedMethodsText(match.allowed_methods));
      return response;
    }
    case Router::Outcome::kBadQuery:
      return ProblemResponse(ProblemCode::kParameterInvalid, {}, {}, language);
    case Router::Outcome::kFound:
      break;
  }
  return ProblemResponse(ProblemCode::kBodyTooLarge, {}, {}, language);
}

// Answered from the header alone. A body that may still come is thrown away if it is small; else,
// or if the client waits for leave to send it, the connection ends with the answer.
HttpSession::Step HttpSession::RefuseRoute(HttpRequest& request, const HeaderFacts& facts,
                                           HttpResponse&& response, const Router::Match& match) {
  const bool body_came = input_.size() > scanner_.end();
  const bool keep = facts.keep_alive && request.content_length <= kSmallBodyBytesMax &&
                    (!facts.expects_continue || body_came || request.content_length == 0);
  const int route_index = match.route != nullptr ? match.route->index : kNoRoute;
  Answer(OpenSlot(request, keep, route_index), std::move(response));
  ConsumeRequest(scanner_.end());
  if (keep && request.content_length > 0) {
    discard_bytes_ = request.content_length;
    reading_ = Reading::kDiscard;
  }
  return Step::kProgress;
}

HttpSession::Step HttpSession::DiscardBody() {
  const std::uint64_t here = std::min<std::uint64_t>(discard_bytes_, input_.size());
  input_.Consume(static_cast<std::size_t>(here));
  discard_bytes_ -= here;
  if (discard_bytes_ > 0) return Step::kNeedMore;
  reading_ = Reading::kRequest;
  return Step::kProgress;
}

void HttpSession::ConsumeRequest(std::size_t bytes) {
  input_.Consume(bytes);
  header_.EndRequest();
  scanner_.Reset();
  awaited_bytes_ = 0;
  continue_ticket_ = AnswerQueue::kNoTicket;
}

// The framing is in doubt: answer, and read nothing more of this connection.
void HttpSession::Refuse(ProblemCode problem, HttpRequest* request) {
  thread_.counters().rejected_by_guard.Add();
  HttpRequest unread;
  unread.listener = surroundings_.listener;
  HttpRequest& refused = request != nullptr ? *request : unread;
  const std::uint64_t ticket = OpenSlot(refused, false, kNoRoute);
  Answer(ticket, ProblemResponse(problem, {}, {}, refused.accept_language));
  input_.Clear();
  awaited_bytes_ = 0;
  continue_ticket_ = AnswerQueue::kNoTicket;
}

std::uint64_t HttpSession::OpenSlot(HttpRequest& request, bool keep_alive, int route_index) {
  const std::uint64_t ticket = answers_.Open();
  AnswerSlot& slot = *answers_.Find(ticket);
  slot.head_only = request.method == Method::kHead;
  slot.http_1_0 = request.version == 10;
  slot.route_index = route_index;
  slot.rate_limit = std::exchange(rate_limit_, RateLimitNote());
  slot.cors_lines = request.listener == ListenerKind::kPublic
                        ? surroundings_.router.CorsHeaderLines(request.origin)
                        : std::string_view();
  if (request.request_id.size() <= slot.request_id.size() && !request.request_id.empty()) {
    std::memcpy(slot.request_id.data(), request.request_id.data(), request.request_id.size());
    slot.request_id_size = static_cast<std::uint8_t>(request.request_id.size());
  } else {
    slot.request_id_size = static_cast<std::uint8_t>(thread_.NextRequestId(slot.request_id.data()));
    request.request_id = {slot.request_id.data(), slot.request_id_size};
  }
  if (!keep_alive || draining_) {
    slot.close = true;
    answers_.CloseAfter(ticket);
  }
  return ticket;
}

AnswerSlot* HttpSession::BeginAnswer(std::uint64_t ticket, bool close) {
  AnswerSlot* slot = open_ ? answers_.Find(ticket) : nullptr;
  if (slot == nullptr) {
    thread_.counters().answers_after_close.Add();
    return nullptr;
  }
  const bool early = stream_.ticket == ticket && stream_.remaining_bytes > 0;
  // The last answer before the server ends says so, unless more requests are here already.
  const bool last_of_drain = draining_ && ticket + 1 == answers_.next_ticket() &&
                             reading_ == Reading::kRequest && !pumping_ && input_.empty();
  if (early) EndStream();
  if (close || early || last_of_drain) {
    slot->close = true;
    answers_.CloseAfter(ticket);
  }
  return slot;
}

void HttpSession::CountAnswer(int route_index, int status) {
  HttpMetrics& counters = thread_.counters();
  RouteCounters& route = route_index == kNoRoute
                             ? counters.routes.back()
                             : counters.routes[static_cast<std::size_t>(route_index)];
  const auto status_class = static_cast<std::size_t>(status / 100);
  route.by_status_class[status_class < route.by_status_class.size() ? status_class : 5].Add();
}

void HttpSession::FinishAnswer(std::uint64_t ticket, int route_index, int status,
                               std::shared_ptr<const std::string> shared_body) {
  CountAnswer(route_index, status);
  answers_.Finish(ticket, std::move(shared_body));
  if (pumping_ || round_pending_) return;
  round_pending_ = true;
  thread_.PumpAtEndOfRound(shared_from_this());
}

AnswerFrame HttpSession::FrameOf(const AnswerSlot& slot) const {
  return {{slot.request_id.data(), slot.request_id_size},
          thread_.date_line(),
          slot.cors_lines,
          slot.head_only,
          slot.http_1_0,
          slot.close,
          slot.rate_limit};
}

void HttpSession::Answer(std::uint64_t ticket, HttpResponse&& response) {
  AnswerSlot* slot = BeginAnswer(ticket, response.close);
  if (slot == nullptr) return;
  const AnswerFrame frame = FrameOf(*slot);
  int dropped_headers = 0;
  const bool shared = AppendAnswer(response, frame, answers_.Target(ticket), dropped_headers);
  if (dropped_headers > 0) {
    thread_.counters().headers_dropped.Add(static_cast<std::uint64_t>(dropped_headers));
  }
  FinishAnswer(ticket, slot->route_index, response.status,
               shared ? std::move(response.shared_body) : nullptr);
}

void HttpSession::AnswerRaw(std::uint64_t ticket, int status, std::string_view header_lines,
                            std::string_view body) {
  AnswerSlot* slot = BeginAnswer(ticket, false);
  if (slot == nullptr) return;
  const AnswerFrame frame = FrameOf(*slot);
  AppendRawAnswer(status, header_lines, body, frame, answers_.Target(ticket));
  FinishAnswer(ticket, slot->route_index, status, nullptr);
}

void HttpSession::AnswerDropped(std::uint64_t ticket) {
  thread_.counters().responder_dropped.Add();
  Answer(ticket, ProblemResponse(ProblemCode::kInternal));
}

std::unique_ptr<DetachedConnection> HttpSession::Detach(std::uint64_t ticket, int status,
                                                        std::string_view header_lines) {
  AnswerSlot* const slot = open_ ? answers_.Find(ticket) : nullptr;
  const bool alone = slot != nullptr && answers_.in_flight() == 1 && answers_.unsent_bytes() == 0 &&
                     !write_pending_ && !end_of_input_;
  if (!alone || draining_) return nullptr;
  auto connection = std::make_unique<DetachedConnection>(
      DetachedConnection{ByteStream(StreamSocket(thread_.context())), thread_, {}});
  // Only a protocol that is changed to outlives its head; a stream ends with the connection.
  slot->close = status != 101;
  AppendStreamHead(status, header_lines, FrameOf(*slot), connection->head);
  CountAnswer(slot->route_index, status);
  if (read_pending_) bytes_.Cancel();
  open_ = false;
  Leave();
  connection->stream = std::move(bytes_);
  return connection;
}

HttpSession::Step HttpSession::StartStream(HttpRequest& request, const HeaderFacts& facts,
                                           const Router::Route& route) {
  const std::size_t header_end = scanner_.end();
  const std::uint64_t ticket = OpenSlot(request, facts.keep_alive, route.index);
  stream_.ticket = ticket;
  stream_.remaining_bytes = request.content_length;
  const bool ask = facts.expects_continue && input_.size() == header_end;
  // Answering while bytes are outstanding closes the connection, so a refusal needs no more here.
  std::unique_ptr<BodySink> sink =
      route.stream_handler(request, Responder(shared_from_this(), ticket));
  ConsumeRequest(header_end);
  if (sink == nullptr) {
    if (stream_.ticket == ticket) EndStream();
    AnswerSlot* const open_slot = answers_.Find(ticket);  // an answer may still come
    if (request.content_length > 0 && open_slot != nullptr) {
      open_slot->close = true;
      answers_.CloseAfter(ticket);
    }
    return Step::kProgress;
  }
  if (stream_.ticket != ticket) return Step::kProgress;  // answered already: the sink goes
  stream_.sink = std::move(sink);
  stream_.window_start = thread_.coarse_now();
  stream_.window_bytes = 0;
  reading_ = Reading::kStream;
  if (ask && request.content_length > 0) continue_ticket_ = ticket;
  return Step::kProgress;
}

HttpSession::Step HttpSession::FeedStream() {
  if (stream_.waiting) return Step::kNeedMore;
  if (stream_.remaining_bytes == 0) {
    stream_.sink->OnEnd();
    EndStream();
    return Step::kProgress;
  }
  const std::size_t chunk_bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(stream_.remaining_bytes, input_.size()));
  if (chunk_bytes == 0) return Step::kNeedMore;
  continue_ticket_ = AnswerQueue::kNoTicket;
  stream_.chunk_bytes = chunk_bytes;
  stream_.waiting = true;
  stream_.waiting_since = thread_.coarse_now();
  const std::uint64_t serial = ++stream_.serial;
  stream_.sink->OnChunk(input_.data().substr(0, chunk_bytes), [weak = weak_from_this(), serial] {
    if (const auto session = weak.lock()) session->ResumeStream(serial);
  });
  return stream_.waiting ? Step::kNeedMore : Step::kProgress;
}

void HttpSession::ResumeStream(std::uint64_t serial) {
  if (!open_ || reading_ != Reading::kStream || !stream_.waiting || serial != stream_.serial) {
    return;
  }
  stream_.waiting = false;
  stream_.window_start += thread_.coarse_now() - stream_.waiting_since;
  stream_.remaining_bytes -= stream_.chunk_bytes;
  input_.Consume(stream_.chunk_bytes);
  // Not at once: the sink that called is on the stack, and must not be entered again.
  if (pumping_ || round_pending_) return;
  round_pending_ = true;
  thread_.PumpAtEndOfRound(shared_from_this());
}

// The sink may be on the stack: it goes at the end of the round.
void HttpSession::EndStream() {
  if (stream_.sink != nullptr) {
    thread_.AtEndOfRound([sink = std::move(stream_.sink)] {});
  }
  stream_.ticket = AnswerQueue::kNoTicket;
  stream_.remaining_bytes = 0;
  stream_.waiting = false;
  if (reading_ == Reading::kStream) reading_ = Reading::kRequest;
}

void HttpSession::AbortStream() {
  if (stream_.sink == nullptr) return;
  stream_.sink->OnAbort();
  EndStream();
}

}  // namespace tallyd
