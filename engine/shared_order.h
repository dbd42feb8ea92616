#pragma once

// The order of a poll's options, best first, in blocks that versions share.
//
// Immutable like SharedRows; engine/ranking.h makes the next version of it. Read from front to
// back, from any thread.

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"

#include "storage/records.h"

namespace tallyd {

class SharedOrder {
 public:
  using Block = std::vector<OptionIndex>;  // never an empty one
  using BlockPtr = std::shared_ptr<const Block>;
  // A block has at most kBlockOptions; new ones are made a little smaller, so that they may grow.
  static constexpr std::size_t kBlockOptions = 256;
  static constexpr std::size_t kNewBlockOptions = 192;

  SharedOrder() = default;
  SharedOrder(std::initializer_list<OptionIndex> order)
      : SharedOrder(absl::MakeConstSpan(order.begin(), order.size())) {}
  explicit SharedOrder(absl::Span<const OptionIndex> order) { Append(order); }

  // At the end: a block of another version, or options in new blocks.
  void Append(BlockPtr block) {
    size_ += block->size();
    blocks_.push_back(std::move(block));
  }
  void Append(absl::Span<const OptionIndex> order);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  absl::Span<const BlockPtr> blocks() const { return blocks_; }
  std::vector<OptionIndex> ToVector() const { return {begin(), end()}; }

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = OptionIndex;
    using difference_type = std::ptrdiff_t;
    using pointer = const OptionIndex*;
    using reference = const OptionIndex&;
    Iterator() = default;
    explicit Iterator(const BlockPtr* block) : block_(block) {}
    reference operator*() const { return (**block_)[place_]; }
    Iterator& operator++() {
      if (++place_ == (*block_)->size()) {
        ++block_;
        place_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const BlockPtr* block_ = nullptr;
    std::size_t place_ = 0;
  };
  Iterator begin() const { return Iterator(blocks_.data()); }
  Iterator end() const { return Iterator(blocks_.data() + blocks_.size()); }

 private:
  std::vector<BlockPtr> blocks_;
  std::size_t size_ = 0;
};

}  // namespace tallyd
