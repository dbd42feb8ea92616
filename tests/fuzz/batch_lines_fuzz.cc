// A batch falls into the same lines however its bytes were cut on their way, plain and out of gzip,
// and no line is longer than what is promised.

#include <zlib.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "net/gzip_inflater.h"
#include "net/line_splitter.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tallyd {
namespace {

struct Cut {
  std::vector<std::string> lines;  // "!" for one that is too long
  friend bool operator==(const Cut&, const Cut&) = default;
};

void Take(const LineSplitter::Line& line, Cut& cut) {
  TALLYD_CHECK(line.number == cut.lines.size() + 1);
  TALLYD_CHECK(line.text.size() <= LineSplitter::kLineBytesMax);
  TALLYD_CHECK(!line.too_long || line.text.empty());
  TALLYD_CHECK(line.text.find('\n') == std::string_view::npos);
  cut.lines.push_back(line.too_long ? "!" : std::string(line.text));
}

Cut CutLines(std::string_view bytes, std::size_t piece_bytes) {
  Cut cut;
  LineSplitter splitter;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    while (const auto line = splitter.Next(piece)) Take(*line, cut);
    TALLYD_CHECK(piece.empty());
  }
  if (const auto last = splitter.Finish()) Take(*last, cut);
  return cut;
}

struct Inflated {
  std::string bytes;
  bool broken = false;
  bool complete = false;
  friend bool operator==(const Inflated&, const Inflated&) = default;
};

// A little more than comes out in one step. What lies behind is not looked at: more would only be
// more of the same, and slow.
constexpr std::size_t kInflatedBytesMax = GzipInflater::kOutputBytes + 1'024;

Inflated Inflate(std::string_view bytes, std::size_t piece_bytes) {
  Inflated inflated;
  GzipInflater inflater;
  while (!bytes.empty() && !inflated.broken && inflated.bytes.size() < kInflatedBytesMax) {
    std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    std::string_view output;
    auto step = inflater.Next(piece, output);
    while (step == GzipInflater::Step::kOutput) {
      TALLYD_CHECK(!output.empty() && output.size() <= GzipInflater::kOutputBytes);
      inflated.bytes += output;
      step = inflater.Next(piece, output);
    }
    inflated.broken = step == GzipInflater::Step::kBroken;
  }
  inflated.complete = !inflated.broken && inflater.complete();
  if (inflated.bytes.size() >= kInflatedBytesMax) {
    // How far beyond, and so whether the end was seen, is a matter of the pieces.
    inflated.bytes.resize(kInflatedBytesMax);
    inflated.broken = inflated.complete = false;
  }
  return inflated;
}

std::string Gzip(const std::string& plain) {
  z_stream stream{};
  TALLYD_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(plain.size() + 128, '\0');
  std::string in = plain;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  TALLYD_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

// The first byte chooses how large pieces are.
std::vector<std::string> FuzzSeeds() {
  const std::string lines = "{\"voter\":\"a\",\"choices\":[\"x\"]}\r\n\n{\"voter\":\"b\"}\r\r\nend";
  const std::string bodies[] = {lines,
                                std::string(LineSplitter::kLineBytesMax, 'x') + "\n" + lines,
                                std::string(LineSplitter::kLineBytesMax + 1, 'y') + "\r\n" + lines,
                                Gzip(lines),
                                Gzip(lines) + Gzip("more\n"),
                                Gzip(std::string(70'000, 'z')),
                                Gzip(std::string(kInflatedBytesMax + 1, 'z')) + "no member"};
  std::vector<std::string> seeds;
  for (const char choice : {0, 6}) {
    for (const std::string& body : bodies) seeds.push_back(choice + body);
  }
  return seeds;
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0] % 16;
  if (!bytes.starts_with('\x1f')) {
    TALLYD_CHECK(CutLines(bytes, piece) == CutLines(bytes, size));
  } else {  // as gzip begins
    const Inflated inflated = Inflate(bytes, piece);
    TALLYD_CHECK(inflated == Inflate(bytes, size));
  }
  return 0;
}
