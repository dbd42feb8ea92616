#pragma once

// Finds answers in the bytes a server sends: status, and what became of the votes.
//
// Just enough HTTP for a load generator, as cheap as it can be: Content-Length framing, the status
// code, and the words and numbers of tallyd's own answers. One thread; one per connection.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tallyd {

// Votes by what the server said of them.
struct LoadCounts {
  std::uint64_t counted = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t replaced = 0;
  std::uint64_t refused = 0;  // 4xx, and rejected lines of a batch
  std::uint64_t shed = 0;     // 429, 503: come again
  // Of these, by the seconds of Retry-After; [0]: without one, the last: that many or more.
  std::array<std::uint64_t, 8> shed_by_retry_after{};
  std::uint64_t unknown = 0;  // no answer: the connection was lost
  void Add(const LoadCounts& other);
  std::uint64_t accepted() const { return counted + duplicate + replaced; }
};

class AnswerReader {
 public:
  enum class Found { kAnswer, kMore, kBroken };

  // Where received bytes go: room for at least `bytes`.
  char* Room(std::size_t bytes);
  void Received(std::size_t bytes) { filled_ += bytes; }

  // Takes the next whole answer, if there is one, and counts `votes` votes by it. kBroken: not HTTP
  // with a Content-Length.
  Found Next(std::uint32_t votes, LoadCounts* counts, bool* close);

  void Reset() { taken_ = filled_ = 0; }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace tallyd
