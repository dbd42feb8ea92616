#include "engine/shared_rows.h"

#include <algorithm>

#include "storage/check.h"

namespace tallyd {

SharedRows::SharedRows(absl::Span<const RankedOption> rows)
    : SharedRows(Make(rows.size(), [rows](OptionIndex option) { return rows[option]; })) {}

SharedRows SharedRows::Make(std::size_t count, RowOf row_of) {
  SharedRows rows;
  rows.size_ = count;
  rows.blocks_.reserve((count + kBlockRows - 1) / kBlockRows);
  for (std::size_t begin = 0; begin < count; begin += kBlockRows) {
    auto block = std::make_shared<Block>();
    const std::size_t end = std::min(count, begin + kBlockRows);
    for (std::size_t option = begin; option < end; ++option) {
      (*block)[option - begin] = row_of(static_cast<OptionIndex>(option));
    }
    rows.blocks_.push_back(std::move(block));
  }
  return rows;
}

SharedRows SharedRows::Repeat(std::size_t count, const RankedOption& row) {
  SharedRows rows;
  rows.size_ = count;
  auto block = std::make_shared<Block>();
  block->fill(row);
  rows.blocks_.assign((count + kBlockRows - 1) / kBlockRows, std::move(block));
  return rows;
}

SharedRows SharedRows::With(absl::Span<const OptionIndex> changed, RowOf row_of) const {
  SharedRows rows = *this;
  for (auto option = changed.begin(); option != changed.end();) {
    const std::size_t number = *option / kBlockRows;
    TALLYD_CHECK(number < blocks_.size());
    auto block = std::make_shared<Block>(*blocks_[number]);
    const std::size_t end = std::min(size_, (number + 1) * kBlockRows);
    for (; option != changed.end() && *option < end; ++option) {
      TALLYD_CHECK(*option >= number * kBlockRows);  // ascending
      (*block)[*option % kBlockRows] = row_of(*option);
    }
    TALLYD_CHECK(option == changed.end() || end < size_);
    rows.blocks_[number] = std::move(block);
  }
  return rows;
}

bool operator==(const SharedRows& a, const SharedRows& b) {
  return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
}

std::size_t BlocksApart(const SharedRows& a, const SharedRows& b) {
  std::size_t apart = 0;
  for (std::size_t i = 0; i < a.blocks_.size(); ++i) {
    apart += i >= b.blocks_.size() || a.blocks_[i] != b.blocks_[i] ? 1 : 0;
  }
  return apart;
}

}  // namespace tallyd
