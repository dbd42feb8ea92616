#pragma once

// Answers of one connection, in the order of its requests: slots for what is in flight, then bytes.
//
// A request takes a ticket with Open(). Its answer may come in any order; once every earlier one is
// there its bytes join the outgoing ones, from where a gather write takes all that is ready:
//
//   ticket = queue.Open();  AnswerSlot* slot = queue.Find(ticket);
//   append the answer to queue.Target(ticket);  queue.Finish(ticket, shared_body);
//   queue.Gather(buffers);  n = send(buffers);  queue.Sent(n);
//
// In the usual case (answers in order) bytes are written once, into one growing string. The ring
// of slots starts small and doubles up to what the session allows in flight. One thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/request_gate.h"

namespace tallyd {

// What is remembered of a request until it is answered.
struct AnswerSlot {
  bool answered = false;
  bool head_only = false;
  bool http_1_0 = false;
  bool close = false;
  std::uint8_t request_id_size = 0;
  int route_index = 0;
  std::string_view cors_lines;  // of the router
  RateLimitNote rate_limit;
  std::array<char, 64> request_id;
  std::string bytes;  // only of an answer that waits for earlier ones
  std::shared_ptr<const std::string> shared_body;
};

class AnswerQueue {
 public:
  static constexpr std::uint64_t kNoTicket = std::numeric_limits<std::uint64_t>::max();

  // A fresh slot; at most one more than `in_flight()`, so the caller bounds the ring.
  std::uint64_t Open();
  // The slot of a request in flight; null if it is answered already or will never be sent.
  AnswerSlot* Find(std::uint64_t ticket);
  // Where to append the answer of `ticket`.
  std::string& Target(std::uint64_t ticket);
  // The answer is complete; `shared_body` (may be null) follows what was appended.
  void Finish(std::uint64_t ticket, std::shared_ptr<const std::string> shared_body);
  // Bytes between answers: "100 Continue". Only if every request before is answered.
  void AppendInterim(std::string_view bytes);

  // Nothing after this ticket will be sent; later tickets are forgotten.
  void CloseAfter(std::uint64_t ticket);
  bool is_closing() const { return last_ticket_ != kNoTicket; }
  // The last answer has joined the outgoing bytes.
  bool is_finished() const { return is_closing() && front_ == last_ticket_ + 1; }

  std::size_t in_flight() const { return static_cast<std::size_t>(next_ - front_); }
  std::uint64_t front_ticket() const { return front_; }
  std::uint64_t next_ticket() const { return next_; }
  std::size_t unsent_bytes() const { return unsent_bytes_; }

  // Fills up to `capacity` views with what is to be sent next, returns how many.
  std::size_t Gather(std::string_view* views, std::size_t capacity) const;
  void Sent(std::size_t bytes);

 private:
  struct Segment {
    std::string bytes;
    std::shared_ptr<const std::string> shared_body;  // follows `bytes`
  };

  AnswerSlot& At(std::uint64_t ticket) {
    return slots_[static_cast<std::size_t>(ticket) & (slots_.size() - 1)];
  }
  void Grow();
  void Advance();
  Segment& Tail();

  std::vector<AnswerSlot> slots_ = std::vector<AnswerSlot>(4);  // size: a power of two
  std::uint64_t front_ = 0;  // oldest ticket not yet among the outgoing bytes
  std::uint64_t next_ = 0;   // next ticket to give
  std::uint64_t last_ticket_ = kNoTicket;
  std::vector<Segment> segments_ = std::vector<Segment>(1);
  std::size_t sent_of_front_ = 0;  // bytes of segments_.front() that left already
  std::size_t unsent_bytes_ = 0;
  std::size_t tail_counted_ = 0;  // bytes of the last segment's string that are in unsent_bytes_
};

}  // namespace tallyd
