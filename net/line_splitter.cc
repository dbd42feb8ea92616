#include "net/line_splitter.h"

#include <algorithm>

namespace tallyd {

void LineSplitter::Keep(std::string_view part) {
  if (!has_partial_) {
    partial_.clear();
    overflowed_ = false;
    has_partial_ = true;
  }
  // One byte more than a line may have: it can be the CR of a CRLF.
  const std::size_t room = kLineBytesMax + 1 - partial_.size();
  overflowed_ = overflowed_ || part.size() > room;
  partial_.append(part.substr(0, std::min(part.size(), room)));
}

LineSplitter::Line LineSplitter::Make(std::string_view text) {
  Line line;
  line.number = ++lines_;
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  line.too_long = (has_partial_ && overflowed_) || text.size() > kLineBytesMax;
  if (!line.too_long) line.text = text;
  has_partial_ = false;
  return line;
}

std::optional<LineSplitter::Line> LineSplitter::Next(std::string_view& input) {
  const std::size_t end = input.find('\n');
  if (end == std::string_view::npos) {
    if (!input.empty()) Keep(input);
    input = {};
    return std::nullopt;
  }
  const std::string_view text = input.substr(0, end);
  input.remove_prefix(end + 1);
  if (!has_partial_) return Make(text);
  Keep(text);
  return Make(partial_);
}

std::optional<LineSplitter::Line> LineSplitter::Finish() {
  if (!has_partial_) return std::nullopt;
  return Make(partial_);
}

}  // namespace tallyd
