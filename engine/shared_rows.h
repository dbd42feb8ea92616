#pragma once

// The figures of a poll's options, by option index, in blocks that versions share.
//
// Immutable. With() makes the next version: it copies the blocks in which a row changed and shares
// the others, so a version costs what changed and not what exists (one pointer per kBlockRows rows
// is copied besides). A block lives as long as a version that has it. Reads from any thread.
//
//   SharedRows next = rows.With(changed, [&](OptionIndex option) { return RowOf(option); });

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "storage/records.h"

namespace tallyd {

struct RankedOption {
  std::int64_t score = 0;
  std::uint64_t ballots = 0;
  std::int64_t online = 0;
  std::int64_t paper = 0;
  // Not shown: rank and figures, or online and paper alone. What is not shown is not here either.
  bool suppressed = false;
  bool split_hidden = false;
  friend bool operator==(const RankedOption&, const RankedOption&) = default;
};

class SharedRows {
 public:
  using RowOf = absl::FunctionRef<RankedOption(OptionIndex)>;
  static constexpr std::size_t kBlockRows = 64;

  SharedRows() = default;
  SharedRows(std::initializer_list<RankedOption> rows)
      : SharedRows(absl::MakeConstSpan(rows.begin(), rows.size())) {}
  explicit SharedRows(absl::Span<const RankedOption> rows);
  static SharedRows Make(std::size_t count, RowOf row_of);
  // `count` times the same row: one block.
  static SharedRows Repeat(std::size_t count, const RankedOption& row);

  // These rows, those of `changed` (ascending) taken from `row_of`.
  SharedRows With(absl::Span<const OptionIndex> changed, RowOf row_of) const;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const RankedOption& operator[](std::size_t option) const {
    return (*blocks_[option / kBlockRows])[option % kBlockRows];
  }
  std::vector<RankedOption> ToVector() const { return {begin(), end()}; }

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = RankedOption;
    using difference_type = std::ptrdiff_t;
    using pointer = const RankedOption*;
    using reference = const RankedOption&;
    Iterator() = default;
    Iterator(const SharedRows* rows, std::size_t option) : rows_(rows), option_(option) {}
    reference operator*() const { return (*rows_)[option_]; }
    pointer operator->() const { return &(*rows_)[option_]; }
    Iterator& operator++() {
      ++option_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++option_;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const SharedRows* rows_ = nullptr;
    std::size_t option_ = 0;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size_}; }

  friend bool operator==(const SharedRows& a, const SharedRows& b);
  // How many blocks of `a` are not those of `b`: what With() copied.
  friend std::size_t BlocksApart(const SharedRows& a, const SharedRows& b);

 private:
  using Block = std::array<RankedOption, kBlockRows>;
  std::vector<std::shared_ptr<const Block>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace tallyd
