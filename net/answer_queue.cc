#include "net/answer_queue.h"

#include <algorithm>
#include <utility>

#include "storage/check.h"

namespace tallyd {
namespace {

// A string that once held a large answer does not keep its memory on an idle connection.
constexpr std::size_t kKeptCapacityBytesMax = 16 * 1024;

}  // namespace

void AnswerQueue::Grow() {
  std::vector<AnswerSlot> larger(slots_.size() * 2);
  for (std::uint64_t ticket = front_; ticket != next_; ++ticket) {
    larger[static_cast<std::size_t>(ticket) & (larger.size() - 1)] = std::move(At(ticket));
  }
  slots_ = std::move(larger);
}

std::uint64_t AnswerQueue::Open() {
  TALLYD_DCHECK(!is_closing());
  if (in_flight() == slots_.size()) Grow();
  AnswerSlot& slot = At(next_);
  slot.answered = false;
  slot.head_only = false;
  slot.http_1_0 = false;
  slot.close = false;
  return next_++;
}

AnswerSlot* AnswerQueue::Find(std::uint64_t ticket) {
  if (ticket < front_ || ticket >= next_) return nullptr;
  AnswerSlot& slot = At(ticket);
  return slot.answered ? nullptr : &slot;
}

AnswerQueue::Segment& AnswerQueue::Tail() {
  if (segments_.back().shared_body != nullptr) {
    segments_.emplace_back();
    tail_counted_ = 0;
  }
  return segments_.back();
}

std::string& AnswerQueue::Target(std::uint64_t ticket) {
  return ticket == front_ ? Tail().bytes : At(ticket).bytes;
}

void AnswerQueue::Finish(std::uint64_t ticket, std::shared_ptr<const std::string> shared_body) {
  AnswerSlot& slot = At(ticket);
  slot.answered = true;
  slot.shared_body = std::move(shared_body);
  if (ticket == front_) Advance();
}

void AnswerQueue::AppendInterim(std::string_view bytes) {
  Tail().bytes += bytes;
  unsent_bytes_ += bytes.size();
  tail_counted_ += bytes.size();
}

void AnswerQueue::CloseAfter(std::uint64_t ticket) {
  last_ticket_ = std::min(last_ticket_, ticket);
  next_ = std::min(next_, last_ticket_ + 1);
}

void AnswerQueue::Advance() {
  while (front_ != next_ && At(front_).answered) {
    AnswerSlot& slot = At(front_);
    Segment& tail = Tail();
    if (!slot.bytes.empty()) {
      tail.bytes += slot.bytes;
      slot.bytes.clear();
      if (slot.bytes.capacity() > kKeptCapacityBytesMax) std::string().swap(slot.bytes);
    }
    unsent_bytes_ += tail.bytes.size() - tail_counted_;
    tail_counted_ = tail.bytes.size();
    if (slot.shared_body != nullptr) {
      unsent_bytes_ += slot.shared_body->size();
      tail.shared_body = std::move(slot.shared_body);
    }
    ++front_;
  }
}

std::size_t AnswerQueue::Gather(std::string_view* views, std::size_t capacity) const {
  std::size_t count = 0;
  std::size_t skip = sent_of_front_;
  const auto add = [&](std::string_view bytes) {
    const std::size_t skipped = std::min(skip, bytes.size());
    skip -= skipped;
    bytes.remove_prefix(skipped);
    if (!bytes.empty() && count < capacity) views[count++] = bytes;
  };
  for (const Segment& segment : segments_) {
    if (count == capacity) break;
    add(segment.bytes);
    if (segment.shared_body != nullptr) add(*segment.shared_body);
  }
  return count;
}

void AnswerQueue::Sent(std::size_t bytes) {
  TALLYD_DCHECK(bytes <= unsent_bytes_);
  unsent_bytes_ -= bytes;
  sent_of_front_ += bytes;
  if (unsent_bytes_ == 0) {
    segments_.resize(1);
    Segment& only = segments_.front();
    only.bytes.clear();
    if (only.bytes.capacity() > kKeptCapacityBytesMax) std::string().swap(only.bytes);
    only.shared_body.reset();
    sent_of_front_ = 0;
    tail_counted_ = 0;
    return;
  }
  std::size_t done = 0;
  while (true) {
    const Segment& front = segments_[done];
    const std::size_t size =
        front.bytes.size() + (front.shared_body != nullptr ? front.shared_body->size() : 0);
    if (sent_of_front_ < size) break;
    sent_of_front_ -= size;
    ++done;
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace tallyd
