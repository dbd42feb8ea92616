#include "engine/shared_order.h"

namespace tallyd {

void SharedOrder::Append(absl::Span<const OptionIndex> order) {
  if (order.size() <= kBlockOptions) {
    if (!order.empty()) Append(std::make_shared<const Block>(order.begin(), order.end()));
    return;
  }
  // Of equal size, rather than a small one at the end.
  const std::size_t pieces = (order.size() + kNewBlockOptions - 1) / kNewBlockOptions;
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t begin = order.size() * i / pieces;
    const std::size_t end = order.size() * (i + 1) / pieces;
    Append(std::make_shared<const Block>(order.begin() + begin, order.begin() + end));
  }
}

}  // namespace tallyd
