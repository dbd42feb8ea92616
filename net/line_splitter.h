#pragma once

// Cuts a stream of bytes into lines, however the bytes were cut on their way.
//
//   while (auto line = splitter.Next(input)) ...     // input shrinks from the front
//   if (auto line = splitter.Finish()) ...           // a last line without a line feed
//
// A line ends with LF or CRLF and is numbered from 1. One longer than kLineBytesMax comes out once,
// marked and empty; the lines after it are not affected. A line inside one chunk is not copied; its
// view dies with the next call or with the chunk. Memory: one line.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallyd {

class LineSplitter {
 public:
  static constexpr std::size_t kLineBytesMax = 16 * 1024;

  struct Line {
    std::string_view text;
    std::uint32_t number = 0;
    bool too_long = false;

    bool is_blank() const { return text.find_first_not_of(" \t") == std::string_view::npos; }
  };

  std::optional<Line> Next(std::string_view& input);
  std::optional<Line> Finish();

 private:
  Line Make(std::string_view text);
  void Keep(std::string_view part);

  std::string partial_;
  bool has_partial_ = false;
  bool overflowed_ = false;
  std::uint32_t lines_ = 0;
};

}  // namespace tallyd
