#include "net/gzip_inflater.h"

#include <zlib.h>

#include <array>

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib.h: +16 reads the gzip format and nothing else

}  // namespace

struct GzipInflater::State {
  z_stream stream{};
  bool member_ended = false;
  bool broken = false;
  std::array<char, kOutputBytes> buffer;
};

GzipInflater::GzipInflater() : state_(std::make_unique_for_overwrite<State>()) {
  // Fails only without memory or with another zlib than the one compiled against.
  TALLYD_CHECK(inflateInit2(&state_->stream, kGzipOnly) == Z_OK);
}

GzipInflater::~GzipInflater() {
  inflateEnd(&state_->stream);
}

bool GzipInflater::complete() const {
  return state_->member_ended && !state_->broken;
}

GzipInflater::Step GzipInflater::Next(std::string_view& input, std::string_view& output) {
  State& state = *state_;
  output = {};
  if (state.broken) return Step::kBroken;
  while (true) {
    if (state.member_ended) {
      if (input.empty()) return Step::kNeedsInput;
      TALLYD_CHECK(inflateReset(&state.stream) == Z_OK);
      state.member_ended = false;
    }
    z_stream& stream = state.stream;
    // zlib does not write through next_in; its type predates const.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(state.buffer.data());
    stream.avail_out = static_cast<uInt>(state.buffer.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    input.remove_prefix(input.size() - stream.avail_in);
    output = {state.buffer.data(), state.buffer.size() - stream.avail_out};
    state.member_ended = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      // What came out before the fault is handed out first: the same however the input was cut.
      state.broken = true;
      if (output.empty()) return Step::kBroken;
    }
    if (!output.empty()) return Step::kOutput;
    if (input.empty() || result == Z_BUF_ERROR) return Step::kNeedsInput;
  }
}

}  // namespace tallyd
