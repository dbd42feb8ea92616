#pragma once

// Decompresses a gzip stream piece by piece, with a buffer of fixed size (RFC 1952; several members
// in a row are one stream).
//
//   while (inflater.Next(input, output) == GzipInflater::Step::kOutput) Use(output);
//
// `output` stays valid until the next call. How much may come out in all is the caller's to count:
// a step yields at most kOutputBytes. One thread; about 104 KiB.

#include <memory>
#include <string_view>

namespace tallyd {

class GzipInflater {
 public:
  static constexpr std::size_t kOutputBytes = 64 * 1024;
  enum class Step { kOutput, kNeedsInput, kBroken };

  GzipInflater();
  ~GzipInflater();
  GzipInflater(const GzipInflater&) = delete;
  GzipInflater& operator=(const GzipInflater&) = delete;

  Step Next(std::string_view& input, std::string_view& output);
  // Whether the stream may end here: at the end of a member.
  bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tallyd
