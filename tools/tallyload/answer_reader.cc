#include "tools/tallyload/answer_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tallyd {
namespace {

constexpr std::string_view kLength = "\r\nContent-Length: ";
constexpr std::string_view kRetryAfter = "\r\nRetry-After: ";
constexpr std::string_view kClose = "\r\nConnection: close";

std::uint64_t NumberAfter(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  std::uint64_t number = 0;
  if (at == std::string_view::npos) return 0;
  const char* const begin = text.data() + at + name.size();
  std::from_chars(begin, text.data() + text.size(), number);
  return number;
}

void CountBatch(std::string_view body, LoadCounts* counts) {
  counts->counted += NumberAfter(body, "\"counted\":");
  counts->duplicate += NumberAfter(body, "\"duplicate\":");
  counts->replaced += NumberAfter(body, "\"replaced\":");
  counts->refused += NumberAfter(body, "\"rejected\":");
}

void CountShed(std::string_view head, std::uint32_t votes, LoadCounts* counts) {
  counts->shed += votes;
  const std::uint64_t last = counts->shed_by_retry_after.size() - 1;
  counts->shed_by_retry_after[std::min(NumberAfter(head, kRetryAfter), last)] += votes;
}

void Count(int status, std::string_view body, std::uint32_t votes, LoadCounts* counts) {
  if (status >= 400) {
    counts->refused += votes;
  } else if (body.starts_with("{\"status\":\"duplicate\"")) {
    counts->duplicate += votes;
  } else if (body.starts_with("{\"status\":\"replaced\"")) {
    counts->replaced += votes;
  } else if (body.starts_with("{\"counted\":")) {
    CountBatch(body, counts);
  } else {
    // "counted"; a GET that was answered; or another server in a comparison: 2xx is all it says.
    counts->counted += votes;
  }
}

}  // namespace

void LoadCounts::Add(const LoadCounts& other) {
  counted += other.counted;
  duplicate += other.duplicate;
  replaced += other.replaced;
  refused += other.refused;
  shed += other.shed;
  unknown += other.unknown;
  for (std::size_t i = 0; i < shed_by_retry_after.size(); ++i) {
    shed_by_retry_after[i] += other.shed_by_retry_after[i];
  }
}

char* AnswerReader::Room(std::size_t bytes) {
  if (taken_ == filled_) taken_ = filled_ = 0;
  if (buffer_.size() - filled_ < bytes && taken_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + taken_, filled_ - taken_);
    filled_ -= taken_;
    taken_ = 0;
  }
  if (buffer_.size() - filled_ < bytes) buffer_.resize(filled_ + bytes);
  return buffer_.data() + filled_;
}

AnswerReader::Found AnswerReader::Next(std::uint32_t votes, LoadCounts* counts, bool* close) {
  const std::string_view unread(buffer_.data() + taken_, filled_ - taken_);
  if (unread.size() < 16) return Found::kMore;
  const std::size_t head_end = unread.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    return unread.size() > 64 * 1024 ? Found::kBroken : Found::kMore;
  }
  const std::string_view head = unread.substr(0, head_end);
  int status = 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  const bool has_body = status != 204 && status != 304;
  const std::size_t length_at = has_body ? head.find(kLength) : 0;
  if (!head.starts_with("HTTP/1.1 ") || status < 100 || length_at == std::string_view::npos) {
    return Found::kBroken;
  }
  const std::uint64_t length = has_body ? NumberAfter(head.substr(length_at), kLength) : 0;
  const std::size_t whole = head_end + 4 + length;
  if (unread.size() < whole) return Found::kMore;
  if (status == 429 || status == 503) {
    CountShed(head, votes, counts);
  } else {
    Count(status, unread.substr(head_end + 4, length), votes, counts);
  }
  *close = head.find(kClose) != std::string_view::npos;
  taken_ += whole;
  return Found::kAnswer;
}

}  // namespace tallyd
