#pragma once

// How a handler answers: a response value and a one-shot handle to send it with.
//
// The session adds to every answer: status line, Content-Length, Request-Id, Date,
// X-Content-Type-Options: nosniff, Cache-Control: no-store (unless `headers` has one),
// Connection, and the CORS headers. A handler sets only what is its own.
//
//   void Get(const HttpRequest& request, Responder responder) {
//     HttpResponse response;
//     response.content_type = "application/json";
//     response.body = "{}";
//     std::move(responder).Send(std::move(response));
//   }
//
// Later answers: keep the Responder (it keeps the session alive), come back to its thread with
// responder.io_thread().Post(...), then Send. Answers leave in the order of the requests whatever
// the order of Send. If the client has left meanwhile, Send does nothing but count.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"

namespace tallyd {

class IoThread;
struct DetachedConnection;
struct HttpRequest;

struct HttpResponse {
  int status = 200;
  std::string_view content_type;  // static storage; empty: no Content-Type line
  // Names in static storage; values must not contain CR or LF (such a header is dropped and
  // counted).
  absl::InlinedVector<std::pair<std::string_view, std::string>, 4> headers;
  std::string body;
  // Instead of `body`: bytes shared by many answers (a serialised snapshot), never copied.
  std::shared_ptr<const std::string> shared_body;
  // Ask the client to leave: Connection: close, and the session closes after this answer.
  bool close = false;

  std::string_view Body() const { return shared_body ? *shared_body : std::string_view(body); }
};

// Where answers go: a session, or a test's stand-in. Called on the io thread only.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual void Answer(std::uint64_t ticket, HttpResponse&& response) = 0;
  virtual void AnswerRaw(std::uint64_t ticket, int status, std::string_view header_lines,
                         std::string_view body) = 0;
  // The handler lost the Responder without answering.
  virtual void AnswerDropped(std::uint64_t ticket) = 0;
  virtual IoThread& io_thread() = 0;
  // See Responder::Detach().
  virtual std::unique_ptr<DetachedConnection> Detach(std::uint64_t ticket, int status,
                                                     std::string_view header_lines);
};

// Answers one request, once, at once or later, from the io thread of the session only (also its
// destruction). Movable; dropping it unanswered answers 500 and is counted.
class Responder {
 public:
  Responder() = default;
  Responder(std::shared_ptr<ResponseSink> sink, std::uint64_t ticket)
      : sink_(std::move(sink)), ticket_(ticket) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept {
    if (this != &other) {
      Drop();
      sink_ = std::move(other.sink_);
      ticket_ = other.ticket_;
    }
    return *this;
  }
  ~Responder() { Drop(); }

  void Send(HttpResponse&& response) && {
    std::exchange(sink_, nullptr)->Answer(ticket_, std::move(response));
  }
  // The fast path: no HttpResponse, no allocation. `header_lines` are complete lines, each ended by
  // CRLF, Content-Type and Cache-Control among them if wanted, without Content-Length, Connection,
  // Request-Id, Date and nosniff, which the session writes. Both views are copied before it
  // returns.
  //   std::move(responder).SendRaw(201, "Content-Type: application/json\r\n"
  //                                     "Cache-Control: no-store\r\n", body);
  void SendRaw(int status, std::string_view header_lines, std::string_view body) && {
    std::exchange(sink_, nullptr)->AnswerRaw(ticket_, status, header_lines, body);
  }

  // Instead of an answer: the connection itself (net/detached_connection.h), with a head of this
  // status and these lines still to be sent. Null, and nothing has happened, if other requests of
  // the connection are in flight or the server drains. Only while the handler runs.
  std::unique_ptr<DetachedConnection> Detach(int status, std::string_view header_lines);

  // The thread Send must be called on. Only while not yet answered.
  IoThread& io_thread() const { return sink_->io_thread(); }
  explicit operator bool() const { return sink_ != nullptr; }

 private:
  void Drop() {
    if (sink_ != nullptr) std::exchange(sink_, nullptr)->AnswerDropped(ticket_);
  }

  std::shared_ptr<ResponseSink> sink_;
  std::uint64_t ticket_ = 0;
};

// Called on the io thread of the session, once per request whose body is complete. Must not block
// and must not throw.
using Handler = absl::AnyInvocable<void(const HttpRequest&, Responder) const>;

// Takes a streamed body piece by piece, on the io thread. Keeps the Responder it was made with and
// answers when it likes: after OnEnd normally, earlier to refuse (the rest of the body is then
// thrown away and the connection closed).
class BodySink {
 public:
  virtual ~BodySink() = default;
  // `chunk` stays valid until `resume` is called (io thread only, at once or later); nothing more
  // is read from the client before that. A `resume` called after the client left does nothing.
  virtual void OnChunk(std::string_view chunk, absl::AnyInvocable<void()> resume) = 0;
  // All Content-Length bytes were delivered. The sink is destroyed after this returns: hand the
  // Responder on to whatever will answer.
  virtual void OnEnd() = 0;
  // The client left or was too slow; no answer will reach anybody. Destroyed after this returns.
  virtual void OnAbort() = 0;
};

// Called once the header is checked. The request's views die when it returns. Null: the handler has
// answered already (or dropped the Responder); the body is not read.
using StreamHandler =
    absl::AnyInvocable<std::unique_ptr<BodySink>(const HttpRequest&, Responder) const>;

}  // namespace tallyd
