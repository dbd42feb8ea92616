#pragma once

// The input of one connection: contiguous bytes, consumed at the front, filled at the back.
//
// Starts small, doubles when a read filled it or a request needs more, never above what the caller
// allows, and gives the memory back after some reads in a row that would have fitted the start
// size. Views into data() hold until the next Prepare(). One thread.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace tallyd {

class ReadBuffer {
 public:
  explicit ReadBuffer(std::size_t start_bytes) : start_bytes_(start_bytes) {}

  std::string_view data() const { return {bytes_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  struct Space {
    char* data;
    std::size_t size;
  };
  // Room for the next read; at least one byte unless size() has reached `bytes_max`.
  Space Prepare(std::size_t bytes_max) {
    if (begin_ == end_) {
      begin_ = end_ = 0;
      if (small_reads_ >= kSmallReadsBeforeShrink && capacity_ > start_bytes_) bytes_.reset();
    }
    if (bytes_ == nullptr) Reallocate(std::min(start_bytes_, bytes_max));
    if (capacity_ < bytes_max && (was_filled_ || capacity_ - size() < capacity_ / 4)) {
      Reallocate(std::min(capacity_ * 2, bytes_max));
    } else if (begin_ > 0 && capacity_ - end_ < capacity_ / 2) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void Commit(std::size_t bytes) {
    end_ += bytes;
    was_filled_ = end_ == capacity_;
    small_reads_ = size() <= start_bytes_ ? small_reads_ + 1 : 0;
  }
  void Consume(std::size_t bytes) { begin_ += std::min(bytes, size()); }
  void Clear() { begin_ = end_ = 0; }

 private:
  static constexpr int kSmallReadsBeforeShrink = 16;
  void Reallocate(std::size_t capacity) {
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    const std::size_t kept = size();
    if (kept > 0) std::memcpy(larger.get(), bytes_.get() + begin_, kept);
    bytes_ = std::move(larger);
    capacity_ = capacity;
    begin_ = 0;
    end_ = kept;
    was_filled_ = false;
    small_reads_ = 0;
  }

  const std::size_t start_bytes_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool was_filled_ = false;
  int small_reads_ = 0;
};

}  // namespace tallyd
